"""Deliveries over HTTP: what is taken in, known already, replaced already or refused, and why."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.web.bodies import ATTRIBUTION, ELIGIBILITY, PROGRAM
from tests.web.client import ApiClient

PAYOUT = {"kind": "payout", "on": "delivery", "hit": "first", "rules": [], "otherwise": {"cpm": "5", "of": "delivery.billable"}}  # fmt: skip


@pytest.fixture
def sender(client: ApiClient) -> ApiClient:
    author, approver = client.as_("ops", "dana"), client.as_("approver", "sam")
    rules = {"eligibility": ELIGIBILITY, "attribution": ATTRIBUTION, "payout": PAYOUT}
    for path, body in (
        ("/v1/programs", PROGRAM),
        ("/v1/partners", {"id": "acme"}),
        ("/v1/contracts", {"id": "acme", "program": "cdnow", "partner": "acme"}),
        ("/v1/contracts/acme/versions", {"effective_from": "1997-01-01", "rules": rules, "delivery": {"deduct": {"invalid": True}}}),
    ):  # fmt: skip
        assert author.post(path, body).status_code == 201
    assert author.post("/v1/contracts/acme/versions/1/submit").status_code == 200
    assert approver.post("/v1/contracts/acme/versions/1/approve").status_code == 200
    return client.as_("billing", "bo")


def count(revision: int = 1, impressions: Any = 1000, **more: Any) -> dict[str, Any]:
    place = {"contract": "acme", "delivered_on": "1997-07-02", "placement": "home", "source": "adserver"}
    return {**place, "revision": revision, "facts": {"impressions": impressions, "invalid": 0}, **more}


def test_a_revision_replaces_and_is_told_of(sender: ApiClient) -> None:
    def sent(body: dict[str, Any]) -> tuple[int, str, str]:
        answer = sender.post("/v1/deliveries", body)
        told = answer.get_json()
        return answer.status_code, told["status"], told["decision"]["amount"]

    assert sent(count(2, 900)) == (201, "accepted", "4.50")
    assert sent(count(1, 1000)) == (201, "superseded", "4.50")
    assert sent(count(2, 900)) == (200, "duplicate", "4.50")
    other = sender.post("/v1/deliveries", count(2, 901))
    assert (other.status_code, other.get_json()["code"]) == (409, "delivery_differs")
    listed = sender.get("/v1/deliveries?contract=acme").get_json()["items"]
    assert [(row["revision"], row["replaced_by"]) for row in listed] == [(1, 2), (2, None)]
    (decision,) = sender.get("/v1/delivery-decisions?contract=acme&delivered_on=1997-07-02").get_json()["items"]
    told = sender.get(f"/v1/decisions/{decision['id']}").get_json()
    assert "Line otherwise: 4.5 precisely, 4.50 USD paid." in told["in_words"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (count(0), "/revision", "wrong_type"),
        (count(True), "/revision", "wrong_type"),
        (count(10**9), "/revision", "wrong_type"),
        (count(impressions=-1), "/facts/impressions", "out_of_range"),
        (count(impressions=2**63), "/facts/impressions", "value_not_of_type"),
        (count(impressions="many"), "/facts/impressions", "value_not_of_type"),
        (count(facts={"impressions": 5, "invalid": 6}), "/facts/invalid", "out_of_range"),
        (count(facts={"impressions": 5, "delivery.impressions": 5}), "/facts/delivery.impressions", "unknown_fact"),
        (count(facts={"impressions": 5, "billable": "5"}), "/facts/billable", "derived_fact"),
        (count(facts={"viewable": 5}), "/facts/impressions", "missing_key"),
        (count(delivered_on="2999-01-01"), "/delivered_on", "future_time"),
        (count(delivered_on="1997-02-30"), "/delivered_on", "wrong_type"),
        (count(placement="a\tb"), "/placement", "wrong_type"),
        (count(source="s" * 129), "/source", "wrong_type"),
        (count(amount="5"), "/amount", "unknown_key"),
    ],
)
def test_what_is_no_count_is_refused_with_its_place(sender: ApiClient, body: Any, pointer: str, code: str) -> None:
    answer = sender.post("/v1/deliveries", body)
    assert answer.status_code == 422
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in answer.get_json()["errors"]]
    assert sender.get("/v1/deliveries?contract=acme").get_json()["items"] == []


def test_of_many_lines_a_bad_one_loses_none_of_the_others(sender: ApiClient) -> None:
    lines = [count(1), count(impressions=-1, placement="b"), count(1, contract="nobody"), count(3, 800), count(2, 1)]
    body = b"\n".join([*map(orjson.dumps, lines), b"{"])
    answer = sender.post("/v1/deliveries", data=body, headers={"Content-Type": "application/x-ndjson"})
    told = [orjson.loads(line) for line in answer.data.splitlines()]
    assert [line["status"] for line in told] == ["accepted", "refused", "refused", "accepted", "superseded", "refused"]
    assert told[0]["decision"]["amount"] == "4.00"  # 800 at 5.00, as everything that came says


def test_a_credit_needs_its_money_and_a_make_good_its_place(sender: ApiClient) -> None:
    booked = {
        "contract": "acme",
        "id": "k1",
        "delivered_on": "1997-07-02",
        "repairs_on": "1997-07-01",
        "reason": "Dark",
    }
    credit = {**booked, "kind": "credit", "amount": "2.00"}
    assert sender.post("/v1/delivery-adjustments", credit).status_code == 201
    assert sender.post("/v1/delivery-adjustments", credit).status_code == 200
    assert sender.post("/v1/delivery-adjustments", {**credit, "amount": "3.00"}).status_code == 409
    for wrong in (
        {**booked, "kind": "credit"},
        {**booked, "kind": "make_good", "impressions": "5"},
        {**credit, "cpm": "1"},
        {**credit, "amount": "-2.00"},
        {**credit, "repairs_on": "1997-07-03"},
    ):
        answer = sender.post("/v1/delivery-adjustments", {**wrong, "id": "k2"})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "adjustment_refused"), wrong
