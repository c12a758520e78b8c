"""A reversal as it is sent: how its body is read, and what it takes of what is left of its conversion. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.conversions.errors import ReversalCurrencyDiffers, ReversalExceeds, ReversalNeedsAmount
from app.core.canonical import record_hash
from app.core.errors import Finding, pointer_of
from app.core.instants import parse_instant, write_instant
from app.core.money import ZERO, canonical, minus, plus, times, total
from app.engine.reversals import ITEMS, VALUE, Mode, Returned, Reversal, left_of
from app.rulelang.ast import Value
from app.rulelang.diagnostics import Findings, described
from app.rulelang.reader import Reader

KEYS = ("reversed_at", "reason", "full", "amount", "currency", "items")
MAX_ID, MAX_REASON, MAX_ITEMS = 128, 500, 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A reversal that can be recorded: of everything that is left, of an amount of the order value, or of articles."""

    id: str
    reason: str
    reversed_at: datetime | None = None
    amount: Decimal | None = None
    currency: str | None = None
    items: tuple[Returned, ...] = ()

    @property
    def form(self) -> str:
        """How it says what came back: full, amount or items."""
        return "items" if self.items else "full" if self.amount is None else "amount"

    @property
    def body_hash(self) -> str:
        """Tells a repetition from a contradiction."""
        return record_hash(
            {
                "reason": self.reason,
                "reversed_at": None if self.reversed_at is None else write_instant(self.reversed_at),
                "amount": None if self.amount is None else canonical(self.amount),
                "currency": self.currency,
                "items": [[item.sku, item.quantity] for item in self.items],
            }
        )


def read_reversal(body: Any) -> Asked | list[Finding]:
    """Return what is asked for, or everything that is wrong with it."""
    findings = Findings()
    reader = Reader(findings)
    given = reader.object(body, "", ("id", "reason"), KEYS, "a reversal")
    if given is None:
        return list(findings.errors)
    identifier = _text(findings, given["id"], "/id", MAX_ID)
    reason = _text(findings, given["reason"], "/reason", MAX_REASON)
    reversed_at = _instant(findings, given["reversed_at"]) if "reversed_at" in given else None
    if "full" in given and given["full"] is not True:
        findings.add("wrong_type", "/full", "full is true, or is left out", "send amount or items for a part")
    ways = [key for key in ("full", "amount", "items") if key in given]
    if not ways or ("full" in ways and len(ways) > 1):
        message = f"a reversal says what came back: full, amount or items; found {', '.join(ways) or 'none of them'}"
        findings.add("missing_key" if not ways else "wrong_type", "", message, '"full": true for all that is left')
    amount = reader.decimal(given["amount"], "/amount", what="the amount") if "amount" in given else None
    if amount is not None and amount <= 0:
        findings.add("out_of_range", "/amount", f"what came back is more than zero; found {canonical(amount)}")
    currency = _text(findings, given["currency"], "/currency", 3) if "currency" in given else None
    items = _items(reader, given["items"]) if "items" in given else ()
    if findings.errors or identifier is None or reason is None:
        return list(findings.errors)
    return Asked(identifier, reason, reversed_at, amount, currency, items)


def _text(findings: Findings, value: Any, at: str, most: int) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= most and value.isprintable():
        return value
    message = f"{at[1:]} is a string of 1 to {most} printable characters; found {described(value)}"
    findings.add("wrong_type", at, message)
    return None


def _instant(findings: Findings, value: Any) -> datetime | None:
    instant = parse_instant(value) if isinstance(value, str) else None
    if instant is None:
        message = f"reversed_at is an instant with an offset (RFC 3339); found {described(value)}"
        findings.add("wrong_type", "/reversed_at", message, "such as 1997-07-02T10:00:00-04:00")
    return instant


