"""What the program's model gives to each touch that counts, and so to each partner: whole numbers over a common one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlglot import exp

from app.bulk.fact_table import Row, Structure
from app.bulk.pipeline.exact import WIDE_TYPE, scale_of
from app.bulk.pipeline.judging import Verdict
from app.bulk.pipeline.sql import column, either, equal, is_null, is_there, named, number, union_all
from app.core.durations import length_micros
from app.core.money import EXACT
from app.engine.attribution.program_model import ProgramModel
from app.engine.attribution.sharing import PLACES, faded

WEIGHTS = "weights"
WEIGHT_STRUCTURE: dict[str, Structure] = dict.fromkeys(("half_life", "age", "weight"), "BIGINT")

ALONE = ("last_touch", "first_touch")
"""The models that give all to one touch."""

STANDING = (
    Verdict.ELIGIBLE,
    Verdict.MISSING_FACT,
    Verdict.HELD,
    Verdict.HELD_OTHERWISE,
    Verdict.NO_RATE,
    Verdict.NOT_CONVERTED,
)
"""The verdicts of partners that may have a share: eligible, or held until more is known."""


@dataclass(frozen=True, slots=True)
class ModelSpan:
    """A model and the time it is in force, in microseconds; half-open."""

    model: ProgramModel
    since: int
    until: int


def splits(models: Sequence[ProgramModel]) -> bool:
    """Tell whether a model may share a conversion."""
    return any(model.name not in ALONE for model in models)


def ages(spans: Sequence[ModelSpan], overridden: str | None = None) -> exp.Query | None:
    """Return the query of the ages at which touches have a share by half-lives, both in microseconds; None where no model
    shares so."""
    found = [
        exp.select(named(_half_life(span.model), "half_life"), "age").distinct()
        .from_(_placed(span, overridden).subquery("placed", copy=False), copy=False)
        for span in spans if span.model.half_life is not None
    ]  # fmt: skip
    return union_all(found) if found else None


def weight_rows(found: Iterable[Sequence[Any]]) -> Iterator[Row]:
    """Yield what is left of one at each age, in units of its last place: the engine's own numbers, for no engine of SQL has
    the exponential to so many."""
    for half_life, age in dict.fromkeys((int(half_life), int(age)) for half_life, age in found):
        left = faded(timedelta(microseconds=age), timedelta(microseconds=half_life))
        yield {"half_life": half_life, "age": age, "weight": int(EXACT.scaleb(left, PLACES))}


def shares(spans: Sequence[ModelSpan], overridden: str | None = None) -> exp.Query:
    """Return the query of what partners get: `share` parts of `whole`, and the place of the first touch that gets some.
    Who is named in the table `overridden` has all of it, and no touch competes."""
    alone = exp.select("row_number", "partner", *(named(number(1), name) for name in ("share", "whole", "place")))
    found: list[exp.Query] = [_partners(span, overridden) for span in spans]
    if overridden is not None:
        found.append(alone.from_(overridden))
    none: exp.Query = alone.from_("seen").where(exp.false())
    return union_all(found or [none])


def _partners(span: ModelSpan, overridden: str | None) -> exp.Select:
    if span.model.name in ALONE:
        return _winner(span, overridden)
    share = column("share")
    paid = exp.GT(this=share.copy(), expression=number(0))
    query: exp.Select = (
        exp.select("row_number", "partner", named(exp.Sum(this=share), "share"))
        .select(named(exp.Max(this=column("whole")), "whole"), named(exp.Min(this=column("place")), "place"))
        .from_(_each(span, overridden).subquery("each_touch", copy=False))
        .where(paid)
        .group_by("row_number", "partner")
    )
    return query


def _winner(span: ModelSpan, overridden: str | None) -> exp.Select:
    """Return the one touch that gets all: the first, or of the latest the one that goes first."""
    at: exp.Expr = column("at")
    if span.model.name == "last_touch":
        at = exp.Neg(this=at)
    order = exp.Anonymous(this="ROW", expressions=[at, _rank(), column("touch_id")])
    query: exp.Select = (
        exp.select("row_number", named(exp.ArgMin(this=column("partner"), expression=order), "partner"))
        .select(*(named(number(1), name) for name in ("share", "whole", "place")))
        .from_(_competing(span, overridden).subquery("competing", copy=False), copy=False)
        .group_by("row_number", copy=False)
    )
    return query


def _each(span: ModelSpan, overridden: str | None) -> exp.Select:
    """Return each touch with its place in order, and its share."""
    by = [column("row_number")]
    placed = _placed(span, overridden)
    if span.model.half_life is not None:
        return _weighed(span.model, placed)
    # The last touch is the first of the latest, but never the first of all.
    is_late = exp.and_(
        exp.EQ(this=column("at"), expression=column("latest")), exp.GT(this=column("place"), expression=number(1))
    )
    late_place = exp.Min(this=exp.Case(ifs=[exp.If(this=is_late, true=column("place"))]))
    ended = exp.select("*", named(exp.Window(this=late_place, partition_by=by), "end_place")).from_(
        placed.subquery("placed", copy=False)
    )
    share, whole = _SHARING[span.model.name](span.model)
    query: exp.Select = exp.select(
        "row_number", "partner", "place", named(share, "share"), named(whole, "whole")
    ).from_(ended.subquery("ended", copy=False), copy=False)
    return query


def _placed(span: ModelSpan, overridden: str | None) -> exp.Select:
    """Return each touch that competes with its place in order, of how many, and how long before the latest it was."""
    by = [column("row_number")]
    order = exp.Order(expressions=[exp.Ordered(this=each) for each in (column("at"), _rank(), column("touch_id"))])
    latest = exp.Window(this=exp.Max(this=column("at")), partition_by=by)
    windows = {"place": exp.Window(this=exp.RowNumber(), partition_by=by, order=order)}
    if span.model.half_life is None:
        windows |= {"touches": exp.Window(this=exp.Count(this=exp.Star()), partition_by=by), "latest": latest}
    else:
        windows["age"] = exp.Paren(this=exp.Sub(this=latest, expression=column("at")))  # type: ignore[assignment]
    query: exp.Select = exp.select(
        "row_number", "partner", "at", *(named(window, name) for name, window in windows.items())
    ).from_(_competing(span, overridden).subquery("competing", copy=False))
    return query


def _weighed(model: ProgramModel, placed: exp.Select) -> exp.Select:
    """Return each touch with its weight by age, of the weights of all."""
    weight = exp.cast(column("weight", WEIGHTS), WIDE_TYPE)
    whole = exp.Window(this=exp.Sum(this=weight), partition_by=[column("row_number", "p")])
    same = exp.EQ(this=column("half_life", WEIGHTS), expression=_half_life(model))
    query: exp.Select = (
        exp.select(column("row_number", "p"), column("partner", "p"), column("place", "p"))
        .select(named(weight.copy(), "share"), named(whole, "whole"))
        .from_(placed.subquery("p", copy=False), copy=False)
        .join(WEIGHTS, on=exp.and_(equal("age", "p", WEIGHTS), same))
    )
    return query


def _half_life(model: ProgramModel) -> exp.Expr:
    assert model.half_life is not None
    return exp.cast(number(length_micros(model.half_life)), "bigint")


def _competing(span: ModelSpan, overridden: str | None) -> exp.Select:
    """Return the touches that count of conversions in the model's time, without those that step back."""
    model = span.model
    tests: list[exp.Expr] = [
        exp.GTE(this=column("event_at", "seen"), expression=number(span.since)),
        exp.LT(this=column("event_at", "seen"), expression=number(span.until)),
    ]
    if model.not_eligible == "reassign":
        tests.append(stands(column("verdict", "seen")))
    names = ("row_number", "touch_id", "partner", "type", "at")
    query = exp.select(*(column(name, "seen") for name in names)).from_("seen").where(exp.and_(*tests))
    if overridden is not None:
        query = query.join(overridden, on=equal("row_number", "seen", overridden), join_type="left")
        query = query.where(is_null(column("row_number", overridden)))
    if not model.prefers_clicks:
        return query
    clicks = exp.Max(this=either(_is_click(), number(1), number(0)))
    counted = exp.select("*", named(exp.Window(this=clicks, partition_by=[column("row_number")]), "clicks"))
    found: exp.Select = (
        exp.select(*names)
        .from_(counted.from_(query.subquery("qualifying", copy=False), copy=False).subquery("counted", copy=False))
        .where(exp.or_(_is_click(), exp.EQ(this=column("clicks"), expression=number(0))))
    )
    return found


