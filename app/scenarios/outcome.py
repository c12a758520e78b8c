"""What a scenario came to, and how it differs from what was expected. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.money import total
from app.core.rounding import shown


@dataclass(slots=True)
class Outcome:
    """The decisions, statements and quotes of a scenario, and the differences from its `expect`."""

    scenario: str
    path: str
    # What time it is at the end of the story.
    ends_at: datetime
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Decisions on deliveries by contract/day.
    deliveries: dict[str, dict[str, Any]] = field(default_factory=dict)
    statements: dict[str, dict[str, Any]] = field(default_factory=dict)
    # What was booked by month of the books and currency, by account.
    accounts: dict[str, dict[str, str]] = field(default_factory=dict)
    quotes: dict[str, dict[str, Any]] = field(default_factory=dict)
    # What has become of the contracts by the end: versions, contracts and renewals by id.
    lives: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    diff: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.diff

    def as_dict(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario,
            "ok": self.ok,
            "diff": self.diff,
            "decisions": self.decisions,
            **({"deliveries": self.deliveries} if self.deliveries else {}),
            "statements": self.statements,
            "quotes": self.quotes,
            **self.lives,
        }


def decisions_summary(
    records: Iterable[tuple[str, str | None, Mapping[str, Any]]], named: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return decisions by conversion, those on one conversion as one; and by `conversion/contract` (or partner, where
    there is no contract) where they are several or are named so."""
    by_conversion: dict[str, list[tuple[str | None, dict[str, Any]]]] = {}
    for conversion, partner, record in records:
        by_conversion.setdefault(conversion, []).append((partner, decision_summary(record)))
    found: dict[str, dict[str, Any]] = {}
    for conversion, decisions in by_conversion.items():
        decisions.sort(key=lambda each: (each[1]["outcome"] != "rated", each[1]["contract"] is None, each[0] or ""))
        found[conversion] = _together([summary for _, summary in decisions])
        for partner, summary in decisions:
            name = f"{conversion}/{summary['contract'] or partner}"
            if len(decisions) > 1 or name in named:
                found[name] = summary
    return found


def _together(decisions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the decisions on one conversion as one: what leads, with the lines, credit and amount of all."""
    together = dict(decisions[0])
    if len(decisions) > 1:
        for key in ("rules", "reasons", "credit", "lines"):
            together[key] = [each for decision in decisions for each in decision[key]]
        if len({decision["currency"] for decision in decisions}) == 1:
            amount = total(Decimal(decision["amount"]) for decision in decisions)
            together["amount"] = shown(amount, together["currency"])
    return together


def decision_summary(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a decision that scenarios speak of."""
    return {
        "outcome": record["outcome"],
        "amount": record["amount"],
        "currency": record["currency"],
        "fx": record.get("fx"),
        "contract": record["contract"],
        "contract_version": record["contract_version"],
        "rule_versions": {kind: version["number"] for kind, version in record["rule_versions"].items()},
        "rules": [line["rule"] for line in record["lines"]],
        "reasons": [reason["code"] for reason in record["reasons"]],
        "credit": record["credit"],
        "lines": record["lines"],
    }


def day_summary(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a decision on deliveries that scenarios speak of."""
    return {
        "outcome": record["outcome"],
        "amount": record["amount"],
        "currency": record["currency"],
        "contract_version": record["contract_version"],
        "rule_versions": {kind: version["number"] for kind, version in record["rule_versions"].items()},
        "rules": [line["rule"] for line in record["lines"]],
        "reasons": [reason["code"] for reason in record["reasons"]],
        "lines": record["lines"],
        "placements": {placed["placement"]: placed for placed in record["placements"]},
    }


def differences(expected: Mapping[str, Mapping[str, Any]], found: Mapping[str, Any], what: str) -> list[str]:
    """Return one line for each named value that is not as expected; what is not named is not compared."""
    lines = []
    for name, wanted in expected.items():
        if name not in found:
            known = ", ".join(list(found)[:5]) or "none"
            lines.append(f"{what} {name}: expected, but there is none (found: {known})")
            continue
        for key, value in wanted.items():
            actual = _comparable(value, found[name].get(key))
            if actual != value:
                lines.append(f"{what} {name}: {key} expected {_text(value)}, found {_text(actual)}")
    return lines


def _comparable(expected: Any, actual: Any) -> Any:
    """Return the actual value in the shape the scenario speaks in: a list may be expected by its length, and of
    objects in it only the keys that are named."""
    if isinstance(actual, list) and isinstance(expected, int):
        return len(actual)
    if isinstance(actual, list) and isinstance(expected, list) and len(actual) == len(expected):
        return [_comparable(wanted, one) for wanted, one in zip(expected, actual, strict=True)]
    if isinstance(actual, dict) and isinstance(expected, dict):
        return {key: _comparable(wanted, actual.get(key)) for key, wanted in expected.items()}
    return actual


def _text(value: Any) -> str:
    return "nothing" if value is None else repr(value) if not isinstance(value, str) else f'"{value}"'
