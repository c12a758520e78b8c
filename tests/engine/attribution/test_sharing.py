"""What each model gives to touches: worked out by hand, against an independent account, and in any order of arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.rounding import round_parts
from app.engine.attribution.program_model import MODEL_NAMES, Positions, ProgramModel
from app.engine.attribution.sharing import shares_of
from app.engine.factsheet import Touch

START = datetime(1997, 7, 1, tzinfo=UTC)
POSITIONS = Positions(Decimal(40), Decimal(20), Decimal(40))
DAY = timedelta(days=1)
MODELS = [ProgramModel(name, POSITIONS, DAY) for name in MODEL_NAMES]
Type = Literal["click", "view"]
TYPES: tuple[Type, ...] = ("click", "view")


def touch(name: str, days: float = 0, kind: Type = "click") -> Touch:
    return Touch(name, "acme", kind, START + timedelta(days=days), {})


def model(name: str, positions: Positions = POSITIONS) -> ProgramModel:
    return ProgramModel(name, positions, DAY)


some_touches = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(TYPES)), min_size=1, max_size=8).map(
    lambda found: [touch(f"t{n}", days, kind) for n, (days, kind) in enumerate(found)]
)


@given(some_touches, st.sampled_from(MODELS), st.randoms(use_true_random=False))
def test_shares_are_whole_and_the_order_of_arrival_is_nothing(
    touches: list[Touch], given_model: ProgramModel, random: Random
) -> None:
    shares = shares_of(touches, given_model)
    shuffled = random.sample(touches, len(touches))
    assert sum(shares.values()) == 1
    assert set(shares) == {each.id for each in touches}
    assert min(shares.values()) >= 0
    assert list(shares_of(shuffled, given_model).items()) == list(shares.items())


@given(some_touches)
def test_one_touch_takes_all_by_time_then_click_then_id(touches: list[Touch]) -> None:
    def beats(one: Touch, other: Touch, later: bool) -> bool:
        if one.at != other.at:
            return (one.at > other.at) == later
        return one.type == "click" if one.type != other.type else one.id < other.id

    for name, later in (("first_touch", False), ("last_touch", True)):
        winner = next(t for t in touches if all(t is o or beats(t, o, later) for o in touches))
        assert [key for key, share in shares_of(touches, model(name)).items() if share] == [winner.id]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, ["1"]),
        (2, ["1/2", "1/2"]),
        (3, ["2/5", "1/5", "2/5"]),
        (4, ["2/5", "1/10", "1/10", "2/5"]),
    ],
)
def test_positions(count: int, expected: list[str]) -> None:
    shares = shares_of([touch(f"t{n}", n) for n in range(count)], model("position_based"))
    assert list(shares.values()) == [Fraction(share) for share in expected]


def test_at_one_instant_clicks_take_the_ends() -> None:
    at_once = [touch("v", 0, "view"), touch("b"), touch("a")]
    shares = shares_of(at_once, model("position_based"))
    assert shares == {"a": Fraction(2, 5), "b": Fraction(2, 5), "v": Fraction(1, 5)}


def test_two_touches_scale_first_and_last_to_the_whole() -> None:
    uneven = model("position_based", Positions(Decimal(30), Decimal(60), Decimal(10)))
    assert shares_of([touch("a"), touch("b", 1)], uneven) == {"a": Fraction(3, 4), "b": Fraction(1, 4)}


def test_a_half_life_earlier_is_worth_half() -> None:
    shares = shares_of([touch("a"), touch("b", 1), touch("c", 2)], model("time_decay"))
    assert shares == {"a": Fraction(1, 7), "b": Fraction(2, 7), "c": Fraction(4, 7)}


def test_half_a_half_life_is_the_root_of_a_half_to_18_places() -> None:
    shares = shares_of([touch("a"), touch("b", 0.5)], model("time_decay"))
    assert shares["a"] / shares["b"] == Fraction("0.707106781186547524")  # 1/√2 = 0.70710678118654752440…


def test_a_touch_that_faded_long_ago_leaves_the_whole_to_the_latest() -> None:
    assert shares_of([touch("a"), touch("b", 300_000)], model("time_decay")) == {"a": 0, "b": 1}


def test_linear_in_three_gives_the_odd_cent_to_the_first() -> None:
    shares = shares_of([touch("a"), touch("b", 1), touch("c", 2)], model("linear"))
    parts = round_parts([share * 10 for share in shares.values()], "USD")
    assert parts == [Decimal("3.34"), Decimal("3.33"), Decimal("3.33")]


def test_no_touch_no_share() -> None:
    assert shares_of([], model("linear")) == {}
