"""Who gets the credit, from rules of partners, the program's model, overrides, suppression and claims; on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.durable_matcher import DurableMatcher
from app.core.rounding import round_line
from app.engine.attribution import Attributed, ProgramModel, attribute
from app.engine.attribution.program_model import read_model
from app.engine.decision import Decision
from app.engine.evaluate import case_of, evaluate, judged
from app.engine.factsheet import Conversion, Touch
from app.engine.matcher import Matcher
from app.engine.reference import ReferenceMatcher
from app.engine.terms import NoTerms, Terms
from tests.builders.terms import conversion, terms

WINDOWS = """
attribution:
  claims: accept
  qualify:
    - {id: clicks, when: {all: [{fact: touch.type, op: eq, value: click}, {fact: touch.age, op: lt, value: P30D}]}}
    - {id: views, when: {all: [{fact: touch.type, op: eq, value: view}, {fact: touch.age, op: lt, value: P1D}]}}
eligibility: {rules: [{id: no, when: {fact: country, op: eq, value: XX}, then: {reject: NO}}], otherwise: accept}
payout: {rules: [], otherwise: {percent: "10", of: order_value}}
"""
REJECTS = WINDOWS.replace("value: XX", "value: US")
DAY = timedelta(days=1)
ENGINES: list[Matcher] = [ReferenceMatcher(), DurableMatcher()]


@pytest.fixture(params=ENGINES, ids=["reference", "durable"])
def matcher(request: pytest.FixtureRequest) -> Matcher:
    found: Matcher = request.param
    return found


def of(partner: str, text: str = WINDOWS) -> Terms:
    found = terms(text)
    return replace(found, contract=replace(found.contract, id=partner, partner=partner))


def model(**given: Any) -> ProgramModel:
    found, wrong = read_model({"model": "last_touch", **given})
    assert found is not None, wrong
    return found


def touched(*touches: tuple[str, Literal["click", "view"], timedelta], **facts: Any) -> Conversion:
    """Return a conversion of 100.00 that nobody claims, with touches of partners, each so long before it."""
    one = conversion(partner=None, **{"order_value": "100.00", "country": "US", **facts})
    seen = tuple(Touch(f"t{n}", who, kind, one.event_at - ago, {}) for n, (who, kind, ago) in enumerate(touches))
    return replace(one, touches=seen)


def attributed(one: Conversion, by: ProgramModel, matcher: Matcher, **each: Terms) -> Attributed:
    case = case_of(one, lambda partner: each.get(partner, NoTerms("NO_CONTRACT", "none")), by, "USD")
    return attribute(one, by, {p: judged(t, case, matcher) for p, t in case.terms.items()}, matcher)


def shares(found: Attributed) -> dict[str, str]:
    return {credit.partner: str(credit.share) for credit in found.credits}


def codes(found: Attributed) -> list[str]:
    return [seen.code for seen in found.touches]


ACME, BOLT = of("acme"), of("bolt")


def test_windows_are_elapsed_time_and_half_open(matcher: Matcher) -> None:
    late = timedelta(microseconds=1)
    one = touched(
        ("acme", "click", 30 * DAY),
        ("acme", "click", 30 * DAY - late),
        ("acme", "view", DAY),
        ("acme", "view", DAY - late),
    )
    found = attributed(one, model(model="linear"), matcher, acme=ACME)
    assert codes(found) == ["NOT_QUALIFIED", "CREDITED", "NOT_QUALIFIED", "CREDITED"]
    assert found.touches[2].because == (
        "view of 1997-07-01T14:00:00Z, 1 d before the event; clicks wants touch.type = click; was view; "
        "views wants touch.age < P1D; was P1D"
    )


def test_a_click_goes_before_a_later_view(matcher: Matcher) -> None:
    one = touched(("acme", "click", 2 * DAY), ("bolt", "view", DAY / 2))
    assert shares(attributed(one, model(), matcher, acme=ACME, bolt=BOLT)) == {"bolt": "1"}
    found = attributed(one, model(prefer=["click", "view"]), matcher, acme=ACME, bolt=BOLT)
    assert (shares(found), codes(found)) == ({"acme": "1"}, ["CREDITED", "NOT_PREFERRED"])
    assert found.reasons["bolt"].code == "NOT_PREFERRED"


def test_a_share_of_who_is_not_eligible_is_forfeited_or_reassigned(matcher: Matcher) -> None:
    one, bolt = touched(("acme", "click", 2 * DAY), ("bolt", "click", DAY)), of("bolt", REJECTS)
    forfeits = attributed(one, model(model="linear"), matcher, acme=ACME, bolt=bolt)
    assert (shares(forfeits), codes(forfeits)) == ({"acme": "1/2"}, ["CREDITED", "FORFEITED"])
    assert [(each.partner, each.share) for each in forfeits.forfeited] == [("bolt", Fraction(1, 2))]
    passes = attributed(one, model(model="linear", not_eligible="reassign"), matcher, acme=ACME, bolt=bolt)
    assert (shares(passes), codes(passes)) == ({"acme": "1"}, ["CREDITED", "PASSED_OVER"])


def test_a_share_of_who_is_held_waits_whatever_the_policy(matcher: Matcher) -> None:
    holds = of("bolt", WINDOWS.replace("value: XX}, then: {reject: NO}", "value: US}, then: {hold: LOOK}"))
    one = touched(("acme", "click", 2 * DAY), ("bolt", "click", DAY))
    found = attributed(one, model(model="linear", not_eligible="reassign"), matcher, acme=ACME, bolt=holds)
    assert shares(found) == {"acme": "1/2", "bolt": "1/2"}


COUPON = {
    "overrides": [{"id": "own", "exclusive_coupon": {"codes": ["BOLT10"], "partner": "bolt"}, "from": "1997-07-01"}]
}


def test_the_owner_of_an_exclusive_coupon_needs_no_touch(matcher: Matcher) -> None:
    one = touched(("acme", "click", DAY), coupon_code="BOLT10")
    found = attributed(one, model(**COUPON), matcher, acme=ACME, bolt=BOLT)
    assert (shares(found), codes(found)) == ({"bolt": "1"}, ["OVERRIDDEN"])
    assert (found.reasons["acme"].code, found.reasons["acme"].rule) == ("OVERRIDDEN", "own")
    other = touched(("acme", "click", DAY), coupon_code="ACME10")
    assert shares(attributed(other, model(**COUPON), matcher, acme=ACME, bolt=BOLT)) == {"acme": "1"}
    listed = touched(("acme", "click", DAY), coupon_codes=["X", "BOLT10"])
    assert shares(attributed(listed, model(**COUPON), matcher, acme=ACME, bolt=BOLT)) == {"bolt": "1"}


def test_an_owner_that_is_not_eligible_keeps_others_out_unless_the_credit_is_reassigned(matcher: Matcher) -> None:
    one, bolt = touched(("acme", "click", DAY), coupon_code="BOLT10"), of("bolt", REJECTS)
    assert shares(attributed(one, model(**COUPON), matcher, acme=ACME, bolt=bolt)) == {"bolt": "1"}
    passes = model(**COUPON, not_eligible="reassign")
    assert shares(attributed(one, passes, matcher, acme=ACME, bolt=bolt)) == {"acme": "1"}
    # Without terms in force there is nobody to credit.
    assert shares(attributed(one, model(**COUPON), matcher, acme=ACME)) == {"acme": "1"}


def test_a_preferred_partner_needs_a_touch_that_counts(matcher: Matcher) -> None:
    prefers = model(overrides=[{"id": "launch", "preferred_partner": "acme", "until": "1997-07-03"}])
    both = touched(("acme", "click", 2 * DAY), ("bolt", "click", DAY))
    assert shares(attributed(both, prefers, matcher, acme=ACME, bolt=BOLT)) == {"acme": "1"}
    late = touched(("acme", "click", 31 * DAY), ("bolt", "click", DAY))
    assert shares(attributed(late, prefers, matcher, acme=ACME, bolt=BOLT)) == {"bolt": "1"}
    over = model(overrides=[{"id": "launch", "preferred_partner": "acme", "until": "1997-07-02"}])
    assert shares(attributed(both, over, matcher, acme=ACME, bolt=BOLT)) == {"bolt": "1"}


def test_what_a_partner_buys_itself_and_codes_that_earn_nobody_are_suppressed(matcher: Matcher) -> None:
    own = model(suppress={"self_referral": [{"partner": "bolt", "customer_id": ["u7"]}], "codes": ["STAFF"]})
    one = touched(("acme", "click", 2 * DAY), ("bolt", "click", DAY), customer_id="u7")
    found = attributed(one, own, matcher, acme=ACME, bolt=BOLT)
    assert (shares(found), codes(found)) == ({"acme": "1"}, ["CREDITED", "SELF_REFERRAL"])
    staff = replace(touched(("acme", "click", DAY), coupon_code="STAFF"), partner="bolt")
    found = attributed(staff, own, matcher, acme=ACME, bolt=BOLT)
    assert (shares(found), {name: reason.code for name, reason in found.reasons.items()}) == (
        {},
        {"acme": "CODE_SUPPRESSED", "bolt": "CODE_SUPPRESSED"},
    )


def test_a_claim_is_credited_when_no_touch_counts(matcher: Matcher) -> None:
    late, recent = touched(("acme", "click", 31 * DAY)), touched(("acme", "click", DAY))
    claimed = [replace(one, partner="bolt") for one in (late, recent)]
    without, outranked = (attributed(one, model(), matcher, acme=ACME, bolt=BOLT) for one in claimed)
    assert (shares(without), without.reasons["acme"].code) == ({"bolt": "1"}, "NOT_QUALIFIED")
    assert (shares(outranked), outranked.reasons["bolt"].code) == ({"acme": "1"}, "CLAIM_OUTRANKED")
    refuses = of("bolt", WINDOWS.replace("claims: accept", "claims: refuse"))
    refused = attributed(claimed[0], model(), matcher, acme=ACME, bolt=refuses)
    assert (shares(refused), refused.reasons["bolt"].code) == ({}, "CLAIM_REFUSED")


def decided(one: Conversion, by: ProgramModel, **each: Terms) -> dict[str | None, Decision]:
    case = case_of(one, lambda partner: each[partner], by, "USD")
    return evaluate(case, ReferenceMatcher(), lambda given: {})


PARTNERS = {name: of(name, WINDOWS.replace("P30D", "P300D").replace("P1D", "P300D")) for name in "abc"}
MODELS = [
    model(),
    model(model="first_touch"),
    model(model="linear"),
    model(model="position_based", first="40", middle="20", last="40"),
    model(model="time_decay", half_life="P7D"),
    model(model="linear", prefer=["click", "view"]),
]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["click", "view"]), st.integers(0, 200 * 24)),
        min_size=1,
        max_size=7,
    ),
    st.sampled_from(MODELS),
    st.decimals("0.01", "999.99", places=2),
    st.randoms(use_true_random=False),
)
def test_shares_are_one_and_rounded_parts_the_rounded_whole(
    drawn: list[Any], by: ProgramModel, value: Any, random: Any
) -> None:
    one = touched(*((who, kind, timedelta(hours=ago)) for who, kind, ago in drawn), order_value=str(value))
    found = decided(one, by, **PARTNERS)
    paid = [decision for decision in found.values() if decision.outcome == "rated"]
    assert sum(Fraction(share) for decision in paid for _, share in decision.credit) == 1
    assert sum(decision.amount for decision in paid) == round_line(value / 10, "USD")
    shuffled = list(one.touches)
    random.shuffle(shuffled)
    assert decided(replace(one, touches=tuple(shuffled)), by, **PARTNERS) == found
