"""Which touches count: those before the event, of this customer, that their partner's rules let qualify. What each of them
is worth is `sharing.py`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from sqlglot import exp

from app.bulk.fact_table import Column, Row, Structure, row_of
from app.bulk.pipeline.groups import Group
from app.bulk.pipeline.sql import column, is_null, is_there, named, number, union_all
from app.core.instants import micros
from app.engine.factsheet import Conversion
from app.rulelang.ast import facts_of

if TYPE_CHECKING:
    from app.bulk.pipeline.plan import Plan

TYPE, AGE = "touch.type", "touch.age"


class Seen(IntEnum):
    """Whether a touch counts, or why not."""

    COUNTS = 0
    NO_TERMS = 1
    AFTER_EVENT = 2
    NOT_QUALIFIED = 3


def touch_structure(columns: Mapping[str, Column]) -> dict[str, Structure]:
    """Return the columns of the table of touches."""
    words: dict[str, Structure] = {
        "row_number": "BIGINT",
        "touch_id": "VARCHAR",
        "partner": "VARCHAR",
        "type": "VARCHAR",
        "at": "BIGINT",
    }
    return words | {each.name: each.structure for each in _sent(columns)}


def touch_rows(columns: Mapping[str, Column], conversions: Iterable[Conversion]) -> Iterator[Row]:
    """Yield the touches of conversions, which are numbered in their order."""
    given = {each.fact.name: each for each in _sent(columns)}
    for place, one in enumerate(conversions):
        for touch in one.touches:
            named_by = {"row_number": place, "touch_id": touch.id, "partner": touch.partner, "type": touch.type}
            yield {**named_by, "at": micros(touch.at), **row_of(given, touch.facts)}


def _sent(columns: Mapping[str, Column]) -> Iterator[Column]:
    return (each for each in columns.values() if each.fact.subject == "touch" and not each.fact.derived)


def concerned() -> exp.Query:
    """Return the query of the partners that conversions concern: who touched, and who claims."""
    claims = exp.select("row_number", "partner").from_("conversions").where(is_there(column("partner")))
    return exp.union(exp.select("row_number", "partner").from_("touches"), claims, distinct=True)


def seen(plan: Plan) -> exp.Query:
    """Return the query of touches with whether they count."""
    queries: list[exp.Query] = [_of_group(plan, group) for group in plan.groups]
    without = exp.select(*_TOUCH, named(number(Seen.NO_TERMS), "code")).from_(
        _with_parties(plan, ()).subquery("met", copy=False)
    )
    return union_all([*queries, without.where(is_null(column("terms")))])


_TOUCH = ("row_number", "touch_id", "partner", "type", "at", "verdict", "event_at")


def _of_group(plan: Plan, group: Group) -> exp.Select:
    shape, columns = group.shape, plan.facts.columns
    read = sorted({name for when in shape.qualify for name in facts_of(when)} | set(shape.attribution_required))
    mine = [columns[name].name for name in read if columns[name].fact.subject == "conversion"]
    met = _with_parties(plan, mine).where(exp.EQ(this=column("shape", "j"), expression=number(group.number)))
    late = exp.GT(this=column("at"), expression=column("event_at"))
    ifs = [exp.If(this=late, true=number(Seen.AFTER_EVENT))]
    if shape.qualify:
        tests = [exp.Paren(this=group.condition(when, columns)) for when in shape.qualify]
        unknown = [is_null(column(columns[name].name)) for name in shape.attribution_required]
        ifs.append(exp.If(this=exp.or_(*unknown, *tests), true=number(Seen.COUNTS)))
    last = number(Seen.NOT_QUALIFIED if shape.qualify else Seen.COUNTS)
    query = exp.select(*_TOUCH, named(exp.Case(ifs=ifs, default=last), "code")).from_(
        met.subquery("met", copy=False), copy=False
    )
    if group.used:
        query = query.join(group.table, on=exp.EQ(this=column("terms", "met"), expression=column("terms", group.table)))
        query.set("expressions", [column(name, "met") for name in _TOUCH] + query.expressions[len(_TOUCH) :])
    return query


def _with_parties(plan: Plan, facts: Sequence[str]) -> exp.Select:
    """Return the query of touches with the party of their partner, their type and their age as facts."""
    columns = plan.facts.columns
    on = exp.and_(*(exp.EQ(this=column(name, "t"), expression=column(name, "j")) for name in ("row_number", "partner")))
    age = exp.Sub(this=column("event_at", "j"), expression=column("at", "t"))
    derived = {TYPE: column("type", "t"), AGE: age}
    query: exp.Select = (
        exp.select(*(column(name, "t") for name in ("row_number", "touch_id", "partner", "type", "at")))
        .select(*(column(name, "j") for name in ("verdict", "event_at", "terms", "shape", *facts)))
        .select(*(column(each.name, "t") for each in _sent(columns)))
        .select(*(named(value, columns[name].name) for name, value in derived.items() if name in columns))
        .from_(exp.alias_(exp.to_table("touches"), "t", table=True))
        .join(exp.alias_(exp.to_table("judged"), "j", table=True), on=on)
    )
    return query
