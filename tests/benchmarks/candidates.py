"""Our engines on the decision table: as matchers, and as whole decisions of `evaluate()`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from app.adapters.durable_matcher import DurableMatcher
from app.adapters.fact_files import shipped_catalogue
from app.core.canonical import content_hash
from app.engine.decision import Decision
from app.engine.factsheet import Conversion, typed_facts
from app.engine.matcher import Facts, Matcher, RuleConditions
from app.engine.reference import ReferenceMatcher
from app.engine.terms import Terms
from app.engine.verified import VerifyingMatcher
from app.rulelang.ast import conditions_of
from tests.benchmarks.decision_table import Order, Row, payout_body
from tests.builders.terms import conversion, data, decided, history, instant, rule_set

Answers = Callable[[], list[frozenset[str]]]
OFF, ALWAYS, REFERENCE = "durable, verify: off", "durable, verify: always", "reference"
MOST_RULES = 200  # of one rule set

ELIGIBILITY = """
rules:
  - id: real
    when: {all: [{fact: order_value, op: gte, value: "1.00"}, {fact: event_type, op: eq, value: purchase}]}
    then: accept
  - {id: device, when: {fact: device_type, op: eq, value: other}, then: {reject: DEVICE}}
otherwise: {reject: NOT_A_PURCHASE}
"""


def matchers() -> dict[str, Matcher]:
    """Return our engines as the product holds them. The two with durable share its compiled rules."""
    durable, reference = DurableMatcher(), ReferenceMatcher()
    return {
        OFF: VerifyingMatcher(durable, reference, "off"),
        ALWAYS: VerifyingMatcher(durable, reference, "always"),
        REFERENCE: reference,
    }


def conditions(rows: Sequence[Row]) -> RuleConditions:
    """Return a table as rules, parsed and typed as the product does. Above 200 rows, in several bodies."""
    bodies = [payout_body(rows[at : at + MOST_RULES]) for at in range(0, len(rows), MOST_RULES)]
    rules = [rule for body in bodies for rule in conditions_of(rule_set("payout", body).body)]
    return RuleConditions(content_hash(bodies), tuple(rules))


def facts(orders: Sequence[Order]) -> list[Facts]:
    """Return typed facts."""
    found: list[Facts] = []
    for order in orders:
        typed, wrong = typed_facts(order.sent, shipped_catalogue(), "")
        assert not wrong, wrong
        found.append(typed)
    return found


def matching(matcher: Matcher, rules: RuleConditions, given: Sequence[Facts]) -> Answers:
    """Return what answers, for all facts, which rules are true."""
    return lambda: [matcher.matched(rules, each) for each in given]


def deciding(matcher: Matcher, terms: Terms, given: Sequence[Conversion]) -> Callable[[], list[Decision]]:
    """Return what decides whole conversions."""
    return lambda: [decided(terms, each, matcher, {}) for each in given]


def conversions(orders: Sequence[Order]) -> list[Conversion]:
    """Return typed conversions."""
    return [
        conversion(f"c{number}", at="2024-12-31T12:00:00Z", event_type="purchase", **order.sent)
        for number, order in enumerate(orders)
    ]


def terms(rows: Sequence[Row]) -> Terms:
    """Return terms of two eligibility rules and the table as payout: 5 % by the first row that is true."""
    payout: dict[str, Any] = payout_body(rows) | {"hit": "first"}
    for rule in payout["rules"]:
        rule["then"] = {"percent": "5", "of": "order_value"}
    versions = [{"effective_from": "2024-01-01", "rules": {"eligibility": data(ELIGIBILITY), "payout": payout}}]
    found = history(versions).at(instant("2024-12-31"))
    assert isinstance(found, Terms), found
    return found
