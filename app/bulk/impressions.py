"""Impressions by the million, a row each, counted by contract, local day and placement: what a source says of a day. The
trees are SQLGlot's, so DuckDB and Spark count alike. Files are `impression_files.py`'s, deciding days is `days.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from app.bulk.columns import STORAGE
from app.bulk.fact_table import Column, FactTable, Row, Structure, row_of, structure_of
from app.bulk.pipeline.calendars import DAY, offsets
from app.bulk.pipeline.runner import Runner
from app.bulk.pipeline.sql import column, either, equal, named, number
from app.bulk.pipeline.world import FIRST, LAST
from app.core.errors import AppError, Finding
from app.core.instants import micros
from app.engine.deliveries.counted import IMPRESSIONS, INVALID, VIEWABLE
from app.engine.factsheet import typed_facts
from app.rulelang.ast import Value
from app.rulelang.diagnostics import described
from app.rulelang.facts import MAX_SCALE, Catalogue
from app.rulelang.printer import value_text

TABLE, COUNTED, OFFSETS = "impressions", "counted_impressions", "offsets_of_contracts"
SEEN = {VIEWABLE: "viewable", INVALID: "invalid"}
"""What is true or not of an impression, and is counted."""
BATCH = 50_000
"""How many counts are held at a time; those of one day of a contract always together."""
_EPOCH, _START = date(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
_KEY = ("contract", "day", "placement")


class ImpressionsRefused(AppError):
    """Impressions that cannot be counted as they are: nothing of them is."""

    code = "impressions_refused"
    kind = "invalid"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many impressions of a placement there were on a contract's local day; facts by their names in the catalogue, as
    they are sent and as the engine reads them."""

    contract: str
    delivered_on: date
    placement: str
    raw: Mapping[str, Any]
    facts: Mapping[str, Value]


class ImpressionTable:
    """The columns of impressions: when and where each was served, whether it was viewable or invalid if that is said, and
    those facts of deliveries that all impressions of a placement and day have in common."""

    def __init__(self, catalogue: Catalogue, names: Iterable[str]) -> None:
        self.catalogue = catalogue
        wanted = sorted(set(names))
        self.seen = [name for name in SEEN if name in wanted]
        self.columns: Mapping[str, Column] = FactTable(catalogue, set(wanted) - set(SEEN)).columns
        for name, each in self.columns.items():
            if each.fact.subject != "delivery" or each.fact.derived or each.is_list or name == IMPRESSIONS:
                raise ImpressionsRefused(f"{name} is no fact that impressions can have.")

    @property
    def structure(self) -> dict[str, Structure]:
        """The type of a row."""
        seen: dict[str, Structure] = {SEEN[name]: "BOOLEAN" for name in self.seen}
        return {"contract": "VARCHAR", "placement": "VARCHAR", "served_at": "BIGINT", **seen} | structure_of(
            self.columns
        )

    def row(self, contract: str, placement: str, served_at: datetime, facts: Mapping[str, Value]) -> Row:
        """Return the row of one impression; of `delivery.viewable` and `delivery.invalid` the facts say whether it was."""
        seen = {SEEN[name]: facts.get(name) for name in self.seen}
        base = {"contract": contract, "placement": placement, "served_at": micros(served_at)}
        return {**base, **seen, **row_of(self.columns, facts)}


def count_impressions(
    runner: Runner, table: ImpressionTable, zones: Mapping[str, ZoneInfo], *, now: datetime
) -> Iterator[Counted]:
    """Count the impressions that an engine holds, and return the counts in order of contract, day and placement as they are
    asked for. `zones` are those of the contracts. ImpressionsRefused where one is of no contract, lies in the future, or
    does not say where it was served. One row is one impression; who sends a row twice has it counted twice.
    """
    _load_offsets(runner, zones, *_extent(runner, now))
    runner.drop(COUNTED)
    runner.keep(COUNTED, counted(table))
    _refuse(runner, table)
    batches = (runner.run(_batch(table, since, until)) for since, until in _batches(runner))
    return (_counted(table, row) for rows in batches for row in rows)


