"""The access room's answers to the HTTP edge: whose key this is, and what its role may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from app.access.errors import RoleNotAllowed
from app.access.operations.authenticate import authenticate
from app.access.permissions import Permission, is_allowed, roles_with
from app.runtime import Context
from app.web.auth import Caller


class KeyGate:
    """API keys and the table of permissions, as `app.web.auth.Gate` asks for them."""

    def caller(self, ctx: Context, authorization: str | None) -> Caller:
        """Return the key's name, which stands in the audit trail, and its role."""
        key = authenticate(ctx.session, authorization)
        return Caller(key.name, key.role)

    def admit(self, caller: Caller, permission: str) -> None:
        """Refuse a role that has not the permission, and name those that have it."""
        if not is_allowed(caller.role, cast(Permission, permission)):
            roles = ", ".join(self.roles(permission))
            raise RoleNotAllowed(
                f"The role {caller.role} may not do this. It needs {permission!r}; roles with it: {roles}."
            )

    def roles(self, permission: str) -> Sequence[str]:
        """Return the roles with a permission."""
        return roles_with(cast(Permission, permission))
