"""JSON to rule bodies: eligibility, attribution and payout. Reports every defect; raises for none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.core.errors import pointer_of
from app.rulelang.ast import (
    KINDS,
    Attribution,
    Body,
    Condition,
    Eligibility,
    EligibilityRule,
    Formula,
    Limit,
    Payout,
    PayoutRule,
    Verdict,
)
from app.rulelang.conditions import read_condition
from app.rulelang.diagnostics import Findings, described
from app.rulelang.formulas import WINDOWS, read_formula
from app.rulelang.reader import Reader

MAX_RULES, MAX_LIMITS, MAX_NAME = 200, 20, 200
R = TypeVar("R", EligibilityRule, PayoutRule)
T = TypeVar("T")


def parse_body(data: Any, findings: Findings, at: str = "") -> Body | None:
    """Return a rule body as written, values still raw, or None with findings."""
    if not isinstance(data, dict):
        findings.add("wrong_type", at, f"a rule body is an object; found {described(data)}")
        return None
    reader = Reader(findings)
    kind = reader.word(data.get("kind"), at + "/kind", KINDS)
    return None if kind is None else _BODIES[kind](reader, data, at)


def _eligibility(reader: Reader, data: dict[str, Any], at: str) -> Body | None:
    body = reader.object(data, at, ("kind", "rules", "otherwise"), what="an eligibility body")
    if body is None:
        return None
    rules = _rules(reader, body["rules"], at + "/rules", _eligibility_rule)
    otherwise = _verdict(reader, body["otherwise"], at + "/otherwise")
    return None if otherwise is None else Eligibility(tuple(rules), otherwise)


def _attribution(reader: Reader, data: dict[str, Any], at: str) -> Body | None:
    body = reader.object(data, at, ("kind", "claims"), ("qualify",), "an attribution body")
    if body is None:
        return None
    qualify = body.get("qualify", [])
    if not isinstance(qualify, list):
        reader.findings.add("wrong_type", at + "/qualify", f"expected a list, found {described(qualify)}")
    elif qualify:
        reader.findings.add(
            "not_available",
            at + "/qualify",
            "touches are not attributed by this release yet",
            'leave qualify empty and decide by "claims"',
        )
    claims = reader.word(body["claims"], at + "/claims", ("accept", "refuse"))
    return None if claims is None else Attribution(claims)


def _payout(reader: Reader, data: dict[str, Any], at: str) -> Body | None:
    body = reader.object(data, at, ("kind", "on", "hit", "rules", "otherwise"), ("bonuses", "limits"), "a payout body")
    if body is None:
        return None
    on = reader.word(body["on"], at + "/on", ("conversion", "delivery"))
    if on == "delivery":
        reader.findings.add("not_available", at + "/on", "payouts on deliveries are not run by this release yet")
    hit = reader.word(body["hit"], at + "/hit", ("first", "unique", "sum"))
    rules = _rules(reader, body["rules"], at + "/rules", _payout_rule)
    bonuses = _rules(reader, body.get("bonuses", []), at + "/bonuses", _payout_rule)
    limits = reader.items(
        body.get("limits", []),
        at + "/limits",
        lambda member, place: _limit(reader, member, place),
        most=MAX_LIMITS,
        code="too_many_members",
    )
    _refuse_twins(reader, "bonuses", [rule.id for rule in (*rules, *bonuses)], at)
    _refuse_twins(reader, "limits", [limit.id for limit in limits], at)
    otherwise = _otherwise(reader, body["otherwise"], at + "/otherwise")
    if hit is None or otherwise is None:
        return None
    return Payout(hit, tuple(rules), otherwise, tuple(bonuses), tuple(limits))


def _rules(reader: Reader, data: Any, at: str, read: Callable[[Reader, Any, str], R | None]) -> list[R]:
    rules = reader.items(
        data, at, lambda member, place: read(reader, member, place), most=MAX_RULES, code="too_many_rules"
    )
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.id in seen or rule.id == "otherwise":
            why = "stands for no rule matching" if rule.id == "otherwise" else "is the id of two rules"
            reader.findings.add("duplicate_id", at + pointer_of(index, "id"), f"{rule.id!r} {why}")
        seen.add(rule.id)
    return rules


def _refuse_twins(reader: Reader, where: str, ids: list[str], at: str) -> None:
    twins = sorted({identifier for identifier in ids if ids.count(identifier) > 1})
    for twin in twins:
        reader.findings.add("duplicate_id", at + pointer_of(where), f"{twin!r} is the id of two of them")


def _eligibility_rule(reader: Reader, data: Any, at: str) -> EligibilityRule | None:
    parts = _rule(reader, data, at, _verdict)
    return None if parts is None else EligibilityRule(*parts)


def _payout_rule(reader: Reader, data: Any, at: str) -> PayoutRule | None:
    parts: tuple[str, str, Condition, Formula] | None = _rule(reader, data, at, _formula)
    return None if parts is None else PayoutRule(*parts)


def _rule(
    reader: Reader, data: Any, at: str, read_then: Callable[[Reader, Any, str], T | None]
) -> tuple[str, str, Condition, T] | None:
    """Read what all rules have: an id, a name, a condition, and what follows from it."""
    rule = reader.object(data, at, ("id", "when", "then"), ("name",), "a rule")
    if rule is None:
        return None
    identifier, name = reader.identifier(rule["id"], at + "/id"), _name(reader, rule, at)
    when = read_condition(reader, rule["when"], at + "/when")
    then = read_then(reader, rule["then"], at + "/then")
    if identifier is None or when is None or then is None:
        return None
    return identifier, name, when, then


def _formula(reader: Reader, data: Any, at: str) -> Formula | None:
    return read_formula(reader, data, at)


def _name(reader: Reader, rule: dict[str, Any], at: str) -> str:
    name = rule.get("name", "")
    if not isinstance(name, str) or len(name) > MAX_NAME:
        reader.findings.add("bad_identifier", at + "/name", f"a name is a string of at most {MAX_NAME} characters")
        return ""
    return name


def _verdict(reader: Reader, data: Any, at: str) -> Verdict | None:
    if data == "accept":
        return Verdict("accept")
    if isinstance(data, dict) and len(data) == 1 and next(iter(data)) in ("reject", "hold"):
        action, code = next(iter(data.items()))
        found = reader.code(code, at + pointer_of(action))
        return None if found is None else Verdict(action, found)
    reader.findings.add(
        "unknown_choice",
        at,
        f'expected "accept", {{"reject": CODE}} or {{"hold": CODE}}; found {described(data)}',
    )
    return None


def _otherwise(reader: Reader, data: Any, at: str) -> Formula | Verdict | None:
    if isinstance(data, dict) and "hold" in data:
        reader.object(data, at, ("hold",), what="hold")
        code = reader.code(data["hold"], at + "/hold")
        return None if code is None else Verdict("hold", code)
    return read_formula(reader, data, at)


def _limit(reader: Reader, data: Any, at: str) -> Limit | None:
    limit = reader.object(data, at, ("id", "measure", "per", "window", "max", "over"), what="a limit")
    if limit is None:
        return None
    identifier = reader.identifier(limit["id"], at + "/id")
    measure = reader.word(limit["measure"], at + "/measure", ("amount", "count"))
    window = reader.word(limit["window"], at + "/window", WINDOWS)
    most = reader.decimal(limit["max"], at + "/max", what="the maximum of a limit")
    for key, found, run in (
        ("measure", measure, "amount"),
        ("window", window, "month"),
        ("per", limit["per"], "contract"),
        ("over", limit["over"], "partial"),
    ):
        if found is not None and found != run:
            message = f"this release runs limits with {key} {run!r} only; found {described(found)}"
            reader.findings.add("not_available", at + pointer_of(key), message)
    if identifier is None or measure is None or window is None or most is None:
        return None
    if most < 0:
        reader.findings.add("bad_decimal", at + "/max", f"a maximum is not negative; found {most}")
        return None
    return Limit(identifier, measure, "contract", window, most, "partial")


_BODIES: dict[str, Callable[[Reader, dict[str, Any], str], Body | None]] = {
    "eligibility": _eligibility,
    "attribution": _attribution,
    "payout": _payout,
}
