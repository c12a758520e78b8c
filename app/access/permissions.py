"""Which role may do what. One table; everything that asks, asks here."""

from __future__ import annotations

from typing import Literal

Permission = Literal["read", "configure", "approve", "convert", "preview", "bill", "audit"]

PERMISSIONS: dict[str, frozenset[Permission]] = {
    "ops": frozenset({"read", "configure", "convert", "preview", "audit"}),
    "approver": frozenset({"read", "approve", "preview", "audit"}),
    "billing": frozenset({"read", "convert", "bill"}),
    "finance": frozenset({"read", "preview", "audit"}),
    "qa": frozenset({"read", "preview"}),
    # A partner sees its own data only, and nothing scopes what it sees yet: until then it may read nothing.
    "partner": frozenset(),
    "admin": frozenset({"read", "configure", "approve", "convert", "preview", "bill", "audit"}),
}


def is_allowed(role: str, permission: Permission) -> bool:
    """Tell whether a role has a permission."""
    return permission in PERMISSIONS.get(role, frozenset())


def roles_with(permission: Permission) -> list[str]:
    """Return the roles that have a permission."""
    return [role for role, held in PERMISSIONS.items() if permission in held]
