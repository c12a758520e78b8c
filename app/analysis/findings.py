"""What the analysis can find, and how a finding shows itself: a witness that the reference evaluator confirms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from app.analysis.example import Example
from app.core.errors import Finding
from app.core.money import canonical

CODES: dict[str, str] = {
    "never_true": "A condition that no conversion meets.",
    "shadowed": "A rule that never decides: others take, or outrank, every conversion that meets it.",
    "overlap": "Two rules of a payout with hit unique that one conversion meets: it would be held.",
    "gap": "A conversion that no rule meets, where otherwise is a hold.",
    "total_drops": "A tier table that pays less for more.",
    "limit_never_binds": "A limit that never changes what is paid.",
    "limit_leaves_nothing": "A limit whose maximum is zero: nothing is ever paid within it.",
    "fact_never_carried": "A rule on conversions that reads a fact no conversion carries.",
    "value_never_carried": "A comparison with a value that a computed fact never has.",
    "not_decided": "A question that took too many steps. Nothing is claimed either way.",
}
SEVERITIES: dict[str, Literal["error", "warning", "information"]] = {
    "overlap": "error",
    "fact_never_carried": "error",
    "not_decided": "information",
}


@dataclass(frozen=True, slots=True)
class Total:
    """What a quantity is paid in all; for a limit, what is paid of an amount that is due."""

    quantity: Decimal
    total: Decimal

    def as_dict(self) -> dict[str, str]:
        return {"quantity": canonical(self.quantity), "total": canonical(self.total)}


@dataclass(frozen=True, slots=True)
class Witness:
    """What shows a finding: a conversion with the rules that match it, or quantities with their totals."""

    says: str
    conversion: Example | None = None
    matched: tuple[str, ...] = ()
    totals: tuple[Total, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON data, without what it has not."""
        shown: dict[str, Any] = {"says": self.says}
        if self.conversion is not None:
            shown |= {"conversion": self.conversion.as_dict(), "matched": list(self.matched)}
        return shown | ({"totals": [total.as_dict() for total in self.totals]} if self.totals else {})


@dataclass(frozen=True, slots=True)
class Analysed:
    """A finding with its witness. Only what was not decided has none."""

    finding: Finding
    witness: Witness | None = None

    def at(self, prefix: str) -> Analysed:
        """Return the same, seen from a document in which the rules lie under `prefix`."""
        return replace(self, finding=self.finding.at(prefix))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        witness = {} if self.witness is None else {"witness": self.witness.as_dict()}
        return self.finding.as_dict() | witness


def found(code: str, pointer: str, message: str, hint: str | None = None, witness: Witness | None = None) -> Analysed:
    """Return a finding of one of CODES."""
    assert code in CODES, code
    assert (witness is None) == (code == "not_decided"), code
    return Analysed(Finding(code, message, pointer, hint, SEVERITIES.get(code, "warning")), witness)


def not_decided(pointer: str, question: str, why: str) -> Analysed:
    """Return that a question has no answer."""
    return found("not_decided", pointer, f"{question} was not decided: {why}")


def blocking(findings: Iterable[Analysed]) -> list[Analysed]:
    """Return the findings with which rules must not be submitted: those of severity error."""
    return [analysed for analysed in findings if analysed.finding.severity == "error"]
