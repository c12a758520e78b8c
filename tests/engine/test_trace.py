"""Explanations: every comparison with what was expected and what was there, and words that finance can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.decision import digest_of
from app.rulelang.ast import facts_of
from tests.builders.golden import golden
from tests.builders.terms import conversion, decide, explained, terms

WORDS = {
    "rated": """
c1 happened on 1997-07-02 at 10:00 America/New_York (1997-07-02T14:00:00Z).
Then version 1 of the contract acme was in force, with payout rules 1 (HASH).
Eligibility rule minimum matches: order_value is at least 5.00; was 77.00.
acme claims it, and this contract accepts claims.
Payout rule first_order matches: customer_order_number is 1; was 1.
Bonus ctv (a flat 0.125) is missed by device_type = ctv; was absent.
Calculated: 8 % of order_value (order_value is 77) comes to 6.16.
Calculated: 8 % of order_value, at most 15.00 comes to 6.16.
Line first_order: 6.16 precisely, 6.16 USD paid.
""",
    "ineligible": """
c2 happened on 1997-07-02 at 10:00 America/New_York (1997-07-02T14:00:00Z).
Then version 1 of the contract acme was in force, with payout rules 1 (HASH).
Eligibility rule minimum does not match: order_value ≥ 5.00; was 4.99.
It is ineligible: BELOW_MINIMUM by rule otherwise, order_value ≥ 5.00; was 4.99.
""",
    "capped": """
c3 happened on 1997-07-31 at 23:59 America/New_York (1997-08-01T03:59:59Z).
Then version 1 of the contract acme was in force, with payout rules 1 (HASH).
Eligibility rule minimum matches: order_value is at least 5.00; was 10.00.
acme claims it, and this contract accepts claims.
Payout rule first_order (8 % of order_value, at most 15.00) is missed by customer_order_number = 1; was 2.
No payout rule matches, so otherwise applies.
Bonus ctv matches: device_type is ctv; was ctv.
Calculated: graduated by conversions of a month: 1.00 each up to 200, 1.50 each beyond (1, after 200 in the month) comes to 1.5.
Calculated: a flat 0.125.
Line otherwise: 1.5 precisely, 1.00 USD paid.
Line ctv: 0.125 precisely, 0.00 USD paid.
The limit cap cut it: at most 1500.00 per month; 1.50 due, 1.00 left.
The limit cap cut it: at most 1500.00 per month; 0.13 due, 0.00 left.
""",
}


def test_a_comparison_of_two_facts_shows_both_values() -> None:
    found = terms("""
        eligibility:
          rules: [{id: cheap, when: {fact: shipping, op: lt, value: {fact: tax}}, then: accept}]
          otherwise: {reject: SHIPPING}
        """)
    high, low = conversion(shipping="4.90", tax="4.9"), conversion(shipping="4.89", tax="4.9")
    trace = explained(found, high, {})
    assert trace.data["eligibility"][0]["when"] == {
        "fact": "shipping",
        "op": "lt",
        "expected": "< fact tax (4.90)",
        "actual": "4.90",
        "verdict": False,
    }
    reason = trace.decision.reasons[0]
    assert (reason.fact, reason.expected, reason.actual) == ("shipping", "< fact tax (4.90)", "4.90")
    assert (
        "Eligibility rule cheap matches: shipping is below the fact tax; was 4.89, and tax was 4.90."
        in explained(found, low, {}).words
    )


def test_a_list_is_shown_with_what_was_looked_for() -> None:
    found = terms("""
        eligibility:
          rules: [{id: vip, when: {fact: coupon_codes, op: contains_any, value: [VIP, GOLD]}, then: accept}]
          otherwise: {reject: NO_COUPON}
        """)
    trace = explained(found, conversion(coupon_codes=["SAVE10", "a, b"]), {})
    assert trace.data["facts"]["coupon_codes"] == '["SAVE10", "a, b"]'
    assert trace.decision.reasons[0].as_dict() == {
        "code": "NO_COUPON",
        "rule": "otherwise",
        "fact": "coupon_codes",
        "expected": "contains one of VIP, GOLD",
        "actual": '["SAVE10", "a, b"]',
    }


@pytest.mark.parametrize("name", WORDS)
def test_a_decision_in_words(name: str) -> None:
    found, one, before = golden(name)
    words = "\n".join(explained(found, one, before).words)
    assert words == WORDS[name].strip().replace("HASH", found.payout.rules.hash[:12])


def words(text: str, direction: Any = "payable", **facts: Any) -> list[str]:
    """Return the sentences of a decision without the first two."""
    found = terms(text, direction=direction)
    return explained(found, conversion(**facts), {}).words[2:]


def test_what_was_never_looked_at_is_not_told() -> None:
    text = """
