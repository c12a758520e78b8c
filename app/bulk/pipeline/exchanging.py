"""Money of orders in another currency than the contract's: which rates a run needs, and facts at them, before rules read them.
Which rate it is, is the engine's to say, once for all that have the same: `engine/exchange.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from app.bulk.columns import stored
from app.bulk.conditions import ITEM, some_item
from app.bulk.fact_table import Column, Row, Structure
from app.bulk.pipeline.exact import NARROW, WIDE, WIDE_TYPE, Exact, rounded, scale_of, times
from app.bulk.pipeline.extent import Extent
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.sql import column, either, equal, is_null, is_there, named, number
from app.core.money import EXACT
from app.engine.exchange import CURRENCY, MONEY, Exchange, has_money, rate_for
from app.engine.terms import Terms
from app.rulelang.ast import Value
from app.rulelang.facts import LARGEST, MAX_SCALE, Catalogue, Fact

if TYPE_CHECKING:
    from app.bulk.pipeline.groups import Group
    from app.bulk.pipeline.world import World

RATES, MOST = "rates", "most_money"
SOURCE, KEY = "order_currency", "rate_key"
STRUCTURE: dict[str, Structure] = {"terms": "BIGINT", SOURCE: "VARCHAR", KEY: "BIGINT", "rate": "VARCHAR"}
STATE = "exchanged"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rates:
    """The scale of the rates of a run, and how large they are at most."""

    scale: int = 0
    bound: int = 0


def fine_money(catalogue: Catalogue) -> set[str]:
    """Return the facts that are money and no decimals: whole numbers that cannot be converted have to be seen."""
    return {
        fact.name
        for fact in catalogue
        if fact.subject == "conversion" and any(each.unit == MONEY and each.type != "decimal" for each in _parts(fact))
    }


def most_money_of(columns: Mapping[str, Column], catalogue: Catalogue) -> Callable[[Mapping[str, Value]], int | None]:
    """Return what says how large the money of an order is at most that no column holds. Nothing reads it, but an order is
    held where an amount of it cannot be converted."""
    unread = [
        fact for fact in catalogue if has_money(fact) and fact.subject == "conversion" and fact.name not in columns
    ]

    def most(facts: Mapping[str, Value]) -> int | None:
        amounts = [amount for fact in unread for amount in _amounts(fact, facts.get(fact.name))]
        return max((abs(int(stored("decimal", amount))) for amount in amounts), default=None)

    return most


def currencies_query(columns: Mapping[str, Column], currency: str) -> exp.Select:
    """Return the query of the currencies that orders are in."""
    query: exp.Select = exp.select(named(_source(columns, currency, "c"), SOURCE)).distinct()
    return query.from_(exp.alias_(exp.to_table("conversions"), "c", table=True))


def by_event(terms: Terms | None) -> bool:
    """Tell whether a rate depends on the instant of the event, and not on its day alone: its lock is so many days later."""
    lock = None if terms is None else terms.version.settlement.lock
    return lock is not None and lock.kind == "event_days"


def of_order(columns: Mapping[str, Column], currency: str, day: exp.Expr) -> list[exp.Expr]:
    """Return the columns of an order's currency, and of what tells apart the rates of one contract and currency."""
    is_this = either(
        exp.LT(this=column("event_at", "c"), expression=column("next_at", "calendar")), number(1), number(0)
    )
    of_day = exp.Add(this=exp.Mul(this=exp.Paren(this=day), expression=number(2)), expression=is_this)
    key = either(column("by_event", "spans"), column("event_at", "c"), of_day)
    return [named(_source(columns, currency, "c"), SOURCE), named(key, KEY)]


def needed(parties: exp.Query) -> exp.Select:
    """Return the query of the rates that orders need: for each the first instant that it is needed at."""
    query: exp.Select = exp.select("terms", SOURCE, KEY, named(exp.Min(this=column("event_at")), "event_at"))
    foreign = exp.NEQ(this=column(SOURCE), expression=column("currency"))
    query = query.from_(parties.subquery("orders", copy=False)).where(exp.and_(foreign, is_there(column("terms"))))
    return query.group_by("terms", SOURCE, KEY)


def rates_of(world: World, found: Iterable[Sequence[Any]]) -> tuple[list[Row], Rates]:
    """Return the rows of rates, NULL where none is known, and how large they are."""
    exchange = world.exchange or Exchange()
    rates: list[tuple[Row, Decimal | None]] = []
    for of, source, key, event_at in found:
        at = _EPOCH + timedelta(microseconds=int(event_at))
        rate = rate_for(world.terms[int(of)], str(source), at, exchange).rate
        rates.append(({"terms": int(of), SOURCE: source, KEY: int(key)}, rate))
    scale = max((scale_of(rate) for _, rate in rates if rate is not None), default=0)
    rows = [{**row, "rate": None if rate is None else str(int(EXACT.scaleb(rate, scale)))} for row, rate in rates]
    return rows, Rates(scale, max((abs(int(row["rate"])) for row in rows if row["rate"] is not None), default=0))


