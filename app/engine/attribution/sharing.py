"""What each model gives to each of the touches that qualify. Which of them qualify is not decided here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from app.core.durations import length_micros
from app.engine.attribution.program_model import ProgramModel
from app.engine.factsheet import Touch

Shares = list[Fraction]

_RANKS = {"click": 0, "view": 1}
PLACES = 18
"""The places that weights by age are rounded to."""

_WEIGHT = Decimal(1).scaleb(-PLACES)
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)
_LN2 = _CONTEXT.ln(Decimal(2))
_FADED = 64  # half-lives after which a weight is zero to 18 places


def in_order(touches: Sequence[Touch]) -> list[Touch]:
    """Return touches as they came; of those at one instant clicks before views, then by id."""
    return sorted(touches, key=lambda touch: (touch.at, *_precedence(touch)))


def shares_of(touches: Sequence[Touch], model: ProgramModel) -> Mapping[str, Fraction]:
    """Return the share of each touch by its id, in the order of touches. They sum to one unless there is no touch."""
    ordered = in_order(touches)
    if not ordered:
        return {}
    shares = _SHARING[model.name](ordered, model)
    return {touch.id: share for touch, share in zip(ordered, shares, strict=True)}


def _precedence(touch: Touch) -> tuple[int, str]:
    return _RANKS[touch.type], touch.id


def _last_of(ordered: Sequence[Touch], start: int = 0) -> int:
    # At one instant the click wins over the view and then the lower id, for the last touch as for the first.
    latest = ordered[-1].at
    return next(index for index in range(start, len(ordered)) if ordered[index].at == latest)


def _only(index: int, count: int) -> Shares:
    return [Fraction(int(each == index)) for each in range(count)]


def _first_touch(ordered: Sequence[Touch], model: ProgramModel) -> Shares:
    return _only(0, len(ordered))


def _last_touch(ordered: Sequence[Touch], model: ProgramModel) -> Shares:
    return _only(_last_of(ordered), len(ordered))


def _linear(ordered: Sequence[Touch], model: ProgramModel) -> Shares:
    return [Fraction(1, len(ordered))] * len(ordered)


def _position_based(ordered: Sequence[Touch], model: ProgramModel) -> Shares:
    assert model.positions is not None
    count = len(ordered)
    if count == 1:
        return [Fraction(1)]
    first, middle, last = (
        Fraction(percent) for percent in (model.positions.first, model.positions.middle, model.positions.last)
    )
    if count == 2:
        return [first / (first + last), last / (first + last)]
    end = _last_of(ordered, start=1)
    between = middle / (count - 2) / 100
    return [first / 100 if each == 0 else last / 100 if each == end else between for each in range(count)]


def _time_decay(ordered: Sequence[Touch], model: ProgramModel) -> Shares:
    # Weights are taken from the latest touch, not from the event: the ratios are the same and the sum is never zero.
    assert model.half_life is not None
    weights = [Fraction(faded(ordered[-1].at - touch.at, model.half_life)) for touch in ordered]
    whole = sum(weights, Fraction(0))
    return [weight / whole for weight in weights]


def faded(age: timedelta, half_life: timedelta) -> Decimal:
    """Return what is left of one after an age: half of it after each half-life, rounded half even to 18 places.

    >>> faded(timedelta(days=14), timedelta(days=7)), faded(timedelta(days=448), timedelta(days=7))
    (Decimal('0.250000000000000000'), Decimal('0'))
    """
    halves = _CONTEXT.divide(Decimal(length_micros(age)), Decimal(length_micros(half_life)))
    if halves >= _FADED:
        return Decimal(0)
    return _CONTEXT.quantize(_CONTEXT.exp(_CONTEXT.multiply(-halves, _LN2)), _WEIGHT)


_SHARING: dict[str, Callable[[Sequence[Touch], ProgramModel], Shares]] = {
    "last_touch": _last_touch,
    "first_touch": _first_touch,
    "linear": _linear,
    "position_based": _position_based,
    "time_decay": _time_decay,
}
