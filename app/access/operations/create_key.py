"""Create an API key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from app.access.errors import KeyNameRefused, KeyNameTaken, KeyRefused, UnknownRole
from app.access.operations.issue_secret import issue_secret
from app.access.permissions import PERMISSIONS
from app.access.repository import is_partner, key_by_name
from app.audit.record import record
from app.core.errors import Finding
from app.core.ids import derived_id
from app.core.instants import write_instant
from app.rulelang.diagnostics import described
from app.runtime import Context
from app.store.models import ApiKey
from app.store.models.access import ROLES

MAX_NAME = 64
# Who acts where no key does.
RESERVED = ("cli", "anonymous")


def create_key(
    ctx: Context,
    *,
    role: str,
    name: str,
    partner: str | None = None,
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret, which is shown this once and stored only as an HMAC.

    A partner's key belongs to that partner. `scopes` narrows it to some of the permissions of its role.
    """
    if role not in ROLES:
        raise UnknownRole(f"There is no role {role!r}. Roles are: {', '.join(ROLES)}.")
    _check_name(name)
    wrong = [*_partner_findings(ctx, role, partner), *_scope_findings(role, scopes), *_time_findings(ctx, expires_at)]
    if wrong:
        raise KeyRefused(f"The key is refused. {wrong[0].pointer}: {wrong[0].message}.", wrong)
    if key_by_name(ctx.session, name) is not None:
        raise KeyNameTaken(f"There is a key named {name!r} already. Choose another name.")
    key = ApiKey(
        id=derived_id("key", name),
        name=name,
        role=role,
        partner_id=partner,
        scopes=None if scopes is None else sorted(set(scopes)),
        created_by=ctx.actor,
        created_at=ctx.now(),
        expires_at=expires_at,
    )
    ctx.session.add(key)
    ctx.session.flush()
    secret = issue_secret(ctx, key, slot=1)
    record(ctx, "api_key.created", key.id, f"Key {name} created for role {role}", after=_noted(key, secret.prefix))
    ctx.session.flush()
    return key, secret.text


def _check_name(name: str) -> None:
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise KeyNameRefused(
            f"A key's name has 1 to {MAX_NAME} printable characters, without line breaks and without blanks around it; "
            f"found {described(name)}. Choose another name."
        )
    if name.casefold() in RESERVED or name.casefold().startswith("cli:"):
        raise KeyNameRefused(
            f"The name {name!r} would look like somebody at the command line: cli and what starts with cli: are kept "
            "for them in the audit trail, and anonymous for those without a key. Choose another name."
        )


def _partner_findings(ctx: Context, role: str, partner: str | None) -> Iterator[Finding]:
    if role == "partner" and partner is None:
        yield Finding("missing_field", "a key for a partner says which", "/partner")
    elif role != "partner" and partner is not None:
        yield Finding("wrong_value", f"the role {role} has no partner", "/partner", "leave it out, or use role partner")
    elif partner is not None and ("\0" in partner or not is_partner(ctx.session, partner)):
        yield Finding("wrong_value", f"there is no partner {described(partner)}", "/partner", "create it first")


def _scope_findings(role: str, scopes: Sequence[str] | None) -> Iterator[Finding]:
    held = ", ".join(sorted(PERMISSIONS[role]))
    if scopes is not None and not scopes:
        yield Finding("wrong_value", "a key without any scope could do nothing", "/scopes", f"some of {held}")
    for place, scope in enumerate(scopes or ()):
        if scope not in PERMISSIONS[role]:
            message = f"the role {role} has no permission {described(scope)}"
            yield Finding("wrong_value", message, f"/scopes/{place}", f"it has {held}")


def _time_findings(ctx: Context, expires_at: datetime | None) -> Iterator[Finding]:
    if expires_at is not None and expires_at <= ctx.now():
        yield Finding("wrong_value", f"{write_instant(expires_at)} is not in the future", "/expires_at")


def _noted(key: ApiKey, prefix: str) -> dict[str, object]:
    ends = None if key.expires_at is None else write_instant(key.expires_at)
    noted = {"name": key.name, "role": key.role, "prefix": prefix}
    more = {"partner": key.partner_id, "scopes": key.scopes, "expires_at": ends}
    return noted | {name: value for name, value in more.items() if value is not None}
