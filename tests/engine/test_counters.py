"""Running totals: folding conversions in order gives what counting everything before each of them gives."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.engine.counters import Counter, RunningTotals, additions, counters_of
from app.engine.decision import Decision
from app.engine.terms import Terms, TermsHistory
from app.rulelang.ast import Payout
from tests.builders.terms import conversion, decide, history, instant, rule_set

D = Decimal
ZONE = ZoneInfo("America/New_York")
COUNT, SUM, AMOUNT = Counter("count", "month"), Counter("sum", "month", "order_value"), Counter("amount", "month")
JANUARY = instant("1997-01-01")
FIRST_DAY = date(1997, 1, 1)


def nothing(counter: Counter, start: datetime, customer: str) -> Decimal:
    return D(0)


@given(
    st.lists(st.tuples(st.integers(0, 100 * 24), st.decimals("-5", "50", places=2)), max_size=25),
    st.integers(0, 100),
)
def test_a_fold_is_a_count_of_everything_before(events: list[tuple[int, Decimal]], restart_day: int) -> None:
    restart = JANUARY + timedelta(days=restart_day)
    totals = RunningTotals(ZONE, FIRST_DAY, nothing)
    seen: list[tuple[datetime, Decimal]] = []
    for hours, value in sorted(events):
        at = JANUARY + timedelta(hours=hours)
        month = [(then, amount) for then, amount in seen if local_month(then) == local_month(at)]
        since = {COUNT: JANUARY, AMOUNT: restart} | ({SUM: restart} if at >= restart else {})
        expected = {COUNT: D(len(month)), AMOUNT: sum((amount for _, amount in month), D(0))}
        if at >= restart:
            expected[SUM] = sum((amount for then, amount in month if then >= restart), D(0))
        assert totals.before(since, at) == expected
        totals.add(since, at, {COUNT.key: D(1), SUM.key: value, AMOUNT.key: value})
        seen.append((at, value))


def local_month(instant: datetime) -> tuple[int, int]:
    local = instant.astimezone(ZONE)
    return local.year, local.month


def test_a_month_is_the_contracts_own() -> None:
    totals = RunningTotals(ZONE, FIRST_DAY, nothing)
    last = instant("1997-01-31T23:59:59.999999-05:00")
    totals.add({COUNT: JANUARY}, last, {COUNT.key: D(1)})
    assert totals.before({COUNT: JANUARY}, last) == {COUNT: 1}
    assert totals.before({COUNT: JANUARY}, instant("1997-02-01")) == {COUNT: 0}


def test_what_was_counted_before_is_asked_for_once_and_from_where_the_counter_starts() -> None:
    asked = []

    def load(counter: Counter, start: datetime, customer: str) -> Decimal:
        asked.append((counter, start))
        return D(7)

    totals = RunningTotals(ZONE, FIRST_DAY, load)
    mid, late = instant("1997-01-15"), instant("1997-01-20")
    for at in (late, late):
        assert totals.before({COUNT: mid, AMOUNT: mid}, at) == {COUNT: 7, AMOUNT: 7}
    assert asked == [(COUNT, mid), (AMOUNT, JANUARY)]
    totals.before({COUNT: mid}, instant("1997-02-20"))
    assert asked[2:] == [(COUNT, instant("1997-02-01"))]


def test_what_one_conversion_adds() -> None:
    facts = {"order_value": D("5.50"), "quantity": 3}
    counters = [COUNT, SUM, Counter("sum", "day", "quantity"), Counter("sum", "month", "tax"), AMOUNT]
    assert additions(counters, facts, D("1.25"), is_paid=True) == {
        "count": 1,
        "sum:order_value": D("5.50"),
        "sum:quantity": 3,
        "sum:tax": 0,
        "amount": D("1.25"),
        "paid": 1,
    }
    assert additions([], {}, D(0), is_paid=False) == {"amount": 0, "paid": 0}


def test_each_customer_has_a_counter_of_its_own() -> None:
    mine = Counter("paid", "month", per="customer")
    asked = []

    def load(counter: Counter, start: datetime, customer: str) -> Decimal:
        asked.append((counter, start, customer))
        return D(len(customer))

    totals = RunningTotals(ZONE, FIRST_DAY, load)
    since = {mine: JANUARY, AMOUNT: JANUARY}
    totals.add(since, JANUARY, {"paid": D(1), "amount": D(9)}, "ann")
    assert totals.before(since, JANUARY, "ann") == {mine: 4, AMOUNT: 9}
    assert totals.before(since, JANUARY, "eve_") == {mine: 4, AMOUNT: 9}
    assert asked == [
        (mine, instant("1997-01-01"), "ann"),
        (AMOUNT, instant("1997-01-01"), ""),
        (mine, instant("1997-01-01"), "eve_"),
    ]


def test_counters_are_those_of_every_nested_table_and_limit() -> None:
    table = """{tiers: {mode: graduated, by: %s, window: %s, rate: per_unit, steps: [{up_to: null, unit: "1"}]}}"""
    body = rule_set(
        "payout",
        f"""
        rules:
          - {{id: a, when: {{always: true}}, then: {{sum: [{{clamp: {table % ("{count: true}", "month")}, max: "5"}}]}}}}
        bonuses: [{{id: b, when: {{always: true}}, then: {table % ("{sum: quantity}", "month")}}}]
        otherwise: {table % ("{sum: tax}", "event")}
        limits: [{{id: cap, measure: amount, per: contract, window: month, max: "5", over: partial}}]
        """,
    ).body
    assert isinstance(body, Payout)
    assert {counter.name for counter in counters_of(body)} == {"count/month", "sum:quantity/month", "amount/month"}


# ------------------------------------------------------ a contract's way through

GLOBEX = """{tiers: {mode: graduated, by: {count: true}, window: month, rate: per_unit,
             steps: [{up_to: "2", unit: "10"}, {up_to: null, unit: "12"}]}}"""
CAP = """[{id: cap, measure: amount, per: contract, window: month, max: "%s", over: partial}]"""


def settled(versions: str, *at: str) -> list[Decision]:
    """Decide conversions in order, as settling does."""
    found: TermsHistory = history(versions)
    totals = RunningTotals(ZONE, FIRST_DAY, nothing)
    decisions = []
    for number, when in enumerate(at):
        one = conversion(f"c{number}", when, order_value="100")
        terms = found.at(one.event_at)
        assert isinstance(terms, Terms)
        decision = decide(terms, one, totals.before(terms.counters_since, one.event_at))
        if decision.outcome == "rated":
            counted = found.counted(terms)
            added = additions(counted, one.facts, decision.amount, is_paid=True)
            totals.add(counted, one.event_at, added)
        decisions.append(decision)
    return decisions


def paid(versions: str, *at: str) -> list[str]:
    return [one.as_dict()["amount"] for one in settled(versions, *at)]


DAYS = ("1997-01-01", "1997-01-10", "1997-01-20", "1997-01-31", "1997-02-01")


def test_tiers_start_again_each_month() -> None:
    versions = f'- {{effective_from: "1997-01-01", rules: {{payout: {{otherwise: {GLOBEX}}}}}}}'
    assert paid(versions, *DAYS) == ["10.00", "10.00", "12.00", "12.00", "10.00"]


def two(first: str, second: str) -> str:
    return f"""
    - effective_from: "1997-01-01"
      rules:
        payout:
          - {{effective_from: "1997-01-01", body: {first}}}
          - {{effective_from: "1997-01-15", body: {second}}}
    """


def test_a_new_rate_in_the_middle_of_a_month_goes_on_counting() -> None:
    versions = two(f"{{otherwise: {GLOBEX}}}", f"{{otherwise: {GLOBEX.replace('12', '13')}}}")
    assert paid(versions, *DAYS) == ["10.00", "10.00", "13.00", "13.00", "10.00"]


def test_tiers_that_begin_in_the_middle_of_a_month_count_from_there() -> None:
    versions = two('{otherwise: {flat: "1"}}', f"{{otherwise: {GLOBEX}}}")
    assert paid(versions, *DAYS, "1997-02-02", "1997-02-03") == [
        *("1.00", "1.00"),
        *("10.00", "10.00", "10.00", "10.00", "12.00"),
    ]


def test_a_limit_is_on_the_month_whichever_version_paid() -> None:
    capped = f"limits: {CAP}"
    versions = two('{otherwise: {flat: "7"}}', f'{{otherwise: {{flat: "5"}}, {capped % "20"}}}')
    assert paid(versions, *DAYS) == ["7.00", "7.00", "5.00", "1.00", "5.00"]
    versions = two(f'{{otherwise: {{flat: "7"}}, {capped % "10"}}}', f'{{otherwise: {{flat: "5"}}, {capped % "12"}}}')
    assert paid(versions, *DAYS) == ["7.00", "3.00", "2.00", "0.00", "5.00"]


def test_a_conversion_that_is_not_rated_is_not_counted() -> None:
    versions = f"""
    - effective_from: "1997-01-01"
      rules:
        eligibility:
          rules: [{{id: tenth, when: {{fact: local_date, op: eq, value: "1997-01-10"}}, then: {{reject: NO}}}}]
          otherwise: accept
        payout: {{otherwise: {GLOBEX}}}
    """
    assert paid(versions, *DAYS) == ["10.00", "0.00", "10.00", "12.00", "10.00"]
