"""A request is one unit of work at one instant: what is refused leaves nothing behind."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection, func, select

from app.core.clock import frozen_at
from app.core.instants import parse_instant
from app.factory import create_app
from app.runtime import Runtime
from app.store.models import AuditEvent, Partner
from tests.web.client import ApiClient, Keys


def count(connection: Connection, table: type) -> int:
    """How many rows there are."""
    return connection.scalar(select(func.count()).select_from(table)) or 0


def test_the_clock_of_the_edge_is_the_systems(client: ApiClient) -> None:
    client.get("/v1/partners")  # the key is made at another time
    with freeze_time("1997-08-05T09:00:00.000001Z"):
        shown = client.post("/v1/partners", {"id": "acme"}).get_json()
    assert shown["created_at"] == "1997-08-05T09:00:00.000001Z"


def test_nothing_below_the_edge_reads_the_clock(runtime: Runtime, keys: Keys) -> None:
    handed_in = parse_instant("1997-08-05T09:00:00Z")
    assert handed_in is not None
    frozen = Runtime(runtime.bind, runtime.matcher, runtime.catalogue, frozen_at(handed_in))
    with freeze_time("2031-01-01"):
        shown = ApiClient(create_app(frozen), keys).post("/v1/partners", {"id": "acme"}).get_json()
    assert shown["created_at"] == "1997-08-05T09:00:00Z"


def test_who_did_it_stands_in_the_audit_trail(client: ApiClient, connection: Connection) -> None:
    client.as_("ops", "dana").post("/v1/partners", {"id": "acme"})
    query = select(AuditEvent.actor).where(AuditEvent.action == "partner.created")
    assert connection.scalars(query).all() == ["dana"]


def test_a_refusal_after_the_write_takes_it_back(client: ApiClient, connection: Connection) -> None:
    with patch("app.partners.operations.create_partner.record", side_effect=RuntimeError("late")):
        assert client.post("/v1/partners", {"id": "acme"}).status_code == 500
    assert count(connection, Partner) == 0


@pytest.mark.parametrize("body", [{"id": "acme", "x": 1}, {"id": 1}])
def test_a_refused_body_writes_nothing(client: ApiClient, connection: Connection, body: dict[str, object]) -> None:
    client.get("/v1/partners")
    before = count(connection, AuditEvent)
    client.post("/v1/partners", body)
    assert count(connection, AuditEvent) == before


def test_the_health_check_asks_the_database(client: ApiClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
