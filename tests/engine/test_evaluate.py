"""How a decision is made: the order of what is asked, what its digest covers, and that it never changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.canonical import content_hash
from app.engine.attribution import ProgramModel
from app.engine.counters import Before
from app.engine.decision import Decision, digest_of
from app.engine.evaluate import case_of, evaluate
from app.engine.factsheet import Conversion
from app.engine.matcher import EngineFault, Facts, RuleConditions
from app.engine.reference import ReferenceMatcher
from app.engine.terms import NoTerms, Terms
from tests.builders.golden import golden
from tests.builders.terms import conversion, decide, decided, instant, rule_set, terms

# These digests must never change. A decision that is stored today is recomputed in years, when a partner asks why, and
# its digest must come out the same, or nobody can tell a change of the engine from a change of the data. If a change
# makes one of these differ, it changes what every stored decision says: it needs a version of the record, not an
# update of this table.
DIGESTS = {
    "rated": "71d13c3fee9855caae629d758363d490ca7605c2697ec978473b73847e762949",
    "ineligible": "c7d1cb56de9383151df90ecdeb9782df9a9d20cb29716c5116aee16e3f66c4e2",
    "capped": "23a38a863176d437d52772639a2c165f06acef349a880461ebe39ef1f8970e91",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_the_digest_of_a_decision_never_changes(name: str) -> None:
    found, one, before = golden(name)
    record = decide(found, one, before).as_dict()
    assert digest_of(record) == DIGESTS[name]
    assert digest_of(record) == content_hash(record)  # the fast way is RFC 8785


def test_the_record_of_a_decision() -> None:
    found, one, before = golden("capped")
    record = decide(found, one, before).as_dict()
    assert record == {
        "conversion": "c3",
        "contract": "acme",
        "contract_version": 1,
        "rule_versions": {
            kind: {"id": f"{kind}-1-1", "number": 1, "hash": getattr(found, kind).rules.hash}
            for kind in ("eligibility", "attribution", "payout")
        },
        "event_at": "1997-08-01T03:59:59Z",
        "outcome": "rated",
        "amount": "1.00",
        "currency": "USD",
        "reasons": [
            {
                "code": "LIMIT_REACHED",
                "rule": "cap",
                "expected": "at most 1500.00 per month",
                "actual": "1.50 due, 1.00 left",
            },
            {
                "code": "LIMIT_REACHED",
                "rule": "cap",
                "expected": "at most 1500.00 per month",
                "actual": "0.13 due, 0.00 left",
            },
        ],
        "credit": [{"partner": "acme", "share": "1"}],
        "lines": [
            {"rule": "otherwise", "formula": "tiers", "amount_precise": "1.5", "amount": "1.00", "currency": "USD"},
            {"rule": "ctv", "formula": "flat", "amount_precise": "0.125", "amount": "0.00", "currency": "USD"},
        ],
        "inputs_hash": record["inputs_hash"],
    }


def test_same_inputs_same_digest_in_whatever_order_the_facts_came() -> None:
    found, one, before = golden("rated")
    again = replace(one, facts=dict(reversed(one.facts.items())))
    assert digest_of(decide(found, one, before).as_dict()) == digest_of(decide(found, again, before).as_dict())


def changes() -> dict[str, Any]:
    """Return the rated decision of the golden ones with one input changed in each."""
    found, one, before = golden("rated")
    count, amount = sorted(before, key=lambda counter: counter.measure == "amount")
    payout = found.payout
    dearer = rule_set("payout", {"otherwise": {"flat": "1"}})
    return {
        "nothing": (found, one, before),
        "conversion": (found, replace(one, id="c1x"), before),
        "program": (found, replace(one, program="shop2"), before),
        "event_at": (found, replace(one, event_at=one.event_at + timedelta(microseconds=1)), before),
        "partner": (found, replace(one, partner="else"), before),
        "a fact": (found, replace(one, facts={**one.facts, "order_value": Decimal("77.01")}), before),
        "a fact no rule reads": (found, replace(one, facts={**one.facts, "plan": "annual"}), before),
        "an empty fact": (found, replace(one, facts={**one.facts, "plan": ""}), before),
        "the order number": (found, replace(one, customer_order_number=2), before),
        "a count": (found, one, {**before, count: Decimal(4)}),
        "an amount": (found, one, {**before, amount: Decimal("20.01")}),
        "the contract": (replace(found, contract=replace(found.contract, id="acme2")), one, before),
        "the payee": (replace(found, contract=replace(found.contract, partner="acme2")), one, before),
        "the currency": (replace(found, contract=replace(found.contract, currency="CAD")), one, before),
        "the contract version": (replace(found, version=replace(found.version, number=2)), one, before),
        "the rule version": (replace(found, payout=replace(payout, number=2)), one, before),
        "the id of the rule version": (replace(found, payout=replace(payout, id="x")), one, before),
        "the rules": (replace(found, payout=replace(payout, rules=dearer)), one, before),
    }


def test_the_digest_changes_when_any_input_does() -> None:
    digests = {name: digest_of(decide(*inputs).as_dict()) for name, inputs in changes().items()}
    assert len(set(digests.values())) == len(digests), digests


# ------------------------------------------------------------------ the order

EVERYTHING_WRONG = """
eligibility:
  rules: [{id: no, when: {fact: country, op: eq, value: US}, then: {reject: NOT_HERE}}]
  otherwise: accept
