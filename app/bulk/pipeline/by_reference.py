"""Conversions that SQL does not decide, one after the other in canonical order: their verdicts, rules and shares are known,
and what is due, what limits leave and what counters hold is said by the engine itself. Exact, and slow: some ten thousand a
second at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from typing import Any

import orjson
from sqlglot import exp

from app.bulk.fact_table import Column, Row, Structure
from app.bulk.pipeline.decisions import Decisions, Found, payout_ids, set_in
from app.bulk.pipeline.limits import Said
from app.bulk.pipeline.plan import Plan
from app.bulk.pipeline.referrals import backs_to_refer, rows_to_refer
from app.bulk.pipeline.reversals import taken_columns
from app.bulk.pipeline.runner import Runner
from app.bulk.pipeline.sql import column, named
from app.core.fractions import WHOLE
from app.core.money import EXACT
from app.core.period import NO_ANCHOR
from app.engine.counters import Before, Counter, RunningTotals
from app.engine.decision import ADJUSTMENT, Line
from app.engine.evaluate import before_record, what_stays
from app.engine.matcher import EngineFault, Facts
from app.engine.payout.limits import Within, within_limits
from app.engine.payout.lines import FALLBACK, Due, due_lines, fallback_lines, rounded_together
from app.engine.reversals import VALUE, Returned, Reversal, negated
from app.engine.terms import Terms
from app.rulelang.ast import Limit, Value
from app.rulelang.facts import MAX_SCALE

REFERRED, REFERRED_BACK = "referred", "referred_back"
Backs = Mapping[int, Sequence[Found]]


def refer_rows(plan: Plan, runner: Runner) -> None:
    """Make the tables of what the reference engine decides of the rows that are left to it, and of what it takes back."""
    names, query = rows_to_refer(plan)
    backs: dict[int, list[Found]] = {}
    if plan.extent.taken:
        for found in runner.run(backs_to_refer()):
            row = dict(zip(_OF_BACK, found, strict=True))
            backs.setdefault(int(row["row_number"]), []).append(row)
    taken: list[Row] = []
    rows = (dict(zip(names, found, strict=True)) for found in runner.stream(query))
    runner.load(REFERRED, referred_structure(plan), Fold(plan).rows(rows, backs, taken))
    if plan.extent.taken:
        runner.load(REFERRED_BACK, referred_back_structure(plan), taken)


_OF_BACK = ("row_number", "place", "came_back", "pieces", "leaves_nothing", "of_value")


def referred_structure(plan: Plan) -> dict[str, Structure]:
    """Return the columns of what is decided: money as text, of whatever size; what counters held before, as JSON."""
    words = [*plan.limits.finals, "noted"]
    numbers: dict[str, Structure] = dict.fromkeys(("row_number", "said", "beyond"), "BIGINT")
    return {**numbers, "partner": "VARCHAR", **dict.fromkeys(words, "VARCHAR")}


def referred_back_structure(plan: Plan) -> dict[str, Structure]:
    """Return the columns of what is taken back of it."""
    numbers: dict[str, Structure] = dict.fromkeys(("row_number", "place"), "BIGINT")
    return {**numbers, "partner": "VARCHAR", **dict.fromkeys(taken_columns(plan.lines), "VARCHAR")}


def taken_by_reference(plan: Plan) -> exp.Select:
    """Return the query of what is taken back of the rows that the reference engine decided."""
    size = "int128" if plan.is_wide else "bigint"
    columns = [named(exp.cast(column(name), size), name) for name in taken_columns(plan.lines)]
    query: exp.Select = exp.select("row_number", "partner", "place", *columns).from_(REFERRED_BACK)
    return query


@dataclass
class Fold:
    """Goes through rows, and keeps the counters of their contracts."""

    plan: Plan
    totals: dict[str, RunningTotals] = field(default_factory=dict)
    counted: dict[int, dict[Counter, tuple[datetime, ...]]] = field(default_factory=dict)

    def rows(self, rows: Iterable[Found], backs: Backs, taken: list[Row]) -> Iterator[Row]:
        """Yield what is decided of rows in canonical order; what is taken back is put into `taken`."""
        for number, together in groupby(rows, key=lambda row: int(row["row_number"])):
            parties = [_Party(self, row) for row in together]
            due = {each.partner: each.due() for each in parties if each.row["counts"]}
            lines = rounded_together(due)
            for each in parties:
                if each.partner in due:
                    yield each.decided(due[each.partner], lines[each.partner], backs.get(number, ()), taken)
                else:
                    yield each.noted()

    @cached_property
    def decisions(self) -> Decisions:
        return Decisions(self.plan)

    @cached_property
    def read(self) -> dict[str, Column]:
        """The columns of the facts that are calculated with, by fact."""
        names = set(self.plan.carried_numbers)
        return {fact: each for fact, each in self.plan.facts.columns.items() if each.name in names}

    def total_of(self, terms: Terms) -> RunningTotals:
        """Return the counters of a contract."""
        partner = terms.contract.partner
        if partner not in self.totals:
            history = self.plan.world.histories[partner]
            self.totals[partner] = RunningTotals(terms.contract.timezone, history.anchor or NO_ANCHOR, _nothing)
        return self.totals[partner]

    def counted_by(self, number: int) -> dict[Counter, tuple[datetime, ...]]:
        """Return what conversions under terms add to."""
        if number not in self.counted:
            terms = self.plan.world.terms[number]
            self.counted[number] = self.plan.world.histories[terms.contract.partner].counted(terms)
        return self.counted[number]


class _Party:
    """One partner's side of a conversion."""

    def __init__(self, fold: Fold, row: Found) -> None:
        self.fold, self.row, self.partner = fold, row, row["partner"]
        self.terms = fold.plan.world.terms[row["terms"]]
        self.at = _EPOCH + timedelta(microseconds=int(row["event_at"]))
        self.customer = row.get(fold.plan.customer) or ""
        self.share = Fraction(int(row["share"]), int(row["whole"])) if fold.plan.splits and row["counts"] else WHOLE
        if row["is_in_part"]:
            self.before: Before = fold.total_of(self.terms).before(self.terms.counters_since, self.at, self.customer)
        else:
            self.before = fold.decisions.before(row)

    @cached_property
    def facts(self) -> Facts:
        return facts_in(self.fold.read, self.row)

    def due(self) -> Due:
        """Return what is due."""
        body = self.terms.payout_body
        matched = set_in(self.row, "hits", payout_ids(self.terms))
        found = due_lines(body, self.terms.contract, matched, self.facts, self.before, self.share)
        if found.refused is not None:
            raise EngineFault("the bulk engine pays what is not due", conversion=self.row["id"])
        return found

    def noted(self, **more: Any) -> Row:
        """Return the row of what was decided, with what counters held before, where it is not SQL that says so."""
        noted = orjson.dumps(before_record(self.before)).decode() if self.row["is_in_part"] else ""
        base = {"row_number": self.row["row_number"], "partner": self.partner, "said": 0, "beyond": 0, "noted": noted}
        base |= dict.fromkeys(self.fold.plan.limits.finals)
        return {**base, **more}

    def decided(self, due: Due, lines: list[Line], backs: Sequence[Found], taken: list[Row]) -> Row:
        """Return what limits leave of lines, and count it."""
        terms, facts, before = self.terms, self.facts, self.before

        def instead(limit: Limit) -> Any:
            return fallback_lines(limit, terms.contract, facts, before, self.share, lines)

        paid = within_limits(lines, terms.limits, before, terms.contract.currency, instead)
        if paid.refused is not None:
            said = Said.INELIGIBLE if paid.refused == "ineligible" else Said.HELD
            return self.noted(said=int(said))
        back = tuple(negated(_value_of(backs), [_reversal(each) for each in backs]))
        final, adds = what_stays(terms, facts, paid, before, back, lambda left: due.booked(left, before, paid.beyond))
        if self.row["is_in_part"]:
            counted = self.fold.counted_by(self.row["terms"])
            self.fold.total_of(terms).add(counted, self.at, adds, self.customer)
        for each in backs:
            columns = self._columns(line for line in final if line.part == _reversal(each).part)
            less = {name.replace("final", "taken"): str(-value) for name, value in columns.items()}
            row: Row = {"row_number": self.row["row_number"], "partner": self.partner, "place": each["place"]}
            taken.append({**row, **dict.fromkeys(taken_columns(self.fold.plan.lines)), **less})
        money = {name: str(value) for name, value in self._columns(paid.lines).items()}
        return self.noted(beyond=self._beyond(paid), **money)

    def _beyond(self, paid: Within) -> int:
        return sum(1 << at for at, limit in enumerate(self.terms.limits) if limit.id in paid.beyond)

    def _columns(self, lines: Iterable[Line]) -> dict[str, int]:
        """Return lines by the columns they stand in, in minor units."""
        digits = self.fold.decisions.group(self.row).shape.digits
        ids = {rule: at for at, rule in enumerate(payout_ids(self.terms))} | {"otherwise": -1}
        places = self.fold.plan.places[self.row["shape"]]
        found: dict[str, int] = {}
        for line in lines:
            name = "final_fallback"
            if line.part != FALLBACK and line.rule in ids:
                rule, adjusts = ids[line.rule], line.part == ADJUSTMENT
                own = [at for at, place in enumerate(places) if any(each == rule for each, *_ in place.rules)]
                fits = [at for at in own if places[at].is_adjustment is adjusts]
                name = f"final_{(fits or own)[0]}"
            found[name] = int(EXACT.scaleb(line.amount, digits))
        return found


