"""Addresses of contract versions: what they say, and what is done with them in their life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.contracts import errors
from app.contracts.clocks import as_of_for
from app.contracts.describe import (
    checked_data,
    version_data,
)
from app.contracts.known import KnownVersion, known_version, known_versions, present_version
from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.check_version import check_version
from app.contracts.operations.close_version import (
    reject_version,
    withdraw_version,
)
from app.contracts.operations.draft_promotion import draft_promotion
from app.contracts.operations.draft_renewal import draft_renewal
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.edit_version import edit_version
from app.contracts.operations.reinstate_contract import reinstate_contract
from app.contracts.operations.retire_version import retire_version
from app.contracts.operations.submit_version import submit_version
from app.contracts.repository import (
    contract_named,
)
from app.contracts.routes import (
    APPROVAL,
    CLOSING,
    CONTRACT,
    MISSING,
    OF_VERSION,
    RETIREMENT,
    SUBMISSION,
    TIMES,
    VERSION,
    routes,
)
from app.contracts.schemas import (
    Because,
    NewPromotion,
    NewReinstatement,
    NewRenewal,
    NewVersion,
    PromotionShown,
    VersionChecked,
    VersionShown,
    Why,
)
from app.runtime import Context
from app.store.models import ContractVersion
from app.web.as_of import LocalAsOf, LocalPageAsOf
from app.web.operation_doc import Leads
from app.web.pagination import Page

NEXT = Leads(*OF_VERSION, contract="path.contract", number="path.number")


def shown(ctx: Context, row: ContractVersion) -> dict[str, Any]:
    """Show a version as it has just become."""
    ctx.session.flush()
    return version_data(present_version(ctx, row.contract_id, row.number))


def held_version(ctx: Context, contract: str, number: int) -> dict[str, Any]:
    """Return a version as it is shown, while nobody else can change it."""
    contract_named(ctx.session, contract, lock=True)
    return version_data(present_version(ctx, contract, number))


def known_at(ctx: Context, contract: str, number: int, as_of: str | None) -> KnownVersion:
    """Return a version as it was known at the instant that is asked about."""
    row = contract_named(ctx.session, contract)
    return known_version(ctx, contract, number, as_of_for(ctx, row, as_of))


@routes.writes(
    f"{CONTRACT}/versions",
    needs="configure",
    takes=NewVersion,
    shows=VersionShown,
    status=201,
    refuses=(errors.ContractNotFound, errors.VersionRefused),
    location="/v1/contracts/{contract}/versions/{number}",
    once="required",
    tagged=True,
    leads_to=Leads(*OF_VERSION, contract="/contract", number="/number"),
)
def add_version(ctx: Context, contract: str, **body: Any) -> dict[str, Any]:
    """Draft a contract version.

    The terms from a start on; the next start ends them. Nothing is paid by a draft: it has to be submitted, and
    approved by somebody else. A version with `termination: true` ends the contract at its start. One with `ends_on` is
    drafted together with the end of its term.
    """
    return shown(ctx, draft_version(ctx, contract=contract, **body))


@routes.writes(
    f"{CONTRACT}/promotions",
    needs="configure",
    takes=NewPromotion,
    shows=PromotionShown,
    status=201,
    refuses=(errors.ContractNotFound, errors.VersionRefused),
    once="required",
    leads_to=Leads("list_versions", "show_timeline", contract="path.contract"),
)
def add_promotion(ctx: Context, contract: str, **body: Any) -> dict[str, Any]:
    """Draft a promotion: terms for a time.

    It is two versions: the promotion, and one that brings back at `until` what is in force then without it. They are
    submitted and approved together, by the number of either.
    """
    return {"versions": [shown(ctx, row) for row in draft_promotion(ctx, contract=contract, **body)]}


@routes.writes(
    f"{CONTRACT}/renewals",
    needs="configure",
    takes=NewRenewal,
    shows=VersionShown,
    status=201,
    refuses=(errors.ContractNotFound, errors.VersionRefused, errors.NothingToRenew),
    location="/v1/contracts/{contract}/versions/{number}",
    once="required",
    tagged=True,
    leads_to=Leads(*OF_VERSION, contract="/contract", number="/number"),
)
def add_renewal(ctx: Context, contract: str, **body: Any) -> dict[str, Any]:
    """Draft the next term of a contract whose term ends.

    It starts where the term ends and has its terms, with prices raised as agreed. GET /v1/renewals finds what is due.
    """
    return shown(ctx, draft_renewal(ctx, contract=contract, **body))


@routes.writes(
    f"{CONTRACT}/reinstatements",
    needs="configure",
    takes=NewReinstatement,
    shows=VersionShown,
    status=201,
    refuses=(errors.ContractNotFound, errors.VersionRefused, errors.NothingToReinstate),
    location="/v1/contracts/{contract}/versions/{number}",
    once="required",
    tagged=True,
    leads_to=Leads(*OF_VERSION, contract="/contract", number="/number"),
)
def add_reinstatement(ctx: Context, contract: str, **body: Any) -> dict[str, Any]:
    """Draft the reinstatement of a contract that was terminated, or whose term has ended."""
    return shown(ctx, reinstate_contract(ctx, contract=contract, **body))


@routes.lists(
    f"{CONTRACT}/versions",
    needs="read_own",
    shows=VersionShown,
    cursor=lambda row: (str(row["number"]),),
    query=LocalPageAsOf,
    refuses=TIMES,
)
def list_versions(ctx: Context, contract: str, page: Page, as_of: str | None = None) -> Sequence[dict[str, Any]]:
    """List the versions of a contract, drafts and retired ones too, by number."""
    row = contract_named(ctx.session, contract)
    known = known_versions(ctx, contract, as_of_for(ctx, row, as_of))
    return [version_data(each) for each in page.rest_of(known, lambda each: str(each.row.number))]


@routes.reads(
    VERSION,
    needs="read_own",
    query=LocalAsOf,
    shows=VersionShown,
    refuses=(*MISSING, errors.InstantRefused),
    tagged=True,
)
def show_version(ctx: Context, contract: str, number: int, as_of: str | None = None) -> dict[str, Any]:
    """Show a contract version with its rule versions."""
    return version_data(known_at(ctx, contract, number, as_of))


@routes.edits(
    VERSION,
    needs="configure",
    takes=NewVersion,
    shows=VersionShown,
    revision=held_version,
    refuses=(*MISSING, errors.VersionRefused, errors.WrongState, errors.PartOfBundle),
)
def edit(ctx: Context, contract: str, number: int, **body: Any) -> dict[str, Any]:
    """Edit a drafted contract version.

    What it says is replaced, as if it were drafted now. Whoever edits it cannot approve it. What it said before is kept.
    """
    return shown(ctx, edit_version(ctx, contract=contract, number=number, **body))


@routes.reads(f"{VERSION}/check", needs="preview", shows=VersionChecked, refuses=MISSING)
def check(ctx: Context, contract: str, number: int) -> dict[str, Any]:
    """Check a contract version before it is submitted or approved.

    Each of its rule versions with its parameters and lists: what is wrong with it, what it can never decide, where it
    leaves a gap, each with an example conversion; the rules in words and as a table; and whether they decide every
    conversion as the rules do that are in force at their start, or one that they decide differently.
    """
    checked = [checked_data(each) for each in check_version(ctx, contract=contract, number=number)]
    is_ok = all(each["ok"] for each in checked)
    return {"contract": contract, "number": number, "ok": is_ok, "rule_versions": checked}


@routes.writes(
    f"{VERSION}/submit",
    needs="configure",
    takes=Why,
    may_be_empty=True,
    shows=VersionShown,
    refuses=SUBMISSION,
    revision=held_version,
    leads_to=NEXT,
)
def submit(ctx: Context, contract: str, number: int, reason: str | None = None) -> dict[str, Any]:
    """Submit a drafted contract version for approval.

    The rule versions drafted with it are submitted with it, and so is its bundle. They are analysed and tried out on the
    rules engine first; what is proved to be a mistake is refused with an example. The program's policy says how many
    people have to approve it.
    """
    return shown(ctx, submit_version(ctx, contract=contract, number=number, reason=reason))


@routes.writes(
    f"{VERSION}/approve",
    needs="approve",
    takes=Why,
    may_be_empty=True,
    shows=VersionShown,
    refuses=APPROVAL,
    revision=held_version,
    leads_to=NEXT,
)
def approve(ctx: Context, contract: str, number: int, reason: str | None = None) -> dict[str, Any]:
    """Approve a submitted contract version.

    With the last approval it needs it is known, and in force from its start. Whoever wrote, edited or submitted it cannot
    approve it. A version that starts at the same instant is retired by it. Conversions it governs are decided again.
    """
    return shown(ctx, approve_version(ctx, contract=contract, number=number, reason=reason))


@routes.writes(
    f"{VERSION}/reject",
    needs="approve",
    takes=Because,
    shows=VersionShown,
    refuses=CLOSING,
    revision=held_version,
)
def reject(ctx: Context, contract: str, number: int, reason: str) -> dict[str, Any]:
    """Reject a submitted contract version, with a reason for whoever wrote it."""
    return shown(ctx, reject_version(ctx, contract=contract, number=number, reason=reason))


@routes.writes(
    f"{VERSION}/withdraw",
    needs="configure",
    takes=Why,
    may_be_empty=True,
    shows=VersionShown,
    refuses=CLOSING,
    revision=held_version,
)
def withdraw(ctx: Context, contract: str, number: int, reason: str | None = None) -> dict[str, Any]:
    """Withdraw a contract version that is not approved."""
    return shown(ctx, withdraw_version(ctx, contract=contract, number=number, reason=reason))


@routes.writes(
    f"{VERSION}/retire",
    needs="approve",
    takes=Because,
    shows=VersionShown,
    refuses=RETIREMENT,
    revision=held_version,
)
def retire(ctx: Context, contract: str, number: int, reason: str) -> dict[str, Any]:
    """Retire a contract version that was approved by mistake.

    What came before it goes on in its place, and what it governed is decided again. Whoever wrote it cannot retire it.
    """
    return shown(ctx, retire_version(ctx, contract=contract, number=number, reason=reason))