eligibility: {rules: [{id: us, when: {fact: country, op: eq, value: US}, then: accept}], otherwise: {hold: WHERE}}
payout: {rules: [{id: a, when: {fact: hour, op: eq, value: 1}, then: {flat: "1"}}], otherwise: {amount: order_value}}
"""
    assert words(text, country="US") == [
        "It is held: MISSING_FACT, order_value is absent.",
        "order_value is needed by payout rule otherwise.",
    ]
    assert words(text, order_value="1") == [
        "Eligibility rule us does not match: country = US; was absent.",
        "It is held: WHERE by rule otherwise, country = US; was absent.",
    ]
    refusing = text + "attribution: {claims: refuse}"
    assert words(refusing, order_value="1", country="US") == [
        "Eligibility rule us matches: country is US; was US.",
        "acme claims it, and this contract refuses claims.",
        "It is unattributed: CLAIM_REFUSED by rule claims.",
    ]


def test_several_hits_and_groups_are_told() -> None:
    text = """
    payout:
      hit: %s
      rules:
        - {id: a, when: {any: [{fact: hour, op: eq, value: 1}, {fact: hour, op: eq, value: 10}]}, then: {flat: "1"}}
        - {id: b, when: {not: {fact: country, op: eq, value: US, if_missing: match}}, then: {flat: "2"}}
        - {id: c, when: {always: true}, then: {flat: "3"}}
    """
    told = words(text % "first", "receivable", country="")
    assert told[1:] == [
        "Payout rule a matches: hour is 1 or hour is 10; hour was 10.",
        'Payout rule b matches too, but a comes first: not (country is US (or is missing)); country was "".',
        "Payout rule c matches too, but a comes first: always.",
        "Where several match, the first of them pays.",
        "Calculated: a flat 1.00.",
        "Line a: 1 precisely, 1.00 USD charged.",
    ]
    told = words(text % "unique")
    assert told[2:] == [
        "Payout rule b (a flat 2.00) is missed by country ≠ US; was absent.",
        "Payout rule c matches: always.",
        "Where several match, payment is held.",
        "It is held: AMBIGUOUS_PAYOUT by rule a, c.",
    ]


def test_the_nearest_miss_of_a_payout_says_what_it_would_have_paid() -> None:
    text = """
    payout:
      hit: first
      rules:
        - {id: base, when: {fact: country, op: eq, value: US}, then: {percent: "3", of: order_value}}
        - {id: large, when: {fact: order_value, op: gte, value: "200"}, then: {percent: "6", of: order_value}}
        - {id: never, when: {not: {always: true}}, then: {flat: "9"}}
    """
    large = "Payout rule large (6 % of order_value) is missed by order_value ≥ 200.00; was 199.99"
    assert words(text, order_value="199.99", country="CA")[1:5] == [
        "Payout rule base (3 % of order_value) is missed by country = US; was CA.",
        large + ".",
        "Payout rule never (a flat 9.00) is missed by nothing: no facts could make it match.",
        "No payout rule matches, so otherwise applies.",
    ]
    assert words(text, order_value="199.99", country="US")[2] == large + "; and base comes first."
    data = explained(terms(text), conversion(order_value="199.99", country="US"), {}).data["payout"]
    assert [rule.get("comes_first") for rule in data] == [None, "base", "base"]
    assert (data[2]["nearest_miss"]["misses"], data[2]["nearest_miss"]["possible"]) == ([], False)


def test_several_misses_and_those_of_items_are_told() -> None:
    text = """
    eligibility:
      rules:
        - id: music
          when:
            all:
              - {fact: country, op: in, value: [US, CA]}
              - any_item: items
                where: {all: [{fact: category, op: eq, value: music}, {fact: price, op: gte, value: "5"}]}
          then: accept
        - {id: cheap, when: {no_item: items, if_missing: match, where: {fact: price, op: lt, value: "4.90"}}, then: accept}
      otherwise: {reject: NO_MUSIC}
    """
    items = [
        {"sku": "a", "quantity": 1, "price": "1"},
        {"sku": "b", "quantity": 1, "price": "4.89", "category": "music"},
    ]
    assert words(text, country="MX", items=items)[:2] == [
        "Eligibility rule music does not match: country in US, CA; was MX; and item 2 of items: price ≥ 5.00; was 4.89.",
        "Eligibility rule cheap does not match: item 1 of items: price ≥ 4.90; was 1.00; "
        "and item 2 of items: price ≥ 4.90; was 4.89.",
    ]
    asked = "has any item with (category is music and price is at least 5.00)"
    for sent, was in (({}, "absent"), ({"items": []}, "empty")):
        assert f"items {asked}; was {was}." in words(text, country="US", **sent)[0]
    when = explained(terms(text), conversion(country="MX", items=items), {}).data["eligibility"][0]["when"]["all"][1]
    assert (when["any_item"], when["actual"], when["verdict"]) == ("items", "2 items", False)
    assert when["items"][1]["all"] == [
        {"fact": "category", "op": "eq", "expected": "= music", "actual": "music", "verdict": True},
        {"fact": "price", "op": "gte", "expected": "≥ 5.00", "actual": "4.89", "verdict": False},
    ]


def test_a_missing_fact_names_the_rules_that_need_it() -> None:
    found = terms("""
        eligibility: {rules: [{id: low, when: {fact: order_value, op: lt, value: "5"}, then: {reject: LOW}}], otherwise: accept}
        payout:
          rules:
            - {id: taxed, when: {always: true}, then: {sum: [{flat: "1"}, {amount: tax}]}}
            - {id: share, when: {fact: country, op: eq, value: US}, then: {percent: "1", of: order_value}}
        """)
    held = explained(found, conversion(country="US"), {})
    assert held.data["missing"] == [
        {
            "fact": "order_value",
            "needed_by": [{"kind": "eligibility", "rule": "low"}, {"kind": "payout", "rule": "share"}],
        }
    ]
    assert held.words[-1] == "order_value is needed by eligibility rule low, payout rule share."
    held = explained(found, conversion(country="US", order_value="9"), {})
    assert held.decision.outcome == "held"
    assert held.data["missing"] == [{"fact": "tax", "needed_by": [{"kind": "payout", "rule": "taxed"}]}]


# ----------------------------------------------------------------- as data

RULES = """
eligibility:
  rules:
    - id: a
      when:
        all:
          - {fact: country, op: in, value: [US, CA]}
          - {any: [{fact: hour, op: between, value: [9, 17]}, {not: {fact: is_trial, op: eq, value: true, if_missing: match}}]}
          - {fact: order_value, op: gte, value: "200"}
      then: accept
    - {id: b, when: {fact: coupon_code, op: exists}, then: {hold: COUPON}}
  otherwise: {reject: NO}
