"""A run of the pipeline: conversions in, decisions as tables. What it is in order; each query is written elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import count, groupby
from typing import Any

from sqlglot import exp

from app.bulk.fact_table import ROW, Row, row_of
from app.bulk.pipeline.by_reference import taken_by_reference
from app.bulk.pipeline.decisions import Decisions, known_of
from app.bulk.pipeline.exchanging import (
    MOST,
    RATES,
    converted_extent,
    currencies_query,
    most_money_of,
    needed,
    rates_of,
    with_rates,
)
from app.bulk.pipeline.exchanging import STRUCTURE as RATE_STRUCTURE
from app.bulk.pipeline.extent import extent_of, extent_query, most_touches, numbers_in, with_sizes
from app.bulk.pipeline.items import paid_by_item, sizes_query
from app.bulk.pipeline.limiting import limit
from app.bulk.pipeline.plan import Plan, conversion_structure, fact_table, parameter_tables, sent
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.reversals import STRUCTURE as REVERSAL_STRUCTURE
from app.bulk.pipeline.reversals import TABLE as REVERSALS
from app.bulk.pipeline.reversals import (
    TAKEN,
    UNDONE,
    extent_with,
    refuse_fine,
    returned_query,
    reversal_rows,
    taken_back,
    taken_columns,
    undone,
)
from app.bulk.pipeline.runner import Runner
from app.bulk.pipeline.screening import OVERRIDDEN
from app.bulk.pipeline.sharing import WEIGHT_STRUCTURE, WEIGHTS, ages, shares, weight_rows
from app.bulk.pipeline.splitting import parts_of, shared, with_splits
from app.bulk.pipeline.sql import column, equal, is_null, named, number, union_all
from app.bulk.pipeline.touching import concerned, seen, touch_rows, touch_structure
from app.bulk.pipeline.versions import (
    CALENDAR,
    DEADLINE_STRUCTURE,
    DEADLINES,
    SPANS,
    calendar_rows,
    calendar_structure,
    copies,
    deadline_rows,
    order_numbers,
    span_rows,
    span_structure,
)
from app.bulk.pipeline.world import World
from app.core.instants import micros
from app.engine.decision import Decision
from app.engine.factsheet import Conversion
from app.engine.matcher import EngineFault


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its plan, the engine that holds the table `decided`, and whether everybody has a verdict."""

    plan: Plan
    runner: Runner
    everybody: bool = True


def load_conversions(runner: Runner, world: World, conversions: Iterable[Conversion]) -> None:
    """Make the table of conversions, numbered in the order in which they come. They are gone through once for each table,
    and never held."""
    columns = fact_table(world).columns
    given = {each.fact.name: each for each in sent(columns)}
    most = None if world.exchange is None else most_money_of(columns, world.catalogue)

    def row(number: int, one: Conversion) -> Row:
        refuse_fine(one)
        received = None if one.received_at is None else micros(one.received_at)
        base = {ROW: number, "id": one.id, "event_at": micros(one.event_at), "partner": one.partner}
        base |= {} if most is None else {MOST: most(one.facts)}
        return {**base, "received_at": received, **row_of(given, one.facts)}

    rows = (row(number, one) for number, one in enumerate(conversions))
    runner.load("conversions", conversion_structure(columns, exchanges=most is not None), rows)
    runner.load("touches", touch_structure(columns), touch_rows(columns, conversions))
    runner.load(REVERSALS, REVERSAL_STRUCTURE, reversal_rows(conversions))


