"""Reading a scenario file: its shape, its words, the line of every mistake. Running it is `run_scenario.py`'s. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.adapters.yaml_files import Document
from app.billing.accounts import ACCOUNTS
from app.core.errors import Finding, pointer_of
from app.core.instants import parse_date, parse_instant
from app.core.json_text import JsonFloat
from app.engine.attribution.program_model import read_model
from app.rulelang.diagnostics import Findings, described, did_you_mean
from app.rulelang.reader import Reader
from app.scenarios.errors import ScenarioMalformed

Check = Callable[[Reader, Any, str], Any]
DIRECTIONS, ROUNDINGS = ("payable", "receivable"), ("half_away", "half_even")
MAX_NAME = 128
ATTRIBUTES = ("value", "ends_on", "renewal", "settlement", "delivery", "reason")
VERSION = (("effective_from",), ("recorded_at", "termination", "rules", "base", "backdated", "params", *ATTRIBUTES))
RATE = (("from", "to", "day", "rate", "source"), ("reason",))
LOOKED = ("outcome", "amount", "reasons", "state", "held_until", "locks_at", "as_of")
VERBS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "convert": (("id", "event_at", "facts"), ("program", "received_at", "partner", "touches")),
    "convert_file": (("path",), ()),
    "deliver": (("contract", "delivered_on", "placement", "source", "facts"), ("revision",)),
    "deliver_file": (("path",), ()),
    "adjust_delivery": (
        ("id", "contract", "kind", "delivered_on", "repairs_on", "reason"),
        ("placement", "impressions", "cpm", "amount"),
    ),
    "amend": (("contract", *VERSION[0]), VERSION[1]),
    "promote": (("contract", "effective_from", "until"), ("backdated", "rules", "params", "reason")),
    "renew": (("contract",), ("months", "uplift", "rules", "params", "backdated", "reason")),
    "reinstate": (("contract", "effective_from"), ("base", "backdated", "rules", "params", *ATTRIBUTES)),
    "retire": (("contract", "version", "reason"), ()),
    "policy": (("policy",), ("reason",)),
    "publish_list": (("id", "members"), ()),
    "set_model": (("effective_from", "attribution"), ("program", "backdated", "reason")),
    "reverse": (("conversion",), ("id", "program", "reversed_at", "reason", "full", "amount", "currency", "items")),
    "correct": (("conversion", "facts"), ("program", "reason", "refused")),
    "look": (("conversion",), ("program", "contract", *LOOKED)),
    "bill": (("period",), ("contract", "program")),
    "close": (("period",), ("program",)),
    "quote": (("id", "formula", "facts"), ("before", "currency")),
    "rate": (RATE[0], RATE[1]),
}
EXPECTED = {
    "decisions": (
        "outcome",
        "amount",
        "currency",
        "fx",
        "contract",
        "contract_version",
        "rules",
        "rule_versions",
        "reasons",
        "credit",
        "lines",
        "state",
        "held_until",
        "locks_at",
    ),
    "statements": (
        "total",
        "lines",
        "line_count",
        "currency",
        "brought_forward",
        "to_pay",
        "carried_forward",
        "balance",
    ),
    "deliveries": (
        "outcome",
        "amount",
        "currency",
        "contract_version",
        "rules",
        "rule_versions",
        "reasons",
        "lines",
        "placements",
    ),
    "accounts": ACCOUNTS,
    "versions": ("kind", "status", "state", "effective_from", "in_force_from", "base", "ends_on", "approvals_needed"),
    "contracts": ("status", "gaps"),
    "renewals": ("ends_on", "notice_on", "mode"),
    "quotes": ("amount", "amount_precise", "error"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: its verb, what with, and where it stands."""

    verb: str
    given: Any
    pointer: str


@dataclass(frozen=True, slots=True)
class Story:
    """A scenario that can be run."""

    document: Document
    name: str
    clock: datetime
    program: dict[str, Any] | None
    lists: dict[str, dict[str, Any]]
    contracts: list[dict[str, Any]]
    steps: list[Step]
    expect: dict[str, dict[str, Any]]
    # Further programs: contracts and conversions name the one they belong to.
    programs: list[dict[str, Any]] = field(default_factory=list)
    # Exchange rates that are recorded before the story begins.
    rates: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, pointer: str, findings: list[Finding] | None, message: str) -> ScenarioMalformed:
        """Return the refusal of a part of this story, with the line of each finding in it."""
        return malformed(
            self.document, [finding.at(pointer) for finding in findings or []] or [Finding("", message, pointer)]
        )


def malformed(document: Document, findings: list[Finding]) -> ScenarioMalformed:
    """Return the refusal of a file: one line of text for each finding, with file, line and key."""
    return ScenarioMalformed(document.located(findings), findings)


