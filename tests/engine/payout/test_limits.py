"""What limits leave of a decision: by example, and against an oracle that adds everything up again each time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.money import canonical
from app.engine.counters import Counter, RunningTotals
from app.engine.decision import Decision, Line, Reason
from app.engine.payout.limits import Within, within_limits
from app.engine.terms import Terms
from app.rulelang.ast import Fallback, Flat, Limit
from tests.builders.random_limits import BEGAN, deal_of, facts_of, limits, payout_of, sales
from tests.builders.terms import conversion, decide, explained, history, terms
from tests.independent.limits import Paid, Sale, decided, window

D = Decimal
AMOUNT, PAID = Counter("amount", "month"), Counter("paid", "month")


def limit(over: Any, most: str = "10", measure: Any = "amount", identifier: str = "cap", **more: Any) -> Limit:
    given = {"per": "contract", "window": "month", **more}
    return Limit(identifier, measure, max=D(most), over=over, **given)


def lines(*amounts: str) -> list[Line]:
    return [Line(f"r{n}", "flat", D(amount), D(amount), "USD") for n, amount in enumerate(amounts)]


def instead(limit: Limit) -> list[Line]:
    assert isinstance(limit.over, Fallback)
    assert isinstance(limit.over.formula, Flat)
    return [Line(limit.id, "flat", limit.over.formula.amount, limit.over.formula.amount, "USD", "fallback")]


def left(due: list[Line], *given: Limit, used: str = "0", count: int = 0, **counters: str) -> Within:
    before = {AMOUNT: D(used), PAID: D(count)}
    before |= {Counter("amount", "month", limit=name): D(value) for name, value in counters.items()}
    before |= {Counter("paid", "month", limit=name): D(value) for name, value in counters.items()}
    return within_limits(due, given, before, "USD", instead)


def amounts(found: Within) -> list[str]:
    return [canonical(line.amount) for line in found.lines]


@pytest.mark.parametrize(
    ("over", "used", "expected"),
    [
        ("partial", "3.99", (["6", "0.01"], None)),
        ("partial", "4.00", (["6", "0"], None)),
        ("zero", "3.99", (["0", "0"], None)),
        ("zero", "2.50", (["6", "1.5"], None)),
        ("reject", "2.51", ([], "ineligible")),
        ("reject", "2.50", (["6", "1.5"], None)),
        ("hold", "2.51", ([], "held")),
        ("hold", "2.50", (["6", "1.5"], None)),
        (Fallback(Flat(D("0.75"))), "2.50", (["6", "1.5"], None)),
        (Fallback(Flat(D("0.75"))), "2.51", (["0.75"], None)),
    ],
)
def test_what_becomes_of_more_than_is_left(over: Any, used: str, expected: tuple[list[str], str | None]) -> None:
    found = left(lines("6", "1.5"), limit(over), used=used, cap=used)
    assert (amounts(found), found.refused) == expected
    assert found.beyond == ({"cap"} if expected[0] == ["0.75"] else set())
    assert {reason.code for reason in found.reasons} <= {"LIMIT_REACHED"}
    assert bool(found.reasons) is (amounts(found) != ["6", "1.5"])


def test_a_decision_that_takes_back_as_much_needs_no_room() -> None:
    for over in ("zero", "reject", "hold", Fallback(Flat(D(1)))):
        assert amounts(left(lines("6", "-6"), limit(over), used="10", cap="10")) == ["6", "-6"]
        assert amounts(left(lines("6", "-7"), limit(over), used="99", cap="99")) == ["6", "-7"]
    assert amounts(left(lines("6", "-6"), limit("partial"), used="10")) == ["6", "-6"]


def test_a_count_is_of_conversions_that_are_paid() -> None:
    two = limit("zero", "2", "count")
    assert amounts(left(lines("5"), two, count=1)) == ["5"]
    assert amounts(left(lines("5"), two, count=2)) == ["0"]
    assert amounts(left(lines("0", "-3"), two, count=2)) == ["0", "-3"]
    reached = left(lines("5"), two, count=2).reasons
    assert reached == (Reason("LIMIT_REACHED", "cap", None, "at most 2 paid conversions per month", "2 paid already"),)


def test_each_limit_works_on_what_the_former_left() -> None:
    cut, whole = limit("partial", "10", identifier="cut"), limit("reject", "5", identifier="whole")
    assert left(lines("7"), whole, cut).refused == "ineligible"
    assert amounts(left(lines("7"), limit("partial", "4", identifier="cut"), whole)) == ["4"]
    found = left(lines("12"), cut, whole)
    assert [reason.rule for reason in found.reasons] == ["cut", "whole"]
    assert found.refused == "ineligible"


def test_what_a_fallback_pays_is_looked_at_by_all_other_limits_from_the_first_on() -> None:
    first = limit("partial", "3", identifier="first")
    last = limit(Fallback(Flat(D(2))), "2", identifier="last")
    found = left(lines("9"), first, last, used="2", last="0")
    assert amounts(found) == ["1"]  # 9 is cut to 1 by the first, and 1 fits under the last
    found = left(lines("9"), first, last, used="2", last="1.50")
    assert (amounts(found), found.beyond) == (["1"], {"last"})  # the fallback's 2 are cut to 1 by the first
    assert [reason.rule for reason in found.reasons] == ["last", "first"]


def test_each_fallback_is_taken_once() -> None:
    one = limit(Fallback(Flat(D(8))), "5", identifier="one")
    two = limit(Fallback(Flat(D(9))), "5", identifier="two")
    found = left(lines("7"), one, two, one="0", two="0")
    assert (amounts(found), found.beyond) == (["9"], {"one", "two"})
    assert found.lines[0].rule == "two"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "per month"),
        ({"per": "customer"}, "per customer and month"),
        ({"per": "partner", "window": "contract_year"}, "per partner and contract year"),
        ({"window": "contract"}, "per contract"),
        ({"per": "customer", "window": "contract"}, "per customer"),
        ({"window": "event"}, "per conversion"),
    ],
)
def test_a_reason_says_over_what_the_limit_is(more: dict[str, Any], expected: str) -> None:
    given = limit("reject", "1", **more)
    counter = Counter("amount", given.window, per=given.per)
    found = within_limits(lines("2"), (given,), {counter: D(0)}, "USD", instead)
    assert found.reasons == (Reason("LIMIT_REACHED", "cap", None, f"at most 1.00 {expected}", "2.00 due, 1.00 left"),)


# ----------------------------------------------------------- in a decision

FALLBACK = """
payout:
  rules: [{id: base, when: {always: true}, then: {percent: "10", of: order_value}}]
  bonuses: [{id: extra, when: {always: true}, then: {flat: "1"}}]
  limits: [{id: full, measure: amount, per: contract, window: month, max: "5", over: {fallback: {percent: "1", of: tax}}}]