def run(world: World, runner: Runner, *, everybody: bool = True) -> Run:
    """Decide the conversions that an engine holds, under a world. NotInBulk where something is not exactly in.

    The engine has `decided` then: one row for each conversion and partner that is credited with it or claims it. With
    `everybody` it has a verdict in `judged` as well on every other partner with a touch, who gets nothing.
    """
    plan = planned(world, runner)
    _load_terms(plan, runner)
    _screen(plan, runner)
    runner.keep("copies", copies(dict(plan.facts.columns)))
    if plan.extent.undone:
        runner.keep(UNDONE, undone())
    if "customer_order_number" in plan.needs.derived:
        undone_too = plan.extent.undone > 0
        runner.keep("order_numbers", order_numbers(dict(plan.facts.columns), undone=undone_too))
    if plan.exchanges:
        plan = _exchange(plan, runner)
    judged, priced = plan.judged(), plan.priced()
    touching = seen(plan) if plan.touched else None
    for name, structure, rows in parameter_tables(plan.groups):
        runner.load(name, structure, rows)
    if touching is not None and plan.is_early:
        _share(plan, runner, touching)
    if plan.touched:
        source = "touches" if everybody or not plan.is_early else "shares"
        runner.drop(*(["concerned"] if plan.exchanges else []))
        (runner.keep if plan.claimed or source == "touches" else runner.name)("concerned", concerned(plan, source))
    runner.keep("parties", with_rates(plan.parties()) if plan.exchanges else plan.parties())
    runner.keep("judged", judged)
    runner.drop("parties")
    _refuse_converted(runner)
    if touching is not None and not plan.is_early:
        _share(plan, runner, touching)
    runner.keep("tallied", plan.tallied())
    is_referred = limit(plan, runner, _split(plan, runner, priced))
    if plan.extent.taken:
        taken: list[exp.Query] = [taken_back(plan)]
        runner.keep(TAKEN, union_all([*taken, taken_by_reference(plan)] if is_referred else taken))
    return Run(plan, runner, everybody)


def decisions_of(found: Run, conversions: Iterable[Conversion]) -> dict[tuple[str, str | None], Decision]:
    """Return the decisions of a run by conversion and partner, of conversions in the order in which they were loaded."""
    return {
        (one.id, partner): decision
        for one, made in each_decided(found, conversions)
        for partner, decision in made.items()
    }


def each_decided(
    found: Run, conversions: Iterable[Conversion], only: Sequence[int] | None = None
) -> Iterator[tuple[Conversion, dict[str | None, Decision]]]:
    """Yield conversions in the order in which they were loaded, each with what is known of its order and its customer, and
    with its decisions by partner. Nothing is held but the one at hand. With `only`, these are some of them, by number."""
    assert found.everybody, "decisions are made of what is said of every partner"
    makes = Decisions(found.plan)
    taken = _Beside(rows_taken_back(found, only))
    by_conversion = groupby(rows_of(found, only), key=_number_of)
    for place, given in zip(count() if only is None else only, conversions, strict=False):
        number, of_it = next(by_conversion, (None, iter(())))
        rows = list(of_it)
        if number != place or rows[0]["id"] != given.id:
            raise EngineFault("the bulk engine decided another conversion", conversion=given.id, row_number=number)
        one = known_of(given, rows[0])
        yield one, makes.of_conversion(rows, one, taken.of(place))
    if next(by_conversion, None) is not None:
        raise EngineFault("the bulk engine decided conversions that are not there any more")


