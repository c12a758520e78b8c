"""Which terms are in force for whom: conversions with each partner they concern, the terms at their event, and local time.

Terms and offsets of local time change at instants, so one table of spans has both, and one join finds both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from sqlglot import exp

from app.bulk.fact_table import Column, Row, Structure
from app.bulk.pipeline.calendars import DAY, KINDS, days, local_offsets, offsets
from app.bulk.pipeline.exact import whole
from app.bulk.pipeline.exchanging import MOST, by_event, of_order
from app.bulk.pipeline.extent import Extent
from app.bulk.pipeline.reversals import IS_UNDONE, UNDONE
from app.bulk.pipeline.sql import column, either, equal, is_null, is_there, named, number
from app.bulk.pipeline.tallies import Tallies
from app.bulk.pipeline.world import FIRST, LAST, World
from app.core.period import NO_ANCHOR
from app.engine.terms import Terms, TermsHistory

SPANS, CALENDAR, DEADLINES = "spans", "calendar", "deadlines"
DEADLINE_STRUCTURE: dict[str, Structure] = dict.fromkeys(("calendar", "since", "until", "local_offset"), "BIGINT")
KEY = "window_{}"


@dataclass(frozen=True, slots=True)
class Needs:
    """What the rules of a world ask of local time and of the customer's history."""

    derived: frozenset[str]
    windows: tuple[str, ...]
    # The most days within which a conversion has to be submitted; zero where nothing says so.
    submission: int = 0

    @property
    def calendar(self) -> bool:
        return self.submission > 0 or bool(self.derived - {"customer_order_number"}) or bool(self.windows)


def calendar_of(history: TermsHistory, needs: Needs) -> tuple[str, date]:
    """Return what local days of a contract depend on: its zone, and its first day where its years count."""
    anchored = "contract_year" in needs.windows
    return history.contract.timezone.key, history.anchor if anchored else NO_ANCHOR


def span_rows(
    world: World, shapes: dict[int, int], tallies: Tallies, extent: Extent, needs: Needs, *, exchanges: bool = False
) -> Iterator[Row]:
    """Yield the spans of all contracts, each with one offset from UTC."""
    calendars = calendar_numbers(world, needs)
    for piece in world.pieces:
        history = world.histories[piece.partner]
        zone = history.contract.timezone
        found = offsets(zone, extent.first, extent.last) if needs.calendar else ((extent.first, 0),)
        terms = world.number_of[id(piece.terms)] if isinstance(piece.terms, Terms) else None
        base = {
            "partner": piece.partner,
            "terms": terms,
            "shape": None if terms is None else shapes[terms],
            "calendar": calendars[calendar_of(history, needs)],
            "currency": history.contract.currency,
            **({"by_event": by_event(piece.terms if isinstance(piece.terms, Terms) else None)} if exchanges else {}),
            "submit_within": piece.terms.version.settlement.submit_within_days
            if isinstance(piece.terms, Terms)
            else None,
            **{
                f"generation_{at}": tallies.generations.get(terms, {}).get(at, -1) if terms is not None else -1
                for at in range(len(tallies.columns))
                if tallies.is_restarted(at)
            },
        }
        starts = [piece.since, *(at for at, _ in found[1:] if piece.since < at < piece.until)]
        for since, until in zip(starts, [*starts[1:], piece.until], strict=True):
            offset = [value for at, value in found if at <= since or at == found[0][0]][-1]
            yield {**base, "since": since, "until": until, "local_offset": offset}


def deadline_rows(world: World, extent: Extent, needs: Needs) -> Iterator[Row]:
    """Yield what leads from a local time back to an instant, by calendar."""
    zones = {calendar_of(each, needs): each.contract.timezone for each in world.histories.values()}
    last = extent.last + (needs.submission + 2) * DAY
    for key, at in calendar_numbers(world, needs).items():
        found = local_offsets(zones[key], extent.first, last)
        starts = [FIRST, *(since for since, _ in found[1:])]
        for since, until, (_, offset) in zip(starts, [*starts[1:], LAST], found, strict=True):
            yield {"calendar": at, "since": since, "until": until, "local_offset": offset}


def span_structure(tallies: Tallies, *, exchanges: bool = False) -> dict[str, Structure]:
    """Return the columns of the table of spans."""
    numbers = ["terms", "shape", "calendar", "since", "until", "local_offset", "submit_within"]
    numbers += [f"generation_{at}" for at in range(len(tallies.columns)) if tallies.is_restarted(at)]
    words: dict[str, Structure] = {"partner": "VARCHAR", "currency": "VARCHAR"}
    words |= {"by_event": "BOOLEAN"} if exchanges else {}
    return {**words, **dict.fromkeys(numbers, "BIGINT")}


