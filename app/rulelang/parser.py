"""JSON to rule bodies: eligibility, attribution and payout. Reports every defect; raises for none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from app.core.errors import pointer_of
from app.core.money import ZERO
from app.rulelang.ast import (
    KINDS,
    Always,
    Attribution,
    Body,
    Condition,
    Eligibility,
    EligibilityRule,
    Flat,
    Formula,
    Limit,
    Payout,
    PayoutRule,
    QualifyRule,
    Verdict,
)
from app.rulelang.conditions import described_keys, read_condition
from app.rulelang.diagnostics import Findings, described
from app.rulelang.formulas import read_formula
from app.rulelang.limits import read_limit
from app.rulelang.reader import Reader

MAX_RULES, MAX_LIMITS, MAX_NAME = 200, 20, 200
CLAIMS, HITS, COUNTERS = ("accept", "refuse"), ("first", "unique", "sum"), ("carry", "restart")
SUBJECTS = ("conversion", "delivery")
_UNREADABLE = Verdict("hold")
R = TypeVar("R", EligibilityRule, PayoutRule, QualifyRule)
T = TypeVar("T")


def parse_body(data: Any, findings: Findings, at: str = "") -> Body | None:
    """Return a rule body as written, values still raw, or None with findings.

    What cannot be read is noted and left out, so that the types of all the rest can be checked in the same go. With
    an error among the findings a body is good for nothing else.
    """
    if not isinstance(data, dict):
        findings.add("wrong_type", at, f"a rule body is an object; found {described(data)}")
        return None
    reader = Reader(findings)
    if "kind" not in data:
        findings.add("missing_key", at, "a rule body needs the key 'kind'", f"one of: {', '.join(KINDS)}")
        return None
    kind = reader.word(data["kind"], at + "/kind", KINDS)
    return None if kind is None else _BODIES[kind](reader, data, at)


def _eligibility(reader: Reader, data: dict[str, Any], at: str) -> Body | None:
    reader.object(data, at, ("kind", "rules", "otherwise"), what="an eligibility body")
    rules = _rules(reader, data.get("rules", []), at + "/rules", _eligibility_rule)
    otherwise = _verdict(reader, data["otherwise"], at + "/otherwise") if "otherwise" in data else None
    reader.must_explain(otherwise)
    return Eligibility(tuple(rules), otherwise or _UNREADABLE)


def _attribution(reader: Reader, data: dict[str, Any], at: str) -> Body | None:
    reader.object(data, at, ("kind", "claims"), ("qualify",), "an attribution body")
    qualify = _rules(reader, data.get("qualify", []), at + "/qualify", _qualify_rule)
    claims = reader.word(data["claims"], at + "/claims", CLAIMS) if "claims" in data else None
    reader.must_explain(claims)
    return Attribution(claims or "refuse", tuple(qualify))


def _payout(reader: Reader, data: dict[str, Any], at: str) -> Body | None:
    reader.object(
        data, at, ("kind", "on", "hit", "rules", "otherwise"), ("bonuses", "limits", "counters"), "a payout body"
    )
    on = reader.word(data["on"], at + "/on", SUBJECTS) if "on" in data else None
    hit = reader.word(data["hit"], at + "/hit", HITS) if "hit" in data else None
    rules = _rules(reader, data.get("rules", []), at + "/rules", _payout_rule)
    taken = frozenset(rule.id for rule in rules)
    bonuses = _rules(reader, data.get("bonuses", []), at + "/bonuses", _payout_rule, taken)
    limits = _limits(reader, data.get("limits", []), at + "/limits")
    otherwise = _otherwise(reader, data["otherwise"], at + "/otherwise") if "otherwise" in data else None
    counters = reader.word(data["counters"], at + "/counters", COUNTERS) if "counters" in data else None
    reader.must_explain(on, hit, otherwise)
    end = otherwise or _UNREADABLE
    return Payout(hit or "first", tuple(rules), end, tuple(bonuses), tuple(limits), on or "conversion", counters)


def _rules(
    reader: Reader,
    data: Any,
    at: str,
    read: Callable[[Reader, Any, str], R | None],
    taken: frozenset[str] = frozenset(),
) -> list[R]:
    """Read rules whose ids are none of those that are taken. Lines are named by these ids."""
    rules = reader.items(
        data, at, lambda member, place: read(reader, member, place), most=MAX_RULES, code="too_many_rules"
    )
    _refuse_twins(reader, rules, {*taken, "otherwise"})
    return rules


def _limits(reader: Reader, data: Any, at: str) -> list[Limit]:
    limits = reader.items(
        data, at, lambda member, place: read_limit(reader, member, place), most=MAX_LIMITS, code="too_many_members"
    )
    _refuse_twins(reader, limits, set())
    return limits


def _refuse_twins(
    reader: Reader, members: Sequence[EligibilityRule | PayoutRule | QualifyRule | Limit], seen: set[str]
) -> None:
    for member in members:
        if member.id in seen and member.id:
            why = "stands for no rule matching" if member.id == "otherwise" else "is taken by another one"
            message = f"the id {member.id!r} {why}"
            reader.findings.add("duplicate_id", member.pointer + "/id", message, "choose another id")
        seen.add(member.id)


def _eligibility_rule(reader: Reader, data: Any, at: str) -> EligibilityRule | None:
    parts = _rule(reader, data, at, _verdict)
    if parts is None:
        return None
    identifier, name, when, then = parts
    return EligibilityRule(identifier, name, when, then or _UNREADABLE, at)


def _payout_rule(reader: Reader, data: Any, at: str) -> PayoutRule | None:
    parts: tuple[str, str, Condition, Formula | None] | None = _rule(reader, data, at, _formula)
    if parts is None:
        return None
    identifier, name, when, then = parts
    return PayoutRule(identifier, name, when, then or Flat(ZERO), at)


def _qualify_rule(reader: Reader, data: Any, at: str) -> QualifyRule | None:
    """Read which touches count: a rule without a consequence."""
    reader.object(data, at, ("id", "when"), ("name",), "a rule")
    if not isinstance(data, dict):
        return None
    identifier, when = _id_and_when(reader, data, at)
    return QualifyRule(identifier, _name(reader, data, at), when, at)


def _rule(
    reader: Reader, data: Any, at: str, read_then: Callable[[Reader, Any, str], T | None]
) -> tuple[str, str, Condition, T | None] | None:
    """Read what all rules have: an id, a name, a condition, and what follows from it."""
    reader.object(data, at, ("id", "when", "then"), ("name",), "a rule")
    if not isinstance(data, dict):
        return None
    identifier, when = _id_and_when(reader, data, at)
    then = read_then(reader, data["then"], at + "/then") if "then" in data else None
    reader.must_explain(then)
    return identifier, _name(reader, data, at), when, then


def _id_and_when(reader: Reader, data: dict[str, Any], at: str) -> tuple[str, Condition]:
    identifier = reader.identifier(data["id"], at + "/id") if "id" in data else None
    when = read_condition(reader, data["when"], at + "/when") if "when" in data else None
    reader.must_explain(identifier, when)
    return identifier or "", when or Always()


def _formula(reader: Reader, data: Any, at: str) -> Formula | None:
    return read_formula(reader, data, at)


def _name(reader: Reader, rule: dict[str, Any], at: str) -> str:
    name = rule.get("name", "")
    if not isinstance(name, str) or len(name) > MAX_NAME or not name.isprintable():
        message = f"a name is one line of at most {MAX_NAME} printable characters; found {described(name)}"
        reader.findings.add("bad_identifier", at + "/name", message)
        return ""
    return name


def _verdict(reader: Reader, data: Any, at: str) -> Verdict | None:
    if data == "accept":
        return Verdict("accept")
    if isinstance(data, dict) and ("reject" in data) is not ("hold" in data):
        action: Literal["reject", "hold"] = "reject" if "reject" in data else "hold"
        reader.object(data, at, (action,), what="a verdict")
        found = reader.code(data[action], at + pointer_of(action))
        return None if found is None else Verdict(action, found)
    found = described_keys(data) if isinstance(data, dict) else described(data)
    hint = f'with a reason: {{"{data}": "CODE"}}' if data in ("reject", "hold") else 'for example {"reject": "TOO_LOW"}'
    reader.findings.add(
        "unknown_choice", at, f'expected "accept", {{"reject": CODE}} or {{"hold": CODE}}; found {found}', hint
    )
    return None


def _otherwise(reader: Reader, data: Any, at: str) -> Formula | Verdict | None:
    if isinstance(data, dict) and "hold" in data:
        reader.object(data, at, ("hold",), what="hold")
        code = reader.code(data["hold"], at + "/hold")
        return None if code is None else Verdict("hold", code)
    return read_formula(reader, data, at)


_BODIES: dict[str, Callable[[Reader, dict[str, Any], str], Body | None]] = {
    "eligibility": _eligibility,
    "attribution": _attribution,
    "payout": _payout,
}