def stands(verdict: exp.Expr) -> exp.Expr:
    """Return whether a partner may have a share."""
    return exp.In(this=verdict, expressions=[number(each) for each in STANDING])


def _is_click() -> exp.Expr:
    return exp.EQ(this=column("type"), expression=exp.Literal.string("click"))


def _rank() -> exp.Expr:
    return either(_is_click(), number(0), number(1))


def _linear(model: ProgramModel) -> tuple[exp.Expr, exp.Expr]:
    return number(1), column("touches")


def _position_based(model: ProgramModel) -> tuple[exp.Expr, exp.Expr]:
    assert model.positions is not None
    parts = (model.positions.first, model.positions.middle, model.positions.last)
    scale = max(map(scale_of, parts))
    first, middle, last = (int(EXACT.scaleb(part, scale)) for part in parts)
    hundred = int(EXACT.scaleb(Decimal(100), scale))
    between = exp.Paren(this=exp.Sub(this=column("touches"), expression=number(2)))

    def at(place: int | exp.Expr) -> exp.Expr:
        return exp.EQ(this=column("place"), expression=number(place) if isinstance(place, int) else place)

    def of(count: int) -> exp.Expr:
        return exp.EQ(this=column("touches"), expression=number(count))

    share = exp.Case(
        ifs=[
            exp.If(this=of(1), true=number(1)),
            exp.If(this=exp.and_(of(2), at(1)), true=number(first)),
            exp.If(this=of(2), true=number(last)),
            exp.If(this=at(1), true=exp.Mul(this=number(first), expression=between.copy())),
            exp.If(this=at(column("end_place")), true=exp.Mul(this=number(last), expression=between.copy())),
        ],
        default=number(middle),
    )
    whole = exp.Case(
        ifs=[exp.If(this=of(1), true=number(1)), exp.If(this=of(2), true=number(first + last))],
        default=exp.Mul(this=number(hundred), expression=between),
    )
    return exp.cast(share, "bigint"), exp.cast(whole, "bigint")


_SHARING: dict[str, Callable[[ProgramModel], tuple[exp.Expr, exp.Expr]]] = {
    "linear": _linear,
    "position_based": _position_based,
}


def largest(models: Sequence[ProgramModel], touches: int) -> int:
    """Return what the whole of a conversion is at most, of which partners have shares."""
    found = 1
    for model in models:
        if model.positions is not None:
            parts = (model.positions.first, model.positions.middle, model.positions.last)
            found = max(found, 100 * 10 ** max(map(scale_of, parts)) * max(1, touches))
        elif model.half_life is not None:
            found = max(found, 10**PLACES * touches)
        elif model.name not in ALONE:
            found = max(found, touches)
    return found


def no_shares() -> exp.Expr:
    """Return whether no touch of a conversion competes for it."""
    return exp.not_(is_there(column("row_number", "competed")))
