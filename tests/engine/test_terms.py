"""Terms in force: the look-up equals a naive scan on two clocks, and counters carry on or restart as agreed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.counters import Counter, counters_of
from app.engine.terms import Contract, ContractVersion, NoTerms, RuleVersion, Terms, TermsHistory
from app.rulelang.ast import KINDS, Payout
from app.rulelang.ruleset import RuleSet
from tests.builders.terms import history, instant, rule_set

VERSIONS = """
- effective_from: "1997-01-01"
  recorded_at: "1996-12-01"
  rules:
    payout:
      - {effective_from: "1997-01-01", body: {otherwise: {flat: "1"}}}
      - {effective_from: "1997-03-01", body: {otherwise: {flat: "2"}}, recorded_at: "1997-02-01"}
      - {effective_from: "1997-07-15", body: {otherwise: {flat: "9"}}}
- effective_from: "1997-07-01"
  recorded_at: "1997-06-01"
  rules: {payout: {otherwise: {flat: "3"}}}
- {effective_from: "1998-01-01", recorded_at: "1997-12-01", termination: true}
"""


def pays(at: str, as_of: str = "2000-01-01") -> str:
    """Return what the contract pays at an instant, or why it does not."""
    found = history(VERSIONS, as_of).at(instant(at))
    if isinstance(found, NoTerms):
        return found.code
    formula = found.payout_body.otherwise
    return f"v{found.version.number} pays {formula.amount}"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("1996-12-31T23:59:59.999999-05:00", "BEFORE_START"),
        ("1997-01-01T00:00:00-05:00", "v1 pays 1"),
        ("1997-02-28T23:59:59.999999-05:00", "v1 pays 1"),
        ("1997-03-01T00:00:00-05:00", "v1 pays 2"),
        ("1997-06-30T23:59:59.999999-04:00", "v1 pays 2"),
        ("1997-07-01T00:00:00-04:00", "v2 pays 3"),
        ("1997-07-20T00:00:00-04:00", "v2 pays 3"),  # the rule version of 15 July belongs to version 1
        ("1997-12-31T23:59:59.999999-05:00", "v2 pays 3"),
        ("1998-01-01T00:00:00-05:00", "TERMINATED"),
        ("2020-01-01", "TERMINATED"),
    ],
)
def test_exactly_one_version_is_in_force_and_its_end_is_the_next_start(at: str, expected: str) -> None:
    assert pays(at) == expected


@pytest.mark.parametrize(
    ("at", "as_of", "expected"),
    [
        ("1997-02-01", "1996-11-30T23:59:59-05:00", "BEFORE_START"),
        ("1997-02-01", "1996-12-01", "v1 pays 1"),
        ("1997-04-01", "1997-01-31", "v1 pays 1"),
        ("1997-04-01", "1997-02-01", "v1 pays 2"),
        ("1997-07-20", "1997-05-31", "v1 pays 9"),
        ("1997-07-20", "1997-06-01", "v2 pays 3"),
        ("1998-02-01", "1997-11-30", "v2 pays 3"),
        ("1998-02-01", "1997-12-01", "TERMINATED"),
    ],
)
def test_only_what_was_recorded_by_then_counts(at: str, as_of: str, expected: str) -> None:
    assert pays(at, as_of) == expected


def test_a_version_that_was_retired_counts_for_what_was_known_before() -> None:
    text = """
    - {effective_from: "1997-01-01", recorded_at: "1996-12-01", retired_at: "1997-02-01"}
    - {effective_from: "1997-01-01", recorded_at: "1997-02-01"}
    """
    for as_of, number in (("1997-01-31", 1), ("1997-02-01", 2)):
        found = history(text, as_of).at(instant("1997-01-15"))
        assert isinstance(found, Terms)
        assert found.version.number == number


def test_a_time_without_rules_is_said_and_not_filled() -> None:
    text = """
    - effective_from: "1997-01-01"
      rules:
        payout: [{effective_from: "1997-02-01", body: {}}]
        attribution: [{effective_from: "1997-03-01", body: {claims: accept}}]
    """
    found = history(text).at(instant("1997-01-15"))
    why = "version 1 has no attribution and payout rules by then"
    assert found == NoTerms("RULES_MISSING", why, "acme", "USD")
    assert history(text).at(instant("1997-02-01")) == NoTerms(
        "RULES_MISSING", "version 1 has no attribution rules by then", "acme", "USD"
    )


def test_the_same_terms_are_the_same_object() -> None:
    found = history(VERSIONS)
    assert found.at(instant("1997-01-02")) is found.at(instant("1997-01-03"))
    assert found.at(instant("1997-02-27")) is not found.at(instant("1997-03-02"))


# ------------------------------------------------------- against a naive scan

DAY = timedelta(days=1)
START = datetime(1997, 1, 1, tzinfo=UTC)
CONTRACT = Contract("acme", "shop", "acme", "USD", ZoneInfo("UTC"))
STEPS = {"mode": "graduated", "rate": "per_unit", "window": "month", "steps": [{"up_to": None, "unit": "1"}]}
COUNTS = {"tiers": {**STEPS, "by": {"count": True}}}
SUMS = {"tiers": {**STEPS, "by": {"sum": "order_value"}}}
CAP = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "5", "over": "partial"}
PAYOUTS: list[RuleSet] = [
    rule_set("payout", {"otherwise": {"flat": "1"}}),
    rule_set("payout", {"otherwise": COUNTS}),
    rule_set("payout", {"otherwise": SUMS, "limits": [CAP]}),
    rule_set("payout", {"otherwise": {"sum": [COUNTS, SUMS]}}),
]
BODIES: dict[str, list[RuleSet]] = {
    "eligibility": [rule_set("eligibility", {"rules": [], "otherwise": "accept"})],
    "attribution": [rule_set("attribution", {"claims": "accept"})],
    "payout": PAYOUTS,
}


def day(number: float) -> datetime:
    return START + number * DAY


@st.composite
def versions(draw: st.DrawFn) -> list[ContractVersion]:
    made = []
    for number in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, 12))
        rules = [
            RuleVersion(
                f"{number}-{kind}-{index}",
                index,
                draw(st.sampled_from(BODIES[kind])),
                day(start + draw(st.integers(0, 5)) * (index > 0)),
                *clocks(draw, number * 10 + index),
            )
            for kind in KINDS
            for index in range(draw(st.integers(1, 3)) if kind == "payout" else draw(st.sampled_from([1, 1, 1, 1, 0])))
        ]
        is_termination = draw(st.sampled_from([False, False, False, True]))
        clock = clocks(draw, number)
        made.append(ContractVersion(number, day(start), *clock, is_termination, () if is_termination else tuple(rules)))
    return made


def clocks(draw: st.DrawFn, order: int) -> tuple[datetime | None, datetime | None]:
    """Return when a version was recorded and retired; no two are recorded at the same microsecond."""
    recorded = draw(st.sampled_from([None, 0, 0, 0, 1, 2]))
    retired = draw(st.sampled_from([None, None, None, 1, 2, 3]))
    return (
        None if recorded is None else day(recorded) + timedelta(microseconds=order),
        None if retired is None else day(retired),
    )


def naive(among: Any, as_of: datetime, at: datetime) -> Any:
    """Return the version in force by looking at all of them."""
    started = [
        one
        for one in among
        if one.recorded_at is not None
        and one.recorded_at <= as_of
        and not (one.retired_at is not None and one.retired_at <= as_of)
        and one.effective_from <= at
    ]
    return max(started, key=lambda one: (one.effective_from, one.recorded_at), default=None)


def naive_terms(among: list[ContractVersion], as_of: datetime, at: datetime) -> Any:
    version = naive(among, as_of, at)
    if version is None:
        return "BEFORE_START"
    if version.is_termination:
        return "TERMINATED"
    rules = [naive([r for r in version.rule_versions if r.rules.kind == kind], as_of, at) for kind in KINDS]
    return "RULES_MISSING" if None in rules else (version, *rules)


def naive_since(among: list[ContractVersion], as_of: datetime, until: int) -> dict[Counter, datetime]:
    """Walk back day by day for as long as the payout in force has the counter."""
    _, _, _, now = naive_terms(among, as_of, day(until))
    since = {}
    for counter in counters_of(now.rules.body):
        for number in range(until, -1, -1):
            version = naive(among, as_of, day(number))
            kinds = [] if version is None else [r for r in version.rule_versions if r.rules.kind == "payout"]
            payout = naive(kinds, as_of, day(number))
            if payout is None:
                continue  # nothing was paid then
            if counter not in counters_of(payout.rules.body):
                break
            since[counter] = payout.effective_from
    return since


@given(versions(), st.integers(0, 4))
def test_the_terms_at_every_instant_are_those_of_a_naive_scan(among: list[ContractVersion], known: int) -> None:
    as_of = day(known)
    found = TermsHistory(CONTRACT, among, as_of)
    for number in range(19):
        for at in (day(number), day(number) - timedelta(microseconds=1)):
            expected, actual = naive_terms(among, as_of, at), found.at(at)
            if isinstance(actual, NoTerms):
                assert actual.code == expected
            else:
                assert (actual.version, actual.eligibility, actual.attribution, actual.payout) == expected
        actual = found.at(day(number))
        if isinstance(actual, Terms):
            assert actual.counters_since == naive_since(among, as_of, number)
            assert counters_of(actual.payout_body) <= found.counters
            assert actual.facts_read <= found.facts_read


# ----------------------------------------------------------- counters by hand

COUNT, SUM, AMOUNT = Counter("count", "month"), Counter("sum", "month", "order_value"), Counter("amount", "month")


def since(*payouts: Any, as_of: str = "2000-01-01", at: str = "1997-06-01", apart: bool = False) -> Any:
    """Return since when counters run where one payout follows the other on the 1st of each month.

    `apart`: each in a contract version of its own.
    """
    dated = [{"effective_from": f"1997-0{n}-01", "body": body} for n, body in enumerate(payouts, start=1)]
    if apart:
        given_ = [
            {"effective_from": one["effective_from"], "termination": True}
            if one["body"] is None
            else {"effective_from": one["effective_from"], "rules": {"payout": one["body"]}}
            for one in dated
        ]
    else:
        given_ = [{"effective_from": "1997-01-01", "rules": {"payout": dated}}]
    found = history(given_, as_of, timezone="America/New_York").at(instant(at))
    assert isinstance(found, Terms)
    return {counter.name: f"{start:%m-%d}" for counter, start in found.counters_since.items()}


def payout(otherwise: Any, *limits: Any) -> Any:
    return {"otherwise": otherwise, "limits": list(limits)}


FLAT = payout({"flat": "1"})


@pytest.mark.parametrize("apart", [False, True])
def test_a_counter_carries_on_while_metric_and_window_stay(apart: bool) -> None:
    dearer = {"tiers": {**COUNTS["tiers"], "steps": [{"up_to": None, "unit": "7"}]}}
    assert since(payout(COUNTS), payout(dearer), apart=apart) == {"count/month": "01-01"}
    assert since(payout(COUNTS), payout({"sum": [dearer, SUMS]}), apart=apart) == {
        "count/month": "01-01",
        "sum:order_value/month": "02-01",
    }
    assert since(payout({"sum": [COUNTS, SUMS]}), payout(SUMS), apart=apart) == {"sum:order_value/month": "01-01"}


@pytest.mark.parametrize("apart", [False, True])
def test_a_counter_restarts_where_a_version_did_without_it(apart: bool) -> None:
    assert since(payout(COUNTS), FLAT, payout(COUNTS), apart=apart) == {"count/month": "03-01"}
    assert since(payout(COUNTS), payout(SUMS), payout(COUNTS), apart=apart) == {"count/month": "03-01"}
    assert since(payout(COUNTS), FLAT, apart=apart) == {}
    quantity = {"tiers": {**SUMS["tiers"], "by": {"sum": "quantity"}}}
    assert since(payout(SUMS), payout(quantity), apart=apart) == {"sum:quantity/month": "02-01"}


def test_a_rule_version_that_never_came_into_force_stops_no_counter() -> None:
    given_: list[Any] = [
        {
            "effective_from": "1997-01-01",
            "rules": {
                "payout": [
                    {"effective_from": "1997-01-01", "body": payout(COUNTS)},
                    {"effective_from": "1997-03-01", "body": FLAT},  # the next contract version starts then
                ]
            },
        },
        {"effective_from": "1997-03-01", "rules": {"payout": payout(COUNTS)}},
    ]
    found = history(given_)
    terms = found.at(instant("1997-03-15"))
    assert isinstance(terms, Terms)
    assert terms.counters_since == {COUNT: instant("1997-01-01")}
    assert [len(found.rule_spans(span.version)["payout"]) for span in found.spans] == [1, 1]


def test_only_the_versions_before_decide() -> None:
    assert since(payout(COUNTS), payout(COUNTS), FLAT, payout(COUNTS), at="1997-02-15") == {"count/month": "01-01"}


def test_a_limit_names_its_counter_and_money_is_counted_under_every_version() -> None:
    text: list[Any] = [
        {"effective_from": "1997-01-01", "rules": {"payout": payout({"flat": "1"}, CAP)}},
        {"effective_from": "1997-02-01", "rules": {"payout": payout(COUNTS)}},
        {"effective_from": "1997-03-01", "rules": {"payout": FLAT}},
    ]
    found = history(text)
    assert found.counters == {COUNT, AMOUNT}
    expected = [{AMOUNT}, {AMOUNT, COUNT}, {AMOUNT}]
    for month, counted in enumerate(expected, start=1):
        terms = found.at(instant(f"1997-0{month}-15"))
        assert isinstance(terms, Terms)
        assert found.counted(terms).keys() == counted


def test_a_counter_is_named_by_measure_fact_and_window() -> None:
    assert [counter.name for counter in (COUNT, SUM, AMOUNT)] == [
        "count/month",
        "sum:order_value/month",
        "amount/month",
    ]


def test_facts_and_conditions_of_terms_are_those_of_all_three_bodies() -> None:
    text: list[Any] = [
        {
            "effective_from": "1997-01-01",
            "rules": {
                "eligibility": {
                    "rules": [{"id": "e", "when": {"fact": "country", "op": "exists"}, "then": "accept"}],
                    "otherwise": "accept",
                },
                "payout": {
                    "rules": [{"id": "p", "when": {"fact": "hour", "op": "eq", "value": 3}, "then": {"amount": "tax"}}],
                    "otherwise": {"percent": "1", "of": "order_value"},
                    "bonuses": [{"id": "b", "when": {"always": True}, "then": {"flat": "1"}}],
                },
            },
        }
    ]
    terms = history(text).at(instant("1997-06-01"))
    assert isinstance(terms, Terms)
    assert terms.facts_read == {"country", "hour", "tax", "order_value"}
    assert terms.facts_required == ("hour", "order_value")
    assert [rule for rule, _ in terms.eligibility_conditions.rules] == ["e"]
    assert [rule for rule, _ in terms.payout_conditions.rules] == ["p", "b"]
    assert terms.payout_conditions.hash == terms.payout.rules.key
    assert isinstance(terms.payout_body, Payout)