attribution: {claims: refuse}
payout:
  hit: unique
  rules:
    - {id: a, when: {fact: customer_order_number, op: gte, value: 1}, then: {amount: tax}}
    - {id: b, when: {fact: is_trial, op: eq, value: true}, then: {amount: shipping}}
  otherwise: {flat: "1"}
"""


class Recording(ReferenceMatcher):
    """The reference engine, which remembers which rule sets it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
        self.asked.append(",".join(rule for rule, _ in conditions.rules))
        return super().matched(conditions, facts)


def ordered(text: str, **facts: Any) -> tuple[str, list[str], list[str]]:
    matcher = Recording()
    found = decided(terms(text), conversion(**facts), matcher, {})
    return found.outcome, [reason.code for reason in found.reasons], matcher.asked


def test_facts_then_eligibility_then_attribution_then_rate() -> None:
    text, facts = EVERYTHING_WRONG, {"country": "US", "is_trial": True}
    assert ordered(text, **facts) == ("held", ["MISSING_FACT"], [])
    facts["number"] = 1
    assert ordered(text, **facts) == ("ineligible", ["NOT_HERE"], ["no"])
    facts["country"] = "CA"
    assert ordered(text, **facts) == ("unattributed", ["CLAIM_REFUSED"], ["no"])
    text = text.replace("refuse", "accept")
    assert ordered(text, **facts) == ("held", ["AMBIGUOUS_PAYOUT"], ["no", "a,b"])
    facts["is_trial"] = False
    assert ordered(text, **facts) == ("held", ["MISSING_FACT"], ["no", "a,b"])
    assert ordered(text, **facts, tax="2") == ("rated", [], ["no", "a,b"])


def test_every_missing_required_fact_is_named_in_order() -> None:
    text = """
    eligibility: {rules: [{id: a, when: {fact: customer_order_number, op: eq, value: 1}, then: accept}], otherwise: accept}
    payout: {otherwise: {percent: "1", of: order_value}}
    """
    found = decide(terms(text), conversion())
    assert [reason.as_dict() for reason in found.reasons] == [
        {"code": "MISSING_FACT", "fact": "customer_order_number"},
        {"code": "MISSING_FACT", "fact": "order_value"},
    ]
    assert (found.outcome, found.credit, found.lines, found.amount) == ("held", (), (), 0)


def test_only_a_rated_conversion_is_credited() -> None:
    assert decide(terms(""), conversion()).credit == (("acme", "1"),)
    for text in ("attribution: {claims: refuse}", "eligibility: {rules: [], otherwise: {reject: X}}"):
        assert decide(terms(text), conversion()).credit == ()


def test_a_refused_claim_says_so() -> None:
    found = decide(terms("attribution: {claims: refuse}"), conversion())
    assert found.outcome == "unattributed"
    assert [reason.as_dict() for reason in found.reasons] == [{"code": "CLAIM_REFUSED", "rule": "claims"}]


