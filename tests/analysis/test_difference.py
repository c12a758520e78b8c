"""Two versions decide alike, or a conversion shows that they do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.analysis.difference import Counterexample, Equal, KindsDiffer, Undecided, difference
from app.analysis.questions import Budget
from app.analysis.shown import difference_data
from tests.builders.terms import rule_set
from tests.builders.witnesses import decided

LARGE = "{id: a, when: {fact: order_value, op: gt, value: '100'}, then: {percent: '6', of: order_value}}"
REST = "{id: b, when: {always: true}, then: {per_unit: '2', of: quantity}}"
SMALL = "{id: c, when: {fact: order_value, op: lte, value: '100'}, then: {per_unit: '2.00', of: quantity}}"
CAP = "{id: cap, measure: amount, per: contract, window: month, max: '500', over: partial}"
WIDE = "{id: wide, measure: amount, per: contract, window: month, max: '800', over: partial}"


def pays(*rules: str, hit: str = "first", more: str = "otherwise: {flat: '0'}") -> str:
    return f"{{hit: {hit}, rules: [{', '.join(rules)}], {more}}}"


def judges(*rules: str, otherwise: str = "accept") -> str:
    return f"{{rules: [{', '.join(rules)}], otherwise: {otherwise}}}"


def reject(when: str, code: str = "NO", name: str = "r") -> str:
    return f"{{id: {name}, when: {when}, then: {{reject: {code}}}}}"


US_OR_CA = "{fact: country, op: in, value: [US, CA]}"
ALIKE = {
    "other ids, another order, other words for it": ("payout", pays(LARGE, REST), pays(SMALL, LARGE, hit="unique", more="otherwise: {hold: NEVER}")),
    "first of disjoint rules, or all of them": ("payout", pays(LARGE, SMALL), pays(SMALL, LARGE, hit="sum")),
    "a rule that is never reached is gone": ("payout", pays(REST, "{id: n, when: {fact: hour, op: gt, value: 5}, then: {flat: '1'}}"), pays(REST)),
    "otherwise instead of always": ("payout", pays(LARGE, REST), pays(LARGE, more="otherwise: {per_unit: '2', of: quantity}")),
    "a bonus instead of a second rule": ("payout", pays(LARGE, REST, hit="sum"), pays(REST, more=f"otherwise: {{flat: '0'}}, bonuses: [{LARGE}]")),
    "a limit that never binds is gone": ("payout", pays(LARGE, more=f"otherwise: {{flat: '0'}}, limits: [{WIDE}, {CAP}]"), pays(LARGE, more=f"otherwise: {{flat: '0'}}, limits: [{CAP}]")),
    "each member by itself": ("eligibility", judges(reject(US_OR_CA)), judges(reject("{fact: country, op: eq, value: US}", name="x"), reject("{fact: country, op: eq, value: CA}", name="y"))),
    "an accept that changes nothing": ("eligibility", judges(reject(US_OR_CA)), judges(reject(US_OR_CA), f"{{id: a, when: {US_OR_CA}, then: accept}}")),
    "not any is none": (
        "eligibility",
        judges(reject("{not: {any_item: items, where: {fact: on_sale, op: eq, value: true, if_missing: no_match}, if_missing: match}}")),
        judges(reject("{no_item: items, where: {fact: on_sale, op: eq, value: true, if_missing: no_match}, if_missing: no_match}")),
    ),
    "a list with a repetition": ("eligibility", judges(reject(US_OR_CA)), judges(reject("{fact: country, op: in, value: [CA, US, CA]}"))),
    "the calendar": ("eligibility", judges(reject("{fact: local_date, op: eq, value: '2024-02-29'}")), judges(reject("{all: [{fact: local_date, op: between, value: ['2024-02-26', '2024-03-02']}, {fact: weekday, op: eq, value: thursday}]}"))),
    "a claim": ("attribution", "{claims: refuse}", "{claims: refuse}"),
}  # fmt: skip
UNLIKE = {
    "one value": ("payout", pays(LARGE, REST), pays(LARGE.replace("gt", "gte"), REST)),
    "one rate": ("payout", pays(LARGE, REST), pays(LARGE.replace("'6'", "'6.5'"), REST)),
    "another order": ("payout", pays(LARGE, REST), pays(REST, LARGE)),
    "first or sum": ("payout", pays(LARGE, REST), pays(LARGE, REST, hit="sum")),
    "first or unique": ("payout", pays(LARGE, REST), pays(LARGE, REST, hit="unique")),
    "pay or hold": ("payout", pays(LARGE), pays(LARGE, more="otherwise: {hold: LOOK}")),
    "a bonus": ("payout", pays(REST), pays(REST, more=f"otherwise: {{flat: '0'}}, bonuses: [{LARGE}]")),
    "twice the same": ("payout", pays(LARGE, hit="sum"), pays(LARGE, LARGE.replace("id: a", "id: z"), hit="sum")),
    "absence": ("eligibility", judges(reject(US_OR_CA)), judges(reject(US_OR_CA.replace("]}", "], if_missing: match}")))),
    "another reason": ("eligibility", judges(reject(US_OR_CA)), judges(reject(US_OR_CA, "OTHER"))),
    "one reason more": ("eligibility", judges(reject(US_OR_CA)), judges(reject(US_OR_CA), reject("{fact: country, op: eq, value: CA}", "MORE", "s"))),
    "reject or hold": ("eligibility", judges(reject(US_OR_CA)), judges(reject(US_OR_CA).replace("reject", "hold"))),
    "one text in a million": ("eligibility", judges(reject("{fact: sku, op: starts_with, value: AB}")), judges(reject("{all: [{fact: sku, op: starts_with, value: AB}, {not: {fact: sku, op: contains, value: XYZ, if_missing: no_match}}]}"))),
    "one item": ("eligibility", judges(reject("{any_item: items, where: {fact: price, op: gt, value: '5'}}")), judges(reject("{every_item: items, where: {fact: price, op: gt, value: '5'}, if_missing: no_match}"))),
    "a claim": ("attribution", "{claims: accept}", "{claims: refuse}"),
}  # fmt: skip


def compared(kind: str, old: str, new: str, **more: Any) -> Any:
    return difference(rule_set(kind, old), rule_set(kind, new), shipped_catalogue(), **more)


def said(kind: str, body: str, shown: dict[str, Any], **held: Any) -> Any:
    """What is decided and paid, without which rule said so."""
    decision, _ = decided(kind, body, shown, **held)
    lines = sorted((line.formula, line.amount) for line in decision.lines)
    return decision.outcome, {reason.code for reason in decision.reasons}, lines


@pytest.mark.parametrize(("kind", "old", "new"), ALIKE.values(), ids=ALIKE)
def test_versions_that_decide_alike_are_equal(kind: str, old: str, new: str) -> None:
    assert compared(kind, old, new) == compared(kind, new, old) == Equal()


@pytest.mark.parametrize(("kind", "old", "new"), UNLIKE.values(), ids=UNLIKE)
def test_versions_that_do_not_are_told_apart_by_a_conversion(kind: str, old: str, new: str) -> None:
    for before, after in ((old, new), (new, old)):
        found = compared(kind, before, after)
        assert isinstance(found, Counterexample), found
        shown = json.loads(json.dumps(difference_data(found)))["conversion"]
        assert said(kind, before, shown) != said(kind, after, shown)
        assert found.before != found.after


def test_both_outcomes_are_said_in_words() -> None:
    found = compared("payout", *UNLIKE["one value"][1:])
    assert (found.before, found.after) == ("paid 2.00: 2.00 per unit of quantity", "paid 6.00: 6 % of order_value")
    assert found.conversion.facts == {"order_value": "100", "quantity": 1}  # with 3 pieces both would pay 6.00
    assert found.says == f"decided differently: before {found.before}, after {found.after}"
    found = compared("eligibility", *UNLIKE["absence"][1:])
    assert (found.before, found.after) == ("eligible", "ineligible as NO")


def test_a_fact_that_only_one_version_needs_is_a_difference_where_it_is_missing() -> None:
    always = "{not: {all: [{fact: order_value, op: gt, value: '5'}, {fact: order_value, op: lt, value: '5'}]}}"
    old, new = judges(reject("{always: true}")), judges(reject(always))
    found = compared("eligibility", old, new)
    assert (found.before, found.after) == ("ineligible as NO", "held as MISSING_FACT order_value")
    shown = json.loads(json.dumps(found.conversion.as_dict()))
    assert said("eligibility", new, shown)[:2] == ("held", {"MISSING_FACT"})
    assert said("eligibility", old, shown)[:2] == ("ineligible", {"NO"})


def test_a_fact_that_only_an_unreached_rule_needs_is_still_needed() -> None:
    found = compared("payout", pays(REST, LARGE), pays(REST))
    assert (found.before, found.after) == ("held as MISSING_FACT order_value", "paid 6.00: 2.00 per unit of quantity")


def test_the_number_of_an_order_is_missing_without_its_customer() -> None:
    first = pays("{id: a, when: {fact: customer_order_number, op: gte, value: 1}, then: {flat: '1'}}")
    found = compared("payout", first, pays(more="otherwise: {flat: '1'}"))
    assert found.before == "held as MISSING_FACT customer_order_number"
    assert said("payout", first, json.loads(json.dumps(found.conversion.as_dict())))[1] == {"MISSING_FACT"}


def test_a_computed_fact_that_only_one_version_reads_is_no_difference() -> None:
    assert (
        compared("eligibility", judges(reject("{always: true}")), judges(reject("{fact: hour, op: gte, value: 0}")))
        == Equal()
    )


CLICK = "{fact: touch.type, op: eq, value: click}"


def test_rules_that_need_what_no_conversion_carries_hold_them_all() -> None:
    needs, open_ = judges(reject(CLICK)), judges()
    found = compared("eligibility", needs, open_)
    assert (found.before, found.after) == ("held as MISSING_FACT touch.type", "eligible")
    back = compared("eligibility", open_, needs)
    assert (back.before, back.after) == ("eligible", "held as MISSING_FACT touch.type")
    # Whatever else they say, nobody ever sees it.
    assert isinstance(compared("eligibility", needs, judges(reject(CLICK), otherwise="{reject: OTHER}")), Equal)
    other = judges(reject("{fact: touch.age, op: lt, value: P7D}"))
    found = compared("eligibility", needs, other)
    assert (found.before, found.after) == ("held as MISSING_FACT touch.type", "held as MISSING_FACT touch.age")


def test_limits_that_leave_different_amounts_are_shown_with_what_was_paid_already() -> None:
    old = pays(REST, more=f"otherwise: {{flat: '0'}}, limits: [{CAP}]")
    for new in (pays(REST), old.replace("500", "501")):
        found = compared("payout", old, new)
        assert isinstance(found, Counterexample)
        shown = json.loads(json.dumps(difference_data(found)))
        assert shown["already"] == {"amount/month": "500"}
        paid = [decided("payout", body, shown["conversion"], amount=500)[0].amount for body in (old, new)]
        assert paid[0] == 0 < paid[1]


def test_a_limit_on_one_conversion_is_not_shown_as_if_something_had_been_paid_already() -> None:
    each = CAP.replace("month", "event").replace("500", "1")
    found = compared(
        "payout",
        pays(REST, more=f"otherwise: {{flat: '9'}}, limits: [{each}]"),
        pays(REST, more="otherwise: {flat: '9'}"),
    )
    assert isinstance(found, Counterexample)
    assert not found.already


OVERS = ("partial", "zero", "reject", "hold", "{fallback: {flat: '0.01'}}")


@pytest.mark.parametrize(("one", "two"), [(one, two) for one in OVERS for two in OVERS if one < two])
def test_what_becomes_of_more_than_a_limit_is_told_apart(one: str, two: str) -> None:
    capped = pays(REST, more=f"otherwise: {{flat: '0'}}, limits: [{CAP}]")
    old, new = (capped.replace("partial", over) for over in (one, two))
    found = compared("payout", old, new)
    assert isinstance(found, Counterexample)
    shown = json.loads(json.dumps(difference_data(found)))
    amount = max(map(int, shown["already"].values()))
    sides = [decided("payout", body, shown["conversion"], amount=amount)[0] for body in (old, new)]
    assert (sides[0].outcome, sides[0].amount) != (sides[1].outcome, sides[1].amount)


def test_limits_where_nothing_is_paid_are_not_claimed_to_matter() -> None:
    nothing = "otherwise: {flat: '0'}"
    assert isinstance(compared("payout", pays(more=nothing), pays(more=f"{nothing}, limits: [{CAP}]")), Undecided)


def test_kinds_are_not_compared_with_each_other() -> None:
    with pytest.raises(KindsDiffer, match="eligibility"):
        difference(rule_set("payout", pays()), rule_set("eligibility", judges()), shipped_catalogue())


@pytest.mark.parametrize(("kind", "old", "new"), [ALIKE["the calendar"], UNLIKE["one item"]])
def test_without_steps_nothing_is_claimed(kind: str, old: str, new: str) -> None:
    assert isinstance(compared(kind, old, new, budget=Budget(left=0)), Undecided)