def counted(table: ImpressionTable) -> exp.Select:
    """Return the query of counts. The day is NULL where nobody knows the contract, hence its zone."""
    inside = exp.and_(
        equal("contract", "i", OFFSETS),
        exp.GTE(this=column("served_at", "i"), expression=column("since", OFFSETS)),
        exp.LT(this=column("served_at", "i"), expression=column("until", OFFSETS)),
    )
    # A day later nothing is negative, and to divide is to round down.
    local = exp.Add(this=column("served_at", "i"), expression=column("local_offset", OFFSETS))
    later = exp.Paren(this=exp.Add(this=local, expression=number(DAY)))
    day = exp.Sub(this=exp.IntDiv(this=later, expression=number(DAY)), expression=number(1))
    facts = [each.name for each in table.columns.values()]
    seen = [SEEN[name] for name in table.seen]
    placed = (
        exp.select(column("contract", "i"), named(day, "day"), column("placement", "i"))
        .select(*(column(name, "i") for name in (*facts, *seen)))
        .from_(exp.alias_(exp.to_table(TABLE), "i", table=True))
        .join(OFFSETS, on=inside, join_type="left")
    )
    query = exp.select(*_KEY, *facts, named(exp.Count(this=exp.Star()), "impressions"))
    for name in seen:
        ones = exp.Sum(this=either(column(name), number(1), number(0)))
        query = query.select(named(exp.Count(this=column(name)), f"said_{name}"), named(ones, f"count_{name}"))
    found: exp.Select = query.from_(placed.subquery("placed", copy=False), copy=False).group_by(*_KEY, *facts)
    return found


def _extent(runner: Runner, now: datetime) -> tuple[int, int]:
    """Return the first and the last instant, in microseconds."""
    said = [exp.Count(this=column(name)) for name in ("contract", "placement", "served_at")]
    ends = [exp.Min(this=column("served_at")), exp.Max(this=column("served_at"))]
    ((count, *there, first, last),) = runner.run(exp.select(exp.Count(this=exp.Star()), *said, *ends).from_(TABLE))
    for name, known in zip(("contract", "placement", "served_at"), there, strict=True):
        if known != count:
            raise ImpressionsRefused(f"{count - known:,} of {count:,} impressions have no {name}.")
    if count and first < 0:
        raise ImpressionsRefused(f"An impression was served at {_instant(first)}, before 1970.")
    if count and last > micros(now):
        raise ImpressionsRefused(f"An impression was served at {_instant(last)}, which lies in the future.")
    return (int(first), int(last)) if count else (0, 0)


def _load_offsets(runner: Runner, zones: Mapping[str, ZoneInfo], first: int, last: int) -> None:
    """Make the table of what is added to UTC for the local time of each contract."""

    def rows() -> Iterator[Row]:
        for contract in sorted(zones):
            found = offsets(zones[contract], first, last)
            starts = [FIRST, *(at for at, _ in found[1:])]
            for since, until, (_, offset) in zip(starts, [*starts[1:], LAST], found, strict=True):
                yield {"contract": contract, "since": since, "until": until, "local_offset": offset}

    structure: dict[str, Structure] = {"contract": "VARCHAR"}
    runner.drop(OFFSETS)
    runner.load(OFFSETS, structure | dict.fromkeys(("since", "until", "local_offset"), "BIGINT"), rows())


def _refuse(runner: Runner, table: ImpressionTable) -> None:
    """Refuse impressions of no contract, and those of which a day could not say one thing: whether they were viewable of
    some and not of others, or two values of a fact for one placement."""
    tests = [exp.column("day").is_(exp.null()), *(_is_of_some(name) for name in table.seen)]
    found = [exp.Sum(this=either(test, number(1), number(0))) for test in tests]
    keys = exp.select(*_KEY).distinct().from_(COUNTED).subquery("keys", copy=False)
    different = exp.select(exp.Count(this=exp.Star())).from_(keys, copy=False).subquery()
    ((count, different_ones, unknown, *some),) = runner.run(
        exp.select(exp.Count(this=exp.Star()), different, *found).from_(COUNTED)
    )
    if unknown:
        _refuse_unknown(runner)
    for name, is_of_some in zip(table.seen, some, strict=True):
        if is_of_some:
            _refuse_unsaid(runner, name)
    if count != different_ones:
        _refuse_ambiguous(runner, table)


def _is_of_some(name: str) -> exp.Expr:
    """Return whether it is said of some impressions, and of others not."""
    said = column(f"said_{SEEN[name]}")
    return exp.and_(said > number(0), said < column("impressions"))


def _refuse_unknown(runner: Runner) -> None:
    unknown = exp.select("contract", exp.Sum(this=column("impressions"))).from_(COUNTED).where("day IS NULL")
    found = runner.run(unknown.group_by("contract").order_by("contract").limit(10))
    named_ones = ", ".join(f"{contract!r} ({int(count):,} impressions)" for contract, count in found)
    raise ImpressionsRefused(f"There is no such contract: {named_ones}.")


