"""A decision on a day's impressions is told so that a finance person can follow it, and made again to the same digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.conversions.operations.explain_decision import explain_decision, find_decision
from app.core.clock import frozen_at
from app.deliveries.operations.adjust_deliveries import adjust_deliveries
from app.deliveries.operations.receive_deliveries import receive_deliveries
from app.runtime import Runtime
from tests.builders.agreements import ACCEPT_ALL, CLAIMS, agreed, shop

TERMS = {
    "basis": "contracted_plus_overage",
    "contracted": "6000",
    "overage_cpm": "2",
    "sources": {
        "truth": "adserver",
        "other": "partner",
        "tolerance": "0.10",
        "fallback": "partner",
        "deadline_days": 3,
    },
    "deduct": {"invalid": True},
    "minimum_guarantee": {"amount": "20.00", "window": "month"},
}
CAP = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "27.00", "over": "partial"}
PAYOUT = {
    "kind": "payout",
    "on": "delivery",
    "hit": "first",
    "rules": [],
    "otherwise": {"cpm": "4", "of": "delivery.billable"},
    "limits": [CAP],
}


def test_a_day_is_told_from_counts_to_lines(runtime: Runtime) -> None:
    """On 1 March adserver and partner lie 0.2 apart; after the 4th the partner's count is taken. 8,000 less 500 invalid are
    7,500: 6,000 at 4.00 are 24.00, and 1,500 of overage at 2.00 are 3.00. Of the cap of 27.00 nothing is left for 2 March."""
    with _at(runtime, "2027-03-05").work("tester") as ctx:
        shop(ctx.at(datetime(2027, 1, 1, tzinfo=UTC)), "acme", timezone="UTC")
        rules = {"eligibility": ACCEPT_ALL, "attribution": CLAIMS, "payout": PAYOUT}
        agreed(ctx.at(datetime(2027, 1, 1, tzinfo=UTC)), "acme", "2027-02-01", rules=rules, delivery=TERMS)
        counts = [_count(1, "adserver", 10000, 600), _count(1, "partner", 8000, 500)]
        counts += [_count(2, source, 1000, 0) for source in ("adserver", "partner")]
        assert [receipt.problem for receipt in receive_deliveries(ctx, counts)] == [None] * 4
        first, second = (_words(ctx, f"acme/2027-03-0{day}") for day in (1, 2))
        assert first == [
            "These are the impressions of 2027-03-01 under the contract acme (UTC).",
            "Version 1 of the contract was in force at the start of that day.",
            "adserver counted 10000 impressions on home (revision 1).",
            "partner counted 8000 impressions on home (revision 1).",
            "home: of 8000 impressions 7500 are left after deductions, 6000 are paid for by otherwise, 1500 more at the "
            "rate for overage.",
            "Calculated: 4.00 per thousand of delivery.billable (delivery.billable is 6000) comes to 24.",
            "Line otherwise: 24 precisely, 24.00 USD paid, on the count of the fallback source because the deadline has "
            "passed.",
            "Line overage: 3 precisely, 3.00 USD paid, on the count of the fallback source because the deadline has "
            "passed.",
        ]
        assert second[-1] == "The limit cap cut it: at most 27.00 per month; 2.00 due, 0.00 left."


def test_what_was_booked_and_what_is_missing_to_a_guarantee_are_told(runtime: Runtime) -> None:
    """In February 1,000 are paid 4.00; a credit of 1.50 is no billing, so 16.00 are missing to 20.00 on the 28th."""
    with _at(runtime, "2027-03-05").work("tester") as ctx:
        shop(ctx.at(datetime(2027, 1, 1, tzinfo=UTC)), "acme", timezone="UTC")
        rules = {"eligibility": ACCEPT_ALL, "attribution": CLAIMS, "payout": {**PAYOUT, "limits": []}}
        terms = {"minimum_guarantee": TERMS["minimum_guarantee"]}
        agreed(ctx.at(datetime(2027, 1, 1, tzinfo=UTC)), "acme", "2027-02-01", rules=rules, delivery=terms)
        receive_deliveries(ctx, [_count(1, "adserver", 1000, 0, month=2)])
        day = {"delivered_on": "2027-02-28", "repairs_on": "2027-02-01"}
        adjust_deliveries(ctx, contract="acme", id="k", kind="credit", amount="1.50", reason="It was dark", **day)
        assert _words(ctx, "acme/2027-02-28")[-2:] == [
            "Line credit:k: -1.5 precisely, -1.50 USD paid.",
            "Line minimum_guarantee: 16 precisely, 16.00 USD paid.",
        ]


def _at(runtime: Runtime, day: str) -> Runtime:
    return replace(runtime, clock=frozen_at(datetime.fromisoformat(f"{day}T12:00:00+00:00")))


def _words(ctx: Any, name: str) -> list[str]:
    return explain_decision(ctx, find_decision(ctx, name).id).words


def _count(day: int, source: str, impressions: int, invalid: int, month: int = 3) -> dict[str, Any]:
    place = {"contract": "acme", "delivered_on": f"2027-{month:02}-{day:02}", "placement": "home", "source": source}
    return {**place, "facts": {"impressions": impressions, "invalid": invalid}}