def calendar_numbers(world: World, needs: Needs) -> dict[tuple[str, date], int]:
    """Return the calendars of a world, each with its number."""
    found: dict[tuple[str, date], int] = {}
    for partner in sorted(world.histories):
        found.setdefault(calendar_of(world.histories[partner], needs), len(found))
    return found


def calendar_rows(world: World, extent: Extent, needs: Needs) -> Iterator[Row]:
    """Yield the days of all calendars. Where clocks go back over midnight the next day begins before this one's date ends,
    so a day says which windows belong to both."""
    zones = {calendar_of(each, needs): each.contract.timezone for each in world.histories.values()}
    for key, at in calendar_numbers(world, needs).items():
        found = list(days(zones[key], key[1], extent.first, extent.last))
        for day, following in pairwise(found):
            windows = {
                f"{name}_{kind}": of.windows[KINDS.index(kind)]
                for name, of in (("this", day), ("next", following))
                for kind in KINDS
                if kind in needs.windows
            }
            yield {
                "calendar": at,
                "day": day.number,
                "next_at": day.next_at,
                "local_date": day.on.isoformat(),
                "weekday": day.weekday,
                "month": day.month,
                **windows,
            }


def calendar_structure(needs: Needs) -> dict[str, Structure]:
    """Return the columns of the table of days."""
    windows = {f"{name}_{kind}": "BIGINT" for name in ("this", "next") for kind in KINDS if kind in needs.windows}
    words: dict[str, Structure] = {"local_date": "DATE", "weekday": "VARCHAR"}
    return {**dict.fromkeys(("calendar", "day", "next_at", "month"), "BIGINT"), **words, **windows}


def parties(
    world: World,
    columns: dict[str, Column],
    needs: Needs,
    tallies: Tallies,
    *,
    touched: bool,
    numbered: bool,
    undone: bool = False,
    exchanges: bool = False,
) -> exp.Select:
    """Return the query of conversions by partner, with the terms in force and the facts that rules read."""
    given = [each.name for each in columns.values() if each.fact.subject == "conversion" and not each.fact.derived]
    partner = column("partner", "concerned" if touched else "c")
    local = exp.Paren(this=exp.Add(this=column("event_at", "c"), expression=column("local_offset", SPANS)))
    foreign = exp.NEQ(
        this=exp.Coalesce(this=column(columns["currency"].name, "c"), expressions=[exp.Literal.string(world.currency)]),
        expression=column("currency", SPANS),
    )
    money = [is_there(column(each.name, "c")) for each in columns.values() if _is_money(each)]
    query = exp.select(
        *(column(name, "c") for name in ("row_number", "id", "event_at")),
        partner,
        *(column(name, SPANS) for name in ("terms", "shape")),
        named(is_there(column("row_number", "copies")), "is_copy"),
        named(_is_claimed(touched), "is_claimed"),
        column("currency", SPANS),
        named(_is_late(local) if needs.submission else exp.false(), "is_late"),
        named(exp.and_(foreign, exp.or_(*money)) if money and world.exchange is None else exp.false(), "is_converted"),
        *(column(name, "c") for name in given),
        *(column(f"generation_{at}") for at in range(len(tallies.columns)) if tallies.is_restarted(at)),
    ).from_(exp.alias_(exp.to_table("conversions"), "c", table=True))
    if touched:
        query = query.join("concerned", on=equal("row_number", "c", "concerned"))
    inside = exp.and_(
        exp.EQ(this=partner.copy(), expression=column("partner", SPANS)),
        exp.GTE(this=column("event_at", "c"), expression=column("since", SPANS)),
        exp.LT(this=column("event_at", "c"), expression=column("until", SPANS)),
    )
    query = query.join(SPANS, on=inside, join_type="left")
    query = query.join("copies", on=equal("row_number", "c", "copies"), join_type="left")
    if numbered:
        name = columns["customer_order_number"].name
        query = query.join("order_numbers", on=equal("row_number", "c", "order_numbers"), join_type="left")
        query = query.select(named(column("place", "order_numbers"), name))
    if undone:
        query = query.join(UNDONE, on=equal("row_number", "c", UNDONE), join_type="left")
        query = query.select(named(exp.Coalesce(this=column(IS_UNDONE, UNDONE), expressions=[exp.false()]), IS_UNDONE))
    if needs.submission:
        due = _due(local)
        inside = exp.and_(
            equal("calendar", SPANS, DEADLINES),
            exp.GTE(this=due, expression=column("since", DEADLINES)),
            exp.LT(this=due.copy(), expression=column("until", DEADLINES)),
        )
        query = query.join(DEADLINES, on=inside, join_type="left")
    if needs.calendar:
        query = query.select(*_local(columns, needs, local))
        if exchanges:
            query = query.select(*of_order(columns, world.currency, _floor(local, DAY)), column(MOST, "c"))
        on = exp.and_(
            exp.EQ(this=column("calendar", SPANS), expression=column("calendar", CALENDAR)),
            exp.EQ(this=_floor(local, DAY), expression=column("day", CALENDAR)),
        )
        query = query.join(CALENDAR, on=on, join_type="left")
    found: exp.Select = query.where(is_there(partner.copy()))
    return found