def _refuse_unsaid(runner: Runner, name: str) -> None:
    query = exp.select(*_KEY, f"said_{SEEN[name]}", "impressions").from_(COUNTED).where(_is_of_some(name))
    for contract, day, placement, said, count in runner.run(query.order_by(*_KEY).limit(1)):
        where = _where(contract, day, placement)
        raise ImpressionsRefused(f"{where}: {said:,} of {count:,} impressions say whether they were {SEEN[name]}.")


def _refuse_ambiguous(runner: Runner, table: ImpressionTable) -> None:
    twice = exp.select(*_KEY).from_(COUNTED).group_by(*_KEY).having("COUNT(*) > 1").order_by(*_KEY).limit(1)
    ((contract, day, placement),) = runner.run(twice)
    of_it = zip(_KEY, (contract, day, placement), strict=True)
    same = exp.and_(*(exp.EQ(this=column(name), expression=_literal(value)) for name, value in of_it))
    rows = runner.run(exp.select(*(each.name for each in table.columns.values())).from_(COUNTED).where(same))
    values = dict(zip(table.columns, (set(each) for each in zip(*rows, strict=True)), strict=True))
    name = next(name for name, found in values.items() if len(found) > 1)
    kind = table.columns[name].scalar
    said = ("none" if value is None else described(_raw(kind, value)) for value in values[name])
    shown = " and ".join(sorted(said)[:3])
    raise ImpressionsRefused(
        f"{_where(contract, day, placement)}: several values of {name}, {shown}. What differs within a day is another "
        "placement."
    )


def _batches(runner: Runner) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    """Yield the first and the last contract and day of batches, in order."""
    sizes = exp.select("contract", "day", exp.Count(this=exp.Star())).from_(COUNTED).group_by("contract", "day")
    first: tuple[str, int] | None = None
    last, held = ("", 0), 0
    for contract, day, size in runner.run(sizes.order_by("contract", "day")):
        if first is not None and held + size > BATCH:
            yield first, last
            first, held = None, 0
        first, last, held = first or (contract, day), (contract, day), held + size
    if first is not None:
        yield first, last


def _batch(table: ImpressionTable, since: tuple[str, int], until: tuple[str, int]) -> exp.Select:
    seen = [f"{kind}_{SEEN[name]}" for name in table.seen for kind in ("said", "count")]
    facts = [each.name for each in table.columns.values()]
    (low, low_day), (high, high_day) = ((_literal(contract), number(day)) for contract, day in (since, until))
    contract, day = column("contract"), column("day")
    after = exp.or_(contract > low, exp.and_(contract.eq(low), day >= low_day))
    before = exp.or_(contract < high, exp.and_(contract.eq(high), day <= high_day))
    query: exp.Select = exp.select(*_KEY, "impressions", *seen, *facts).from_(COUNTED).where(exp.and_(after, before))
    return query.order_by(*_KEY)


def _counted(table: ImpressionTable, row: Sequence[Any]) -> Counted:
    contract, day, placement, impressions, *rest = row
    raw: dict[str, Any] = {IMPRESSIONS: int(impressions)}
    for name in table.seen:
        said, count, *rest = rest
        raw |= {name: int(count)} if said else {}
    for (name, of), value in zip(table.columns.items(), rest, strict=True):
        raw |= {} if value is None else {name: _raw(of.scalar, value)}
    facts, wrong = typed_facts(raw, table.catalogue, "", "delivery")
    if wrong:
        raise ImpressionsRefused(f"{_where(contract, day, placement)}: {wrong[0].message}", _of_facts(wrong))
    return Counted(contract, _EPOCH + timedelta(days=int(day)), placement, raw, facts)


def _of_facts(findings: Sequence[Finding]) -> list[Finding]:
    return [finding.at("/facts" + finding.pointer) for finding in findings]


def _raw(kind: str, value: Any) -> Any:
    """Return what a column holds as it is sent in JSON."""
    match kind:
        case "integer" | "boolean" | "text" | "enum":
            return value
        case "decimal":
            return value_text(Decimal(value).scaleb(-MAX_SCALE))
        case "instant":
            return value_text(_START + timedelta(microseconds=value))
        case "duration":
            return value_text(timedelta(microseconds=value))
    assert kind in STORAGE, kind
    return value_text(value)


def _where(contract: str, day: int, placement: str) -> str:
    return f"{contract}, {_EPOCH + timedelta(days=int(day))}, {placement!r}"


def _instant(at: int) -> str:
    return value_text(_START + timedelta(microseconds=int(at)))


def _literal(value: str | int) -> exp.Expr:
    return exp.Literal.string(value) if isinstance(value, str) else number(value)
