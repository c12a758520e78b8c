"""Which touches count: those before the event, of this customer, that their partner's rules let qualify. What each of them
is worth is `sharing.py`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from app.bulk.fact_table import Column, Row, Structure, row_of
from app.bulk.pipeline.groups import Group
from app.bulk.pipeline.judging import Verdict
from app.bulk.pipeline.screening import COUPONS
from app.bulk.pipeline.sql import column, equal, is_null, is_there, named, number, union_all
from app.bulk.pipeline.versions import SPANS
from app.core.instants import micros
from app.engine.factsheet import Conversion
from app.rulelang.ast import facts_of

if TYPE_CHECKING:
    from app.bulk.pipeline.plan import Plan

TYPE, AGE = "touch.type", "touch.age"


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


def concerned(plan: Plan, source: str) -> exp.Query:
    """Return the query of the partners that conversions concern: who touched or whose own coupon was redeemed, or only who
    has a share; and who claims."""
    found = [exp.select("row_number", "partner").from_(source)]
    if source != "shares" and plan.screening.has_coupons:
        found.append(exp.select("row_number", "partner").from_(COUPONS))
    if plan.claimed:
        found.append(exp.select("row_number", "partner").from_("conversions").where(is_there(column("partner"))))
    if len(found) > 1:
        return exp.union(*found, distinct=True)
    return found[0] if source == "shares" else found[0].distinct()


def seen(plan: Plan) -> exp.Query:
    """Return the query of the touches that count. Those of partners without terms do not."""
    nothing = exp.select(
        "row_number", "touch_id", "partner", "type", "at", named(number(0), "verdict"), named(column("at"), "event_at")
    )
    none: exp.Query = nothing.from_("touches").where(exp.false())
    return union_all([_of_group(plan, group) for group in plan.groups] or [none])


_TOUCH = ("row_number", "touch_id", "partner", "type", "at", "verdict", "event_at")


def _of_group(plan: Plan, group: Group) -> exp.Select:
    shape, columns = group.shape, plan.facts.columns
    read = sorted({name for when in shape.qualify for name in facts_of(when)} | set(shape.attribution_required))
    mine = [columns[name].name for name in read if columns[name].fact.subject == "conversion"]
    theirs = [columns[name].name for name in read if columns[name].fact.subject == "touch"]
    met = (_before_judging if plan.is_early else _after_judging)(plan, group, mine, theirs)
    counts: exp.Expr = exp.LTE(this=column("at"), expression=column("event_at"))
    if shape.qualify:
        tests = [exp.Paren(this=group.condition(when, columns)) for when in shape.qualify]
        # Where a fact of the conversion is missing that the rules need, a touch counts until it is known better.
        unknown = [is_null(column(columns[name].name)) for name in shape.attribution_required]
        counts = exp.and_(counts, exp.or_(*unknown, *tests))
    query = exp.select(*(column(name, "met") for name in _TOUCH)).from_(met.subquery("met", copy=False), copy=False)
    if group.is_read_in(counts):
        query = query.join(group.table, on=equal("terms", "met", group.table))
    found: exp.Select = query.where(counts)
    return found


def _after_judging(plan: Plan, group: Group, mine: Sequence[str], theirs: Sequence[str]) -> exp.Select:
    """Return the query of touches of partners of one shape, with the verdict on each."""
    on = exp.and_(equal("row_number", "t", "j"), equal("partner", "t", "j"))
    query = _touches(plan, "j", theirs).select(*(column(name, "j") for name in ("verdict", "event_at", "terms", *mine)))
    query = query.join(exp.alias_(exp.to_table("judged"), "j", table=True), on=on)
    found: exp.Select = query.where(exp.EQ(this=column("shape", "j"), expression=number(group.number)))
    return found


def _before_judging(plan: Plan, group: Group, mine: Sequence[str], theirs: Sequence[str]) -> exp.Select:
    """Return the query of touches of partners of one shape, where it does not matter what is said of the conversion."""
    inside = exp.and_(
        equal("partner", "t", SPANS),
        exp.GTE(this=column("event_at", "c"), expression=column("since", SPANS)),
        exp.LT(this=column("event_at", "c"), expression=column("until", SPANS)),
    )
    query = _touches(plan, "c", theirs).select(named(number(Verdict.ELIGIBLE), "verdict"), column("event_at", "c"))
    query = query.select(column("terms", SPANS), *(column(name, "c") for name in mine))
    conversions = exp.alias_(exp.to_table("conversions"), "c", table=True)
    query = query.join(conversions, on=equal("row_number", "t", "c")).join(SPANS, on=inside)
    found: exp.Select = query.where(exp.EQ(this=column("shape", SPANS), expression=number(group.number)))
    return found


def _touches(plan: Plan, of: str, facts: Sequence[str]) -> exp.Select:
    """Return the query of touches with the facts that rules read of them; their type and age are facts too."""
    columns = plan.facts.columns
    age = exp.Sub(this=column("event_at", of), expression=column("at", "t"))
    derived = {
        columns[name].name: value for name, value in ((TYPE, column("type", "t")), (AGE, age)) if name in columns
    }
    query: exp.Select = (
        exp.select(*(column(name, "t") for name in ("row_number", "touch_id", "partner", "type", "at")))
        .select(*(named(derived.get(name, column(name, "t")), name) for name in facts))
        .from_(exp.alias_(exp.to_table(plan.screening.touches), "t", table=True))
    )
    return query
