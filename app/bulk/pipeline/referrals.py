"""Which conversions are left to the reference engine: parts of contracts in which what is due depends on what limits let
through or on what came back, and contracts that SQL does not hold at all. How they are decided is `by_reference.py`'s.
"""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

from sqlglot import exp

from app.bulk.pipeline.items import may_lack_fields
from app.bulk.pipeline.limits import PART
from app.bulk.pipeline.reversals import TABLE as REVERSALS
from app.bulk.pipeline.runner import Runner
from app.bulk.pipeline.sql import column, either, equal, is_null, is_there, named, number, union_all
from app.engine.terms import Terms
from app.rulelang.ast import Fallback, facts_in

if TYPE_CHECKING:
    from app.bulk.pipeline.plan import Plan

REFERRING, TO_REFER, FEW = "referring", "to_refer", "returned_after_lock"
FLAG = "referral"


class Why(IntFlag):
    """When terms leave a part of their contract to the reference engine: always, once a limit is touched in it, or once
    something came back in it after the lock."""

    NEVER = 0
    ALWAYS = 1
    TOUCHED = 2
    RETURNED = 4


def feeds_back(terms: Terms, *, with_tiers: bool) -> bool:
    """Tell whether limits decide what the tiers of a contract count, so that the two have to be gone through together."""
    return with_tiers and any(
        limit.over in ("reject", "hold")
        or (isinstance(limit.over, Fallback) and (_books(terms) or _may_lack(terms, limit.over)))
        for limit in terms.limits
    )


def _books(terms: Terms) -> bool:
    return any(counter.table for counter in terms.counters_since)


def _may_lack(terms: Terms, fallback: Fallback) -> bool:
    lacking = set(facts_in(fallback.formula)) - set(terms.facts_required)
    return bool(lacking) or may_lack_fields(fallback.formula)


def refer(plan: Plan, runner: Runner) -> bool:
    """Make the tables of the parts and rows that the reference engine decides; tell whether there are any."""
    if plan.extent.taken:
        came = exp.select("row_number").distinct().from_(REVERSALS).where(column("is_after_lock"))
        runner.keep(FEW, came)
    runner.keep(f"{REFERRING}_0", _seeds(plan))
    at = _closed(runner) if plan.splits else 0
    runner.name(REFERRING, exp.select("*").from_(f"{REFERRING}_{at}"))
    rows = exp.select(*(column(name, "t") for name in ("row_number", "partner", "counts"))).from_(_as("tried", "t"))
    runner.keep(TO_REFER, rows.join(_as(REFERRING, "p"), on=_same("t", "p")))
    return _any(runner, TO_REFER)


def _any(runner: Runner, table: str) -> bool:
    return bool(runner.run(exp.select("row_number" if table == TO_REFER else "partner").from_(table).limit(1)))


def _seeds(plan: Plan) -> exp.Select:
    """Return the query of the parts that terms leave to the reference engine by themselves."""

    def has(why: Why) -> exp.Expr:
        flag = exp.Paren(this=exp.BitwiseAnd(this=column(FLAG, "t"), expression=number(why)))
        return exp.NEQ(this=flag, expression=number(0))

    def any_is(*tests: exp.Expr) -> exp.Expr:
        one = either(exp.and_(*tests), number(1), number(0))
        return exp.EQ(this=exp.Max(this=one), expression=number(1))

    counts = column("counts", "t")
    whys = [any_is(has(Why.ALWAYS))]
    whys.append(exp.and_(any_is(has(Why.TOUCHED)), any_is(counts, column("is_touched", "t"))))
    query = exp.select(*(column(name, "t") for name in PART)).from_(_as("tried", "t"))
    if plan.extent.taken:
        query = query.join(FEW, on=equal("row_number", "t", FEW), join_type="left")
        whys.append(any_is(has(Why.RETURNED), counts.copy(), is_there(column("row_number", FEW))))
    query = query.where(is_there(column("part", "t"))).group_by(*(column(name, "t") for name in PART))
    found: exp.Select = query.having(exp.or_(*whys))
    return found


def _closed(runner: Runner) -> int:
    """Take the parts along that share conversions with others: their lines are rounded together. Return which table has
    them all."""
    at = 0
    while True:
        mine, theirs = _as("tried", "x"), _as("tried", "y")
        shared = exp.and_(equal("row_number", "x", "y"), column("counts", "x"), column("counts", "y"))
        more = (
            exp.select(*(column(name, "y") for name in PART)).distinct().from_(mine)
            .join(_as(f"{REFERRING}_{at}", "p"), on=_same("x", "p"))
            .join(theirs, on=shared)
            .join(_as(f"{REFERRING}_{at}", "q"), on=_same("y", "q"), join_type="left")
            .where(exp.and_(is_there(column("part", "y")), is_null(column("partner", "q"))))
        )  # fmt: skip
        runner.keep(f"more_{at}", more)
        if not _any(runner, f"more_{at}"):
            return at
        both = union_all([exp.select(*PART).from_(name) for name in (f"{REFERRING}_{at}", f"more_{at}")])
        runner.keep(f"{REFERRING}_{at + 1}", both)
        at += 1


def rows_to_refer(plan: Plan) -> tuple[list[str], exp.Select]:
    """Return the columns and the query of what the reference engine is given, in canonical order: the rows of those parts,
    and who else is paid for the same conversions."""
    tallies = [plan.tallies.column(at) for at in plan.tiers]
    hits = [name for name in plan.widths.columns if name.startswith("hits_")]
    names = [*plan.identity, "counts", *plan.credit, *plan.carried_numbers, *hits, *tallies]
    names = list(dict.fromkeys(names))
    mine = is_there(column("row_number", "i"))
    both = exp.and_(equal("row_number", "t", "i"), equal("partner", "t", "i"))
    query = exp.select(*(column(name, "t") for name in names), named(mine, "is_in_part"))
    query = query.from_(_as("tallied", "t")).join(_as(TO_REFER, "i"), on=both, join_type="left")
    wanted: exp.Expr = mine.copy()
    if plan.splits:
        paid = exp.select("row_number").from_(TO_REFER).where(column("counts"))
        concerned = exp.In(this=column("row_number", "t"), query=paid.subquery())
        wanted = exp.or_(wanted, exp.and_(column("counts", "t"), concerned))
    order = ["t.event_at", "t.id", *(["t.place"] if plan.splits else []), "t.partner"]
    found: exp.Select = query.where(wanted).order_by(*order)
    return [*names, "is_in_part"], found


def backs_to_refer() -> exp.Select:
    """Return the query of what came back after the lock of the conversions that the reference engine is given."""
    names = ("row_number", "place", "came_back", "pieces", "leaves_nothing", "of_value")
    concerned = exp.In(this=column("row_number"), query=exp.select("row_number").from_(TO_REFER).subquery())
    query: exp.Select = (
        exp.select(*names).from_(REVERSALS).where(exp.and_(column("is_after_lock"), concerned))
        .order_by("row_number", "place")
    )  # fmt: skip
    return query


def without(query: exp.Query, parts: str) -> exp.Select:
    """Return the rows of a query of parts that are not among other parts."""
    found: exp.Select = (
        exp.select("u.*").from_(query.subquery("u", copy=False))
        .join(_as(parts, "p"), on=_same("u", "p"), join_type="left")
        .where(is_null(column("partner", "p")))
    )  # fmt: skip
    return found


def _same(left: str, right: str) -> exp.Expr:
    return exp.and_(*(equal(name, left, right) for name in PART))


def _as(table: str, name: str) -> exp.Expr:
    return exp.alias_(exp.to_table(table), name, table=True)
