"""Setting the stage of a scenario: its program, partners, contracts and versions, by the operations of the API."""

from __future__ import annotations

from typing import Any

from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.create_contract import create_contract
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.submit_version import submit_version
from app.core.errors import Finding
from app.core.instants import parse_instant
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.runtime import Context
from app.scenarios.errors import RecordedLater

AUTHOR, APPROVER = "scenario author", "scenario approver"


def create_stage(ctx: Context, program: dict[str, Any]) -> None:
    """Create the program."""
    create_program(ctx, **program)


def create_agreement(ctx: Context, program: str, contract: dict[str, Any], known_partners: set[str]) -> None:
    """Create a contract, and its partner where it is the first with them."""
    partner = contract["partner"]
    if partner not in known_partners:
        create_partner(ctx, id=partner)
        known_partners.add(partner)
    frame = {key: value for key, value in contract.items() if key != "versions"}
    create_contract(ctx, **{"program": program, **frame})


def agree(ctx: Context, contract: str, version: dict[str, Any]) -> None:
    """Draft, submit and approve a version: written by one person and approved by another, at `recorded_at`.

    A scenario that starts terms in the past means it, so `restate` need not be said.
    """
    recorded_at = version.get("recorded_at")
    instant = parse_instant(recorded_at) if isinstance(recorded_at, str) else None
    if instant is not None and instant > ctx.now():
        message = f"recorded_at {recorded_at} lies after the clock"
        raise RecordedLater(f"{message}; turn the clock first.", [Finding("future_time", message, "/recorded_at")])
    then = ctx if instant is None else ctx.at(instant)
    given = {"backdated": "restate"} | {key: value for key, value in version.items() if key != "recorded_at"}
    drafted = draft_version(then, contract=contract, **given)
    approve_all(then, contract, drafted.number)


def approve_all(ctx: Context, contract: str, number: int) -> None:
    """Submit a version and have as many people approve it as its program asks for."""
    submitted = submit_version(ctx, contract=contract, number=number)
    for person in range(submitted.approvals_needed or 1):
        name = APPROVER if person == 0 else f"{APPROVER} {person + 1}"
        approve_version(ctx.acting_as(name), contract=contract, number=number)
