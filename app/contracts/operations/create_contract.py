"""Create a contract: the frame that versions of terms are put into."""

from __future__ import annotations

from app.audit.record import record
from app.contracts.errors import ContractExists, ContractRefused
from app.contracts.repository import contract_between, unsettle
from app.partners.operations.create_program import check_money_and_zone
from app.partners.repository import partner_named, program_named
from app.runtime import Context
from app.store.models import Contract


def create_contract(
    ctx: Context,
    *,
    id: str,
    program: str,
    partner: str,
    direction: str = "payable",
    currency: str | None = None,
    timezone: str | None = None,
    rounding: str = "half_away",
) -> Contract:
    """Create a contract between a program and a partner; currency and zone are the program's unless given."""
    owner = program_named(ctx.session, program)
    partner_named(ctx.session, partner)
    currency, timezone = currency or owner.currency, timezone or owner.timezone
    findings = check_money_and_zone(currency, timezone)
    if findings:
        raise ContractRefused(f"The contract cannot be created: {findings[0].message}.", findings)
    _refuse_twin(ctx, id, program, partner)
    contract = Contract(
        id=id,
        program_id=program,
        partner_id=partner,
        direction=direction,
        currency=currency,
        timezone=timezone,
        rounding=rounding,
        created_at=ctx.now(),
    )
    ctx.session.add(contract)
    after = {"program": program, "partner": partner, "direction": direction, "currency": currency}
    record(ctx, "contract.created", id, f"Contract {id} of {program} with {partner} created", after=after)
    ctx.session.flush()
    # What the partner claimed so far was decided without a contract; the reason is another one now.
    unsettle(ctx.session, contract, None, None)
    return contract


def _refuse_twin(ctx: Context, id: str, program: str, partner: str) -> None:
    """A claim is decided under one contract: a second one with the same partner would leave open which."""
    if ctx.session.get(Contract, id) is not None:
        raise ContractExists(f"There is a contract {id!r} already.")
    twin = contract_between(ctx.session, program, partner)
    if twin is not None:
        raise ContractExists(
            f"{program} and {partner} have the contract {twin.id!r} already. Add a version to it instead."
        )
