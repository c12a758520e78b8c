"""Whether what a version says about deliveries and its payouts go together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.contracts.attributes import Attributes
from app.contracts.delivery_terms import places_of_counts
from app.contracts.drafting import RuleDraft
from app.core.errors import Finding


def check_deliveries(drafts: Sequence[RuleDraft], attributes: Attributes) -> list[Finding]:
    """Return what does not go together in a version: its payouts on deliveries, and what it says about deliveries."""
    places = {draft.kind for draft in drafts if is_on_deliveries(draft.body)}
    found: list[Finding] = []
    if "payout" in places and any(draft.kind == "delivery_payout" for draft in drafts):
        message = "payout is on deliveries as well; a version has one payout on deliveries"
        found.append(Finding("two_delivery_payouts", message, "/rules/delivery_payout", "leave one of the two out"))
    if attributes.delivery is not None and not places:
        message = "no rules pay for deliveries, so nothing would come of what is said about them"
        found.append(Finding("delivery_without_payout", message, "/delivery", "add a payout on deliveries"))
    for draft in drafts:
        found += check_counts(draft.body, attributes, f"/rules/{draft.kind}")
    return found


def check_counts(body: Any, attributes: Attributes, at: str) -> Iterator[Finding]:
    """Yield each place where a payout on deliveries calculates past deductions and the basis."""
    delivery = attributes.delivery
    if delivery is None or not is_on_deliveries(body):
        return
    if delivery["basis"] == "delivered" and not any(delivery.get("deduct", {}).values()):
        return
    for place in places_of_counts(body):
        message = (
            "this calculates with counts as they came in, so what the contract deducts, or does not pay for, is paid"
        )
        yield Finding("raw_counts", message, at + place, "calculate with delivery.billable")


def is_on_deliveries(body: Any) -> bool:
    """Tell whether a body is a payout on deliveries."""
    return isinstance(body, dict) and body.get("kind") == "payout" and body.get("on") == "delivery"
