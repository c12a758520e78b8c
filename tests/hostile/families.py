"""The families of hostile cases. A case is drawn from a seed and its number alone, so that any one can be run again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from app.web.body import MAX_BODY
from tests.builders.bodies import VALID
from tests.hostile.bodies import SENT, conversion, rule_body
from tests.hostile.mutations import NUMBERS, SPLICES, STRINGS, dumped, restructured, spoiled
from tests.hostile.values import near_value

Reader = Literal["rules", "conversion"]


@dataclass(frozen=True, slots=True)
class Case:
    """A body and whoever reads it."""

    family: str
    reader: Reader
    text: bytes


def case(seed: int, number: int) -> Case:
    """Return one case. Large ones are rare: each takes as long as a hundred small ones."""
    random = Random(f"{seed}:{number}")
    family = random.choices(_NAMES, _WEIGHTS)[0]
    reader, text = FAMILIES[family][1](random)
    return Case(family, reader, text)


def _drawn(random: Random) -> tuple[Reader, Any]:
    if random.random() < 0.6:
        body = rule_body(random) if random.random() < 0.8 else json.loads(json.dumps(random.choice(VALID)))
        return "rules", body
    return "conversion", conversion(random)


def _sound_rules(random: Random) -> tuple[Reader, bytes]:
    return "rules", dumped(rule_body(random), random)


def _sound_conversion(random: Random) -> tuple[Reader, bytes]:
    return "conversion", dumped(conversion(random), random)


def _near_facts(random: Random) -> tuple[Reader, bytes]:
    return "conversion", dumped(conversion(random, is_near=True), random)


def _structure(random: Random) -> tuple[Reader, bytes]:
    reader, data = _drawn(random)
    return reader, dumped(restructured(data, random), random)


def _text(random: Random) -> tuple[Reader, bytes]:
    reader, data = _drawn(random)
    return reader, spoiled(dumped(data, random), random)


def _both(random: Random) -> tuple[Reader, bytes]:
    reader, data = _drawn(random)
    return reader, spoiled(dumped(restructured(data, random), random), random)


def _twin_keys(random: Random) -> tuple[Reader, bytes]:
    """Write one key of an object twice, the second time perhaps escaped."""
    reader, data = _drawn(random)
    text = dumped(data, random)
    key = random.choice(list(data))
    written = "".join(f"\\u{ord(letter):04x}" for letter in key) if random.random() < 0.5 else key
    at = text.rindex(b"}")
    return reader, text[:at] + f',"{written}": null'.encode() + text[at:]


def _soup(random: Random) -> tuple[Reader, bytes]:
    tokens = (*SPLICES, b'"kind"', b'"rules"', b'"a"', b"1", b"true", *STRINGS[:9], *NUMBERS[:16])
    text = b"".join(random.choices(tokens, k=random.randint(0, 30)))
    return random.choice(("rules", "conversion")), text


def _noise(random: Random) -> tuple[Reader, bytes]:
    return random.choice(("rules", "conversion")), random.randbytes(random.choice((0, 1, 2, 3, 4, 16, 200)))


def _deep(random: Random) -> tuple[Reader, bytes]:
    opened = random.choice((b"[", b'{"a":', b'{"not":', b'[{"all":', b'{"clamp":'))
    depth = random.choice((5, 6, 7, 126, 127, 128, 129, 990, 1_000, 20_000))
    closed = b"".join(b"}" if byte == ord("{") else b"]" for byte in reversed(opened) if byte in b"{[")
    inner = opened * depth + b"1" + closed * (depth if random.random() < 0.7 else random.randint(0, depth))
    shell = b'{"kind":"payout","on":"conversion","hit":"first","rules":[{"id":"a","when":%s,"then":%s}],"otherwise":%s}'
    whole = random.choice((inner, shell % (inner, inner, inner), b'{"id":"a","facts":{"items":%s}}' % inner))
    return random.choice(("rules", "conversion")), whole[:MAX_BODY]


def _huge_value(random: Random) -> tuple[Reader, bytes]:
    """Fill one place with about as much as a body may have."""
    reader, data = _drawn(random)
    text = dumped(data, random)
    unit = random.choice(_UNITS)
    left = max(1, (MAX_BODY - len(text) - 100) // len(unit) // random.choice((1, 1, 4, 30)))
    filled = (unit * left).rstrip(b",")
    around = (
        b"{%s}"
        if unit.startswith(b'"k')
        else b"%s"
        if unit[:1] in b"9 "
        else b'"%s"'
        if unit[:1] in b"x\\"
        else b"[%s]"
    )
    at = text.index(b":") + 1 if random.random() < 0.5 else text.rindex(b":") + 1
    end = min((found for found in (text.find(mark, at) for mark in (b",", b"}")) if found >= 0), default=len(text))
    return reader, text[:at] + around % filled + text[end:] + random.choice((b"", b"", b"]", b"{", b'"', b"\xff"))


_UNITS = (
    b"1,", b"0.0,", b'"",', b"[],", b"{},", b'{"":0},', b'{"fact":"sku","op":"exists"},', b'"\\u00e9",', b"null,", b"[[[]]],", b'{"a":1,"b":{"a":2}},', b"9", b" ",
    b"x", b"\\u00e9", b"\\\\", b'"US",', b'"1.5",', b"11111111111111111111,", b'"k":1,', b'{"flat":"1"},', b"{\"id\":\"r\",\"when\":{},\"then\":1},", b'["a"],',
)  # fmt: skip


def _wide(random: Random) -> tuple[Reader, bytes]:
    """Repeat what is sound, or nearly, as often as fits."""
    kind = random.randrange(6)
    if kind == 0:
        keys = {
            f"{random.choice(('k', 'kind', 'rules', 'x' * 40))}{n}": n
            for n in range(random.choice((100, 1_000, 3_000)))
        }
        return _within(random.choice(("rules", "conversion")), {**keys, "kind": "eligibility", "facts": keys})
    if kind == 1:
        facts = {f"{random.choice(SENT).name}{n}": 1 for n in range(random.choice((30, 1_000, 4_000)))}
        return _within("conversion", {**conversion(random), "facts": facts})
    if kind == 2:
        fact = random.choice([one for one in SENT if one.type in ("records", "text_list", "enum_list")])
        facts = {
            fact.name: [item for _ in range(random.choice((100, 300, 1_000, 1_001))) for item in _items(random, fact)]
        }
        return _within("conversion", {**conversion(random), "facts": facts})
    if kind == 3:
        members = [
            near_value(random, random.choice(SENT)) for _ in range(random.choice((200, 3_000, 6_000, 10_000, 10_001)))
        ]
        leaf = {"fact": random.choice(SENT).name, "op": random.choice(("in", "contains_any")), "value": members}
        return _within(
            "rules",
            {"kind": "eligibility", "rules": [{"id": "a", "when": leaf, "then": "accept"}], "otherwise": "accept"},
        )
    body = rule_body(random)
    while len(body.get("rules", [])) == 0:
        body = rule_body(random)
    rules = body["rules"] * 200
    if kind == 4:
        rules = [{**rule, "id": f"r{n}"} for n, rule in enumerate(rules)]
    return _within("rules", {**body, "rules": rules[: random.choice((50, 199, 200, 201, 400))]})


def _items(random: Random, fact: Any) -> list[Any]:
    drawn = near_value(random, fact)
    return drawn if isinstance(drawn, list) else [drawn]


def _within(reader: Reader, data: Any) -> tuple[Reader, bytes]:
    return reader, json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


FAMILIES: dict[str, tuple[float, Callable[[Random], tuple[Reader, bytes]]]] = {
    "sound rules": (8, _sound_rules),
    "sound conversion": (5, _sound_conversion),
    "facts at their limits": (15, _near_facts),
    "structure": (22, _structure),
    "text": (22, _text),
    "structure and text": (10, _both),
    "twin keys": (4, _twin_keys),
    "soup": (8, _soup),
    "noise": (4, _noise),
    "deep": (1, _deep),
    "huge value": (0.5, _huge_value),
    "wide": (0.4, _wide),
}
_NAMES = tuple(FAMILIES)
_WEIGHTS = tuple(weight for weight, _ in FAMILIES.values())
