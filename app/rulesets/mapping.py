"""Rows to engine values: a version of a named list, its members typed."""

from __future__ import annotations

from app.rulelang.bindings import NamedList, read_list
from app.store import models


def named_list(row: models.NamedList, version: models.ListVersion) -> NamedList:
    """Return a version of a list as rules are bound to it. Its members were read when it was published."""
    found = read_list(row.id, row.type, version.members)
    assert isinstance(found, NamedList), found
    assert found.hash == version.hash, (row.id, version.number)
    return found
