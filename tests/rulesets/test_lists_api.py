"""Named lists over HTTP: published in versions, and pinned by what is approved."""

from __future__ import annotations

from typing import Any

import pytest

from app.contracts.describe import version_data
from app.contracts.known import present_version
from app.rulelang.bindings import MAX_MEMBERS
from app.runtime import Context, Runtime
from tests.builders.agreements import CLAIMS, agreed, percent, shop
from tests.web.client import ApiClient

CODES = {"id": "vip_codes", "type": "text", "members": ["VIP", "GOLD", "VIP"], "description": "From marketing."}


def test_a_list_is_published_shown_and_listed(client: ApiClient) -> None:
    created = client.post("/v1/lists", CODES)
    shown = created.get_json()
    assert (created.status_code, created.headers["Location"]) == (201, "/v1/lists/vip_codes")
    assert (shown["version"], shown["count"], shown["members"]) == (1, 2, ["GOLD", "VIP"])
    assert client.get("/v1/lists/vip_codes").get_json() == shown
    (listed,) = client.get("/v1/lists").get_json()["items"]
    assert listed == {name: shown[name] for name in ("id", "type", "description", "created_by", "created_at")}


def test_versions_are_added_and_kept(client: ApiClient) -> None:
    first = client.post("/v1/lists", CODES).get_json()
    second = client.post("/v1/lists/vip_codes/versions", {"members": ["GOLD"]})
    assert (second.status_code, second.headers["Location"]) == (201, "/v1/lists/vip_codes/versions/2")
    assert client.get("/v1/lists/vip_codes").get_json()["members"] == ["GOLD"]
    assert client.get("/v1/lists/vip_codes/versions/1").get_json() == first
    before = {"as_of": "1997-01-01T00:00:00Z"}
    assert client.get("/v1/lists/vip_codes", query_string=before).get_json()["code"] == "list_not_found"
    again = client.post("/v1/lists/vip_codes/versions", {"members": ["GOLD", "GOLD"]}).get_json()
    assert again["version"] == 2


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/lists", {**CODES, "id": "vip codes"}, 422, "body_refused"),
        ("/v1/lists", {**CODES, "type": "enum"}, 422, "body_refused"),
        ("/v1/lists", {**CODES, "type": "integer"}, 422, "list_refused"),
        ("/v1/lists", {**CODES, "members": []}, 422, "list_refused"),
        ("/v1/lists", {**CODES, "members": [str(n) for n in range(MAX_MEMBERS + 1)]}, 422, "list_refused"),
        ("/v1/lists", {**CODES, "members": [None]}, 422, "body_refused"),
        ("/v1/lists/none/versions", {"members": ["A"]}, 404, "list_not_found"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(client: ApiClient, path: str, body: Any, status: int, code: str) -> None:
    response = client.post(path, body)
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_a_name_is_taken_once(client: ApiClient) -> None:
    client.post("/v1/lists", CODES)
    assert client.post("/v1/lists", CODES).get_json()["code"] == "list_exists"


def test_ten_thousand_members_are_published_and_used(client: ApiClient, runtime: Runtime) -> None:
    members = [f"C{n:05}" for n in range(MAX_MEMBERS)]
    assert client.post("/v1/lists", {**CODES, "members": members}).get_json()["count"] == MAX_MEMBERS
    with runtime.work("tester") as ctx:
        version = approved_with_the_list(ctx)
    (pinned,) = [rule for rule in version["rule_versions"] if rule["kind"] == "eligibility"]
    shown = client.get("/v1/lists/vip_codes").get_json()
    assert pinned["lists"] == {"vip_codes": {"version": 1, "hash": shown["hash"]}}
    for code, outcome in (("C09999", "rated"), ("C10000", "ineligible")):
        facts = {"order_value": "10.00", "coupon_code": code}
        body = {"id": code, "program": "shop", "event_at": "2025-02-01T12:00:00Z", "partner": "acme", "facts": facts}
        assert client.post("/v1/conversions", body).get_json()["decision"]["outcome"] == outcome


def approved_with_the_list(ctx: Context) -> dict[str, Any]:
    shop(ctx, "acme")
    when = {"fact": "coupon_code", "op": "in", "value": {"list": "vip_codes"}}
    eligibility = {"rules": [{"id": "vip", "when": when, "then": "accept"}], "otherwise": {"reject": "NO"}}
    rules = {"eligibility": eligibility, "attribution": CLAIMS, "payout": percent("5")}
    version = agreed(ctx, "acme", "2025-01-01", rules=rules)
    return version_data(present_version(ctx, "acme", version.number))


def test_a_version_beyond_all_numbers_is_not_there(client: ApiClient) -> None:
    client.post("/v1/lists", CODES)
    for number in ("2", "999999999", "1000000000", "9" * 30):
        assert client.get(f"/v1/lists/vip_codes/versions/{number}").status_code == 404
