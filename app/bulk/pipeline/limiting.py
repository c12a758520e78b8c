"""What limits leave of what is due, and what of it is left to the reference engine: the table `decided`. Which query finds
what is in `limits.py`, `segments.py`, `referrals.py`."""

from __future__ import annotations

from sqlglot import exp

from app.bulk.pipeline.by_reference import REFERRED, refer_rows
from app.bulk.pipeline.limits import PART, TABLE, LimitPlan, folded, optimistic, unsettled, used, within
from app.bulk.pipeline.plan import Plan
from app.bulk.pipeline.referrals import REFERRING, refer, without
from app.bulk.pipeline.runner import Runner
from app.bulk.pipeline.segments import segmented
from app.bulk.pipeline.sql import column, equal, is_null, named, number, union_all


def limit(plan: Plan, runner: Runner, priced: exp.Query) -> bool:
    """Make `decided` of what is due: as it is where no limit binds, and one by one where limits depend on each other, by
    the reference engine where tiers depend on limits as well. Tell whether anything was left to that."""
    if not plan.kinds and not plan.refers:
        states = [named(number(0), name) for name in ("said", "beyond")]
        finals = [named(column(f"amount_{at}"), f"final_{at}") for at in range(plan.lines)]
        nothing = named(exp.cast(exp.Null(), "bigint"), "final_fallback")
        runner.keep(
            "decided",
            exp.select("*", nothing, *finals, *states).from_(priced.subquery("priced", copy=False), copy=False),
        )
        runner.drop("tallied")
        return False
    limits = plan.limits
    runner.load(TABLE, plan.limit_structure(), plan.limit_rows())
    runner.keep("tried", within(limits, optimistic(limits, priced)))
    is_referred = plan.refers and refer(plan, runner)
    if is_referred:
        refer_rows(plan, runner)
    runner.drop("tallied")
    changed = _unsettled(plan, runner, is_referred=is_referred)
    found = [_replaced(plan, limits, name) for name in changed]
    found += [_referred(plan, limits)] if is_referred else []
    standing = _standing(plan, limits, is_settled=not changed, is_referred=is_referred)
    runner.name("decided", union_all([standing, *found]))
    return is_referred


def _unsettled(plan: Plan, runner: Runner, *, is_referred: bool) -> list[str]:
    """Make the tables of what limits leave where it is not as it was tried, and return their names."""
    if not plan.kinds:
        return []
    parts: exp.Query = unsettled("tried", plan.limits)
    runner.keep("unsettled", without(parts, REFERRING) if is_referred else parts)
    found = []
    for name, by_terms, tree in (("segmented", True, segmented), ("folded", False, folded)):
        some = exp.select("partner").from_("unsettled")
        if runner.run(some.where(column("by_terms") if by_terms else exp.not_(column("by_terms"))).limit(1)):
            runner.keep(name, tree(plan.limits, "tried", "unsettled"))
            found.append(name)
    return found


def _replaced(plan: Plan, limits: LimitPlan, table: str) -> exp.Query:
    """Return the query of the rows that a table says something else of."""
    changed = [*limits.results, *(used(tally) for tally in limits.tallies)]
    query = exp.select(*(column(name, "t") for name in limits.columns), *(column(name, "f") for name in changed))
    return query.select(*_nothing_noted(plan)).from_(_as("tried", "t")).join(_as(table, "f"), on=_same_row("t", "f"))


def _referred(plan: Plan, limits: LimitPlan) -> exp.Query:
    """Return the query of the rows that the reference engine decided."""
    size = "int128" if plan.is_wide else "bigint"
    finals = {name: named(exp.cast(column(name, "f"), size), name) for name in limits.finals}
    results = [finals.get(name, column(name, "f")) for name in limits.results if name != "is_touched"]
    tallies = [column(used(tally), "t") for tally in limits.tallies]
    query = exp.select(*(column(name, "t") for name in limits.columns), *results, column("is_touched", "t"), *tallies)
    return query.select(column("noted", "f")).from_(_as("tried", "t")).join(_as(REFERRED, "f"), on=_same_row("t", "f"))


def _standing(plan: Plan, limits: LimitPlan, *, is_settled: bool, is_referred: bool) -> exp.Query:
    """Return the query of the rows that stand as they were tried."""
    names = [*limits.columns, *limits.results, *(used(tally) for tally in limits.tallies)]
    query = exp.select(*(column(name, "t") for name in names), *_nothing_noted(plan)).from_(_as("tried", "t"))
    if not is_settled:
        same = exp.and_(*(equal(name, "t", "p") for name in PART))
        query = query.join(_as("unsettled", "p"), on=same, join_type="left").where(is_null(column("partner", "p")))
    if is_referred:
        query = query.join(_as(REFERRED, "f"), on=_same_row("t", "f"), join_type="left")
        query = query.where(is_null(column("row_number", "f")))
    return query


def _nothing_noted(plan: Plan) -> list[exp.Expr]:
    return [named(exp.cast(exp.Null(), "text"), "noted")] if plan.refers else []


def _same_row(left: str, right: str) -> exp.Expr:
    return exp.and_(equal("row_number", left, right), equal("partner", left, right))


def _as(table: str, name: str) -> exp.Expr:
    return exp.alias_(exp.to_table(table), name, table=True)
