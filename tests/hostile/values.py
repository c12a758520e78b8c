"""Draws single values: those a fact may have, those it may just not have, and those that no field has."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

from app.rulelang.facts import Fact

MARKS = "\u0323\u0301\u0345\u0327"
TEXTS = (
    "", "US", "CA", "a", "CD-4711", "music", "日本", "é", "e\u0301", "\u2028", "\ufeffx", "\x7f", "\x00", "a\nb", "🙂", "\U0010ffff",
    "\ufffe", "null", "true", "NaN", "1e5", "$", "id", "sid", "__proto__", "constructor", "' OR 1=1 --", "{{7*7}}", "%s%n", "\\", '"', "~/~1",
    "\u202eabc", "İ", "ß" * 40, "x" * 1024, "x" * 1025, "ﷺ" * 1024, "a" + MARKS * 8, "a" + MARKS * 255, "\u0958" * 600, "０１",
)  # fmt: skip
NUMBERS = (0, -0, 1, -1, 2, 12, 24, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**62 - 1, 2**62, 2**63 - 1, 2**63, 10**19 - 1, -(2**53), -(2**62), -(10**19) + 1)  # fmt: skip
DECIMALS = (
    "0", "1", "5", "0.01", "12.50", "100", "-1", "-0", "0.000000001", "0.000001", "0.0000001", "999999999999999999", "999999999999999999.999999999",
    "1234567890123456789", "4611686018427.387903", "4611686018427.387904", "-4611686018427.387904", "1e3", "1E+5", "+1", " 1", "1 ", "1_000", "1,5", ".5", "5.",
    "00", "007", "NaN", "Infinity", "-Infinity", "sNaN", "0x10", "١٢", "１", "1\n", "1\x00", "1e999999999", "9" * 400, "0." + "0" * 400 + "1",
)  # fmt: skip
DATES = (
    "1997-07-02", "2024-02-29", "2023-02-29", "0001-01-01", "0000-01-01", "9999-12-31", "1997-7-2", "19970702", "1997-W27-3", "1997-183", "1997-07-02T00:00:00Z",
    "-1997-07-02", "+1997-07-02", "1997-13-01", "1997-07-32", "１997-07-02",
)  # fmt: skip
INSTANTS = (
    "1997-07-02T10:00:00-04:00", "1997-07-02T10:00:00Z", "1997-07-02t10:00:00z", "1997-07-02T10:00:00.123456Z", "1997-07-02T10:00:00.1234567Z",
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "0002-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "9998-12-31T23:59:59.999999Z",
    "1997-07-02T10:00:00", "1997-07-02 10:00:00Z", "1997-07-02T24:00:00Z", "1997-06-30T23:59:60Z", "1997-07-02T10:00:00+24:00", "1997-07-02T10:00Z",
    "2024-03-10T02:30:00-05:00", "1997-07-02T10:00:00+00:60", "1997-07-02T10:00:00,5Z", "1997-07-02T10:00:00-00:00",
)  # fmt: skip
DURATIONS = (
    "PT90M", "P30D", "PT0S", "P1W", "P999999999W", "P999999999D", "P53375995D", "P53375996D", "PT999999999999999.999999S", "PT1.5M", "P1M", "P1Y", "P", "PT",
    "P1DT", "-PT1S", "PT1H1H", "P1WT1H", "pt1s", "PT" + "9" * 400 + "S", "PT0.0000001S", "P１D",
)  # fmt: skip
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, ["US"], ["US", "CA"], {"": ""}, ["a", 1], {"fact": "order_value"}, {"param": "p"}, {"list": "l"}, {"a": 1}, {"always": True})  # fmt: skip
_BY_TYPE: dict[str, tuple[Any, ...]] = {
    "text": TEXTS, "integer": (*NUMBERS, "1", "-5", "9" * 19, "9" * 20, str(2**62), str(2**62 - 1)), "decimal": (*DECIMALS, *NUMBERS), "boolean": (True, False, 0, 1, "true"),
    "date": DATES, "instant": INSTANTS, "duration": DURATIONS,
}  # fmt: skip
_GOOD: dict[str, tuple[Any, ...]] = {
    "text": TEXTS[:9], "integer": NUMBERS[:7], "decimal": (*DECIMALS[:6], *NUMBERS[:5]), "boolean": (True, False), "date": DATES[:2], "instant": INSTANTS[:4],
    "duration": DURATIONS[:4],
}  # fmt: skip


def any_value(random: Random) -> Any:
    """Return a value that fits somewhere, or nowhere."""
    return copy.copy(
        random.choice(random.choice((TEXTS, NUMBERS, DECIMALS, DATES, INSTANTS, DURATIONS, OTHERS, OTHERS)))
    )  # a list is changed later


def good_value(random: Random, fact: Fact) -> Any:
    """Return a value that the fact may have, as it is sent."""
    return _drawn(random, fact, lambda kind, one: random.choice(_GOOD.get(kind, one.values)), 3)


def near_value(random: Random, fact: Fact) -> Any:
    """Return a value of the fact's kind, often at a limit or just beyond it; now and then of another kind."""
    if random.random() < 0.05:
        return any_value(random)
    most = random.choice((0, 1, 3, 3, 3, 30, 1000, 1001)) if random.random() < 0.02 else 3
    return _drawn(random, fact, lambda kind, one: random.choice(_BY_TYPE.get(kind, (*one.values, "CTV", ""))), most)


def _drawn(random: Random, fact: Fact, one: Callable[[str, Fact], Any], most: int) -> Any:
    if fact.type == "records":
        fields = [field for field in fact.fields if field.required or random.random() < 0.7]
        return [{field.name: one(field.type, field) for field in fields} for _ in range(random.randint(0, most))]
    if fact.type in ("text_list", "enum_list"):
        return [one(fact.type.removesuffix("_list"), fact) for _ in range(random.randint(0, most))]
    return one(fact.type, fact)
