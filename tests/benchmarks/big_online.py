"""A large world, or its first days, decided one by one as online: `evaluate()` with counters, in canonical order. Nothing is
stored, and nothing is read from a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from app.engine.attribution import ProgramModel
from app.engine.counters import Before, RunningTotals
from app.engine.decision import Decision
from app.engine.evaluate import case_of, evaluate
from app.engine.factsheet import Conversion, Touch
from app.engine.matcher import Matcher
from app.engine.terms import Terms, TermsHistory
from tests.benchmarks.big_terms import CURRENCY, PROGRAM
from tests.benchmarks.big_world import files

Rows = list[dict[str, Any]]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MODEL = ProgramModel()


def rows_of(folder: Path, first: int | None = None) -> tuple[Rows, Rows]:
    """Return the conversions of a world in canonical order, or only so many, and their touches."""
    of = files(folder)
    with duckdb.connect() as connection:
        limit = "" if first is None else f"LIMIT {first}"
        connection.execute(f"CREATE TABLE chosen AS FROM '{of['conversions']}' ORDER BY event_at, id {limit}")
        touches = f"SELECT touches.* FROM '{of['touches']}' AS touches SEMI JOIN chosen USING (row_number)"
        return _rows(connection, "FROM chosen ORDER BY event_at, id"), _rows(connection, touches)


def conversions_of(conversions: Rows, touches: Rows) -> list[Conversion]:
    """Return rows as conversions with their touches; an order counts as its first conversion."""
    by_conversion: dict[int, list[Touch]] = {}
    for row in touches:
        touch = Touch(row["id"], row["partner"], row["type"], _instant(row["touched_at"]), {})
        by_conversion.setdefault(row["row_number"], []).append(touch)
    counted: dict[str, str] = {}
    return [_conversion(row, tuple(by_conversion.get(row["row_number"], ())), counted) for row in conversions]


def decide_each(
    conversions: Sequence[Conversion], histories: Mapping[str, TermsHistory], matcher: Matcher
) -> Iterator[dict[str | None, Decision]]:
    """Yield the decisions on each conversion, by partner. Each counts before the next one is decided."""
    totals = {
        partner: RunningTotals(history.contract.timezone, history.anchor, lambda counter, start, customer: Decimal(0))
        for partner, history in histories.items()
    }
    for one in conversions:

        def before(terms: Terms, one: Conversion = one) -> Before:
            return totals[terms.contract.partner].before(terms.counters_since, one.event_at)

        case = case_of(one, lambda partner, one=one: histories[partner].at(one.event_at), _MODEL, CURRENCY)  # type: ignore[misc]
        found = evaluate(case, matcher, before)
        for partner, decision in found.items():
            terms = case.terms[partner] if partner is not None else None
            if decision.outcome == "rated" and isinstance(terms, Terms):
                counted = histories[terms.contract.partner].counted(terms)
                totals[terms.contract.partner].add(counted, one.event_at, decision.adds)
        yield found


def _conversion(row: Mapping[str, Any], touches: tuple[Touch, ...], counted: dict[str, str]) -> Conversion:
    names = ("order_id", "country", "is_new_customer")
    facts = {name: row[name] for name in names if row[name] is not None}
    facts["order_value"] = Decimal(row["order_value"]).scaleb(-6)
    first = None if row["order_id"] is None else counted.setdefault(row["order_id"], row["id"])
    return Conversion(
        id=row["id"],
        program=PROGRAM,
        event_at=_instant(row["event_at"]),
        partner=None,
        facts=facts,
        touches=touches,
        duplicate_of=None if first == row["id"] else first,
    )


def _instant(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Rows:
    found = connection.execute(query)
    names = [each[0] for each in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