payout:
  hit: sum
  rules:
    - {id: p, when: {fact: device_type, op: eq, value: ctv}, then: {percent: "6", of: order_value}}
    - {id: q, when: {always: true}, then: {least: [{flat: "5"}, {amount: tax}]}}
  otherwise: {flat: "1"}
  bonuses: [{id: r, when: {fact: quantity, op: neq, value: 1, if_missing: no_match}, then: {flat: "0.005"}}]
  limits: [{id: cap, measure: amount, per: contract, window: month, max: "20", over: partial}]
"""


def seen_leaves(node: Any) -> Iterator[Any]:
    if "fact" in node:
        yield node
    for word in ("all", "any", "not"):
        for part in node.get(word, ()):
            yield from seen_leaves(part)


def test_every_comparison_is_shown_with_fact_expected_actual_and_verdict() -> None:
    found = terms(RULES)
    one = conversion(order_value="199.99", country="US", coupon_code="absent")
    data = explained(found, one, dict.fromkeys(found.counters_since, 0)).data  # type: ignore[arg-type]
    shown = [leaf for rule in (*data["eligibility"], *data["payout"]) for leaf in seen_leaves(rule["when"])]
    assert shown == [
        {"fact": "country", "op": "in", "expected": "in US, CA", "actual": "US", "verdict": True},
        {"fact": "hour", "op": "between", "expected": "between 9 and 17", "actual": "10", "verdict": True},
        {"fact": "is_trial", "op": "eq", "expected": "= true", "actual": "absent", "verdict": True},
        {"fact": "order_value", "op": "gte", "expected": "≥ 200.00", "actual": "199.99", "verdict": False},
        {"fact": "coupon_code", "op": "exists", "expected": "is there", "actual": '"absent"', "verdict": True},
        {"fact": "device_type", "op": "eq", "expected": "= ctv", "actual": "absent", "verdict": False},
        {"fact": "quantity", "op": "neq", "expected": "≠ 1", "actual": "absent", "verdict": False},
    ]
    rules = [*found.eligibility_body.rules, *found.payout_body.rules, *found.payout_body.bonuses]
    assert len(shown) == sum(1 for rule in rules for _ in facts_of(rule.when))


def test_the_trace_as_data() -> None:
    found = terms(RULES)
    one = conversion(order_value="199.99", country="US")
    data = explained(found, one, dict.fromkeys(found.counters_since, 0)).data  # type: ignore[arg-type]
    assert data["facts"] == {"country": "US", "hour": "10", "order_value": "199.99"}
    assert data["before"] == {"amount/month": "0"}
    assert data["attribution"] == {"claims": "accept", "claimed_by": "acme"}
    assert data["calculations"] == []
    rule = data["eligibility"][0]
    assert (rule["rule"], rule["then"], rule["matched"]) == ("a", "accept", False)
    assert rule["nearest_miss"] == {
        "rule": "a",
        "would": "accept",
        "misses": [{"fact": "order_value", "expected": "≥ 200.00", "actual": "199.99"}],
        "possible": True,
        "in_words": "order_value ≥ 200.00; was 199.99",
    }
    assert rule["in_words"].endswith("and order_value is at least 200.00")
    trial = rule["when"]["all"][1]["any"][1]
    assert (trial["verdict"], trial["not"][0]["verdict"]) == (False, True)
    assert [(rule["rule"], rule["then"]) for rule in data["payout"]] == [
        ("p", "6 % of order_value"),
        ("q", "the least of a flat 5.00, the amount of tax"),
        ("r", "a flat 0.005"),
    ]
    assert data["payout"][1]["when"] == {"always": True, "verdict": True}
    assert "nearest_miss" not in data["payout"][1]


FACTS = st.fixed_dictionaries(
    {},
    optional={
        "order_value": st.decimals("0", "400", places=3).map(str),
        "country": st.sampled_from(["US", "CA", "MX", ""]),
        "coupon_code": st.sampled_from(["A", "", "absent"]),
        "is_trial": st.booleans(),
        "device_type": st.sampled_from(["ctv", "mobile"]),
        "tax": st.decimals("0", "9", places=6).map(str),
        "quantity": st.integers(0, 3),
    },
)


@given(FACTS, st.integers(0, 47), st.decimals("0", "25", places=2))
def test_an_explanation_is_of_the_decision_that_was_made(facts: Any, half_hours: int, spent: Any) -> None:
    found = terms(RULES)
    one = conversion(at=f"1997-07-02T{half_hours // 2:02}:{half_hours % 2 * 30:02}:00Z", **facts)
    before = dict.fromkeys(found.counters_since, spent)
    trace = explained(found, one, before)
    decision = decide(found, one, before)
    assert trace.decision == decision
    assert digest_of(trace.decision.as_dict()) == digest_of(decision.as_dict())
    assert all(sentence.endswith(".") and "  " not in sentence for sentence in trace.words)
    assert bool(trace.data["calculations"]) == (decision.outcome == "rated")
    matched = {rule["rule"] for rule in trace.data["payout"] if rule["matched"]}
    assert {line.rule for line in decision.lines} <= matched | {"otherwise"}
