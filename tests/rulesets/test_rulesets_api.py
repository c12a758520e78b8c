"""Checking rule bodies over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.canonical import content_hash
from tests.builders.witnesses import decided
from tests.web.bodies import ATTRIBUTION, PROGRAM, payout, rules
from tests.web.client import ApiClient


def test_good_rules_are_read_back_with_their_hash(client: ApiClient) -> None:
    checked = client.post("/v1/rules/check", payout()).get_json()
    assert checked["ok"] is True
    assert checked["hash"] == content_hash(payout())
    assert checked["findings"] == []
    assert checked["in_words"]
    assert checked["table"]["columns"][0] == "rule"
    assert {len(row) for row in checked["table"]["rows"]} == {len(checked["table"]["columns"])}


def test_bad_rules_are_answered_with_every_defect(client: ApiClient) -> None:
    body = {**payout(), "hit": "last"}
    body["rules"][0]["then"] = {"percent": 6, "of": "order_valeu"}
    checked = client.post("/v1/rules/check", body).get_json()
    assert (checked["ok"], checked["hash"], checked["in_words"]) == (False, None, [])
    assert checked["table"] is None
    assert {"/hit", "/rules/0/then/percent"} <= {finding["pointer"] for finding in checked["findings"]}


def test_a_float_in_rules_is_a_finding_not_a_fault(client: ApiClient) -> None:
    text = b'{"kind": "payout", "on": "conversion", "hit": "first", "rules": [], "otherwise": {"flat": 1.5}}'
    checked = client.post("/v1/rules/check", data=text, content_type="application/json").get_json()
    assert [finding["code"] for finding in checked["findings"]] == ["float_refused"]
    assert 'write it as a string: "1.5"' in checked["findings"][0]["hint"]


@pytest.mark.parametrize("text", [b"[]", b'"payout"', b"null", b"{}", b'{"kind": []}'])
def test_what_is_no_rule_body_is_a_finding(client: ApiClient, text: bytes) -> None:
    response = client.post("/v1/rules/check", data=text, content_type="application/json")
    assert (response.status_code, response.get_json()["ok"]) == (200, False)


def test_deep_rules_are_a_finding(client: ApiClient) -> None:
    when: dict[str, object] = {"always": True}
    for _ in range(100):
        when = {"not": when}
    body = payout()
    body["rules"][0]["when"] = when
    findings = client.post("/v1/rules/check", body).get_json()["findings"]
    assert "too_deep" in {finding["code"] for finding in findings}


OVERLAPPING = {
    **payout(),
    "hit": "unique",
    "rules": [
        {"id": "large", "when": {"fact": "order_value", "op": "gte", "value": "100"}, "then": {"flat": "5"}},
        {"id": "vip", "when": {"fact": "coupon_codes", "op": "contains", "value": "VIP"}, "then": {"flat": "7"}},
    ],
}


def test_an_overlap_is_answered_with_a_conversion_that_is_then_held(client: ApiClient) -> None:
    checked = client.as_("qa").post("/v1/rules/check", OVERLAPPING).get_json()
    assert checked["ok"] is False
    assert checked["hash"] == content_hash(OVERLAPPING)
    (finding,) = checked["findings"]
    assert (finding["code"], finding["severity"]) == ("overlap", "error")
    witness = finding["witness"]
    decision, matched = decided("payout", json.dumps(OVERLAPPING), witness["conversion"])
    assert (decision.outcome, decision.reasons[0].code) == ("held", "AMBIGUOUS_PAYOUT")
    assert sorted(matched) == sorted(witness["matched"])


def test_a_tier_table_that_drops_is_answered_with_two_totals(client: ApiClient) -> None:
    steps = [{"up_to": "10", "unit": "5"}, {"up_to": None, "unit": "4"}]
    table = {"mode": "volume", "by": {"sum": "quantity"}, "window": "event", "rate": "per_unit", "steps": steps}
    checked = client.post("/v1/rules/check", {**payout(), "rules": [], "otherwise": {"tiers": table}}).get_json()
    assert checked["ok"] is True
    (finding,) = checked["findings"]
    assert finding["witness"]["totals"] == [{"quantity": "10", "total": "50"}, {"quantity": "11", "total": "44"}]


def test_totals_may_be_longer_than_what_can_be_written(client: ApiClient) -> None:
    steps = [{"up_to": "1500", "unit": "900000000000000000.999999999"}, {"up_to": None, "unit": "-1"}]
    table = {"mode": "graduated", "by": {"sum": "quantity"}, "window": "event", "rate": "per_unit", "steps": steps}
    checked = client.post("/v1/rules/check", {**payout(), "rules": [], "otherwise": {"tiers": table}}).get_json()
    (finding,) = checked["findings"]
    assert finding["witness"]["totals"][0] == {"quantity": "1500", "total": "1350000000000000001499.9999985"}


def test_two_versions_that_decide_alike_are_the_same(client: ApiClient) -> None:
    renamed = payout()
    renamed["rules"][0]["id"] = "other"
    compared = client.as_("qa").post("/v1/rules/compare", {"old": payout(), "new": renamed}).get_json()
    assert compared["same"] is True


def test_two_versions_that_do_not_are_told_apart(client: ApiClient) -> None:
    compared = client.post("/v1/rules/compare", {"old": payout("6"), "new": payout("7")}).get_json()
    assert compared["same"] is False
    assert (compared["before"], compared["after"]) == (
        "paid 4.62: 6 % of order_value",
        "paid 5.39: 7 % of order_value",
    )
    assert compared["conversion"]["facts"] == {"order_value": "77.00"}


@pytest.mark.parametrize(
    ("old", "new", "code", "pointers"),
    [
        ({}, {}, "rules_refused", ["/old"]),
        (payout(), {**payout(), "hit": "last"}, "rules_refused", ["/new/hit"]),
        (payout(), ATTRIBUTION, "kinds_differ", []),
        (payout(), [], "body_refused", ["/new"]),
    ],
)
def test_what_cannot_be_compared_is_refused(
    client: ApiClient, old: Any, new: Any, code: str, pointers: list[str]
) -> None:
    response = client.post("/v1/rules/compare", {"old": old, "new": new})
    assert (response.status_code, response.get_json()["code"]) == (422, code)
    assert [error["pointer"] for error in response.get_json().get("errors", [])] == pointers


def set_up(client: ApiClient, terms: dict[str, Any]) -> None:
    """The contract acme with this payout from 1997 on."""
    author, approver = client.as_("ops", "dana"), client.as_("approver", "sam")
    for path, body in (
        ("/v1/programs", PROGRAM),
        ("/v1/partners", {"id": "acme"}),
        ("/v1/contracts", {"id": "acme", "program": "cdnow", "partner": "acme"}),
        ("/v1/contracts/acme/versions", {"effective_from": "1997-01-01", "rules": {**rules(), "payout": terms}}),
    ):
        assert author.post(path, body).status_code == 201
    assert author.post("/v1/contracts/acme/versions/1/submit").status_code == 200
    assert approver.post("/v1/contracts/acme/versions/1/approve").status_code == 200
