"""What is left of facts, and what negative lines take back: by example, and held against sums for all parts there are."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.core.rounding import Rounding
from app.engine.decision import ADJUSTMENT, Line
from app.engine.reversals import (
    Mode,
    Returned,
    Reversal,
    decided_facts,
    is_undone,
    left_of,
    negated,
    negative_lines,
    still_counted,
)

D = Decimal
AT = datetime(1997, 8, 1, tzinfo=UTC)
PLACES = {"USD": 2, "JPY": 0, "KWD": 3}


def back(
    name: str, value: str, mode: Mode = "negate", *, all_of_it: bool = False, items: tuple[Returned, ...] = ()
) -> Reversal:
    return Reversal(name, AT, mode, D(value), all_of_it, items)


def line(amount: str, rule: str = "base", part: str = "", currency: str = "USD", precise: str | None = None) -> Line:
    return Line(rule, "percent", D(precise or amount), D(amount), currency, part)


def taken(lines: list[Line], of: str, *reversals: Reversal, keeps: bool = True) -> list[tuple[str, str, D]]:
    fractions = list(negated({"order_value": D(of)}, reversals))
    found = negative_lines(lines, fractions, "half_away", fallen_away=None if keeps else [{}] * len(fractions))
    return [(each.rule, each.part, each.amount) for each in found]


def test_articles_that_did_not_come_back_stay_as_they_are() -> None:
    items = ({"sku": "a", "quantity": -1, "price": D("10")}, {"sku": "b", "quantity": 0, "price": D("1")})
    assert left_of({"items": items}, [back("r1", "1")])["items"] == items
    assert left_of({"items": items}, [back("r1", "1", items=(Returned("a", 2), Returned("b", 1)))])["items"] == items


def test_what_is_left_of_order_value_pieces_and_articles() -> None:
    facts = {
        "order_value": D("50.00"),
        "quantity": 4,
        "country": "US",
        "items": (
            {"sku": "a", "quantity": 2, "price": D("10")},
            {"sku": "b", "quantity": 1, "price": D("20")},
            {"sku": "a", "quantity": 1, "price": D("10")},
        ),
    }
    came_back = (Returned("a", 1), Returned("a", 1), Returned("b", 1))
    left = left_of(facts, [back("r1", "40", items=came_back)])
    assert left == {
        "order_value": D("10.00"),
        "quantity": 1,
        "country": "US",
        "items": ({"sku": "a", "quantity": 1, "price": D("10")},),
    }
    # Only what came back before the lock is taken out of what is decided.
    assert decided_facts(facts, [back("r1", "40", items=came_back)]) == facts
    assert decided_facts(facts, [back("r1", "40", "restate", items=came_back)]) == left


def test_only_what_came_back_as_a_whole_before_the_lock_is_undone() -> None:
    assert not is_undone([])
    assert not is_undone([back("r1", "4", "restate")])
    assert is_undone([back("r1", "4", "restate"), back("r2", "6", "restate", all_of_it=True)])
    assert not is_undone([back("r1", "4", "restate"), back("r2", "6", all_of_it=True)])


def test_each_rule_has_a_line_of_its_own_for_each_reversal() -> None:
    paid = [line("10.00"), line("3.00", "bonus"), line("0.00", "nothing", precise="5")]
    assert taken(paid, "100", back("r1", "40"), back("r2", "60", all_of_it=True)) == [
        ("base", "reversal:r1", D("-4.00")),
        ("bonus", "reversal:r1", D("-1.20")),
        ("base", "reversal:r2", D("-6.00")),
        ("bonus", "reversal:r2", D("-1.80")),
    ]


def test_a_part_is_of_what_was_left_when_a_part_came_back_before_the_lock() -> None:
    """40 of 100 came back before the lock, so 60 were paid for; 30 are half of that."""
    reversals = [back("r1", "40", "restate"), back("r2", "30"), back("r3", "30", all_of_it=True)]
    assert list(negated({"order_value": D("60")}, reversals)) == [
        (reversals[1], Fraction(1, 2)),
        (reversals[2], Fraction(1)),
    ]


def test_a_conversion_without_order_value_comes_back_as_a_whole() -> None:
    whole = back("r1", "0", all_of_it=True)
    assert list(negated({}, [whole])) == [(whole, Fraction(1))]


def test_what_a_step_changed_on_others_stays_as_long_as_the_step_is_reached() -> None:
    paid = [line("8.00"), line("4.00", part=ADJUSTMENT)]
    whole = back("r1", "100", all_of_it=True)
    assert taken(paid, "100", whole) == [("base", "reversal:r1", D("-8.00"))]
    assert taken(paid, "100", whole, keeps=False) == [("base", "reversal:r1", D("-12.00"))]


def test_a_step_that_stays_reached_keeps_what_it_changed_on_others_and_one_that_falls_takes_it_back() -> None:
    paid = [line("12.00"), line("8.00", part=ADJUSTMENT)]
    fractions = list(negated({"order_value": D("60")}, [back("r1", "30"), back("r2", "20")]))
    gone: list[dict[str, Fraction]] = [{"base": Fraction(0)}, {"base": Fraction(1)}]
    found = negative_lines(paid, fractions, "half_away", fallen_away=gone)
    assert [(each.part, each.amount) for each in found] == [("reversal:r1", D("-6.00")), ("reversal:r2", D("-12.00"))]


def test_counters_that_are_given_back_what_came_back_see_the_rest_in_whatever_currency() -> None:
    """The order was 100.00 euros, which are 110.00 dollars; a quarter of it came back."""
    (one,) = negated({"order_value": D("100.00")}, [back("r1", "25.00", items=(Returned("a", 1),))])
    assert still_counted({"order_value": D("110.00"), "quantity": 4}, [one]) == {
        "order_value": D("82.50"),
        "quantity": 3,
    }
    assert still_counted({"order_value": D("110.00")}, [(one[0], Fraction(1))]) is None


def test_a_deduction_is_given_back() -> None:
    assert taken([line("-3.00")], "100", back("r1", "50"), back("r2", "50", all_of_it=True)) == [
        ("base", "reversal:r1", D("1.50")),
        ("base", "reversal:r2", D("1.50")),
    ]


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Line, Decimal, list[Reversal], Rounding]:
    """A line, the order value, and parts of it that come back, all of it in the end or not."""
    currency = draw(st.sampled_from(sorted(PLACES)))
    amount = D(draw(st.integers(-10_000, 10_000))).scaleb(-PLACES[currency])
    precise = D(draw(st.integers(-(10**9), 10**9))).scaleb(-6)
    values = draw(st.lists(st.integers(1, 9_999), min_size=1, max_size=6))
    rest = draw(st.integers(0, 500))
    of = D(sum(values) + rest).scaleb(-2)
    parts = [back(f"r{n}", str(D(value).scaleb(-2))) for n, value in enumerate(values)]
    if not rest:
        last = parts[-1]
        parts[-1] = Reversal(last.id, AT, "negate", last.value, leaves_nothing=True)
    return (
        Line("base", "percent", precise, amount, currency),
        of,
        parts,
        draw(st.sampled_from(["half_away", "half_even"])),
    )


@given(_cases())
def test_parts_never_take_more_than_was_paid_and_all_of_them_take_it_to_the_place(
    case: tuple[Line, Decimal, list[Reversal], Rounding],
) -> None:
    paid, of, reversals, rounding = case
    found = negative_lines([paid], list(negated({"order_value": of}, reversals)), rounding, fallen_away=None)
    unit = D(1).scaleb(-PLACES[paid.currency])
    so_far, returned = D(0), D(0)
    for reversal, each in zip(reversals, found, strict=bool(paid.amount)):
        assert each.amount % unit == 0
        assert each.amount * paid.amount <= 0  # it takes back, and never gives more
        so_far += each.amount
        returned += reversal.value
        assert abs(so_far) <= abs(paid.amount)
        # Never further from the exact part than half a place, however many parts there were before.
        assert abs(Fraction(so_far) + Fraction(paid.amount) * Fraction(returned) / Fraction(of)) <= Fraction(unit) / 2
    if paid.amount and returned == of:
        assert so_far == -paid.amount
        assert sum((each.amount_precise for each in found), D(0)) == -paid.amount_precise