def read_story(document: Document) -> Story:
    """Return the story of a file. Raises ScenarioMalformed with everything that is wrong."""
    findings = Findings()
    reader = Reader(findings)
    data = reader.object(
        document.data,
        "",
        ("scenario", "clock"),
        ("program", "programs", "lists", "rates", "contracts", "steps", "expect"),
        "a scenario",
    )
    if data is None:
        raise malformed(document, findings.all)
    clock = _instant(reader, data["clock"], "/clock")
    if not isinstance(data["scenario"], str) or not data["scenario"].strip():
        findings.add("wrong_type", "/scenario", f"scenario is a sentence; found {described(data['scenario'])}")
    program = _program(reader, data.get("program"), "/program")
    programs = reader.items(
        _or(data.get("programs"), []),
        "/programs",
        lambda p, at: _program(reader, p, at),
        most=1000,
        code="too_many_members",
    )
    lists = _lists(reader, _or(data.get("lists"), {}))
    rates = reader.items(
        _or(data.get("rates"), []), "/rates", lambda r, at: _rate(reader, r, at), most=10_000, code="too_many_members"
    )
    contracts = reader.items(
        _or(data.get("contracts"), []),
        "/contracts",
        lambda c, at: _contract(reader, c, at),
        most=1000,
        code="too_many_members",
    )
    steps = reader.items(
        _or(data.get("steps"), []), "/steps", lambda s, at: _step(reader, s, at), most=100_000, code="too_many_members"
    )
    expect = _expect(reader, _or(data.get("expect"), {}))
    if findings.errors or clock is None:
        raise malformed(document, findings.errors)
    return Story(document, data["scenario"], clock, program, lists, contracts, steps, expect, programs, rates)


def _or(data: Any, empty: Any) -> Any:
    """Return a part, or the empty one for a key that stands there with nothing behind it."""
    return empty if data is None else data


def _instant(reader: Reader, data: Any, at: str) -> datetime | None:
    instant = parse_instant(data) if isinstance(data, str) else None
    if instant is None:
        message = f"expected an instant with an offset; found {described(data)}"
        reader.findings.add("wrong_type", at, message, 'such as "1997-08-05T09:00:00Z"')
    return instant


def _text(reader: Reader, data: Any, at: str) -> None:
    if not isinstance(data, str) or not data.strip():
        reader.findings.add("wrong_type", at, f"expected text; found {described(data)}")


def _program(reader: Reader, data: Any, at: str) -> dict[str, Any] | None:
    if data is None:
        return None
    program = reader.object(data, at, ("id", "currency", "timezone"), ("name", "attribution", "facts"), "a program")
    if program is None:
        return None
    reader.identifier(program["id"], at + "/id")
    _each(program, at, {"currency": _text, "timezone": _text, "name": _text}, reader)
    if "facts" in program and not isinstance(program["facts"], dict):
        message = f"expected an object of facts by name; found {described(program['facts'])}"
        reader.findings.add("wrong_type", at + "/facts", message)
    if "attribution" in program:
        _attribution(reader, program["attribution"], at + "/attribution")
    return program


def _attribution(reader: Reader, data: Any, at: str) -> None:
    """Look at an attribution model by itself; the zone of its dates does not matter to whether it can be read."""
    for finding in read_model(data)[1]:
        reader.findings.note(finding.at(at))


def _lists(reader: Reader, data: Any) -> dict[str, dict[str, Any]]:
    """Check the lists that exist before the story begins: `{name: {type, members}}`."""
    if not isinstance(data, dict):
        reader.findings.add("wrong_type", "/lists", f"expected an object of lists by name; found {described(data)}")
        return {}
    for name, given in data.items():
        reader.object(given, "/lists" + pointer_of(name), ("type", "members"), (), "a list")
    return data


def _rate(reader: Reader, data: Any, at: str) -> dict[str, Any] | None:
    rate = reader.object(data, at, *RATE, "a rate")
    if rate is not None:
        _each(rate, at, RATES, reader)
    return rate


def _contract(reader: Reader, data: Any, at: str) -> dict[str, Any] | None:
    contract = reader.object(
        data,
        at,
        ("id", "partner", "versions"),
        ("program", "direction", "currency", "timezone", "rounding"),
        "a contract",
    )
    if contract is None:
        return None
    reader.identifier(contract["id"], at + "/id")
    reader.identifier(contract["partner"], at + "/partner")
    _each(contract, at, {"program": _identifier, "currency": _text, "timezone": _text}, reader)
    for key, words in (("direction", DIRECTIONS), ("rounding", ROUNDINGS)):
        if key in contract:
            reader.word(contract[key], at + pointer_of(key), words)
    reader.items(
        contract["versions"],
        at + "/versions",
        lambda version, where: _version(reader, version, where),
        most=1000,
        code="too_many_members",
    )
    return contract


def _version(reader: Reader, data: Any, at: str) -> dict[str, Any] | None:
    version = reader.object(data, at, VERSION[0], VERSION[1], "a version")
    if version is not None:
        _each(version, at, TERMS, reader)
    return version


def _flag(reader: Reader, data: Any, at: str) -> None:
    reader.flag(data, at)


def _identifier(reader: Reader, data: Any, at: str) -> None:
    reader.identifier(data, at)


def _backdated(reader: Reader, data: Any, at: str) -> None:
    reader.word(data, at, ("restate", "prospective"))


