"""Programs, partners and contracts in force, by the operations of the product."""

from __future__ import annotations

from typing import Any

import yaml

from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.create_contract import create_contract
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.submit_version import submit_version
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.runtime import Context
from app.store.models import ContractVersion

ACCEPT_ALL = {"kind": "eligibility", "rules": [], "otherwise": "accept"}
CLAIMS = {"kind": "attribution", "qualify": [], "claims": "accept"}


def percent(rate: str) -> dict[str, Any]:
    """Return payout rules that pay a percentage of every order."""
    return {
        "kind": "payout",
        "on": "conversion",
        "hit": "first",
        "rules": [],
        "otherwise": {"percent": rate, "of": "order_value"},
    }


def rules(payout: str | dict[str, Any]) -> dict[str, Any]:
    """Return rules of all three kinds: everything is eligible, claims are accepted, and the payout is YAML or data."""
    body = yaml.safe_load(payout) if isinstance(payout, str) else payout
    return {"eligibility": ACCEPT_ALL, "attribution": CLAIMS, "payout": body}


def shop(ctx: Context, *partners: str, program: str = "shop", timezone: str = "America/New_York") -> None:
    """Create a program in USD and a contract with each partner, named like it."""
    create_program(ctx, id=program, currency="USD", timezone=timezone)
    for partner in partners:
        create_partner(ctx, id=partner)
        create_contract(ctx, id=partner, program=program, partner=partner)


def agreed(ctx: Context, contract: str, effective_from: str, **version: Any) -> ContractVersion:
    """Return a version that `author` wrote and `approver` approved."""
    drafted = draft_version(
        ctx.acting_as("author"), contract=contract, effective_from=effective_from, **{"backdated": "restate", **version}
    )
    submit_version(ctx.acting_as("author"), contract=contract, number=drafted.number)
    return approve_version(ctx.acting_as("approver"), contract=contract, number=drafted.number)


def order(identifier: str, event_at: str, value: str, partner: str = "acme", **facts: Any) -> dict[str, Any]:
    """Return a conversion as it is sent."""
    return {
        "id": identifier,
        "program": "shop",
        "event_at": event_at,
        "partner": partner,
        "facts": {"order_value": value, **facts},
    }
