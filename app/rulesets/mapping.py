"""Rows to engine values: a version of a named list, its members typed."""

from __future__ import annotations

from app.rulelang.bindings import NamedList, read_list
from app.store import models

MOST_KEPT = 500
_typed: dict[tuple[str, str], NamedList] = {}


def named_list(row: models.NamedList, version: models.ListVersion) -> NamedList:
    """Return a version of a list as rules are bound to it. Its members were read when it was published.

    Versions never change, and thousands of members take a while to be typed: that is done once in a process.
    """
    key = (row.id, version.hash)
    found = _typed.get(key)
    if found is None:
        read = read_list(row.id, row.type, version.members)
        assert isinstance(read, NamedList), read
        assert read.hash == version.hash, (row.id, version.number)
        if len(_typed) >= MOST_KEPT:
            _typed.clear()
        found = _typed[key] = read
    return found