def facts_in(columns: Mapping[str, Column], row: Mapping[str, Any]) -> dict[str, Value]:
    """Return the facts that a row has in columns, typed. An absent one is no fact."""
    found = ((fact, each, row[each.name]) for fact, each in columns.items())
    return {fact: _typed(each, value) for fact, each, value in found if value is not None}


def _typed(of: Column, value: Any) -> Any:
    match of.fact.type:
        case "decimal":
            return _decimal(value)
        case "integer":
            return int(value)
        case "records":
            return tuple(facts_in(of.fields, record) for record in value)
    return tuple(value) if of.is_list else value


def _value_of(backs: Sequence[Found]) -> Facts:
    """Return the order value that a conversion is decided with, in the money of the order."""
    of = backs[0]["of_value"] if backs else None
    return {} if of is None else {VALUE: _decimal(of)}


def _reversal(row: Found) -> Reversal:
    """Return what came back. What it is called and when it came is no part of what it comes to."""
    items = (Returned("", int(row["pieces"])),) if row["pieces"] else ()
    place, value = str(row["place"]), _decimal(row["came_back"])
    return Reversal(place, _EPOCH, "negate", value, bool(row["leaves_nothing"]), items)


def _decimal(value: int) -> Decimal:
    return EXACT.scaleb(Decimal(value), -MAX_SCALE)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _nothing(counter: Counter, start: datetime, customer: str) -> Decimal:
    return Decimal(0)
