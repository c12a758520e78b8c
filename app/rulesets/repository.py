"""Every query of the rulesets room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from app.core.as_of import when_asked
from app.rulesets.errors import ListNotFound
from app.store.models import ListVersion, NamedList


def list_named(session: Session, list_id: str, *, lock: bool = False, as_of: datetime | None = None) -> NamedList:
    """Return a list that was there by then, or refuse. With `lock`, wait until nobody else is adding a version to it."""
    found = session.get(NamedList, list_id, with_for_update={"key_share": True} if lock else None)
    if found is None or (as_of is not None and found.created_at > as_of):
        raise ListNotFound(f"There is no list {list_id!r}{when_asked(as_of)}. Publish it with POST /v1/lists.")
    return found


def lists_after(session: Session, after: str | None, limit: int, as_of: datetime) -> Sequence[NamedList]:
    """Return the lists that were there by then in order of name, from behind a cursor."""
    query = select(NamedList).where(NamedList.created_at <= as_of).order_by(NamedList.id).limit(limit)
    return session.scalars(query if after is None else query.where(NamedList.id > after)).all()


def newest_version(session: Session, list_id: str, as_of: datetime | None = None) -> ListVersion:
    """Return the newest version of a list, or the newest that was there at `as_of`; refuse where there is none."""
    query = select(ListVersion).where(ListVersion.list_id == list_id).order_by(ListVersion.number.desc()).limit(1)
    found = session.scalar(query if as_of is None else query.where(ListVersion.created_at <= as_of))
    if found is None:
        raise ListNotFound(f"The list {list_id!r} has no version{when_asked(as_of)}.")
    return found


def version_of_list(session: Session, list_id: str, number: int, as_of: datetime) -> ListVersion:
    """Return one version of a list that was there by then, or refuse."""
    found = session.get(ListVersion, (list_id, number))
    if found is None or found.created_at > as_of:
        raise ListNotFound(f"The list {list_id!r} has no version {number}{when_asked(as_of)}.")
    return found


def newest_of(session: Session, names: Iterable[str]) -> list[tuple[NamedList, ListVersion]]:
    """Return the newest versions of those of these lists that exist."""
    newest = (
        select(ListVersion.list_id, func.max(ListVersion.number))
        .where(ListVersion.list_id == func.any(list(names)))
        .group_by(ListVersion.list_id)
    )
    return _versions(session, [(row[0], row[1]) for row in session.execute(newest)])


def versions_pinned(session: Session, pins: Iterable[tuple[str, int]]) -> list[tuple[NamedList, ListVersion]]:
    """Return list versions by name and number."""
    return _versions(session, list(pins))


def versions_of_lists(session: Session, names: Iterable[str], as_of: datetime) -> list[tuple[NamedList, ListVersion]]:
    """Return all versions of lists that there were at `as_of`, in order of name and number."""
    query = (
        select(NamedList, ListVersion)
        .join(ListVersion, ListVersion.list_id == NamedList.id)
        .where(ListVersion.list_id == func.any(list(names)), ListVersion.created_at <= as_of)
        .order_by(ListVersion.list_id, ListVersion.number)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def list_names(session: Session) -> list[str]:
    """Return the names of all lists."""
    return list(session.scalars(select(NamedList.id).order_by(NamedList.id)))


def _versions(session: Session, keys: list[tuple[str, int]]) -> list[tuple[NamedList, ListVersion]]:
    if not keys:
        return []
    query = (
        select(NamedList, ListVersion)
        .join(ListVersion, ListVersion.list_id == NamedList.id)
        .where(tuple_(ListVersion.list_id, ListVersion.number).in_(keys))
    )
    return [(row[0], row[1]) for row in session.execute(query)]
