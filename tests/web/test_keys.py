"""Every address but the documentation asks for a key, and each role may do what the table says."""

from __future__ import annotations

import pytest
from flask import Flask

from app.access.permissions import PERMISSIONS, is_allowed
from app.factory import create_app
from app.runtime import Runtime
from app.web.openapi import operations_of
from tests.web.client import ApiClient
from tests.web.served import UNLIMITED

OPEN = {
    "/openapi.json",
    "/docs/",
    "/docs/<path:path>",
    "/problems",
    "/problems/<code>",
    "/healthz",
    "/schemas/rules.json",
}


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime, UNLIMITED)


def addresses(app: Flask) -> list[tuple[str, str]]:
    """Method and a filled-in path of every address that is not open to all."""
    values = {"number": 1, "rule_number": 1, "kind": "payout", "period": "1997-07", "decision": "dec_x"}
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule not in OPEN:
            path = app.url_map.bind("localhost").build(
                rule.endpoint, {name: values.get(name, "x") for name in rule.arguments}
            )
            found += [(method, path) for method in sorted(rule.methods or ())]
    return found


def test_without_a_key_nothing_is_answered(app: Flask) -> None:
    for method, path in addresses(app):
        response = app.test_client().open(path, method=method)
        assert response.status_code == 401, (method, path)
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="termline"'


@pytest.mark.parametrize("header", ["Bearer tl_wrong", "Bearer ", "Basic dXNlcjpwYXNz", "tl_wrong", "Bearer tl_\xe4"])
def test_a_wrong_key_is_refused(app: Flask, header: str) -> None:
    response = app.test_client().get("/v1/partners", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.get_json()["code"] in ("key_missing", "key_unknown")


def test_what_needs_no_key_needs_none(app: Flask) -> None:
    for path in ("/openapi.json", "/docs/", "/problems", "/problems/fault", "/healthz", "/schemas/rules.json"):
        assert app.test_client().get(path).status_code == 200, path


@pytest.mark.parametrize("role", PERMISSIONS)
def test_each_role_may_do_what_the_table_says(client: ApiClient, app: Flask, role: str) -> None:
    key = {"Authorization": f"Bearer {client.keys.of(role)}"}
    permissions = {
        (method.upper(), path): operation["x-permission"] for path, method, operation in operations_of(client.document)
    }
    for method, path in addresses(app):
        if method == "HEAD":
            continue
        template = client.template(method, path)
        allowed = is_allowed(role, permissions[method, template])
        response = app.test_client().open(path, method=method, headers=key)
        assert (response.status_code != 403) == allowed, (role, method, path)


def test_a_refused_role_is_told_which_roles_may(client: ApiClient) -> None:
    response = client.as_("finance").post("/v1/partners", {"id": "acme"})
    assert response.status_code == 403
    assert "roles with it: ops, admin" in response.get_json()["detail"]


def test_the_key_is_looked_at_before_the_body(client: ApiClient) -> None:
    assert client.as_("finance").post("/v1/partners", data=b"{", content_type="text/plain").status_code == 403
