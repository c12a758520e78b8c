"""A request that is sent again with its key is done once, and answered as it was the first time, byte by byte."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select

from app.core.clock import frozen_at
from app.core.instants import parse_instant
from app.factory import create_app
from app.runtime import Runtime
from app.store.models import AuditEvent, ContractVersion, IdempotencyKey, Partner
from app.web.idempotency import FORGOTTEN_AT_ONCE, KEPT_FOR
from app.web.openapi import operations_of
from tests.web.bodies import conversion, rules, set_up
from tests.web.client import ApiClient, Keys

VERSIONS = "/v1/contracts/acme/versions"
DRAFT = {"effective_from": "1998-01-01", "rules": rules("7"), "backdated": "restate"}
KEPT = ("Content-Type", "Location", "ETag")


def keyed(key: str) -> dict[str, str | None]:
    """The header."""
    return {"Idempotency-Key": key}


def count(connection: Connection, table: type) -> int:
    """How many rows there are."""
    return connection.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def world(client: ApiClient) -> ApiClient:
    """A client of an API with a contract in force."""
    set_up(client)
    return client


def test_what_is_sent_again_is_done_once_and_answered_alike(world: ApiClient, connection: Connection) -> None:
    first = world.post(VERSIONS, DRAFT, headers=keyed("k1"))
    before = count(connection, ContractVersion), count(connection, AuditEvent)
    again = world.post(VERSIONS, DRAFT, headers=keyed("k1"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert [again.headers[name] for name in KEPT] == [first.headers[name] for name in KEPT]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert (count(connection, ContractVersion), count(connection, AuditEvent)) == before


def test_the_first_answer_is_given_even_if_the_thing_has_changed_since(world: ApiClient) -> None:
    draft = world.as_("ops", "dana").post(VERSIONS, DRAFT, headers=keyed("k1"))
    world.post(f"{VERSIONS}/2/submit")
    assert world.as_("ops", "dana").post(VERSIONS, DRAFT, headers=keyed("k1")).data == draft.data


@pytest.mark.parametrize(
    "other",
    [
        {**DRAFT, "effective_from": "1998-01-02"},
        {"backdated": "restate", "rules": rules("7"), "effective_from": "1998-01-01"},  # the same data in another order
    ],
)
def test_a_key_stands_for_one_payload(world: ApiClient, connection: Connection, other: dict[str, object]) -> None:
    world.post(VERSIONS, DRAFT, headers=keyed("k1"))
    before = count(connection, ContractVersion)
    refused = world.post(VERSIONS, other, headers=keyed("k1"))
    assert (refused.status_code, refused.get_json()["code"]) == (422, "idempotency_key_reused")
    assert count(connection, ContractVersion) == before


def test_a_key_stands_for_one_address(world: ApiClient) -> None:
    assert world.post("/v1/partners", {"id": "bolt"}, headers=keyed("k1")).status_code == 201
    for path, body in (("/v1/partners", {"id": "cord"}), (f"{VERSIONS}/1/submit", None), ("/v1/lists", {"id": "x"})):
        refused = world.post(path, body, headers=keyed("k1"))
        assert refused.status_code == 422
    assert world.get("/v1/partners/cord").status_code == 404


def test_a_key_belongs_to_its_caller(world: ApiClient) -> None:
    numbers = [
        world.as_("ops", name).post(VERSIONS, DRAFT, headers=keyed("k1")).get_json()["number"]
        for name in ("ann", "ben")
    ]
    assert numbers == [2, 3]


def test_it_is_needed_where_a_second_request_would_make_a_second_thing(world: ApiClient) -> None:
    required = {
        operation["operationId"]
        for _, _, operation in operations_of(world.document)
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "Idempotency-Key" and parameter.get("required")
    }
    assert {"add_version", "add_rule_version", "add_list_version", "add_billing_run"} <= required
    refused = world.post(VERSIONS, DRAFT, headers={"Idempotency-Key": None})
    assert (refused.status_code, refused.get_json()["code"]) == (400, "idempotency_key_missing")
    assert world.get(f"{VERSIONS}/2").status_code == 404


@pytest.mark.parametrize("path", ["/v1/partners", VERSIONS])
@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "ключ", "a\tb"])
def test_a_key_is_visible_ascii(world: ApiClient, path: str, key: str) -> None:
    refused = world.post(path, {"id": "bolt"}, headers=keyed(key.encode().decode("latin-1")))
    assert (refused.status_code, refused.get_json()["code"]) == (400, "idempotency_key_malformed")


@pytest.mark.parametrize("key", ["k", "k" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "!~"])
def test_any_visible_ascii_will_do(client: ApiClient, key: str) -> None:
    assert client.post("/v1/partners", {"id": "bolt"}, headers=keyed(key)).status_code == 201


def test_two_keys_are_none(client: ApiClient) -> None:
    secret = client.keys.of("admin")
    sent = [("Authorization", f"Bearer {secret}"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    refused = client.app.test_client().post("/v1/partners", json={"id": "bolt"}, headers=sent)
    assert refused.status_code == 400


def test_what_was_refused_is_not_remembered(client: ApiClient, connection: Connection) -> None:
    """The same request may succeed later: the partner is there then."""
    client.post("/v1/programs", {"id": "cdnow", "currency": "USD", "timezone": "America/New_York"})
    body = {"id": "acme", "program": "cdnow", "partner": "acme"}
    assert client.post("/v1/contracts", body, headers=keyed("k1")).status_code == 404
    assert count(connection, IdempotencyKey) == 0
    client.post("/v1/partners", {"id": "acme"})
    assert client.post("/v1/contracts", body, headers=keyed("k1")).status_code == 201


def test_what_failed_is_not_remembered(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("app.partners.operations.create_partner.record", lambda *args, **kwargs: 1 / 0)
        assert client.post("/v1/partners", {"id": "bolt"}, headers=keyed("k1")).status_code == 500
    assert client.post("/v1/partners", {"id": "bolt"}, headers=keyed("k1")).status_code == 201


def test_lines_are_answered_again_byte_by_byte(world: ApiClient) -> None:
    lines = [json.dumps(conversion(f"o{n}")).encode() for n in range(50)] + [b"{", b'{"id": 1}']
    sent = {"data": b"\n".join(lines), "content_type": "application/x-ndjson", "headers": keyed("k1")}
    first, again = world.post("/v1/conversions", **sent), world.post("/v1/conversions", **sent)
    assert first.data == again.data  # without a key, the second would say `duplicate`
    assert first.data.count(b'"accepted"') == 50
    assert (again.mimetype, again.headers["Idempotent-Replayed"]) == ("application/x-ndjson", "true")
    fewer = {**sent, "data": b"\n".join(lines[:-1])}
    assert world.post("/v1/conversions", **fewer).status_code == 422


def test_another_content_type_is_another_payload(world: ApiClient) -> None:
    body = json.dumps(conversion()).encode()
    one = world.post("/v1/conversions", data=body, content_type="application/json", headers=keyed("k1"))
    assert one.status_code == 201
    lines = world.post("/v1/conversions", data=body, content_type="application/x-ndjson", headers=keyed("k1"))
    assert lines.status_code == 422


def test_only_who_may_do_it_still_is_answered(world: ApiClient) -> None:
    """The answer may hold what the caller may not see any more."""
    assert world.post(VERSIONS, DRAFT, headers=keyed("k1")).status_code == 201
    demoted = ApiClient(world.app, world.keys, "finance", "fred")
    for headers in ({"Authorization": None}, {"Authorization": "Bearer tl_none"}):
        assert world.post(VERSIONS, DRAFT, headers={**keyed("k1"), **headers}).status_code == 401
    assert demoted.post(VERSIONS, DRAFT, headers=keyed("k1")).status_code == 403


def at(runtime: Runtime, keys: Keys, instant: datetime) -> ApiClient:
    """A client of the API at an instant."""
    return ApiClient(create_app(Runtime(runtime.bind, runtime.matcher, runtime.catalogue, frozen_at(instant))), keys)


@pytest.mark.parametrize(("after", "is_remembered"), [(KEPT_FOR, True), (KEPT_FOR + timedelta(microseconds=1), False)])
def test_a_key_is_remembered_for_30_days(runtime: Runtime, keys: Keys, after: timedelta, is_remembered: bool) -> None:
    start = parse_instant("2026-11-25T09:00:00Z")
    assert start is not None
    assert timedelta(days=30) == KEPT_FOR
    first, later = at(runtime, keys, start), at(runtime, keys, start + after)
    set_up(first, approve=False)
    assert first.post(VERSIONS, DRAFT, headers=keyed("k1")).get_json()["number"] == 2
    again = later.post(VERSIONS, DRAFT, headers=keyed("k1"))
    assert again.get_json()["number"] == (2 if is_remembered else 3)
    assert later.post(VERSIONS, DRAFT, headers=keyed("k1")).data == again.data


def test_what_is_over_is_forgotten_little_by_little(runtime: Runtime, keys: Keys, connection: Connection) -> None:
    start = parse_instant("2026-11-25T09:00:00Z")
    assert start is not None
    early = at(runtime, keys, start)
    for number in range(FORGOTTEN_AT_ONCE + 5):
        early.post("/v1/partners", {"id": f"p{number}"}, headers=keyed(f"k{number}"))
    late = at(runtime, keys, start + KEPT_FOR + timedelta(days=1))
    left = []
    for number in range(3):
        late.post("/v1/partners", {"id": f"q{number}"}, headers=keyed(f"new{number}"))
        left.append(count(connection, IdempotencyKey))
    assert left == [5 + 1, 2, 3]


def test_many_requests_in_any_order_are_each_done_once(client: ApiClient, connection: Connection) -> None:
    draw = random.Random(7)
    sent = [number for number in range(30) for _ in range(draw.randint(1, 4))]
    draw.shuffle(sent)
    answers: dict[int, set[bytes]] = {}
    for number in sent:
        response = client.post("/v1/partners", {"id": f"p{number}"}, headers=keyed(f"k{number}"))
        assert response.status_code == 201
        answers.setdefault(number, set()).add(response.data)
    assert all(len(found) == 1 for found in answers.values())
    assert count(connection, Partner) == 30
