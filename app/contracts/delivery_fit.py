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
    bodies = {draft.kind: draft.body for draft in drafts}
    if bodies.keys() >= {"payout", "delivery_payout"}:
        found += check_limits_of_both(bodies["delivery_payout"], bodies["payout"], "/rules/delivery_payout")
        found += check_fallbacks(bodies["payout"], "/rules/payout")
    for draft in drafts:
        found += check_counts(draft.body, attributes, f"/rules/{draft.kind}")
    return found


def check_limits_of_both(body: Any, other: Any, at: str) -> Iterator[Finding]:
    """Yield each limit of a payout that cannot stand beside those of the version's other payout, whose limits on what the
    contract pays hold for it as well."""
    named = {limit["id"]: limit for limit in other.get("limits", ())}
    for number, limit in enumerate(body.get("limits", ())):
        if named.get(limit["id"], limit) != limit:
            message = f"the version's other payout has another limit {limit['id']!r}"
            hint = "write the same limit in both, or choose another id"
            yield Finding("limits_differ", message, f"{at}/limits/{number}/id", hint)
    yield from check_fallbacks(body, at)


def check_fallbacks(body: Any, at: str) -> Iterator[Finding]:
    """Yield each limit on what is paid for conversions and deliveries together that pays something else instead."""
    for number, limit in enumerate(body.get("limits", ())):
        is_on_both = limit["measure"] == "amount" and limit["per"] != "customer" and limit["window"] != "event"
        if is_on_both and isinstance(limit["over"], dict):
            message = "a limit on conversions and deliveries together has no fallback: no formula is on both"
            yield Finding("fallback_for_both", message, f"{at}/limits/{number}/over", 'use "partial", or tiers')


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
