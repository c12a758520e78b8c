"""The columns of a statement as a table: one list for CSV, Parquet and their documentation. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from app.billing.document import Document, DocumentLine

Kind = Literal["text", "amount", "precise", "whole", "date", "instant"]
Value: TypeAlias = str | Decimal | int | date | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what kind of values it has, what they mean, and the value of a line."""

    name: str
    kind: Kind
    meaning: str
    of: Callable[[Document, DocumentLine], Value]


COLUMNS = (
    Column("statement", "text", "contract and period", lambda document, line: document.statement),
    Column("program", "text", "the program's id", lambda document, line: document.program),
    Column("partner", "text", "the partner's id", lambda document, line: document.partner),
    Column("partner_name", "text", "the partner's name", lambda document, line: document.partner_name),
    Column(
        "direction",
        "text",
        "payable: paid to the partner; receivable: by it",
        lambda document, line: document.direction,
    ),
    Column("service_period", "text", "the month it is for, YYYY-MM", lambda document, line: document.period),
    Column("accounting_period", "text", "the month it is booked in", lambda document, line: line.accounting_period),
    Column("posting", "text", "what posted it", lambda document, line: line.posting),
    Column("posted_at", "instant", "when", lambda document, line: line.posted_at),
    Column("line", "text", "the line's id", lambda document, line: line.id),
    Column("kind", "text", "payable, correction or reversal", lambda document, line: line.kind),
    Column("corrects", "text", "the line whose amount it changes", lambda document, line: line.corrects),
    Column("conversion", "text", "the conversion; empty for impressions", lambda document, line: line.conversion),
    Column("order", "text", "the conversion's order", lambda document, line: line.order),
    Column("delivered_on", "date", "the day of impressions", lambda document, line: line.delivered_on),
    Column("event_at", "instant", "when it happened", lambda document, line: line.event_at),
    Column("local_date", "date", "that day in the contract's zone", lambda document, line: line.local_date),
    Column("rule", "text", "the rule that pays", lambda document, line: line.rule),
    Column("part", "text", "which of the rule's lines; empty for its own", lambda document, line: line.part or None),
    Column("formula", "text", "the sort of formula", lambda document, line: line.formula),
    Column("amount_precise", "precise", "before rounding", lambda document, line: line.amount_precise),
    Column("amount", "amount", "rounded: what is paid", lambda document, line: line.amount),
    Column("currency", "text", "ISO 4217", lambda document, line: document.currency),
    Column("decision", "text", "the decision that explains it", lambda document, line: line.decision),
    Column("contract_version", "whole", "the terms' number", lambda document, line: line.contract_version),
    Column("rule_version", "text", "the payout rules", lambda document, line: line.rule_version),
)


def columns_described() -> str:
    """Return what the columns are, for the API's document and the command's help."""
    return "; ".join(f"`{column.name}` ({column.meaning})" for column in COLUMNS)
