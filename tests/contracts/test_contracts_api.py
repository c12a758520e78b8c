"""Contracts, versions and rule versions over HTTP, from the draft to the terms in force."""

from __future__ import annotations

from typing import Any

import pytest
from freezegun import freeze_time

from tests.web.bodies import PROGRAM, payout, rules, set_up
from tests.web.client import ApiClient

VERSIONS = "/v1/contracts/acme/versions"
RULES = f"{VERSIONS}/1/rule-versions"


def error_of(response: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.get_json()["code"]


def test_a_contract_takes_currency_and_zone_from_its_program(client: ApiClient) -> None:
    set_up(client, approve=False)
    shown = client.get("/v1/contracts/acme").get_json()
    assert (shown["currency"], shown["timezone"], shown["direction"]) == ("USD", "America/New_York", "payable")
    assert client.get("/v1/contracts").get_json() == {"items": [shown]}


def test_a_contract_may_pay_in_another_currency_than_its_program(client: ApiClient) -> None:
    set_up(client, approve=False)
    client.post("/v1/partners", {"id": "yumi"})
    made = client.post("/v1/contracts", {"id": "yumi", "program": "cdnow", "partner": "yumi", "currency": "JPY"})
    assert (made.status_code, made.get_json()["currency"]) == (201, "JPY")


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"program": "none"}, 404, "program_not_found"),
        ({"partner": "nobody"}, 404, "partner_not_found"),
        ({"currency": "ZZZ"}, 422, "contract_refused"),
        ({"direction": "sideways"}, 422, "body_refused"),
        ({"rounding": "up"}, 422, "body_refused"),
        ({}, 409, "contract_exists"),
        ({"id": "other"}, 409, "contract_exists"),
    ],
)
def test_a_contract_that_cannot_be_is_refused(client: ApiClient, wrong: dict[str, str], status: int, code: str) -> None:
    set_up(client, approve=False)
    body = {"id": "acme", "program": "cdnow", "partner": "acme", **wrong}
    assert error_of(client.post("/v1/contracts", body)) == (status, code)


def test_a_draft_is_shown_and_pays_nothing(client: ApiClient) -> None:
    set_up(client, approve=False)
    (draft,) = client.get(VERSIONS).get_json()["items"]
    assert (draft["number"], draft["state"], draft["created_by"]) == (1, "draft", "dana")
    assert draft["effective_from"] == "1997-01-01T05:00:00Z"
    assert [rule["kind"] for rule in draft["rule_versions"]] == ["attribution", "eligibility", "payout"]
    assert client.get("/v1/contracts/acme/terms").get_json()["in_force"] is None


def test_what_is_approved_is_in_force_from_its_start(client: ApiClient) -> None:
    set_up(client)
    terms = client.get("/v1/contracts/acme/terms?at=1997-01-01T00:00:00-05:00").get_json()["in_force"]
    assert (terms["contract_version"], terms["approved_by"], terms["until"]) == (1, "sam", None)
    assert terms["rules"]["payout"]["body"] == payout()
    before = client.get("/v1/contracts/acme/terms?at=1996-12-31T23:59:59.999999-05:00").get_json()
    assert (before["in_force"], before["reason"]["code"]) == (None, "BEFORE_START")


def test_terms_are_shown_as_they_were_known(client: ApiClient) -> None:
    client.keys.of("ops", "dana")
    with freeze_time("1996-12-01T00:00:00Z"):
        set_up(client)
    at = "/v1/contracts/acme/terms?at=1997-02-01T00:00:00Z&as_of="
    assert client.get(at + "1996-11-30T23:59:59Z").status_code == 404
    assert client.get(at + "1996-12-01T00:00:00Z").get_json()["in_force"]["contract_version"] == 1


@pytest.mark.parametrize(
    "query", ["at=1997-01-01T00:00:00", "as_of=yesterday", "at=1997-01-01T00:00:00%2B05", "when=now"]
)
def test_a_time_without_an_offset_is_refused(client: ApiClient, query: str) -> None:
    set_up(client)
    assert error_of(client.get(f"/v1/contracts/acme/terms?{query}")) == (422, "query_refused")


def test_the_author_cannot_approve(client: ApiClient) -> None:
    author = client.as_("admin", "root")
    set_up(client, approve=False)
    body = {"effective_from": "1998-01-01", "rules": rules("7"), "backdated": "restate"}
    assert author.post(VERSIONS, body).status_code == 201
    author.post(f"{VERSIONS}/2/submit")
    assert error_of(author.post(f"{VERSIONS}/2/approve")) == (403, "self_approval")


def test_each_step_is_taken_once_and_in_order(client: ApiClient) -> None:
    set_up(client, approve=False)
    approver = client.as_("approver", "sam")
    assert error_of(approver.post(f"{VERSIONS}/1/approve")) == (409, "wrong_state")
    assert client.post(f"{VERSIONS}/1/submit").get_json()["state"] == "submitted"
    assert error_of(client.post(f"{VERSIONS}/1/submit")) == (409, "wrong_state")
    assert approver.post(f"{VERSIONS}/1/approve").get_json()["state"] == "approved"
    assert error_of(approver.post(f"{VERSIONS}/1/approve")) == (409, "wrong_state")


