"""Addresses of the access room. All of them are for admins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.access import errors
from app.access.describe import key_data
from app.access.operations.create_key import create_key
from app.access.operations.revoke_key import revoke_key
from app.access.operations.rotate_key import rotate_key
from app.access.repository import key_known, keys_after, secrets_of
from app.access.schemas import ApiKeyMade, ApiKeyShown, NewApiKey, Revocation, Rotation
from app.runtime import Context
from app.store.models import ApiKey
from app.web.blueprint import Answer, Room
from app.web.operation_doc import Leads
from app.web.pagination import Page

routes = Room("keys", __name__, "API keys: who may call, in which role, until when.")

KEY = "/api-keys/<identifier:api_key>"
# A secret is in no cache on the way.
SHOWN_ONCE = {"Cache-Control": "no-store"}


@routes.writes(
    "/api-keys",
    needs="manage_keys",
    takes=NewApiKey,
    shows=ApiKeyMade,
    status=201,
    refuses=(errors.KeyNameTaken, errors.KeyNameRefused, errors.KeyRefused),
    location="/v1/api-keys/{id}",
    once="needless",  # an answer with a secret is not kept
    leads_to=Leads("show_api_key", "rotate_api_key", "revoke_api_key", api_key="/id"),
)
def add_api_key(ctx: Context, **body: Any) -> Answer:
    """Create an API key.

    Its secret is in this answer and nowhere else: we keep only an HMAC of it. A key of role `partner` sees the data of
    its partner and nothing else.
    """
    return _made(ctx, *create_key(ctx, **body))


@routes.lists("/api-keys", needs="manage_keys", shows=ApiKeyShown, cursor=lambda row: (row["id"],))
def list_api_keys(ctx: Context, page: Page) -> Sequence[dict[str, Any]]:
    """List the API keys in order of id, those that have ended too."""
    rows = keys_after(ctx.session, page.after_id, page.fetch)
    secrets = secrets_of(ctx.session, rows)
    return [key_data(row, secrets, ctx.now()) for row in rows]


@routes.reads(KEY, needs="manage_keys", shows=ApiKeyShown, refuses=(errors.KeyNotFound,))
def show_api_key(ctx: Context, api_key: str) -> dict[str, Any]:
    """Show an API key."""
    return _shown(ctx, key_known(ctx.session, api_key))


@routes.writes(
    f"{KEY}/rotate",
    needs="manage_keys",
    takes=Rotation,
    shows=ApiKeyMade,
    refuses=(errors.KeyNotFound, errors.KeyHasEnded, errors.TwoSecretsLive, errors.KeyRefused),
    once="needless",
)
def rotate_api_key(ctx: Context, api_key: str, old_ends_at: datetime | None = None) -> Answer:
    """Give an API key a new secret.

    Name, role and scopes stay. The secret there is works until `old_ends_at`, 7 days unless given, so that whoever uses
    the key can change over. A key has at most two live secrets.
    """
    return _made(ctx, *rotate_key(ctx, key=api_key, old_ends_at=old_ends_at))


@routes.writes(f"{KEY}/revoke", needs="manage_keys", takes=Revocation, shows=ApiKeyShown, refuses=(errors.KeyNotFound,))
def revoke_api_key(ctx: Context, api_key: str, prefix: str | None = None) -> dict[str, Any]:
    """Revoke an API key, or one secret of it.

    It is refused from the next request on. What was done with it stays, under its name.
    """
    return _shown(ctx, revoke_key(ctx, key=api_key, prefix=prefix))


def _shown(ctx: Context, key: ApiKey) -> dict[str, Any]:
    return key_data(key, secrets_of(ctx.session, [key]), ctx.now())


def _made(ctx: Context, key: ApiKey, secret: str) -> Answer:
    return Answer({**_shown(ctx, key), "key": secret}, headers=SHOWN_ONCE)