def _day(reader: Reader, data: Any, at: str) -> None:
    if not isinstance(data, str) or parse_date(data) is None:
        reader.findings.add("wrong_type", at, f"expected a day; found {described(data)}", 'such as "1999-03-03"')


def _decimal(reader: Reader, data: Any, at: str) -> None:
    reader.decimal(data, at, what="a rate")


def _number(reader: Reader, data: Any, at: str) -> None:
    if type(data) is not int or data < 1:
        message = f"expected the number of a version, a whole number from 1 on; found {described(data)}"
        reader.findings.add("wrong_type", at, message)


def _params(reader: Reader, data: Any, at: str) -> None:
    if not isinstance(data, dict):
        reader.findings.add("wrong_type", at, f"expected an object of parameters by name; found {described(data)}")


def _rules(reader: Reader, data: Any, at: str) -> None:
    if not isinstance(data, dict):
        reader.findings.add("wrong_type", at, f"expected an object of rules by kind; found {described(data)}")


def _name(reader: Reader, data: Any, at: str) -> None:
    if not isinstance(data, str) or not 0 < len(data) <= MAX_NAME or not data.isprintable():
        message = f"an id is a string of 1 to {MAX_NAME} printable characters; found {described(data)}"
        reader.findings.add("bad_identifier", at, message)


def _each(data: dict[str, Any], at: str, readers: Mapping[str, Check], reader: Reader) -> None:
    """Check the parts that are there, each in its way."""
    for key, check in readers.items():
        if key in data:
            check(reader, data[key], at + pointer_of(key))


RATES: dict[str, Check] = {"from": _text, "to": _text, "day": _day, "rate": _decimal, "source": _text, "reason": _text}
TERMS: dict[str, Check] = {
    "effective_from": _text,
    "recorded_at": _instant,
    "termination": _flag,
    "rules": _rules,
    "base": _number,
    "backdated": _backdated,
    "params": _params,
    "reason": _text,
}
TIME = {"effective_from": _text, "until": _text, "backdated": _backdated, "rules": _rules, "params": _params}
# What else than its keys is looked at here; the parts of a conversion and of a quote are their operations' to judge.
GIVEN: dict[str, dict[str, Check]] = {
    "convert_file": {"path": _text},
    "deliver_file": {"path": _text},
    "adjust_delivery": {"contract": _identifier, "id": _identifier},
    "amend": {"contract": _identifier, **TERMS},
    "promote": {"contract": _identifier, **TIME},
    "renew": {"contract": _identifier, **TIME},
    "reinstate": {"contract": _identifier, "base": _number, **TIME},
    "retire": {"contract": _identifier, "version": _number, "reason": _text},
    "reverse": {"conversion": _name},
    "correct": {"conversion": _name, "refused": _text},
    "look": {"conversion": _name, "as_of": _instant},
    "bill": {"contract": _identifier, "program": _identifier, "period": _text},
    "close": {"program": _identifier, "period": _text},
    "publish_list": {"id": _identifier},
    "set_model": {
        "effective_from": _text,
        "attribution": _attribution,
        "program": _identifier,
        "backdated": _backdated,
    },
    "quote": {"id": _name},
    "rate": RATES,
}


def _step(reader: Reader, data: Any, at: str) -> Step | None:
    verbs = (*VERBS, "clock")
    if not isinstance(data, dict) or len(data) != 1 or next(iter(data)) not in verbs:
        word = next(iter(data), "") if isinstance(data, dict) else ""
        found = f"the keys {', '.join(map(repr, data))}" if isinstance(data, dict) else described(data)
        message = f"a step has one verb of {', '.join(verbs)}; found {found}"
        where = at + pointer_of(word) if word else at
        reader.findings.add("unknown_key", where, message, did_you_mean(str(word), verbs))
        return None
    verb, given = next(iter(data.items()))
    where = at + pointer_of(verb)
    if verb == "clock":
        _instant(reader, given, where)
    elif reader.object(given, where, *VERBS[verb], f"{verb}") is None:
        return None
    else:
        _each(given, where, GIVEN.get(verb, {}), reader)
    return Step(verb, given, where)


def _expect(reader: Reader, data: Any) -> dict[str, dict[str, Any]]:
    expect = reader.object(data, "/expect", (), tuple(EXPECTED), "expect")
    if expect is None:
        return {}
    for part, keys in EXPECTED.items():
        at = "/expect" + pointer_of(part)
        named = _or(expect.get(part), {})
        if not isinstance(named, dict):
            reader.findings.add("wrong_type", at, f"expected an object by id; found {described(named)}")
            continue
        for name, wanted in named.items():
            reader.object(wanted, at + pointer_of(name), (), keys, f"what is expected of {name}")
            _refuse_floats(reader, wanted, at + pointer_of(name))
    return {part: expect.get(part) or {} for part in EXPECTED}


def _refuse_floats(reader: Reader, data: Any, at: str) -> None:
    """Refuse numbers with a point, which no answer holds: what is expected of it could never come true."""
    if isinstance(data, JsonFloat):
        reader.decimal(data, at, what="what is expected")
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, part in parts:
        _refuse_floats(reader, part, at + pointer_of(key))