def _due(local: exp.Expr) -> exp.Expr:
    """Return the local time until which a conversion has to be submitted: that of the event, so many days later."""
    days_in = exp.Mul(this=column("submit_within", SPANS), expression=whole(DAY).sql)
    return exp.Paren(this=exp.Add(this=local.copy(), expression=days_in))


def _is_late(local: exp.Expr) -> exp.Expr:
    deadline = exp.Sub(this=_due(local), expression=column("local_offset", DEADLINES))
    late = exp.GTE(this=column("received_at", "c"), expression=exp.Paren(this=deadline))
    return exp.Coalesce(this=late, expressions=[exp.false()])


def _is_claimed(touched: bool) -> exp.Expr:
    if not touched:
        return exp.true()
    same = exp.EQ(this=column("partner", "c"), expression=column("partner", "concerned"))
    return exp.Coalesce(this=same, expressions=[exp.false()])


def _local(columns: dict[str, Column], needs: Needs, local: exp.Expr) -> list[exp.Expr]:
    midnight = exp.Mul(this=column("day", CALENDAR), expression=whole(DAY).sql)
    hour = _floor(exp.Paren(this=exp.Sub(this=local.copy(), expression=midnight)), DAY // 24)
    facts = {name: column(name, CALENDAR) for name in ("local_date", "weekday", "month")} | {"hour": hour}
    found: list[exp.Expr] = [named(facts[name], columns[name].name) for name in facts if name in needs.derived]
    is_this = exp.LT(this=column("event_at", "c"), expression=column("next_at", CALENDAR))
    for kind in needs.windows:
        if kind in KINDS:
            this, following = (column(f"{name}_{kind}", CALENDAR) for name in ("this", "next"))
            found.append(named(either(is_this.copy(), this, following), KEY.format(kind)))
    return found


def _floor(value: exp.Expr, size: int) -> exp.Expr:
    """Divide and round down, also before 1970: what SQL divides it rounds towards zero."""
    unit = whole(size).sql
    rest: exp.Expr = exp.Paren(this=exp.Mod(this=value.copy(), expression=unit.copy()))
    rest = exp.Paren(
        this=exp.Mod(this=exp.Paren(this=exp.Add(this=rest, expression=unit.copy())), expression=unit.copy())
    )
    even = exp.Paren(this=exp.Sub(this=value.copy(), expression=rest))
    return exp.Paren(this=exp.IntDiv(this=even, expression=unit))


def _is_money(each: Column) -> bool:
    fact = each.fact
    return fact.unit == "money" or any(part.unit == "money" for part in fact.fields)


def copies(columns: dict[str, Column]) -> exp.Select:
    """Return the query of conversions whose order is counted already, and as which conversion: the first in canonical
    order, whatever becomes of it."""
    order = columns["order_id"].name
    many = (
        exp.select(order).from_("conversions").where(is_there(column(order))).group_by(order)
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=number(1)))
    )  # fmt: skip
    place = exp.Window(this=exp.RowNumber(), partition_by=[column(order)], order=_canonical())
    first = exp.Window(this=exp.FirstValue(this=column("id")), partition_by=[column(order)], order=_canonical())
    ranked = (
        exp.select("row_number", named(place, "place"), named(first, "counted_as"))
        .from_("conversions")
        .where(exp.In(this=column(order), query=many.subquery()))
    )
    query: exp.Select = (
        exp.select("row_number", "counted_as").from_(ranked.subquery("ranked", copy=False), copy=False)
        .where(exp.GT(this=column("place"), expression=number(1)))
    )  # fmt: skip
    return query


def order_numbers(columns: dict[str, Column], *, undone: bool = False) -> exp.Select:
    """Return the query of which order of its customer each conversion is, without orders that are counted already and
    those that came back as a whole before the lock."""
    customer = columns["customer_id"].name
    place = exp.Window(this=exp.RowNumber(), partition_by=[column(customer, "c")], order=_canonical("c"))
    others = ["copies", *([UNDONE] if undone else [])]
    query: exp.Select = exp.select(column("row_number", "c"), named(place, "place")).from_(
        exp.alias_(exp.to_table("conversions"), "c", table=True)
    )
    for other in others:
        query = query.join(other, on=equal("row_number", "c", other), join_type="left")
    counted = [is_null(column("row_number", other)) for other in others]
    return query.where(exp.and_(is_there(column(customer, "c")), *counted))


def _canonical(table: str | None = None) -> exp.Order:
    return exp.Order(expressions=[exp.Ordered(this=column(name, table)) for name in ("event_at", "id")])
