"""What came back of a conversion, said as people do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.core.money import minus, plus, total
from app.core.rounding import shown
from app.engine.decision import Decision
from app.engine.factsheet import Conversion
from app.engine.reversals import PART, VALUE, Reversal, is_undone


def left_words(conversion: Conversion, timezone: ZoneInfo, currency: str) -> Iterator[str]:
    """Say what came back before the lock: the conversion is decided with what is left."""
    currency = _currency(conversion, currency)
    left = order_value(conversion)
    for reversal in conversion.reversals:
        if reversal.mode == "restate":
            back = _came_back(reversal, left, timezone, currency)
            left = None if left is None else minus(left, reversal.value)
            rest = "nothing is left" if reversal.leaves_nothing or left is None else f"{shown(left, currency)} is left"
            yield f"{back}, before the lock: {rest}."


def taken_back_words(
    conversion: Conversion, decision: Decision, timezone: ZoneInfo, currency: str, *, keeps_counters: bool
) -> Iterator[str]:
    """Say what came back after the lock, and what that takes back: of 100.00, 40.00 came back on 3 May: -4.00 of 10.00."""
    restated = total(each.value for each in conversion.reversals if each.mode == "restate")
    of = order_value(conversion)
    of = None if of is None else minus(of, restated)
    paid = total(line.amount for line in decision.lines if not line.part.startswith(PART))
    counters = "keep what it counted for" if keeps_counters else "are given back what came back of it"
    for reversal in conversion.reversals:
        if reversal.mode == "negate":
            back = total(line.amount for line in decision.lines if line.part == reversal.part)
            came_back = _came_back(reversal, of, timezone, _currency(conversion, currency))
            yield (
                f"{came_back}, after the lock: {shown(back, currency)} of "
                f"{shown(paid, currency)} {currency}; tiers and limits {counters}."
            )


def order_value(conversion: Conversion) -> Decimal | None:
    """Return the order value that a conversion was sent with, where it has one."""
    found = conversion.facts.get(VALUE)
    if not isinstance(found, Decimal):
        return None
    if is_undone(conversion.reversals):
        return found
    return plus(found, total(each.value for each in conversion.reversals if each.mode == "restate"))


def _came_back(reversal: Reversal, of: Decimal | None, timezone: ZoneInfo, currency: str) -> str:
    local = reversal.at.astimezone(timezone)
    day = f"{local.day} {local:%B} {local.year} ({reversal.id})"
    if of is None:
        return f"All of it came back on {day}"
    pieces = ", ".join(f"{item.quantity} × {item.sku}" for item in reversal.items)
    pieces = f" ({pieces})" if pieces else ""
    return f"Of {shown(of, currency)} {currency}, {shown(reversal.value, currency)}{pieces} came back on {day}"


def _currency(conversion: Conversion, currency: str) -> str:
    """Return the currency of an order; it is that of the contract unless the order says otherwise."""
    found = conversion.facts.get("currency")
    return found if isinstance(found, str) else currency
