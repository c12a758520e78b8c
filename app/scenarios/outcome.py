"""What a scenario came to, and how it differs from what was expected. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Outcome:
    """The decisions, statements and quotes of a scenario, and the differences from its `expect`."""

    scenario: str
    path: str
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    statements: dict[str, dict[str, Any]] = field(default_factory=dict)
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
            "statements": self.statements,
            "quotes": self.quotes,
            **self.lives,
        }


def decision_summary(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a decision that scenarios speak of."""
    return {
        "outcome": record["outcome"],
        "amount": record["amount"],
        "currency": record["currency"],
        "contract": record["contract"],
        "contract_version": record["contract_version"],
        "rule_versions": {kind: version["number"] for kind, version in record["rule_versions"].items()},
        "rules": [line["rule"] for line in record["lines"]],
        "reasons": [reason["code"] for reason in record["reasons"]],
        "credit": record["credit"],
        "lines": record["lines"],
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
        return {key: actual.get(key) for key in expected}
    return actual


def _text(value: Any) -> str:
    return "nothing" if value is None else repr(value) if not isinstance(value, str) else f'"{value}"'
