"""The address at which contract versions are compared, beside the others of the room."""

from __future__ import annotations

from typing import Any

from app.contracts import rule_version_routes
from app.contracts.diff_describe import diff_data
from app.contracts.diff_schemas import DiffQuery, VersionDiffShown
from app.contracts.operations.diff_version import diff_version
from app.contracts.routes import MISSING, VERSION
from app.runtime import Context

# The room, with the addresses of every module of it.
routes = rule_version_routes.routes


@routes.reads(f"{VERSION}/diff", needs="read", query=DiffQuery, shows=VersionDiffShown, refuses=MISSING)
def show_diff(ctx: Context, contract: str, number: int, against: int | None = None) -> dict[str, Any]:
    """Show what changed in a contract version.

    It is held against its base, or against the version `against`; without either, all of it is new. Attributes and
    rules are compared part by part, as data and in words for whoever approves. Whether any conversion is decided
    differently, `check` says.
    """
    return diff_data(diff_version(ctx, contract=contract, number=number, against=against))
