"""Checking rule bodies over HTTP."""

from __future__ import annotations

import pytest

from app.core.canonical import content_hash
from tests.web.bodies import payout
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