def test_a_fault_of_the_engine_decides_nothing() -> None:
    class Faulty:
        def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
            raise EngineFault("broken")

    with pytest.raises(EngineFault):
        decided(terms(""), conversion(), Faulty(), {})


# -------------------------------------------------------------- derived facts


@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("America/New_York", ("1996-12-31", "tuesday", 23, 12)),
        ("UTC", ("1997-01-01", "wednesday", 4, 1)),
        ("Asia/Kolkata", ("1997-01-01", "wednesday", 10, 1)),
    ],
)
def test_dates_and_hours_are_those_of_the_contract(zone: str, local: tuple[Any, ...]) -> None:
    names = ("local_date", "weekday", "hour", "month")
    tests = ", ".join(f"{{fact: {n}, op: eq, value: {v}}}" for n, v in zip(names, local, strict=True))
    text = f"eligibility: {{rules: [{{id: a, when: {{all: [{tests}]}}, then: accept}}], otherwise: {{reject: NO}}}}"
    found = terms(text)
    found = replace(found, contract=replace(found.contract, timezone=ZoneInfo(zone)))
    assert decide(found, conversion(at="1997-01-01T04:30:00Z")).outcome == "rated"


# -------------------------------------------------------------- without terms


def without_terms(one: Conversion, none: NoTerms) -> dict[str | None, Decision]:
    def never(terms: Terms) -> Before:
        raise AssertionError(terms)

    return evaluate(case_of(one, lambda partner: none, ProgramModel(), "JPY"), ReferenceMatcher(), never)


def test_a_conversion_without_terms_is_decided_too() -> None:
    one = conversion(order_value="5")
    none = NoTerms("TERMINATED", "the contract acme was terminated by then", "acme", "USD")
    found = without_terms(one, none)["acme"]
    assert found.as_dict() == {
        "conversion": "c1",
        "contract": "acme",
        "contract_version": None,
        "rule_versions": {},
        "event_at": "1997-07-02T14:00:00Z",
        "outcome": "no_contract",
        "amount": "0.00",
        "currency": "USD",
        "reasons": [{"code": "TERMINATED", "actual": "the contract acme was terminated by then"}],
        "credit": [],
        "lines": [],
        "inputs_hash": found.inputs_hash,
    }
    unclaimed = without_terms(replace(one, partner=None), none)[None]
    assert (unclaimed.outcome, unclaimed.as_dict()["amount"]) == ("unattributed", "0")
    assert [reason.as_dict() for reason in unclaimed.reasons] == [{"code": "NO_CLAIM"}]
    assert digest_of(found.as_dict()) != digest_of(replace(found, inputs_hash=unclaimed.inputs_hash).as_dict())


def test_a_required_fact_on_the_right_holds_what_lacks_it() -> None:
    given = terms("""
        eligibility:
          rules: [{id: a, when: {fact: shipping, op: lt, value: {fact: order_value}}, then: accept}]
          otherwise: {reject: SHIPPING}
        """)
    held = decide(given, conversion(shipping="5"))
    assert [reason.as_dict() for reason in held.reasons] == [{"code": "MISSING_FACT", "fact": "order_value"}]
    assert decide(given, conversion(shipping="5", order_value="5.01")).outcome == "rated"
    assert decide(given, conversion(order_value="5.01")).outcome == "ineligible"


def test_lists_that_read_alike_are_different_inputs() -> None:
    given = terms("")
    lists = (["a", "b"], ["b", "a"], ["a, b"], ['a", "b'], ["a"], [], None)
    hashes = {decide(given, conversion(coupon_codes=codes)).inputs_hash for codes in lists}
    assert len(hashes) == len(lists)
    assert decide(given, conversion()).inputs_hash in hashes


def test_an_amount_is_the_sum_of_its_lines() -> None:
    found, one, before = golden("rated")
    decision: Decision = decide(found, one, before)
    assert decision.amount == Decimal("6.16") == sum(line.amount for line in decision.lines)
    assert decision.event_at == instant("1997-07-02T14:00:00Z")
