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
    return union_all([_of_groups(plan, groups) for groups in _batches(plan.groups)] or [none])


_TOUCH = ("row_number", "touch_id", "partner", "type", "at", "verdict", "event_at")

# Touches are read once for so many shapes: a look-up in one more table of numbers costs less than reading them again.
_AT_ONCE = 16


def _batches(groups: Sequence[Group]) -> Iterator[Sequence[Group]]:
    return (groups[at : at + _AT_ONCE] for at in range(0, len(groups), _AT_ONCE))


def _of_groups(plan: Plan, groups: Sequence[Group]) -> exp.Select:
    """Return the query of the touches of partners of some shapes."""
    columns = plan.facts.columns
    read = sorted({name for group in groups for name in _read(group)})
    mine = [columns[name].name for name in read if columns[name].fact.subject == "conversion"]
    theirs = [columns[name].name for name in read if columns[name].fact.subject == "touch"]
    met = (_before_judging if plan.is_early else _after_judging)(plan, groups, mine, theirs)
    query = exp.select(*(column(name, "met") for name in _TOUCH)).from_(met.subquery("met", copy=False), copy=False)
    by_sql: dict[str, tuple[exp.Expr, list[int]]] = {}
    for group in groups:
        counts = _qualifies(group, columns)
        by_sql.setdefault(counts.sql(), (counts, []))[1].append(group.number)
        if group.is_read_in(counts):
            query = query.join(group.table, on=equal("terms", "met", group.table), join_type="left", copy=False)
    tests = [exp.If(this=_of_shapes(of, "met"), true=counts) for counts, of in by_sql.values()]
    counted = tests[0].args["true"] if len(tests) == 1 else exp.Case(ifs=tests, default=exp.false())
    # Partners without terms have no shape. Asked together with the time, it is no test on spans by itself.
    before: exp.Expr = exp.LTE(this=column("at"), expression=column("event_at"))
    before = exp.Case(ifs=[exp.If(this=is_there(column("terms", "met")), true=before)], default=exp.false())
    found: exp.Select = query.where(exp.and_(before, exp.Paren(this=counted)), copy=False)
    return found


def _read(group: Group) -> set[str]:
    """Return the facts that say whether a touch counts."""
    shape = group.shape
    return {name for when in shape.qualify for name in facts_of(when)} | set(shape.attribution_required)


def _qualifies(group: Group, columns: Mapping[str, Column]) -> exp.Expr:
    shape = group.shape
    if not shape.qualify:
        return exp.true()
    # Where a fact of the conversion is missing that the rules need, a touch counts until it is known better.
    unknown = [is_null(column(columns[name].name)) for name in shape.attribution_required]
    return exp.or_(*unknown, *(exp.Paren(this=group.condition(when, columns)) for when in shape.qualify))


def _only(plan: Plan, groups: Sequence[Group], table: str) -> exp.Expr | None:
    """Return whether terms are of some shapes; nothing where all are, for a test on spans makes DuckDB join them too early."""
    return None if len(groups) == len(plan.groups) else _of_shapes([group.number for group in groups], table)


def _of_shapes(numbers: Sequence[int], table: str) -> exp.Expr:
    return exp.In(this=column("shape", table), expressions=[number(each) for each in numbers])


def _after_judging(plan: Plan, groups: Sequence[Group], mine: Sequence[str], theirs: Sequence[str]) -> exp.Select:
    """Return the query of touches of partners of some shapes, with the verdict on each."""
    on = exp.and_(equal("row_number", "t", "j"), equal("partner", "t", "j"))
    names = ("verdict", "event_at", "terms", "shape", *mine)
    query = _touches(plan, "j", theirs).select(*(column(name, "j") for name in names))
    query = query.join(exp.alias_(exp.to_table("judged"), "j", table=True), on=on)
    found: exp.Select = query.where(_only(plan, groups, "j"))
    return found


def _before_judging(plan: Plan, groups: Sequence[Group], mine: Sequence[str], theirs: Sequence[str]) -> exp.Select:
    """Return the query of touches of partners of some shapes, where it does not matter what is said of the conversion."""
    inside = exp.and_(
        equal("partner", "t", SPANS),
        exp.GTE(this=column("event_at", "c"), expression=column("since", SPANS)),
        exp.LT(this=column("event_at", "c"), expression=column("until", SPANS)),
    )
    query = _touches(plan, "c", theirs).select(named(number(Verdict.ELIGIBLE), "verdict"), column("event_at", "c"))
    query = query.select(column("terms", SPANS), column("shape", SPANS), *(column(name, "c") for name in mine))
    conversions = exp.alias_(exp.to_table("conversions"), "c", table=True)
    query = query.join(conversions, on=equal("row_number", "t", "c")).join(SPANS, on=inside)
    found: exp.Select = query.where(_only(plan, groups, SPANS))
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
