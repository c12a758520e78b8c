"""Which role may do what. One table; everything that asks, asks here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

Permission = Literal[
    "read",
    "read_own",
    "configure",
    "set_rates",
    "approve",
    "convert",
    "preview",
    "bill",
    "post",
    "audit",
    "manage_keys",
]
ALL: tuple[Permission, ...] = get_args(Permission)

# Whoever may read may read what partners read too. A partner reads its own: the database shows it nothing else.
PERMISSIONS: dict[str, frozenset[Permission]] = {
    "ops": frozenset({"read", "read_own", "configure", "set_rates", "convert", "preview", "audit"}),
    "approver": frozenset({"read", "read_own", "approve", "preview", "audit"}),
    "billing": frozenset({"read", "read_own", "convert", "bill"}),
    "finance": frozenset({"read", "read_own", "set_rates", "preview", "post", "audit"}),
    "qa": frozenset({"read", "read_own", "preview"}),
    "partner": frozenset({"read_own"}),
    "admin": frozenset(ALL),
}


def is_allowed(role: str, permission: Permission, scopes: Iterable[str] | None = None) -> bool:
    """Tell whether a role, narrowed to some of its permissions if it is, has a permission."""
    if permission not in PERMISSIONS.get(role, frozenset()):
        return False
    return scopes is None or permission in scopes or (permission == "read_own" and "read" in scopes)


def roles_with(permission: Permission) -> list[str]:
    """Return the roles that have a permission."""
    return [role for role, held in PERMISSIONS.items() if permission in held]
