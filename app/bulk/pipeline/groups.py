"""The terms of one shape, as one query needs them: a parameter column for each number in which they differ, and what is the
same in all of them as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, cast

from sqlglot import exp

from app.bulk.columns import STORAGE, literal, stored
from app.bulk.conditions import MEMBERS, Scope, condition_sql
from app.bulk.fact_table import Column, Row, Structure
from app.bulk.pipeline.exact import NARROW, WIDE_TYPE, Exact, constant, scale_of
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.shapes import SetSlot, Shape, Slot, Values, shape_of
from app.bulk.pipeline.tallies import Tallies, Tally
from app.bulk.pipeline.world import World
from app.core.money import EXACT
from app.engine.counters import booked, entered, limit_counter
from app.engine.payout.volume_tables import volume_tables
from app.engine.terms import Terms
from app.rulelang.ast import AllOf, AnyOf, Condition, Fallback, Leaf, Limit, Not
from app.rulelang.compiler import normal_form

TERMS = "terms"
BEYOND = 2**60
"""More minor units than a run pays to anybody: where it could, it is refused."""


@dataclass(frozen=True, slots=True)
class Counting:
    """Which tallies terms add to and read, those of their booking tables in order, and of their limits with the mark each
    is known by. What limits make conversions of the contract depend on: a window, one customer, a single limit."""

    adds: tuple[int, ...]
    reads: tuple[int, ...]
    tables: tuple[tuple[int, int], ...]
    limits: tuple[tuple[int | None, int], ...]
    part: str | None
    by_customer: bool
    is_single: bool


@dataclass
class Group:
    """Terms of one shape, by their numbers. What a query was written with is noted in `used`."""

    number: int
    shape: Shape
    members: tuple[int, ...]
    values: Values
    used: dict[int, tuple[str, int]] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table of the group's parameters."""
        return f"params_{self.number}"

    @property
    def counting(self) -> Counting:
        return cast(Counting, self.shape.counters)

    def condition(self, when: Condition, columns: Mapping[str, Column]) -> exp.Expr:
        """Return a condition of the shape as SQL."""
        return condition_sql(normal_form(self._filled(when)), Scope(columns, written=self.compared))

    def compared(self, kind: str, value: Any) -> exp.Expr:
        """Return what a condition compares with: a value, or the parameter that holds it."""
        if isinstance(value, SetSlot):
            found = self._parameter(value.number, f"{kind}[]", 0)
            found.meta[MEMBERS] = True
            return found
        if not isinstance(value, Slot):
            return literal(kind, value)
        common = self.values.common(value)
        return self._parameter(value.number, kind, 0) if common is None else literal(kind, common)

    def number_of(self, value: Any) -> Exact:
        """Return a number of a formula: a constant, or the parameter that holds it."""
        if not isinstance(value, Slot):
            return constant(value)
        common = self.values.common(value)
        if common is not None:
            return constant(common)
        found = self.values.decimals(value)
        scale = max(map(scale_of, found))
        bound = max(abs(_scaled(each, scale)) for each in found)
        if bound < NARROW:
            return Exact(self._parameter(value.number, "number", scale), scale, bound)
        return Exact(exp.cast(self._parameter(value.number, "digits", scale), WIDE_TYPE), scale, bound)

    def is_read_in(self, *trees: exp.Expr) -> bool:
        """Tell whether a query reads a parameter, so that it has to have them."""
        return any(each.table == self.table for tree in trees for each in tree.find_all(exp.Column))

    def parameters(self) -> tuple[dict[str, Structure], list[Row]]:
        """Return the columns of the parameter table, and its rows: one for each of the terms."""
        structure: dict[str, Structure] = {TERMS: "BIGINT"}
        structure |= {f"p{slot}": _structure(kind) for slot, (kind, _) in sorted(self.used.items())}
        rows: list[Row] = []
        for place, terms in enumerate(self.members):
            held = {
                f"p{slot}": _held(kind, scale, self.values.by_slot[slot][place])
                for slot, (kind, scale) in self.used.items()
            }
            rows.append({TERMS: terms, **held})
        return structure, rows

    def _parameter(self, slot: int, kind: str, scale: int) -> exp.Column:
        if self.used.setdefault(slot, (kind, scale)) != (kind, scale):
            raise NotInBulk("a parameter is compared as two types")
        return exp.column(f"p{slot}", table=self.table)

    def _filled(self, when: Condition) -> Condition:
        """Return a condition with the lists that are the same for all terms in their places."""
        match when:
            case Leaf(expected=(SetSlot(),)):
                slot: Any = when.expected[0]
                common = self.values.common(slot)
                return when if common is None else replace(when, expected=common)
            case AllOf(parts) | AnyOf(parts):
                return type(when)(tuple(map(self._filled, parts)))
            case Not(part):
                return Not(self._filled(part))
        return when


