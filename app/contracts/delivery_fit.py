"""Whether what a version says about deliveries and its payouts go together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

from app.contracts.attributes import Attributes
from app.contracts.delivery_terms import places_of_counts
from app.contracts.drafting import RuleDraft
from app.core.errors import Finding

_NEVER = datetime.max.replace(tzinfo=UTC)


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
    ours, theirs = _dated(drafts, "delivery_payout"), _dated(drafts, "payout")
    for (at, one), (_, other) in product(ours, theirs):
        if one.effective_from < other.until and other.effective_from < one.until:
            found += check_limits_of_both(one.body, other.body, at)
    if ours and theirs:
        found += [finding for at, one in (*ours, *theirs) for finding in check_fallbacks(one.body, at)]
    for kind in dict.fromkeys(draft.kind for draft in drafts):
        found += [finding for at, one in _dated(drafts, kind) for finding in check_counts(one.body, attributes, at)]
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Dated:
    """A body, from when on, and up to when: the next one of its kind."""

    body: Any
    effective_from: datetime
    until: datetime


def _dated(drafts: Sequence[RuleDraft], kind: str) -> list[tuple[str, _Dated]]:
    """Return the bodies of a kind in order of their starts, each with where it stands."""
    of_kind = [draft for draft in drafts if draft.kind == kind]
    places = (
        [f"/rules/{kind}/{number}/body" for number in range(len(of_kind))] if len(of_kind) > 1 else [f"/rules/{kind}"]
    )
    found = sorted(zip(places, of_kind, strict=False), key=lambda each: each[1].effective_from)
    starts = [draft.effective_from for _, draft in found]
    ends = [*starts[1:], _NEVER]
    return [(at, _Dated(draft.body, draft.effective_from, end)) for (at, draft), end in zip(found, ends, strict=False)]


def check_beside(body: Any, other: Any, at: str) -> Iterator[Finding]:
    """Yield what keeps a payout from standing beside the one that its version has already."""
    yield from check_limits_of_both(body, other, at)
    yield from check_fallbacks(body, at)
    for limit in other.get("limits", ()):
        if _has_fallback_for_both(limit):
            message = f"the version's other payout has a fallback in its limit {limit['id']!r}, which would be on both"
            yield Finding("fallback_for_both", message, at, 'give that limit "partial" first, or tiers')


def check_limits_of_both(body: Any, other: Any, at: str) -> Iterator[Finding]:
    """Yield each limit of a payout that cannot stand beside those of the version's other payout, whose limits on what the
    contract pays hold for it as well."""
    named = {limit["id"]: limit for limit in other.get("limits", ())}
    for number, limit in enumerate(body.get("limits", ())):
        if _meant(named.get(limit["id"], limit)) != _meant(limit):
            message = f"the version's other payout has another limit {limit['id']!r}"
            hint = "write the same limit in both, or choose another id"
            yield Finding("limits_differ", message, f"{at}/limits/{number}/id", hint)


def _meant(limit: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a limit with its maximum as a number: "20" and "20.00" are the same."""
    most = limit["max"]
    return {**limit, "max": Decimal(most)} if isinstance(most, str) else limit


def check_fallbacks(body: Any, at: str) -> Iterator[Finding]:
    """Yield each limit on what is paid for conversions and deliveries together that pays something else instead."""
    for number, limit in enumerate(body.get("limits", ())):
        if _has_fallback_for_both(limit):
            message = "a limit on conversions and deliveries together has no fallback: no formula is on both"
            yield Finding("fallback_for_both", message, f"{at}/limits/{number}/over", 'use "partial", or tiers')


def _has_fallback_for_both(limit: Mapping[str, Any]) -> bool:
    is_on_both = limit["measure"] == "amount" and limit["per"] != "customer" and limit["window"] != "event"
    return is_on_both and isinstance(limit["over"], dict)


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