"""
FULL = Counter("amount", "month", limit="full")


def test_a_fallback_pays_one_line_in_place_of_all_and_adds_nothing_to_its_limit() -> None:
    decision = decide(terms(FALLBACK), conversion(order_value="100", tax="50"), {FULL: D(0)})
    assert [(line.rule, line.part, str(line.amount)) for line in decision.lines] == [("full", "fallback", "0.50")]
    assert decision.adds == {"amount": D("0.50"), "paid": 1, "amount:full": 0, "paid:full": 0}
    fits = decide(terms(FALLBACK), conversion(order_value="40"), {FULL: D(0)})
    assert (fits.amount, fits.adds) == (5, {"amount": 5, "paid": 1})


def test_a_fallback_without_its_fact_holds_and_only_where_it_is_needed() -> None:
    held = decide(terms(FALLBACK), conversion(order_value="100"), {FULL: D(0)})
    assert (held.outcome, held.adds) == ("held", {})
    assert [reason.code for reason in held.reasons] == ["LIMIT_REACHED", "MISSING_FACT"]
    assert (held.reasons[1].rule, held.reasons[1].fact) == ("full", "tax")


PER_CUSTOMER = """
payout:
  otherwise: {flat: "2"}
  limits: [{id: one, measure: count, per: customer, window: day, max: "1", over: %s}]