def converted_extent(extent: Extent, columns: Mapping[str, Column], rates: Rates) -> Extent:
    """Return an extent in which money may be as large as rates make it."""
    bounds = dict(extent.bounds or {})

    def raised(name: str) -> None:
        before = extent.bound(name)
        bounds[name] = max(before, min(LARGEST, before * rates.bound // 10**rates.scale + 1))

    for held in columns.values():
        if held.fact.unit == MONEY:
            raised(held.name)
        for field in held.fields.values():
            if field.fact.unit == MONEY and f"{held.name}.{field.name}" in bounds:
                raised(f"{held.name}.{field.name}")
    return replace(extent, bounds=bounds)


@dataclass(frozen=True)
class Converting:
    """Writes the parties of one shape with their money in the contract's currency."""

    group: Group
    columns: Mapping[str, Column]
    rates: Rates
    names: Sequence[str]
    # The facts that the terms read: without money among them nothing is converted.
    read: frozenset[str]
    # Whether what is converted is judged at all.
    is_judged: exp.Expr

    def parties(self) -> exp.Subquery:
        """Return the parties, and in `exchanged` whether a rate is missing (1) or an amount is too large at it (2)."""
        money = [each for each in self.columns.values() if _is_sent(each) and has_money(each.fact)]
        read = [is_there(column(each.name)) for each in money if each.fact.name in self.read]
        has_fx: exp.Expr = exp.and_(column("is_foreign"), self.is_judged, exp.or_(*read)) if read else exp.false()
        mine = exp.EQ(this=column("shape"), expression=number(self.group.number))
        first = exp.select(
            *self.names, MOST, named(exp.cast(column("rate"), WIDE_TYPE), "rate"), named(has_fx, "has_fx")
        )
        first = first.from_("parties").where(mine)
        lacks = is_null(column("rate"))
        large = exp.or_(*(test for each in money for test in self._beyond(each)), self._is_beyond(self._at_rate(MOST)))
        large = exp.Coalesce(this=large, expressions=[exp.false()])
        ifs = [(exp.not_(column("has_fx")), 0), (lacks, 1), (large, 2)]
        state = exp.Case(ifs=[exp.If(this=when, true=number(at)) for when, at in ifs], default=number(-1))
        second = exp.select(*self.names, "rate", named(state, STATE)).from_(first.subquery("with_rate", copy=False))
        by_name = {each.name: each for each in money}
        done = exp.EQ(this=column(STATE), expression=number(-1))
        found = [
            named(either(done.copy(), self._converted(by_name[name]), column(name)), name)
            if name in by_name
            else column(name)
            for name in self.names
        ]
        third = exp.select(*found, STATE).from_(second.subquery("with_state", copy=False), copy=False)
        return third.subquery("parties", copy=False)

    def _at_rate(self, name: str) -> Exact:
        return self._times(column(name))

    def _times(self, amount: exp.Expr) -> Exact:
        """Return an amount at the rate, half away from zero to the digits of facts."""
        if 4 * LARGEST * self.rates.bound >= WIDE:
            raise NotInBulk("money at a rate may come to more than 38 digits")
        held = Exact(exp.cast(amount, WIDE_TYPE), MAX_SCALE, LARGEST)
        rate = Exact(column("rate"), self.rates.scale, max(self.rates.bound, NARROW))
        return rounded(times(held, rate), MAX_SCALE, "half_away")

    def _is_beyond(self, amount: Exact) -> exp.Expr:
        return exp.GTE(this=exp.Abs(this=amount.sql), expression=number(LARGEST))

    def _beyond(self, held: Column) -> Iterator[exp.Expr]:
        """Yield whether an amount of a fact is too large at the rate, or no amount that can be converted."""
        if not held.fields:
            whole_number = held.fact.type != "decimal"
            yield is_there(column(held.name)) if whole_number else self._is_beyond(self._at_rate(held.name))
            return
        tests = [
            is_there(_of_item(of)) if of.fact.type != "decimal" else self._is_beyond(self._times(_of_item(of)))
            for of in held.fields.values()
            if of.fact.unit == MONEY
        ]
        yield some_item(column(held.name), exp.or_(*tests), is_long=False)

    def _converted(self, held: Column) -> exp.Expr:
        if not held.fields:
            return (
                exp.cast(self._at_rate(held.name).sql, "bigint") if held.fact.type == "decimal" else column(held.name)
            )
        fields = [
            exp.PropertyEQ(this=exp.to_identifier(of.name), expression=self._field(of)) for of in held.fields.values()
        ]
        made = exp.Lambda(this=exp.Struct(expressions=fields), expressions=[exp.to_identifier(ITEM)])
        return exp.Transform(this=column(held.name), expression=made)

    def _field(self, of: Column) -> exp.Expr:
        if of.fact.unit != MONEY or of.fact.type != "decimal":
            return _of_item(of)
        return exp.cast(self._times(_of_item(of)).sql, "bigint")


def with_rates(query: exp.Select) -> exp.Select:
    """Return the query of parties with the rate of each whose order is in another currency."""
    inner = query.subquery("p", copy=False)
    on = exp.and_(*(equal(name, "p", RATES) for name in ("terms", SOURCE, KEY)))
    found: exp.Select = exp.select("p.*", column("rate", RATES), named(is_there(column("terms", RATES)), "is_foreign"))
    return found.from_(inner, copy=False).join(RATES, on=on, join_type="left")


def _source(columns: Mapping[str, Column], currency: str, table: str) -> exp.Expr:
    stated = column(columns[CURRENCY].name, table)
    return exp.Coalesce(this=stated, expressions=[exp.Literal.string(currency)])


def _is_sent(each: Column) -> bool:
    return each.fact.subject == "conversion" and not each.fact.derived


def _parts(fact: Fact) -> tuple[Fact, ...]:
    return (fact, *fact.fields)


def _amounts(fact: Fact, value: Value | None) -> Iterator[Decimal]:
    if isinstance(value, Decimal):
        yield value
    elif isinstance(value, tuple):
        money = [part.name for part in fact.fields if part.unit == MONEY]
        for item in value:
            if isinstance(item, dict):
                yield from (item[name] for name in money if name in item)


def _of_item(field: Column) -> exp.Expr:
    return exp.Dot(this=exp.Column(this=exp.to_identifier(ITEM)), expression=exp.to_identifier(field.name))
