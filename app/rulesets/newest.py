"""The newest versions of the lists that rule bodies name, and the pins that would hold them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.rulelang.bindings import NamedList, lists_named
from app.rulesets.mapping import named_list
from app.rulesets.repository import newest_of

Pins = dict[str, dict[str, Any]]
"""Which version of each named list rules take values from: {name: {"version", "hash"}}."""


@dataclass(frozen=True, slots=True)
class NewestLists:
    """Lists by name, and which version each of them is."""

    lists: dict[str, NamedList] = field(default_factory=dict)
    pins: Pins = field(default_factory=dict)


def newest_lists(session: Session, bodies: Iterable[Any]) -> NewestLists:
    """Return the newest versions of those lists, of the ones that rule bodies name, that exist."""
    found = newest_of(session, frozenset().union(*map(lists_named, bodies)))
    lists = {row.id: named_list(row, version) for row, version in found}
    return NewestLists(lists, {row.id: {"version": version.number, "hash": version.hash} for row, version in found})