def test_a_start_in_the_past_has_to_be_declared(client: ApiClient) -> None:
    set_up(client)
    client.as_("ops", "dana").post(VERSIONS, {"effective_from": "1997-06-01", "rules": {"payout": payout("8")}})
    client.as_("ops", "dana").post(f"{VERSIONS}/2/submit")
    assert error_of(client.as_("approver", "sam").post(f"{VERSIONS}/2/approve")) == (409, "backdating_undeclared")


def test_every_defect_of_a_draft_is_reported_where_it_stands(client: ApiClient) -> None:
    set_up(client)
    wrong = {**payout(), "otherwise": {"flat": 5}, "extra": 1}
    response = client.post(VERSIONS, {"effective_from": "1998-01-01", "rules": {"payout": wrong, "bonus": {}}})
    assert error_of(response) == (422, "version_refused")
    pointers = {error["pointer"] for error in response.get_json()["errors"]}
    assert {"/rules/payout/otherwise/flat", "/rules/payout/extra", "/rules/bonus"} <= pointers


def test_a_float_in_the_rules_is_refused_as_a_string_to_be(client: ApiClient) -> None:
    set_up(client)
    text = (
        b'{"effective_from": "1998-01-01", "rules": {"payout": {"kind": "payout", "on": "conversion", "hit": "first", '
    )
    text += b'"rules": [], "otherwise": {"flat": 1.5}}}}'
    (error,) = client.post(VERSIONS, data=text, content_type="application/json").get_json()["errors"]
    assert (error["code"], error["pointer"]) == ("float_refused", "/rules/payout/otherwise/flat")


def test_a_rule_version_is_drafted_submitted_and_approved(client: ApiClient) -> None:
    set_up(client)
    author, approver = client.as_("ops", "dana"), client.as_("approver", "sam")
    body = {"kind": "payout", "effective_from": "1997-07-01", "body": payout("8"), "backdated": "restate"}
    drafted = author.post(RULES, body)
    assert drafted.status_code == 201
    assert drafted.headers["Location"] == f"{RULES}/payout/2"
    assert author.post(f"{RULES}/payout/2/submit").status_code == 200
    assert error_of(client.as_("admin", "dana2").post(f"{RULES}/payout/3/approve")) == (404, "version_not_found")
    assert approver.post(f"{RULES}/payout/2/approve").get_json()["state"] == "approved"
    shown = client.get(f"{RULES}/payout/2").get_json()
    assert shown["body"] == payout("8")
    assert [row["id"] for row in client.get(f"{RULES}?limit=2").get_json()["items"]]
    (version,) = client.get("/v1/contracts/acme/timeline").get_json()["versions"]
    assert [span["until"] for span in version["rules"]["payout"]] == ["1997-07-01T04:00:00Z", None]


def test_a_termination_ends_the_terms(client: ApiClient) -> None:
    set_up(client)
    author, approver = client.as_("ops", "dana"), client.as_("approver", "sam")
    author.post(VERSIONS, {"effective_from": "1998-01-01", "termination": True, "backdated": "restate"})
    author.post(f"{VERSIONS}/2/submit")
    assert approver.post(f"{VERSIONS}/2/approve").get_json()["termination"] is True
    ended = client.get("/v1/contracts/acme/terms?at=1998-01-01T00:00:00-05:00").get_json()
    assert ended["reason"]["code"] == "TERMINATED"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/contracts/none",
        "/v1/contracts/none/versions",
        "/v1/contracts/none/terms",
        "/v1/contracts/none/timeline",
        "/v1/contracts/acme/versions/9",
        "/v1/contracts/acme/versions/99999999999999999999",
        "/v1/contracts/acme/versions/9/rule-versions",
        "/v1/contracts/acme/versions/1/rule-versions/payout/9",
        "/v1/contracts/acme/versions/1/rule-versions/bonus/1",
    ],
)
def test_what_is_not_there_is_not_found(client: ApiClient, path: str) -> None:
    set_up(client)
    assert client.get(path).status_code == 404


def test_versions_come_in_pages(client: ApiClient) -> None:
    set_up(client)
    client.post(VERSIONS, {"effective_from": "1998-01-01", "rules": rules("7")})
    first = client.get(f"{VERSIONS}?limit=1")
    assert [row["number"] for row in first.get_json()["items"]] == [1]
    address = first.headers["Link"].removeprefix("<").partition(">")[0]
    second = client.get(address)
    assert [row["number"] for row in second.get_json()["items"]] == [2]
    assert "Link" not in second.headers


@pytest.mark.parametrize(
    "start", ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_a_start_at_the_end_of_time_is_no_fault(client: ApiClient, start: str) -> None:
    set_up(client)
    assert client.post(VERSIONS, {"effective_from": start, "rules": rules()}).status_code in (201, 422)


def test_a_program_in_another_zone_starts_its_days_there(client: ApiClient) -> None:
    client.post("/v1/programs", {**PROGRAM, "timezone": "Asia/Tokyo"})
    client.post("/v1/partners", {"id": "acme"})
    client.post("/v1/contracts", {"id": "acme", "program": "cdnow", "partner": "acme"})
    drafted = client.post(VERSIONS, {"effective_from": "1997-07-01", "rules": rules()}).get_json()
    assert drafted["effective_from"] == "1997-06-30T15:00:00Z"
