"""Eligibility: every rule is looked at; any reject wins with every reason, else any hold, else any accept."""

from __future__ import annotations

from app.engine.decision import Outcome, Reason
from app.engine.matcher import Facts
from app.engine.reference import is_true
from app.rulelang.ast import AllOf, Condition, Eligibility, Leaf
from app.rulelang.printer import expectation, value_words


def judge(body: Eligibility, matched: frozenset[str], facts: Facts) -> tuple[Outcome | None, tuple[Reason, ...]]:
    """Return `ineligible` or `held` with every reason, or None when the conversion is eligible."""
    said = [rule for rule in body.rules if rule.id in matched]
    for action, outcome in _BY_RANK:
        reasons = tuple(
            _reason(rule.then.code, rule.id, rule.when, facts) for rule in said if rule.then.action == action
        )
        if reasons:
            return outcome, reasons
    if said or body.otherwise.action == "accept":
        return None, ()
    outcome = "ineligible" if body.otherwise.action == "reject" else "held"
    return outcome, (_nearest_miss(body, facts),)


_BY_RANK: tuple[tuple[str, Outcome], ...] = (("reject", "ineligible"), ("hold", "held"))


def _reason(code: str, rule: str, when: Condition, facts: Facts) -> Reason:
    """Return the reason of a rule that matched; a rule of one comparison shows it."""
    return _compared(code, rule, when, facts) if isinstance(when, Leaf) else Reason(code, rule)


def _nearest_miss(body: Eligibility, facts: Facts) -> Reason:
    """Return the reason of `otherwise`. Where one rule could have accepted, show the first comparison that failed."""
    accepting = [rule for rule in body.rules if rule.then.action == "accept"]
    if len(accepting) == 1:
        failed = first_failure(accepting[0].when, facts)
        if failed is not None:
            return _compared(body.otherwise.code, "otherwise", failed, facts)
    return Reason(body.otherwise.code, "otherwise")


def first_failure(condition: Condition, facts: Facts) -> Leaf | None:
    """Return the first comparison that makes a plain conjunction false, or None where no single one does."""
    match condition:
        case Leaf():
            return None if is_true(condition, facts) else condition
        case AllOf(parts):
            return next((leaf for part in parts if (leaf := first_failure(part, facts)) is not None), None)
        case _:
            return None


def _compared(code: str, rule: str, leaf: Leaf, facts: Facts) -> Reason:
    return Reason(code, rule, leaf.fact, expectation(leaf, facts), value_words(facts.get(leaf.fact)))
