"""Draft versions that say everything themselves, or let a draft say something else: for terms that come from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.contracts import lifecycle
from app.contracts.bundles import refuse_follower
from app.contracts.operations.draft_version import record_drafted
from app.contracts.operations.edit_version import rewrite
from app.contracts.proposals import Draft
from app.contracts.repository import contract_named, version_numbered, versions_of
from app.contracts.whole import WholeVersion, propose_whole
from app.contracts.writing import add_versions
from app.runtime import Context
from app.store.models import ContractVersion


def draft_whole(ctx: Context, *, contract: str, said: Sequence[WholeVersion]) -> list[ContractVersion]:
    """Write a version down, or a promotion with its restoration as one bundle, with the ends of their terms.

    Raises VersionRefused with every finding; nothing is written then.
    """
    row = contract_named(ctx.session, contract, lock=True)
    versions = versions_of(ctx.session, contract)
    ended = _ends(versions, None)
    drafts = []
    for one in said:
        draft = _once_ended(propose_whole(ctx, row, versions, one), ended)
        ended |= {draft.expires_at} if draft.expires_at is not None else set()
        drafts.append(draft)
    rows = add_versions(ctx, row, versions, drafts)
    record_drafted(ctx, rows)
    return rows


def edit_whole(ctx: Context, *, contract: str, number: int, said: WholeVersion) -> ContractVersion:
    """Let a draft say what is said, all of it. What it was a part of, it stays a part of."""
    row = contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    lifecycle.require_draft(version)
    refuse_follower(version)
    versions = versions_of(ctx.session, contract)
    draft = _once_ended(propose_whole(ctx, row, versions, said), _ends(versions, version.bundle))
    return rewrite(ctx, row, versions, version, draft)


def _once_ended(draft: Draft, ended: set[datetime | None]) -> Draft:
    """A term ends once: where another version's draft ends it there already, this one need not."""
    return replace(draft, expires_at=None) if draft.expires_at in ended else draft


def _ends(versions: Sequence[ContractVersion], apart_from: int | None) -> set[datetime | None]:
    return {
        version.effective_from
        for version in versions
        if version.kind == "expiry"
        and version.state in ("draft", "submitted")
        and (apart_from is None or version.bundle != apart_from)
    }