def rows_of(found: Run, only: Sequence[int] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of `decided` by column in order of conversions, each with what is known of the order and the customer;
    and for each conversion that concerns nobody a row without a partner."""
    plan = found.plan
    of_judged = ["verdict", "due", *plan.widths.columns]
    names = ["row_number", "id", "partner", "terms", "shape", "said", "beyond", "counts"]
    names += ["share", "whole"] if plan.splits else []
    names += [plan.tallies.column(at) for at in range(len(plan.tallies.columns))]
    names += [f"{kind}_{at}" for at in range(plan.lines) for kind in ("precise", "amount", "final")]
    names += ["noted"] if plan.refers else []
    names += ["final_fallback", *(f"{kind}_{at}" for at in plan.falling for kind in ("fallback_precise", "fallback"))]
    query = exp.select(*(column(name, "d") for name in names), *(column(name, "j") for name in of_judged))
    query = query.from_(exp.alias_(exp.to_table("decided"), "d", table=True))
    same = exp.and_(equal("row_number", "d", "j"), equal("partner", "d", "j"))
    query = query.join(exp.alias_(exp.to_table("judged"), "j", table=True), on=same)
    parts = [_known_rows(found, query, "d", [*names, *of_judged], only)]
    if plan.touched:
        parts.append(_known_rows(found, _bystanders(plan), "j", [*_OF_BYSTANDERS, *plan.widths.columns], only))
    nobody = exp.select(*(column(name, "c") for name in _OF_NOBODY)).from_(
        exp.alias_(exp.to_table("conversions"), "c", table=True)
    )
    nobody = nobody.join("judged", on=equal("row_number", "c", "judged"), join_type="left")
    nobody = nobody.where(is_null(column("row_number", "judged")))
    parts.append(_known_rows(found, nobody, "c", _OF_NOBODY, only))
    return merge(*parts, key=_number_of)


def rows_taken_back(found: Run, only: Sequence[int] | None = None) -> Iterator[dict[str, Any]]:
    """Yield what reversals after the lock take back, in order of conversions, partners and reversals."""
    if found.plan.extent.taken:
        names = ["row_number", "partner", "place", *taken_columns(found.plan.lines)]
        query = exp.select(*names).from_(TAKEN).order_by("row_number", "partner", "place")
        query = query if only is None else query.where(_among(only, TAKEN))
        for row in found.runner.stream(query):
            yield dict(zip(names, row, strict=True))


class _Beside:
    """Rows of some conversions, in order, that are asked for conversion by conversion."""

    def __init__(self, rows: Iterator[dict[str, Any]]) -> None:
        self._groups = groupby(rows, key=_number_of)
        self._next: int | None = None
        self._rows: list[dict[str, Any]] = []
        self._turn()

    def of(self, place: int) -> list[dict[str, Any]]:
        """Return the rows of a conversion, of which there may be none."""
        if self._next != place:
            return []
        found = self._rows
        self._turn()
        return found

    def _turn(self) -> None:
        self._next, rows = next(self._groups, (None, iter(())))
        self._rows = list(rows)


_OF_NOBODY = ("row_number", "id", "partner")
_OF_BYSTANDERS = (*_OF_NOBODY, "terms", "shape", "verdict", "due")


def _number_of(row: Mapping[str, Any]) -> int:
    return int(row["row_number"])


def _bystanders(plan: Plan) -> exp.Select:
    """Return the query of parties that are neither credited nor claim."""
    query = exp.select(*(column(name, "j") for name in (*_OF_BYSTANDERS, *plan.widths.columns)))
    query = query.from_(exp.alias_(exp.to_table("judged"), "j", table=True))
    on = exp.and_(equal("row_number", "j", "d"), equal("partner", "j", "d"))
    query = query.join(exp.alias_(exp.to_table("decided"), "d", table=True), on=on, join_type="left")
    found: exp.Select = query.where(is_null(column("row_number", "d")))
    return found


def _among(numbers: Sequence[int], table: str) -> exp.Expr:
    return exp.In(this=column("row_number", table), expressions=[number(each) for each in numbers])


def _known_rows(
    found: Run, query: exp.Select, table: str, names: Sequence[str], only: Sequence[int] | None
) -> Iterator[dict[str, Any]]:
    numbered = "customer_order_number" in found.plan.needs.derived
    place = column("place", "order_numbers") if numbered else exp.Null()
    query = query.select(column("counted_as", "copies"), named(place, "order_number"))
    for other in ("copies", *(["order_numbers"] if numbered else [])):
        query = query.join(other, on=equal("row_number", table, other), join_type="left")
    query = query if only is None else query.where(_among(only, table))
    for row in found.runner.stream(query.order_by(f"{table}.row_number", f"{table}.partner")):
        yield dict(zip([*names, "counted_as", "order_number"], row, strict=True))


def planned(world: World, runner: Runner) -> Plan:
    """Return the plan of a run over the conversions that an engine holds."""
    _refuse_world(world)
    numbers = numbers_in(fact_table(world).columns)
    (row,) = runner.run(extent_query("conversions", numbers))
    touches = runner.run(most_touches())[0][0] or 0
    (back,) = runner.run(returned_query())
    extent = extent_with(extent_of(row, numbers, touches), back)
    lists = paid_by_item(world.terms)
    if lists:
        names, sizes = sizes_query(fact_table(world).columns, lists)
        extent = with_sizes(extent, names, runner.run(sizes)[0])
    if world.exchange is not None:
        found = runner.run(currencies_query(fact_table(world).columns, world.currency))
        extent = replace(extent, currencies=frozenset(str(name) for (name,) in found))
    return Plan(world, extent)


def _exchange(plan: Plan, runner: Runner) -> Plan:
    """Find the rates that orders need, and return the plan of a run that has them."""
    if plan.touched:
        runner.keep("concerned", concerned(plan, "touches"))
    rows, rates = rates_of(plan.world, runner.run(needed(plan.parties())))
    runner.load(RATES, RATE_STRUCTURE, rows)
    extent = converted_extent(plan.extent, plan.facts.columns, rates)
    return Plan(plan.world, replace(extent, rates=rates.bound, rate_scale=rates.scale))


def _screen(plan: Plan, runner: Runner) -> None:
    """Find what is said of conversions and touches before any rule is asked."""
    for name, structure, rows in plan.screening.tables():
        runner.load(name, structure, rows)
    for name, query in plan.screening.queries():
        runner.keep(name, query)


def _share(plan: Plan, runner: Runner, touching: exp.Query) -> None:
    """Find who gets which share of conversions with touches."""
    runner.keep("seen", touching)
    overridden = None
    if plan.screening.overrides:
        overridden = OVERRIDDEN
        runner.keep(overridden, plan.screening.overridden(is_early=plan.is_early))
    aged = ages(plan.spans, overridden)
    if aged is not None:
        runner.load(WEIGHTS, WEIGHT_STRUCTURE, weight_rows(runner.stream(aged)))
    runner.keep("shares", shares(plan.spans, overridden))
    runner.name("competed", exp.select("row_number").distinct().from_("shares"))


def _split(plan: Plan, runner: Runner, priced: exp.Query) -> exp.Query:
    """Round what partners share together, where several are paid for one conversion."""
    found = parts_of(plan) if plan.splits else None
    if found is None:
        return priced
    runner.keep("priced", priced)
    runner.keep("shared", shared())
    runner.keep("splits", found)
    return with_splits(plan, plan.row)


def _load_terms(plan: Plan, runner: Runner) -> None:
    spans = span_rows(plan.world, plan.shape_of, plan.tallies, plan.extent, plan.needs, exchanges=plan.exchanges)
    runner.load(SPANS, span_structure(plan.tallies, exchanges=plan.exchanges), spans)
    if plan.needs.submission:
        runner.load(DEADLINES, DEADLINE_STRUCTURE, deadline_rows(plan.world, plan.extent, plan.needs))
    runner.load(CALENDAR, calendar_structure(plan.needs), calendar_rows(plan.world, plan.extent, plan.needs))


def _refuse_world(world: World) -> None:
    """Refuse contracts whose conversions depend on their days of deliveries, which are not decided here. What a day adds to
    is money under a limit; a limit of one customer is on conversions alone."""
    for terms in world.terms:
        history = world.histories[terms.contract.partner]
        shared = (counter for counter in terms.counters_since if counter.measure == "amount")
        if history.payouts.pays_deliveries and any(counter.per != "customer" for counter in shared):
            raise NotInBulk("a limit on what is paid for conversions and deliveries together", terms.contract.id)


def _refuse_converted(runner: Runner) -> None:
    foreign = exp.select("id").from_("judged").where(exp.EQ(this=column("verdict"), expression=number(8))).limit(1)
    for (name,) in runner.run(foreign):
        raise NotInBulk("money in another currency than the contract's", str(name))