"""
ONE = Counter("paid", "day", per="customer")


def test_a_limit_per_customer_needs_the_customer() -> None:
    found = terms(PER_CUSTOMER % "reject")
    assert found.facts_required == ("customer_id",)
    decision = decide(found, conversion())
    assert [reason.as_dict() for reason in decision.reasons] == [{"code": "MISSING_FACT", "fact": "customer_id"}]
    trace = explained(found, conversion(), {ONE: D(0)})
    assert trace.words[-1] == "customer_id is needed by the limit one."


def test_a_refusal_pays_nothing_counts_for_nothing_and_is_explained() -> None:
    found, one = terms(PER_CUSTOMER % "reject"), conversion(customer_id="ann")
    decision = decide(found, one, {ONE: D(1)})
    assert (decision.outcome, decision.lines, decision.credit, decision.adds) == ("ineligible", (), (), {})
    trace = explained(found, one, {ONE: D(1)})
    assert trace.words[-1] == (
        "It is ineligible: LIMIT_REACHED, the limit one lets through at most 1 paid conversion per customer and day; 1 paid already."
    )
    assert trace.data["limits"] == [
        {
            "limit": "one",
            "in_words": "at most 1 paid conversion per customer and day; a conversion that would go beyond is ineligible",
            "before": "1",
            "reached": ["1 paid already"],
        }
    ]


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ("zero", "The limit one leaves nothing of it: at most 1 paid conversion per customer and day; 1 paid already."),
        (
            '{fallback: {flat: "0.5"}}',
            "The limit one pays a flat 0.50 instead: at most 1 paid conversion per customer and day; 1 paid already.",
        ),
    ],
)
def test_what_a_limit_did_is_said(over: str, said: str) -> None:
    counter = Counter("paid", "day", per="customer", limit="one" if "fallback" in over else "")
    trace = explained(terms(PER_CUSTOMER % over), conversion(customer_id="ann"), {counter: D(1)})
    assert trace.words[-1] == said


# ------------------------------------------------------ against the oracle


def by_product(found: list[dict[str, Any]], given: list[Sale]) -> list[tuple[str, Decision]]:
    """Decide sales in canonical order with the running totals that settling keeps."""
    known = history([{"effective_from": BEGAN.isoformat(), "rules": {"payout": payout_of(found)}}])
    totals = RunningTotals(known.contract.timezone, BEGAN, lambda counter, start, customer: D(0))
    decisions = []
    for sale in sorted(given, key=lambda one: (one.at, one.id)):
        one = conversion(sale.id, sale.at.isoformat(), **facts_of(sale))
        found_terms = known.at(one.event_at)
        assert isinstance(found_terms, Terms)
        since = found_terms.counters_since
        decision = decide(found_terms, one, totals.before(since, one.event_at, sale.customer))
        if decision.outcome == "rated":
            totals.add(known.counted(found_terms), one.event_at, decision.adds, sale.customer)
        decisions.append((sale.id, decision))
    return decisions


def seen(decision: Decision) -> tuple[str, list[Decimal], list[str]]:
    reached = [str(reason.rule) for reason in decision.reasons if reason.code == "LIMIT_REACHED"]
    return decision.outcome, [line.amount for line in decision.lines], reached


@settings(max_examples=400, deadline=None)
@given(limits(), sales())
def test_every_decision_is_that_of_the_oracle(found: list[dict[str, Any]], given: list[Sale]) -> None:
    expected = decided(given, {"acme": deal_of(found)})
    decisions = by_product(found, given)
    assert [(one.sale.id, (one.outcome, one.lines, one.reached)) for one in expected] == [
        (name, seen(decision)) for name, decision in decisions
    ]
    assert [one.beyond for one in expected if one.outcome == "rated"] == [
        {key.partition(":")[2] for key in decision.adds if key.startswith("amount:")}
        for _, decision in decisions
        if decision.outcome == "rated"
    ]


@settings(max_examples=200, deadline=None)
@given(limits(most=2), sales(refunds=False))
def test_no_window_is_ever_over_and_nothing_that_fits_is_kept_back(
    found: list[dict[str, Any]], given: list[Sale]
) -> None:
    deal = deal_of(found)
    by_id = dict(by_product(found, given))
    rows = [Paid(sale, *_lines(by_id[sale.id])) for sale in sorted(given, key=lambda one: (one.at, one.id))]
    for limit in found:
        windows: dict[Any, Decimal] = {}
        for row in rows:
            span = row.sale.id if limit["window"] == "event" else window(limit["window"], row.sale.at, deal)
            key = (span, row.sale.customer if limit["per"] == "customer" else "")
            used = windows.get(key, D(0))
            decision = by_id[row.sale.id]
            is_beyond = f"amount:{limit['id']}" in decision.adds
            paid = D(0) if is_beyond else _measured(limit, row.lines)
            windows[key] = used + paid
            assert windows[key] <= D(limit["max"]), (limit, row)
            if len(found) == 1 and limit["id"] in [reason.rule for reason in decision.reasons]:
                due = _measured(limit, [amount.quantize(D("0.01"), "ROUND_HALF_UP") for amount in row.sale.due])
                assert used + due > D(limit["max"]), (limit, row)


def _lines(decision: Decision) -> tuple[str, list[Decimal]]:
    return decision.outcome, [line.amount for line in decision.lines]


def _measured(limit: dict[str, Any], paid: list[Decimal]) -> Decimal:
    return D(any(line > 0 for line in paid)) if limit["measure"] == "count" else sum(paid, D(0))


@given(st.permutations(range(3)))
def test_limits_that_only_cut_come_to_the_same_in_any_order(order: list[int]) -> None:
    given = [limit("partial", most, identifier=most) for most in ("9", "7.5", "12")]
    found = left(lines("4", "4", "4"), *(given[place] for place in order))
    assert amounts(found) == ["4", "3.5", "0"]
