"""The journal as CSV, a row for each leg, as safe to open as a statement's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.billing.formats.csv_text import Figure, csv_text
from app.billing.journal import Entry
from app.core.instants import write_instant
from app.core.rounding import shown

HEADER = (
    *("accounting_period", "account", "debit", "credit", "currency", "kind", "line", "statement", "service_period"),
    *("program", "partner", "contract", "contract_version", "rule_version", "rule", "part", "conversion"),
    *("delivered_on", "event_at", "decision", "corrects", "posting", "posted_at"),
)


def journal_csv(entries: Iterable[Entry]) -> str:
    """Return entries as CSV, with a row of names first."""
    return csv_text(HEADER, (row for entry in entries for row in _rows(entry)))


def _rows(entry: Entry) -> Iterator[list[str | None]]:
    version = None if entry.contract_version is None else Figure(entry.contract_version)
    day = None if entry.delivered_on is None else entry.delivered_on.isoformat()
    of_entry = [
        *(entry.currency, entry.kind, entry.line, entry.statement, entry.service_period, entry.program, entry.partner),
        *(entry.contract, version, entry.rule_version, entry.rule, entry.part or None, entry.conversion, day),
        *(write_instant(entry.event_at), entry.decision, entry.corrects, entry.posting, write_instant(entry.posted_at)),
    ]
    for leg in entry.legs:
        sides = [Figure(shown(side, entry.currency)) for side in (leg.debit, leg.credit)]
        yield [entry.accounting_period, leg.account, *sides, *of_entry]
