"""Keys over HTTP: made, shown, rotated and revoked by admins, their secrets in one answer only."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection

from app.factory import create_app
from app.runtime import Runtime
from tests.builders.trail import noted
from tests.web.client import ApiClient


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


def made(client: ApiClient, **body: Any) -> dict[str, Any]:
    """Create a key and return what is said of it."""
    response = client.post("/v1/api-keys", {"name": "ann", "role": "ops", **body})
    assert response.status_code == 201, response.text
    return dict(response.get_json())


def status(app: Flask, secret: str, path: str = "/v1/partners", method: str = "get", **kwargs: Any) -> int:
    """Call with a secret."""
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": uuid.uuid4().hex}
    return app.test_client().open(path, method=method.upper(), headers=headers, **kwargs).status_code


def test_a_key_is_made_and_its_secret_shown_once(client: ApiClient, app: Flask) -> None:
    response = client.post("/v1/api-keys", {"name": "ann", "role": "ops"})
    key = response.get_json()
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Location"] == f"/v1/api-keys/{key['id']}"
    assert status(app, key["key"]) == 200
    shown = client.get(response.headers["Location"])
    (secret,) = shown.get_json()["secrets"]
    assert key["key"].startswith(secret["prefix"] + "_")
    assert (secret["live"], secret["last_used_at"] is not None) == (True, True)
    for answer in (shown, client.get("/v1/api-keys")):
        assert "key" not in answer.get_json()
        assert key["key"].split("_")[2] not in answer.text


def test_the_list_comes_in_pages(client: ApiClient) -> None:
    for name in ("ann", "bob", "carl"):
        made(client, name=name)
    first = client.get("/v1/api-keys?limit=2")
    rest = client.get(first.headers["Link"].split(">")[0][1:])
    names = [each["name"] for page in (first, rest) for each in page.get_json()["items"]]
    assert sorted(names) == ["admin", "ann", "bob", "carl"]


def test_a_key_is_rotated_and_revoked(client: ApiClient, app: Flask) -> None:
    key = made(client)
    path = f"/v1/api-keys/{key['id']}"
    rotated = client.post(f"{path}/rotate", {}).get_json()
    assert [secret["live"] for secret in rotated["secrets"]] == [True, True]
    assert (status(app, key["key"]), status(app, rotated["key"])) == (200, 200)
    assert client.post(f"{path}/rotate", {}).get_json()["code"] == "two_secrets_live"
    assert client.post(f"{path}/revoke", {"prefix": key["secrets"][0]["prefix"]}).status_code == 200
    assert (status(app, key["key"]), status(app, rotated["key"])) == (401, 200)
    assert client.post(f"{path}/revoke", {}).get_json()["revoked_at"] is not None
    assert status(app, rotated["key"]) == 401
    assert client.post(f"{path}/rotate", {}).get_json()["code"] == "key_has_ended"


def test_what_a_key_cannot_be_is_said_with_pointers(client: ApiClient) -> None:
    for body, code, pointer in (
        ({"role": "partner"}, "key_refused", "/partner"),
        ({"role": "king"}, "body_refused", "/role"),
        ({"role": "ops", "scopes": ["fly"]}, "body_refused", "/scopes/0"),
        ({"role": "ops", "expires_at": "2001-01-01T00:00:00Z"}, "key_refused", "/expires_at"),
    ):
        response = client.post("/v1/api-keys", {"name": "x", **body})
        assert (response.status_code, response.get_json()["code"]) == (422, code)
        assert [each["pointer"] for each in response.get_json()["errors"]] == [pointer]
    assert client.post("/v1/api-keys", {"name": "admin", "role": "ops"}).status_code == 409


def test_whoever_wrote_a_draft_cannot_approve_it_with_a_newer_secret(client: ApiClient, app: Flask) -> None:
    key = made(client, name="both", role="admin")
    new = client.post(f"/v1/api-keys/{key['id']}/rotate", {}).get_json()["key"]
    old = key["key"]
    rules = {
        "eligibility": {"kind": "eligibility", "rules": [], "otherwise": "accept"},
        "attribution": {"kind": "attribution", "claims": "accept", "qualify": []},
        "payout": {"kind": "payout", "on": "conversion", "hit": "first", "rules": [], "otherwise": {"flat": "1"}},
    }
    for path, body in (
        ("/v1/programs", {"id": "shop", "currency": "USD", "timezone": "UTC"}),
        ("/v1/partners", {"id": "acme"}),
        ("/v1/contracts", {"id": "acme", "program": "shop", "partner": "acme"}),
        ("/v1/contracts/acme/versions", {"effective_from": "2001-01-01", "backdated": "restate", "rules": rules}),
        ("/v1/contracts/acme/versions/1/submit", None),
    ):
        assert status(app, old, path, "post", **({"json": body} if body else {})) in (200, 201)
    assert status(app, new, "/v1/contracts/acme/versions/1/approve", "post") == 403


def test_a_key_that_is_narrowed_does_no_more(client: ApiClient, app: Flask, connection: Connection) -> None:
    secret = made(client, role="admin", scopes=["read", "convert"])["key"]
    assert status(app, secret) == 200  # who may read may read what partners may
    assert status(app, secret, "/v1/lists") == 200
    assert status(app, secret, "/v1/partners", "post", json={"id": "acme"}) == 403
    assert status(app, secret, "/v1/api-keys") == 403
    refused = [(event["actor"], event["after"]["code"]) for event in noted(connection, "access.refused")]
    assert refused == [("ann", "scope_not_allowed")] * 2


def test_a_partners_own_key_may_be_narrowed_too(client: ApiClient, app: Flask) -> None:
    client.post("/v1/partners", {"id": "acme"})
    secret = made(client, name="acme's", role="partner", partner="acme", scopes=["read_own"])["key"]
    assert status(app, secret, "/v1/partners/acme") == 200
    assert status(app, secret, "/v1/partners/nobody") == 404
