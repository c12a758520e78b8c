"""The trail over HTTP: pages from the newest on, filters, the head, and who may read it."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.audit.record import record
from app.core.clock import frozen_at
from app.core.instants import parse_instant, write_instant
from app.runtime import Runtime
from tests.web.client import ApiClient

START = parse_instant("1997-01-01T00:00:00Z")
DEEDS = [
    ("ann", "contract.created", "acme"),
    ("ann", "contract_version.drafted", "acme/1"),
    ("ben", "contract_version.approved", "acme/1"),
    ("ann", "contract_version.drafted", "acme/2"),
    ("zoe", "contract.created", "acme_two"),
    ("zoe", "contract.created", "acme%"),
]

ASKED: list[tuple[dict[str, str], list[int]]] = [
    ({"subject": "acme/1"}, [2, 1]),
    ({"subject": "acme"}, [0]),
    ({"subject_prefix": "acme/"}, [3, 2, 1]),
    ({"subject_prefix": "acme"}, [5, 4, 3, 2, 1, 0]),
    ({"subject_prefix": "acme_"}, [4]),
    ({"subject_prefix": "acme%"}, [5]),
    ({"actor": "ann"}, [3, 1, 0]),
    ({"actor": "ann", "action": "contract_version.drafted", "subject": "acme/2"}, [3]),
    ({"action": "contract_version.approved"}, [2]),
    ({"actor": "nobody"}, []),
    # Half-open: from the instant on, until before it; known by an instant includes it.
    ({"from": "1997-01-01T03:00:00Z"}, [5, 4, 3]),
    ({"from": "1997-01-01T03:00:00.000001Z"}, [5, 4]),
    ({"from": "1997-01-01T01:00:00Z", "until": "1997-01-01T03:00:00Z"}, [2, 1]),
    ({"from": "1997-01-01T04:00:00+01:00"}, [5, 4, 3]),
    ({"as_of": "1997-01-01T02:00:00Z"}, [2, 1, 0]),
    ({"as_of": "1997-01-01T01:59:59.999999Z"}, [1, 0]),
]


@pytest.fixture
def told(runtime: Runtime, client: ApiClient) -> ApiClient:
    """A client of a trail on which something happened each hour; the client's key was made later than all of it."""
    assert START is not None
    for hour, (actor, action, subject) in enumerate(DEEDS):
        at = replace(runtime, clock=frozen_at(START + timedelta(hours=hour)))
        with at.work(actor) as ctx:
            record(ctx, action, subject, f"{subject}: {action}", after={"hour": hour}, reason="as agreed")
    return client


def hours(client: ApiClient, **query: str) -> list[int]:
    """The hours of the events that are found, in the order they are shown in."""
    answer = client.get("/v1/audit-events", query_string={"until": "1998-01-01T00:00:00Z", **query})
    assert answer.status_code == 200, answer.text
    return [item["after"]["hour"] for item in answer.get_json()["items"]]


def test_the_newest_is_first_and_pages_lead_to_the_oldest(told: ApiClient) -> None:
    assert hours(told) == [5, 4, 3, 2, 1, 0]
    seen, address = [], "/v1/audit-events?until=1998-01-01T00:00:00Z&limit=4"
    while address:
        answer = told.get(address)
        seen += [item["after"]["hour"] for item in answer.get_json()["items"]]
        link = answer.headers.get("Link")
        address = link[1 : link.index(">")] if link else ""
    assert seen == [5, 4, 3, 2, 1, 0]


def test_what_is_asked_for_is_shown(told: ApiClient) -> None:
    for query, found in ASKED:
        assert hours(told, **query) == found, query


def test_an_event_is_shown_whole(told: ApiClient) -> None:
    (shown,) = told.get("/v1/audit-events?action=contract_version.approved").get_json()["items"]
    assert isinstance(shown.pop("seq"), int)
    assert len(shown.pop("hash")) == 64
    assert shown == {
        "at": "1997-01-01T02:00:00Z",
        "actor": "ben",
        "action": "contract_version.approved",
        "subject": "acme/1",
        "summary": "acme/1: contract_version.approved",
        "reason": "as agreed",
        "request": None,
        "before": None,
        "after": {"hour": 2},
    }


def test_an_event_names_the_request_that_made_it(client: ApiClient) -> None:
    made = client.as_("ops", "dana").post("/v1/partners", {"id": "acme"})
    (shown,) = client.get("/v1/audit-events?actor=dana").get_json()["items"]
    assert shown["request"] == made.headers["X-Request-Id"]
    assert shown["at"] == made.get_json()["created_at"]


def test_the_head_is_that_of_the_newest_event(told: ApiClient) -> None:
    newest = told.get("/v1/audit-events?limit=1").get_json()["items"][0]
    head = told.get("/v1/audit-events/head").get_json()
    assert {"seq": head["seq"], "hash": head["hash"]} == {"seq": newest["seq"], "hash": newest["hash"]}
    assert head["installation"]


def test_who_may_read_the_trail(client: ApiClient) -> None:
    allowed = {"finance", "approver", "admin", "ops"}
    for role in (*allowed, "billing", "qa", "partner"):
        status = 200 if role in allowed else 403
        assert client.as_(role).get("/v1/audit-events").status_code == status, role
        assert client.as_(role).get("/v1/audit-events/head").status_code == status, role


def test_what_cannot_be_asked_is_refused(client: ApiClient) -> None:
    for query in (
        "from=1997-01-01",
        "until=1997-01-01T00:00:00",
        "subject=",
        "actor=%00",
        "since=1997-01-01T00:00:00Z",
    ):
        assert client.get(f"/v1/audit-events?{query}").status_code == 422, query


def test_a_cursor_beyond_all_numbers_finds_nothing_new(told: ApiClient) -> None:
    assert cursored(told, "9" * 40) == [5, 4, 3, 2, 1, 0]
    assert cursored(told, "0") == []


def cursored(client: ApiClient, place: str) -> list[int]:
    cursor: Any = base64.urlsafe_b64encode(f'["{place}"]'.encode()).decode().rstrip("=")
    return hours(client, after=cursor)


def test_instants_are_shown_as_everywhere(told: ApiClient) -> None:
    assert START is not None
    shown = told.get("/v1/audit-events?subject=acme").get_json()["items"]
    assert [item["at"] for item in shown] == [write_instant(START)]
