"""Two partners with everything one can have, so named that a byte of the other one cannot be overlooked.

Both have a contract in the same program. Mine is acme; everything of the other has "zulu" in it, and its money is 7777.77.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from app.access.operations.create_key import create_key
from app.billing.operations.bill_at_once import bill_at_once
from app.billing.operations.compute_run import begin, propose
from app.billing.operations.open_run import open_run
from app.contracts.operations.approve_version import approve_rule_version
from app.contracts.operations.create_contract import create_contract
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.conversions.operations.correct_conversion import correct_conversion
from app.conversions.operations.receive_conversions import receive_conversion, store_conversions
from app.conversions.operations.reverse_conversion import reverse_conversion
from app.conversions.repository import current_decisions, decisions_of
from app.deliveries.operations.adjust_deliveries import adjust_deliveries
from app.deliveries.operations.receive_deliveries import receive_delivery
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.rates.operations.record_rates import NewRate, record_rate
from app.rulesets.operations.publish_list import publish_list
from app.runtime import Context
from tests.builders.agreements import ACCEPT_ALL, CLAIMS, agreed, percent

MINE, THEIRS = "acme", "zulu"
OF_THEIRS = re.compile(rb"zulu|7777\.77|767\.67", re.IGNORECASE)
NOW = datetime(1997, 9, 1, tzinfo=UTC)
# Names of what is not to be seen of one's own either.
HIDDEN = re.compile(rb'draft-only|"state":"(?:draft|submitted)"')


def build(ctx: Context) -> dict[str, Any]:
    """Create both worlds and return the ids in them that were not chosen here."""
    create_program(ctx, id="shop", currency="USD", timezone="UTC")
    create_program(ctx, id="zulu-shop", name="Zulu's own", currency="USD", timezone="UTC")
    record_rate(ctx, NewRate("EUR", "USD", date(1997, 7, 1), Decimal("1.1"), "ECB"))
    ids: dict[str, Any] = {}
    for partner, money, rate in ((MINE, "100.00", "6"), (THEIRS, "7777.77", "9.87")):
        create_partner(ctx, id=partner, name=f"{partner.title()} Holdings")
        publish_list(ctx, id=f"{partner}-codes", type="text", members=[f"{partner.upper()}-VIP"])
        create_contract(ctx, id=partner, program="shop", partner=partner)
        _versions(ctx, partner, rate)
        _conversions(ctx, "shop", partner, money)
        _correct(ctx, partner)
        back = {"id": f"{partner}-back", "reason": "RETURN", "amount": "1.00"}
        reverse_conversion(ctx, back, program="shop", conversion=f"{partner}-2")
        bill_at_once(ctx, contract=partner, period="1997-07", poster="finance")
        _rate_from(ctx, partner, "1997-07-01", "7.67")
        bill_at_once(ctx, contract=partner, period="1997-07", poster="finance")
        ids[partner] = _ids(ctx, partner) | {"delivery": _deliveries(ctx, partner)}
    create_contract(ctx, id="zulu-alone", program="zulu-shop", partner=THEIRS)
    agreed(ctx, "zulu-alone", "1997-01-01", rules=_rules(THEIRS, "9.87"))
    _conversions(ctx, "zulu-shop", THEIRS, "7777.77")
    ready = open_run(ctx, program="shop", period="1997-06").id
    begin(ctx, ready)
    propose(ctx, ready)
    ids["run"] = ready
    # One of each is not decided yet: whoever reads first has it decided.
    late = [_order("shop", partner, f"{partner}-late", "1.00") for partner in (MINE, THEIRS)]
    store_conversions(ctx, late)
    ids["key"] = create_key(ctx, role="finance", name="a key to look at")[0].id
    return ids


def _versions(ctx: Context, partner: str, rate: str) -> None:
    """Version 1 is in force, 2 a draft, 3 submitted; version 1 has payout rules 2, a draft, and 3, submitted."""
    agreed(ctx, partner, "1997-01-01", rules=_rules(partner, rate))
    author = ctx.acting_as("author")
    for start in ("1998-01-01", "1998-02-01"):
        draft_version(author, contract=partner, effective_from=start, rules=_rules(partner, rate, "draft-only"))
    submit_version(author, contract=partner, number=3)
    for start in ("1997-10-01", "1997-11-01"):
        body = percent(rate) | {"rules": [_rule("draft-only")]}
        draft_rule_version(author, contract=partner, number=1, effective_from=start, kind="payout", body=body)
    submit_rule_version(author, contract=partner, number=1, kind="payout", rule_number=3)


def _rate_from(ctx: Context, partner: str, start: str, rate: str) -> None:
    """Approve another rate after the fact: decisions are retired and statements corrected."""
    rule = {"contract": partner, "number": 1, "kind": "payout", "rule_number": 4}
    body = percent(rate) | {"rules": [_rule(f"{partner}-rule-restated")]}
    author = ctx.acting_as("author")
    start_of = {"effective_from": start, "backdated": "restate"}
    draft_rule_version(author, contract=partner, number=1, kind="payout", body=body, **start_of)
    submit_rule_version(author, **rule)
    approve_rule_version(ctx.acting_as("approver"), **rule)


def _rules(partner: str, rate: str, name: str | None = None) -> dict[str, Any]:
    vip = {"fact": "coupon_code", "op": "in", "value": {"list": f"{partner}-codes"}, "if_missing": "no_match"}
    listed = {"id": f"{partner}-vip", "when": vip, "then": {"flat": "767.67" if partner == THEIRS else "1.00"}}
    payout = percent(rate) | {"rules": [listed, _rule(name or f"{partner}-rule")]}
    return {"eligibility": ACCEPT_ALL, "attribution": CLAIMS, "payout": payout}


def _rule(identifier: str) -> dict[str, Any]:
    high = {"fact": "order_value", "op": "gt", "value": "100000"}
    return {"id": identifier, "when": high, "then": {"flat": "2"}}


def _conversions(ctx: Context, program: str, partner: str, money: str) -> None:
    receive_conversion(ctx, _order(program, partner, f"{partner}-1", money))
    receive_conversion(ctx, _order(program, partner, f"{partner}-2", "5.00"))


def _correct(ctx: Context, partner: str) -> None:
    """Say more of the second order: it is decided again, and pays the same."""
    facts = {"order_value": "5.00", "customer_id": f"{partner}-customer", "channel": partner}
    correct_conversion(ctx, {"facts": facts, "reason": "Told later"}, program="shop", conversion=f"{partner}-2")


def _deliveries(ctx: Context, partner: str) -> str:
    """Count impressions, which the contract does not pay for, give money back for them, and return the id of the count."""
    day = "1997-07-02"
    counted = {
        "contract": partner,
        "delivered_on": day,
        "placement": f"{partner}-home",
        "source": f"{partner}-adserver",
    }
    receipt = receive_delivery(ctx, counted | {"facts": {"impressions": 1000}})
    back = {"kind": "credit", "delivered_on": day, "repairs_on": day, "amount": "1.00", "reason": f"{partner} was dark"}
    adjust_deliveries(ctx, contract=partner, id=f"{partner}-credit", **back)
    assert receipt.incoming is not None
    return receipt.incoming.id


def _order(program: str, partner: str, identifier: str, money: str) -> dict[str, Any]:
    facts = {"order_value": money, "customer_id": f"{partner}-customer"}
    at = "1997-07-02T10:00:00Z"
    return {"id": identifier, "program": program, "event_at": at, "partner": partner, "facts": facts}


def _ids(ctx: Context, partner: str) -> dict[str, str]:
    retired = decisions_of(ctx.session, "shop", f"{partner}-1", ctx.now())[-1]
    current = current_decisions(ctx.session, "shop", f"{partner}-1")[0]
    assert current is not None
    assert retired.retired_at is not None
    return {"current": current.id, "retired": retired.id}
