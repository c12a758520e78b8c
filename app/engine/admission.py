"""Whether a conversion is counted at all, before any rule is asked: once an order, and submitted in time. Pure."""

from __future__ import annotations

from app.engine.decision import Reason
from app.engine.factsheet import Conversion
from app.engine.settlement import submission_deadline
from app.engine.settlement_words import local_words
from app.engine.terms import Terms

DUPLICATE_ORDER, SUBMITTED_LATE = "DUPLICATE_ORDER", "SUBMITTED_LATE"
CODES = (DUPLICATE_ORDER, SUBMITTED_LATE)


def refusals(terms: Terms, conversion: Conversion) -> tuple[Reason, ...]:
    """Return every reason for which a conversion is not counted under these terms, whatever their rules say."""
    found = []
    if conversion.duplicate_of is not None:
        order = conversion.facts.get("order_id")
        found.append(Reason(DUPLICATE_ORDER, actual=f"the order {order} is counted as {conversion.duplicate_of}"))
    zone = terms.contract.timezone
    deadline = submission_deadline(terms.version.settlement, conversion.event_at, zone)
    received_at = conversion.received_at
    if deadline is not None and received_at is not None and received_at >= deadline:
        was, due = local_words(received_at, zone), local_words(deadline, zone)
        found.append(Reason(SUBMITTED_LATE, actual=f"it was received on {was}, and had to be before {due}"))
    return tuple(found)