def _items(reader: Reader, data: Any) -> tuple[Returned, ...]:
    if not isinstance(data, list) or not 0 < len(data) <= MAX_ITEMS:
        message = f"items are 1 to {MAX_ITEMS:,} articles with sku and quantity; found {described(data)}"
        reader.findings.add("wrong_type", "/items", message)
        return ()
    found = []
    for place, each in enumerate(data):
        at = "/items" + pointer_of(place)
        item = reader.object(each, at, ("sku", "quantity"), (), "an article")
        if item is None:
            continue
        sku, pieces = _text(reader.findings, item["sku"], at + "/sku", 1_024), item["quantity"]
        if type(pieces) is not int or not 0 < pieces < 2**53:
            message = f"quantity is a whole number from 1 on; found {described(pieces)}"
            reader.findings.add("wrong_type", at + "/quantity", message)
        elif sku is not None:
            found.append(Returned(sku, pieces))
    return tuple(found)


def reversal_of(
    asked: Asked, facts: Mapping[str, Value], earlier: Sequence[Reversal], at: datetime, mode: Mode, currency: str
) -> Reversal:
    """Return the reversal that takes what is asked for, or refuse to take more than earlier ones have left of a
    conversion. `currency` is that of the program: orders are in it unless they say otherwise."""
    if any(each.leaves_nothing for each in earlier):
        raise ReversalExceeds(f"All of it came back already, by {earlier[-1].id}. Nothing is left to reverse.")
    left, of_order = left_of(facts, earlier), facts.get("currency") or currency
    if asked.currency is not None and asked.currency != of_order:
        raise ReversalCurrencyDiffers(
            f"The order is in {of_order}, and the reversal in {asked.currency}. Send what came back in {of_order}.",
            [Finding("wrong_value", f"the order is in {of_order}", "/currency")],
        )
    found = left.get(VALUE)
    value = found if isinstance(found, Decimal) else ZERO
    taken = Reversal(asked.id, at, mode, max(value, ZERO), leaves_nothing=True)
    if asked.form == "full":
        return taken
    wanted = _value_of(asked, left) if asked.amount is None else asked.amount
    if not isinstance(found, Decimal):
        raise ReversalNeedsAmount("The conversion has no order_value, so no part of it can come back. Send full.")
    if wanted > value:
        raise ReversalExceeds(
            f"{canonical(wanted)} {of_order} would come back, and {canonical(value)} is left of the order value.",
            [Finding("out_of_range", f"at most {canonical(value)}", "/items" if asked.amount is None else "/amount")],
        )
    return replace(taken, value=wanted, items=asked.items, leaves_nothing=wanted == value)


def _value_of(asked: Asked, left: Mapping[str, Value]) -> Decimal:
    """Return what the articles cost that came back. Each of them has to be left."""
    records: Sequence[Any] = left.get(ITEMS, ())  # type: ignore[assignment]
    wanted: dict[str, int] = {}
    for item in asked.items:
        wanted[item.sku] = wanted.get(item.sku, 0) + item.quantity
    for place, item in enumerate(asked.items):
        there = sum(record["quantity"] for record in records if record["sku"] == item.sku)
        if wanted[item.sku] > there:
            raise ReversalExceeds(
                f"{wanted[item.sku]} pieces of {item.sku} would come back, and {there} are left of the order.",
                [Finding("out_of_range", f"at most {there}", "/items" + pointer_of(place))],
            )
    return total(_price_of(record, wanted) for record in records)


def _price_of(record: Mapping[str, Any], wanted: dict[str, int]) -> Decimal:
    """Return what the pieces of one record cost that came back, and count them off those that are wanted."""
    pieces = min(record["quantity"], wanted.get(record["sku"], 0))
    if not pieces:
        return ZERO
    wanted[record["sku"]] -= pieces
    price = times(record["price"], Decimal(pieces))
    discount = record.get("discount")
    if not discount:
        return price
    if pieces < record["quantity"]:
        raise ReversalNeedsAmount(
            f"{record['sku']} had {canonical(discount)} off for all pieces together, so what some of them cost is "
            "not known. Send amount beside the items."
        )
    return max(minus(price, discount), ZERO)


def total_of(reversals: Sequence[Reversal]) -> Decimal:
    """Return how much of the order value came back by reversals."""
    found = ZERO
    for reversal in reversals:
        found = plus(found, reversal.value)
    return found
