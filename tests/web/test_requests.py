"""Each request is one line in the log, by its id and without anything secret, and every address says what it can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from app.factory import create_app
from app.runtime import Runtime
from tests.web.bodies import conversion, rules, set_up
from tests.web.client import ApiClient
from tests.web.test_keys import OPEN

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """What is logged, as the processors of a server process see it."""
    capture, before = LogCapture(), structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture.entries
    structlog.configure(**before)


def test_a_request_is_one_line_with_the_id_of_its_response(client: ApiClient, lines: list[Any]) -> None:
    client.as_("ops", "dana").post("/v1/partners", {"id": "acme"})
    lines.clear()
    response = client.as_("ops", "dana").get("/v1/partners/acme?x=1")
    line = lines[-1]
    assert isinstance(line.pop("ms"), int)
    assert line == {
        "event": "request.answered",
        "log_level": "info",
        "request": response.headers["X-Request-Id"],
        "method": "GET",
        "path": "/v1/partners/{partner}",
        "status": 422,
        "actor": "dana",
        "role": "ops",
    }
    assert len([line for line in lines if line.get("request") == response.headers["X-Request-Id"]]) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "template"),
    [
        ("GET", "/v1/nothing", 404, None),
        ("DELETE", "/v1/partners", 405, None),
        ("SECRETWORD", "/v1/partners", 405, None),
        ("GET", "/healthz", 200, "/healthz"),
    ],
)
def test_what_nobody_answers_is_logged_too(
    client: ApiClient, lines: list[Any], method: str, path: str, status: int, template: str | None
) -> None:
    response = client.app.test_client().open(path, method=method)
    (line,) = [line for line in lines if line["request"] == response.headers["X-Request-Id"]]
    assert (line["status"], line["path"], line["actor"], line["role"]) == (status, template, None, None)
    assert line["method"] == (method if method in METHODS else "other")


def test_whatever_is_logged_meanwhile_has_the_id(
    client: ApiClient, lines: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        structlog.get_logger("elsewhere").warning("engines.disagree")
        raise RuntimeError("oops")

    client.get("/v1/partners")
    monkeypatch.setattr("app.partners.routes.partners_after", fail)
    lines.clear()
    failed = client.get("/v1/partners")
    assert failed.get_json()["instance"].endswith(failed.headers["X-Request-Id"])
    events = [(line["event"], line["request"]) for line in lines]
    name = failed.headers["X-Request-Id"]
    assert events == [("engines.disagree", name), ("request.failed", name), ("request.answered", name)]


def test_two_requests_have_two_ids(client: ApiClient, lines: list[Any]) -> None:
    ids = [client.get("/v1/partners").headers["X-Request-Id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert [line["request"] for line in lines if line.get("path") == "/v1/partners"] == ids


def test_no_line_has_anything_that_was_sent(client: ApiClient, lines: list[Any]) -> None:
    set_up(client)
    secret = client.keys.of("admin")
    client.post("/v1/conversions", conversion("order-of-jane"), headers={"Idempotency-Key": "my-idempotency-key"})
    client.post("/v1/conversions", data=b"order-of-jane", content_type="application/x-ndjson")
    client.get("/v1/conversions/cdnow/order-of-jane")
    client.get("/v1/decisions?program=cdnow&conversion=order-of-jane&x=order-of-jane")
    client.get("/v1/partners", headers={"Authorization": "Bearer tl_guessed"})
    client.get("/v1/order-of-jane", headers={"User-Agent": "order-of-jane", "X-Request-Id": "order-of-jane"})
    assert len(lines) > 10
    text = json.dumps(lines, default=str)
    assert [word for word in (secret, "guessed", "order-of-jane", "my-idempotency-key") if word in text] == []


def test_a_wrong_method_says_which_are_right_at_every_address(runtime: Runtime) -> None:
    app = create_app(runtime)
    values = {"number": 1, "rule_number": 1, "kind": "payout", "period": "1997-07", "decision": "dec_x"}
    urls = app.url_map.bind("localhost")
    allowed: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        path = urls.build(rule.endpoint, {name: values.get(name, "x") for name in rule.arguments}, method=None)
        allowed.setdefault(path, set()).update(rule.methods or ())
    assert len(allowed) > 30
    for path, methods in allowed.items():
        for method in sorted(METHODS - methods):
            response = app.test_client().open(path, method=method)
            assert response.status_code == 405, (method, path)
            assert set(response.headers["Allow"].split(", ")) == methods, (method, path)
            if method != "HEAD":
                assert response.get_json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("number", ["0", "01", "-1", "1000000000", "9" * 30, "1.0"])
def test_what_is_no_number_is_no_address_whatever_the_method(client: ApiClient, number: str) -> None:
    for path in (f"/v1/contracts/acme/versions/{number}/rule-versions", f"/v1/contracts/acme/versions/{number}"):
        for response in (client.get(path), client.post(path)):
            assert (response.status_code, response.get_json()["code"]) == (404, "no_such_address")


@pytest.mark.parametrize("name", ["%00", "o1%07", "a%0Ab", "%C2%85", "%E2%80%A8", "%C2%A0", "%EF%BF%BE", "x" * 129])
def test_what_is_no_name_is_no_address_whatever_the_method(client: ApiClient, name: str) -> None:
    at = f"/v1/conversions/cdnow/{name}"
    for path in (at, f"{at}/corrections", f"{at}/reversals"):
        for method in ("get", "post", "put", "delete"):
            response = client.open(method, path)
            assert response.status_code == 404, (method, path)
            assert "Allow" not in response.headers
            assert response.get_json()["code"] == "no_such_address"


def test_preview_is_no_decision(client: ApiClient) -> None:
    response = client.get("/v1/decisions/preview")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_head_is_get_without_its_body(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/contracts/acme/versions", {"effective_from": "1999-01-01", "rules": rules("8")})
    for path in ("/v1/partners?limit=1", "/v1/contracts/acme/versions/2", "/v1/partners/none", "/healthz", *OPEN_PATHS):
        shown, head = client.get(path), client.open("head", path)
        assert (head.status_code, head.data) == (shown.status_code, b"")
        for name in ("Content-Type", "Content-Length", "ETag", "Link"):
            assert head.headers.get(name) == shown.headers.get(name), (name, path)


OPEN_PATHS = sorted(path for path in OPEN if "<" not in path)