def groups_of(world: World, tallies: Tallies) -> list[Group]:
    """Return the terms of a world by their shapes, in the order in which shapes appear."""
    found: dict[Shape, list[tuple[int, tuple[Any, ...]]]] = {}
    for number, terms in enumerate(world.terms):
        shape, values = shape_of(terms, _counting(terms, number, tallies))
        found.setdefault(shape, []).append((number, values))
    return [
        Group(at, shape, tuple(number for number, _ in members), _values([values for _, values in members]))
        for at, (shape, members) in enumerate(found.items())
    ]


def _values(rows: Sequence[tuple[Any, ...]]) -> Values:
    return Values(list(zip(*rows, strict=True)))


def _counting(terms: Terms, number: int, tallies: Tallies) -> Counting:
    reads = tallies.reads.get(number, {})
    of_contract = tallies.of_limits.get(number, ())
    part, by_customer = part_of([tallies.columns[at] for at in of_contract])
    if not terms.pays_conversions:
        return Counting((), (), (), (), part, by_customer, False)
    keys = {counter.key for counter in terms.counters_since if not counter.is_of_limits}
    tiers = [at for at in tallies.generations.get(number, {}) if tallies.columns[at].measure not in ("amount", "paid")]
    adds = tuple(sorted(at for at in tiers if _key(tallies, at, reads, keys)))
    tables = tuple((reads[booked(table)], reads[entered(table)]) for table in volume_tables(terms.payout_body))
    marks = tallies.marks.get(number, {})
    limits = tuple(
        (None if (counter := limit_counter(limit)) is None else reads[counter], _mark(limit, marks))
        for limit in terms.limits
    )
    return Counting(
        adds,
        tuple(sorted(set(reads.values()))),
        tables,
        limits,
        part,
        by_customer,
        len(of_contract) == 1 and (not terms.limits or _is_single(terms.limits)),
    )


def _mark(limit: Limit, marks: Mapping[str, int]) -> int:
    return marks.get(limit.id, 0) if isinstance(limit.over, Fallback) else 0


def _is_single(limits: Sequence[Limit]) -> bool:
    """Tell whether what is spent of a limit is the least of it and of all that was due: one limit that cuts to what is
    left, or that counts and pays nothing beyond."""
    if len(limits) != 1 or limits[0].window == "event":
        return False
    return limits[0].over == "partial" if limits[0].measure == "amount" else isinstance(limits[0].over, str)


def part_of(tallies: Sequence[Tally]) -> tuple[str | None, bool]:
    """Return the longest window of limits, in which all others lie, and whether all are of one customer."""
    windows = {tally.window for tally in tallies}
    if not windows:
        return None, False
    chains = (("day", "week"), ("day", "month", "quarter"), ("day", "contract_year"), ("contract",))
    for chain in chains:
        if windows <= set(chain):
            longest = max(windows, key=chain.index)
            return longest, all(tally.per == "customer" for tally in tallies)
    return "contract", all(tally.per == "customer" for tally in tallies)


def _key(tallies: Tallies, at: int, reads: Mapping[Any, int], keys: set[str]) -> bool:
    """Tell whether terms add to a tally: they measure the same, over whatever window."""
    tally = tallies.columns[at]
    if tally.mark:
        return at in reads.values()
    return (f"{tally.measure}:{tally.fact}" if tally.fact else tally.measure) in keys


def _structure(kind: str) -> Structure:
    if kind.endswith("[]"):
        return [STORAGE[kind[:-2]].sql_type]
    return {"number": "BIGINT", "digits": "VARCHAR"}.get(kind) or STORAGE[kind].sql_type


def _held(kind: str, scale: int, value: Any) -> Any:
    if kind.endswith("[]"):
        return [stored(kind[:-2], member) for member in value]
    if kind == "number":
        return _scaled(value, scale)
    return str(_scaled(value, scale)) if kind == "digits" else stored(kind, value)


def most_of(value: Decimal, digits: int, *, is_count: bool) -> int:
    """Return a maximum as a whole number. What no sum of conversions comes to may as well be less."""
    found = (
        value.to_integral_value(ROUND_CEILING)
        if is_count
        else EXACT.scaleb(value, digits).to_integral_value(ROUND_FLOOR)
    )
    return min(int(found), BEYOND)


def _scaled(value: Decimal, scale: int) -> int:
    return int(EXACT.scaleb(value, scale))


def masks_of(conditions: Sequence[exp.Expr], size: int) -> Iterator[exp.Expr]:
    """Yield columns of bits, one for each condition, so many a column."""
    for start in range(0, len(conditions), size):
        bits = [
            exp.Case(ifs=[exp.If(this=each, true=exp.Literal.number(1 << at))], default=exp.Literal.number(0))
            for at, each in enumerate(conditions[start : start + size])
        ]
        mask: exp.Expr = bits[0]
        for bit in bits[1:]:
            mask = exp.BitwiseOr(this=mask, expression=bit)
        yield exp.cast(exp.Paren(this=mask), "bigint")
