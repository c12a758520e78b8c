"""Publish a named list, and new versions of it. Rules that are approved keep the version they are pinned to."""

from __future__ import annotations

from typing import Any

from app.audit.record import record
from app.rulelang.bindings import NamedList, member_texts, read_list
from app.rulesets.errors import ListExists, ListRefused
from app.rulesets.repository import list_named, newest_version
from app.runtime import Context
from app.store import models


def publish_list(
    ctx: Context, *, id: str, type: str, members: Any, description: str | None = None
) -> tuple[models.NamedList, models.ListVersion]:
    """Create a list with its first version; refuse a taken name and members that are not of its type."""
    found = _read(id, type, members)
    if ctx.session.get(models.NamedList, id) is not None:
        raise ListExists(f"There is a list {id!r} already. Add a version to it: POST /v1/lists/{id}/versions.")
    row = models.NamedList(id=id, type=type, description=description, created_by=ctx.actor, created_at=ctx.now())
    ctx.session.add(row)
    ctx.session.flush()
    return row, _add(ctx, found, 1)


def publish_list_version(ctx: Context, *, list: str, members: Any) -> tuple[models.NamedList, models.ListVersion]:
    """Add a version to a list. The same members once more are no new version."""
    row = list_named(ctx.session, list, lock=True)
    found = _read(list, row.type, members)
    newest = newest_version(ctx.session, list)
    return row, newest if newest.hash == found.hash else _add(ctx, found, newest.number + 1)


def _read(name: str, type_: str, members: Any) -> NamedList:
    found = read_list(name, type_, members)
    if isinstance(found, NamedList):
        return found
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise ListRefused(f"The list is refused. {found[0].pointer}: {found[0].message}{more}", found)


def _add(ctx: Context, found: NamedList, number: int) -> models.ListVersion:
    version = models.ListVersion(
        list_id=found.name,
        number=number,
        hash=found.hash,
        members=member_texts(found),
        created_by=ctx.actor,
        created_at=ctx.now(),
    )
    ctx.session.add(version)
    summary = f"Version {number} of the list {found.name} published, with {len(found.members):,} members"
    after = {"number": number, "hash": found.hash, "count": len(found.members)}
    record(ctx, "list_version.published", found.name, summary, after=after)
    ctx.session.flush()
    return version
