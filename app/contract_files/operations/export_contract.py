"""Export a contract: everything that was agreed with a partner, as it was known, as one document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.contract_files.document import FRAME, Document, ListSaid
from app.contract_files.said import Stated, stated_versions
from app.contracts.clocks import as_of_for
from app.contracts.describe import version_data
from app.contracts.errors import ContractNotFound
from app.contracts.known import known_versions
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named
from app.partners.repository import partner_named, program_named
from app.rulelang.bindings import lists_named
from app.rulesets.repository import versions_of_lists
from app.runtime import Context
from app.store.models import Partner, Program


@dataclass(frozen=True, slots=True)
class Exported:
    """The document, and where each of its versions is in the database."""

    document: Document
    stated: list[Stated]
    as_of: datetime


def export_contract(
    ctx: Context, *, contract: str, as_of: str | datetime | None = None, only_approved: bool = False
) -> Exported:
    """Return a contract's document as it was known at `as_of`: now, unless it is given.

    What is drafted or submitted is part of it, unless `only_approved`. Refuses a contract that there was not then.
    """
    row = contract_named(ctx.session, contract)
    known_at = as_of_for(ctx, row, as_of)
    if row.created_at > known_at:
        raise ContractNotFound(f"There was no contract {contract!r} then.")
    program, partner = program_named(ctx.session, row.program_id), partner_named(ctx.session, row.partner_id)
    versions = [version_data(known) for known in known_versions(ctx, contract, known_at)]
    lists = lists_said(ctx, _lists_named(versions), known_at)
    newest = {name: len(each.versions) for name, each in lists.items()}
    stated = stated_versions(versions, newest, only_approved=only_approved)
    used = {name for one in stated for of_kind in one.said.rules.values() for rules in of_kind for name in rules.lists}
    document = Document(
        program=program_said(program),
        partner=partner_said(partner),
        contract={"id": row.id, **{key: getattr(row, key) for key in FRAME}},
        lists={name: lists[name] for name in sorted(used)},
        versions=[one.said for one in stated],
        timezone=timezone_of(row),
    )
    return Exported(document, stated, known_at)


def program_said(program: Program) -> dict[str, Any]:
    """Return a program as a document says it."""
    return {
        "id": program.id,
        **({"name": program.name} if program.name != program.id else {}),
        "currency": program.currency,
        "timezone": program.timezone,
        "attribution": program.attribution,
        **({"facts": program.facts} if program.facts else {}),
    }


def partner_said(partner: Partner) -> dict[str, Any]:
    """Return a partner as a document says it."""
    return {"id": partner.id, **({"name": partner.name} if partner.name != partner.id else {})}


def lists_said(ctx: Context, names: Iterable[str], as_of: datetime) -> dict[str, ListSaid]:
    """Return lists with all versions that there were at an instant."""
    found: dict[str, ListSaid] = {}
    for row, version in versions_of_lists(ctx.session, names, as_of):
        before = found.get(row.id)
        versions = [*(before.versions if before else ()), list(version.members)]
        found[row.id] = ListSaid(row.type, row.description, versions)
    return found


def _lists_named(versions: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset().union(*(lists_named(rule["body"]) for version in versions for rule in version["rule_versions"]))
