"""A single limit whose maximum changes with the terms, inside one of its windows: what is spent is gone through terms by
terms, and what is spent inside each of them is the least of the sum and the maximum."""

from __future__ import annotations

from sqlglot import exp

from app.bulk.pipeline.limits import PART, LimitPlan, added, in_parts, used, within
from app.bulk.pipeline.sql import column, either, named, number, over

ENDLESS = 2**60


def segmented(plan: LimitPlan, tried: str, parts: str) -> exp.Select:
    """Return the query of the rows of such parts with what limits leave of them."""
    by_part = [column(name) for name in PART]
    tally = exp.Window(this=exp.Max(this=column("tally_0")), partition_by=by_part)
    rows = in_parts(plan, tried, parts, by_terms=True)
    known = exp.select(*plan.columns, named(tally, "the_tally")).from_(rows.subquery("rows", copy=False), copy=False)
    adding = exp.select(*plan.columns, "the_tally", named(_added(plan), "added")).from_(
        known.subquery("known", copy=False)
    )
    running = over(exp.Sum(this=column("added")), [*by_part, column("terms")], before=True)
    spent = named(exp.Coalesce(this=running, expressions=[number(0)]), "in_terms")
    summed = exp.select(*plan.columns, "the_tally", "added", spent).from_("adding")
    order = exp.Order(expressions=[exp.Ordered(this=column("began_at"))])
    place = exp.Window(this=exp.RowNumber(), partition_by=by_part, order=order)
    most = exp.Coalesce(this=exp.Max(this=column("most_0")), expressions=[number(ENDLESS)])
    found = (
        exp.select(*PART, "terms", named(exp.Min(this=column("event_at")), "began_at"))
        .select(named(exp.Sum(this=column("added")), "all_of_it"), named(most, "at_most"))
        .from_("adding")
        .group_by(*PART, "terms")
    )
    segments = exp.select("*", named(place, "segment")).from_(found.subquery("found", copy=False))
    query = _with_spent(plan)
    looked = within(plan, query)
    result: exp.Select = exp.select(*PART, "row_number", *plan.results, *(used(each) for each in plan.tallies)).from_(
        looked.subquery("looked", copy=False)
    )
    for name, tree in (("adding", adding), ("summed", summed), ("segments", segments)):
        result = result.with_(name, as_=tree)
    return result.with_("spending", as_=_spending(), recursive=True)


def _added(plan: LimitPlan) -> exp.Expr:
    ifs = [
        exp.If(this=exp.EQ(this=column("the_tally"), expression=number(each)), true=added(plan, each, "amount"))
        for each in plan.tallies
    ]
    return either(column("counts"), exp.Case(ifs=ifs, default=number(0)), number(0))


def _spending() -> exp.Query:
    """Return the query of what was spent up to the end of each segment of a part."""
    zero = exp.cast(number(0), "int128")
    start = (
        exp.select(*PART, named(exp.cast(number(0), "bigint"), "segment"), named(zero, "spent"))
        .distinct()
        .from_("segments")
    )
    joined = exp.and_(
        *(exp.EQ(this=column(name, "s"), expression=column(name, "x")) for name in PART),
        exp.EQ(this=column("segment", "s"), expression=exp.Add(this=column("segment", "x"), expression=number(1))),
    )
    total = exp.Add(this=column("spent", "x"), expression=column("all_of_it", "s"))
    capped = exp.Anonymous(this="LEAST", expressions=[total, column("at_most", "s")])
    spent = exp.Anonymous(this="GREATEST", expressions=[column("spent", "x"), capped])
    turn = (
        exp.select(*(column(name, "s") for name in PART), column("segment", "s"))
        .select(named(exp.cast(spent, "int128"), "spent"))
        .from_(exp.alias_(exp.to_table("spending"), "x", table=True))
        .join(exp.alias_(exp.to_table("segments"), "s", table=True), on=joined)
    )
    return exp.union(start, turn, distinct=False)


def _with_spent(plan: LimitPlan) -> exp.Select:
    """Return the query of rows with what the limit's tally held before each."""
    same = exp.and_(*(exp.EQ(this=column(name, "r"), expression=column(name, "g")) for name in (*PART, "terms")))
    before = exp.and_(
        *(exp.EQ(this=column(name, "g"), expression=column(name, "x")) for name in PART),
        exp.EQ(this=column("segment", "g"), expression=exp.Add(this=column("segment", "x"), expression=number(1))),
    )
    so_far = exp.Add(this=column("spent", "x"), expression=column("in_terms", "r"))
    end = exp.Anonymous(this="GREATEST", expressions=[column("at_most", "g"), column("spent", "x")])
    held = exp.cast(exp.Anonymous(this="LEAST", expressions=[so_far, end]), "bigint")
    sums = [
        named(
            either(exp.EQ(this=column("the_tally", "r"), expression=number(each)), held.copy(), number(0)), used(each)
        )
        for each in plan.tallies
    ]
    query: exp.Select = (
        exp.select(*(column(name, "r") for name in plan.columns), *sums)
        .from_(exp.alias_(exp.to_table("summed"), "r", table=True))
        .join(exp.alias_(exp.to_table("segments"), "g", table=True), on=same)
        .join(exp.alias_(exp.to_table("spending"), "x", table=True), on=before)
    )
    return query
