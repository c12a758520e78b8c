"""The access room's answers to the HTTP edge: whose key this is, and what its role may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from app.access.errors import KeyRevoked, RoleNotAllowed, ScopeNotAllowed
from app.access.operations.authenticate import authenticate, check_live
from app.access.operations.note_refusal import note_refusal
from app.access.permissions import Permission, is_allowed, roles_with
from app.access.repository import secret_of_prefix
from app.core.errors import AppError
from app.runtime import Context
from app.web.auth import Caller


class KeyGate:
    """API keys and the table of permissions, as `app.web.auth.Gate` asks for them."""

    def caller(self, ctx: Context, authorization: str | None) -> Caller:
        """Return the key's name, which stands in the audit trail, its role, and whose data it is about."""
        key, secret = authenticate(ctx, authorization)
        scopes = None if key.scopes is None else tuple(key.scopes)
        return Caller(key.name, key.role, key=key.id, prefix=secret.prefix, partner=key.partner_id, scopes=scopes)

    def admit(self, caller: Caller, permission: str) -> None:
        """Refuse a role that has not the permission, and name those that have it; then a key that is kept from it."""
        asked = cast(Permission, permission)
        if not is_allowed(caller.role, asked):
            roles = ", ".join(self.roles(permission))
            raise RoleNotAllowed(
                f"The role {caller.role} may not do this. It needs {permission!r}; roles with it: {roles}."
            )
        if not is_allowed(caller.role, asked, caller.scopes):
            scopes = ", ".join(caller.scopes or ())
            raise ScopeNotAllowed(f"This key is kept to {scopes}; this needs {permission!r}. Use another key.")

    def confirm(self, ctx: Context, caller: Caller) -> None:
        """Refuse a key that was revoked or has ended since it was admitted: its body may have been long in coming."""
        found = secret_of_prefix(ctx.session, caller.prefix)
        if found is None:
            raise KeyRevoked("This API key is not there any more.")
        check_live(*found, ctx.now())

    def refused(self, ctx: Context, refusal: AppError, caller: Caller | None, operation: str, path: str) -> None:
        """Note a refusal in the audit trail."""
        known = {} if caller is None else {"key": caller.key, "role": caller.role}
        note_refusal(ctx, refusal, operation=operation, path=path, **known)

    def roles(self, permission: str) -> Sequence[str]:
        """Return the roles with a permission."""
        return roles_with(cast(Permission, permission))
