"""Writing drafts down: the rows of contract versions and rule versions, the hash an approval binds, what was saved when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from app.contracts.attributes import Attributes
from app.contracts.content import content_data, rule_content_data, said_besides_rules
from app.contracts.drafting import RuleDraft
from app.contracts.mapping import timezone_of
from app.contracts.proposals import Draft
from app.core.canonical import content_hash
from app.core.instants import start_of_day, write_instant
from app.rulelang.ast import KINDS
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion, SavedDraft


def add_versions(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], drafts: Sequence[Draft]
) -> list[ContractVersion]:
    """Write drafts down as the next versions of a contract, each with the end of its term where it has one.

    If they come to more than one version, these are a bundle: submitted, approved and rejected together.
    """
    number = 1 + max((version.number for version in versions), default=0)
    whole = [*drafts, *(expiry_of(draft, number) for draft in drafts if draft.expires_at is not None)]
    bundle = number if len(whole) > 1 else None
    rows = []
    for offset, draft in enumerate(whole):
        row = new_row(ctx, contract, number + offset, bundle)
        fill(ctx, row, draft)
        ctx.session.add(row)
        rows.append(row)
    ctx.session.flush()
    for row in rows:
        save(ctx, row)
    return rows


def expiry_of(draft: Draft, number: int) -> Draft:
    """Return the end of a draft's term: a version without terms."""
    assert draft.expires_at is not None
    return Draft("expiry", draft.expires_at, [], {}, Attributes(), number, True, draft.backdated, None)


def new_row(ctx: Context, contract: Contract, number: int, bundle: int | None) -> ContractVersion:
    """Return a contract version that says nothing yet."""
    return ContractVersion(
        id=f"{contract.id}/{number}",
        contract_id=contract.id,
        number=number,
        bundle=bundle,
        state="draft",
        revision=0,
        editors=[],
        created_by=ctx.actor,
        created_at=ctx.now(),
        rule_versions=[],
    )


def fill(ctx: Context, row: ContractVersion, draft: Draft) -> None:
    """Let a drafted version say what the draft says; what it said before is gone from it."""
    row.kind = draft.kind
    row.effective_from = draft.start
    row.base_number, row.is_base_named = draft.base, draft.is_base_named
    row.backdated, row.reason = draft.backdated, draft.reason
    said = draft.attributes
    row.value, row.ends_on, row.renewal, row.settlement = said.value, said.ends_on, said.renewal, said.settlement
    row.params = draft.params
    mark_edited(ctx, row)
    row.rule_versions = _rule_rows(row, draft.rules)
    row.content_hash = _content_hash(row, draft)


def mark_edited(ctx: Context, row: ContractVersion | RuleVersion) -> None:
    """Note who wrote a draft: none of them will be able to approve it."""
    row.revision += 1
    # Whoever waited for another editor may have begun before that one was done.
    row.edited_at = max(ctx.now(), row.edited_at or ctx.now())
    if ctx.actor not in row.editors:
        row.editors = [*row.editors, ctx.actor]


def save(ctx: Context, row: ContractVersion | RuleVersion) -> None:
    """Keep what a draft says now, so that it can be read as it was after it has been edited."""
    content = content_data(row) if isinstance(row, ContractVersion) else rule_content_data(row)
    saved = SavedDraft(
        version_id=row.id, revision=row.revision, content=content, saved_by=ctx.actor, saved_at=row.edited_at
    )
    ctx.session.add(saved)
    ctx.session.flush()


def ends_at(contract: Contract, row: ContractVersion) -> datetime | None:
    """Return where a version's own term ends, or None."""
    day = said_besides_rules(row).expires_on
    return None if day is None else start_of_day(day, timezone_of(contract))


def _rule_rows(version: ContractVersion, drafts: Iterable[RuleDraft]) -> list[RuleVersion]:
    drafts = list(drafts)
    rows = []
    for kind in KINDS:
        of_kind = sorted((draft for draft in drafts if draft.kind == kind), key=lambda draft: draft.effective_from)
        for number, draft in enumerate(of_kind, start=1):
            rows.append(
                RuleVersion(
                    id=f"{version.id}/{kind}/{number}",
                    contract_version_id=version.id,
                    kind=kind,
                    number=number,
                    state="draft",
                    effective_from=draft.effective_from,
                    body=draft.body,
                    hash=draft.hash,
                    lists=dict(draft.pins),
                    is_inherited=draft.is_inherited,
                    revision=version.revision,
                    editors=list(version.editors),
                    edited_at=version.edited_at,
                    created_by=version.created_by,
                    created_at=version.created_at,
                )
            )
    return rows


def _content_hash(row: ContractVersion, draft: Draft) -> str:
    """Return the hash an approval binds: everything the version says."""
    rules = sorted((rule.kind, write_instant(rule.effective_from), rule.hash) for rule in draft.rules)
    said: dict[str, Any] = {
        "contract": row.contract_id,
        "number": row.number,
        "kind": row.kind,
        "effective_from": write_instant(row.effective_from),
        "backdated": row.backdated,
        "rules": [list(rule) for rule in rules],
        "params": dict(row.params),
        **draft.attributes.as_hashed(),
    }
    meant = [
        [rule.kind, write_instant(rule.effective_from), dict(rule.pins)]
        for rule in draft.rules
        if rule.pins and not rule.is_inherited
    ]
    if meant:
        said["lists"] = sorted(meant, key=lambda one: one[:2])
    return content_hash(said)
