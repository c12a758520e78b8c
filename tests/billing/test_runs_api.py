"""Billing runs over HTTP: accepted, looked at, posted by another key, cancelled, taken back; and closed books."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.billing import POSTER, billed, computed, opened, posted, worked
from tests.web.bodies import conversion, set_up
from tests.web.client import ApiClient

RUN = {"contract": "acme", "period": "1997-07"}


@pytest.fixture
def shop(client: ApiClient) -> ApiClient:
    set_up(client)
    for number in range(3):
        client.post("/v1/conversions", conversion(f"o{number}", "100.00"))
    return client


def test_a_run_is_accepted_and_its_address_says_how_far_it_is(shop: ApiClient) -> None:
    accepted = shop.as_("billing").post("/v1/billing-runs", RUN)
    assert accepted.status_code == 202
    address = accepted.headers["Location"]
    queued = shop.get(address).get_json()
    assert queued == accepted.get_json()
    assert (queued["state"], queued["progress"]) == ("queued", {"stage": "queued", "done": 0, "total": None})
    worked(shop)
    ready = shop.get(address).get_json()
    assert (ready["state"], ready["opened_by"], ready["posted_by"]) == ("ready", "billing", None)
    assert ready["controls"]["money"] == {
        "USD": {"decided": "18", "posted_before": "0", "proposed": "18", "waiting": "0"}
    }
    assert [(each["lines"], each["amount"], each["posting"]) for each in ready["statements"]] == [(3, "18.00", None)]
    assert ready["next"] == "Look at its lines; then somebody else than billing posts it, or it is cancelled."


def test_what_a_run_proposes_is_looked_at_in_pages(shop: ApiClient) -> None:
    run = computed(shop, RUN)["id"]
    first = shop.get(f"/v1/billing-runs/{run}/lines?limit=2")
    following = first.headers["Link"].removeprefix("<").partition(">")[0]
    second = shop.get(following)
    found = [*first.get_json()["items"], *second.get_json()["items"]]
    assert [(line["place"], line["conversion"], line["kind"], line["amount"]) for line in found] == [
        (1, "o0", "line", "6.00"),
        (2, "o1", "line", "6.00"),
        (3, "o2", "line", "6.00"),
    ]
    assert "Link" not in second.headers
    assert shop.get(f"/v1/decisions/{found[0]['decision']}").status_code == 200
    posted(shop, run)
    assert shop.get(f"/v1/billing-runs/{run}/lines").get_json() == {"items": []}


def test_who_opened_a_run_cannot_post_it_whatever_their_role(shop: ApiClient) -> None:
    run = shop.as_("admin", "amy").post("/v1/billing-runs", RUN).get_json()["id"]
    early = shop.as_("admin", "bob").post(f"/v1/billing-runs/{run}/post")
    assert (early.status_code, early.get_json()["code"]) == (409, "billing_run_elsewhere")
    worked(shop)
    own = shop.as_("admin", "amy").post(f"/v1/billing-runs/{run}/post")
    assert (own.status_code, own.get_json()["code"]) == (403, "self_posting")
    assert shop.as_("billing").post(f"/v1/billing-runs/{run}/post").status_code == 403
    other = shop.as_("admin", "bob").post(f"/v1/billing-runs/{run}/post")
    assert (other.status_code, other.get_json()["state"]) == (202, "posting")
    assert shop.get("/v1/statements/acme/1997-07").status_code == 404
    worked(shop)
    assert shop.get("/v1/statements/acme/1997-07").get_json()["total"] == "18.00"
    shown = shop.get(other.headers["Location"]).get_json()
    assert shown["statements"][0]["posting"] == {
        "id": "acme/1997-07/1",
        "accounting_period": "1997-07",
        "brought_forward": "0.00",
        "to_pay": "18.00",
        "carried_forward": "0.00",
    }


def test_an_open_run_is_named_by_who_finds_it_in_the_way(shop: ApiClient) -> None:
    run = opened(shop, RUN)
    for body in (RUN, {"program": "cdnow", "period": "1997-07"}):
        beside = shop.post("/v1/billing-runs", body)
        assert (beside.status_code, beside.get_json()["code"]) == (409, "billing_run_open_already")
        assert run in beside.get_json()["detail"]
    assert shop.post(f"/v1/billing-runs/{run}/cancel").get_json()["state"] == "cancelled"
    assert shop.post(f"/v1/billing-runs/{run}/cancel").status_code == 409
    worked(shop)
    again = opened(shop, {"program": "cdnow", "period": "1997-07"})
    listed = shop.get("/v1/billing-runs").get_json()["items"]
    assert [(row["id"], row["state"]) for row in listed] == [(again, "queued"), (run, "cancelled")]
    assert [row["id"] for row in shop.get("/v1/billing-runs?state=cancelled").get_json()["items"]] == [run]
    page = shop.get("/v1/billing-runs?limit=1")
    following = page.headers["Link"].removeprefix("<").partition(">")[0]
    assert [row["id"] for row in shop.get(following).get_json()["items"]] == [run]


@pytest.mark.parametrize(
    "body", [{"period": "1997-07"}, {**RUN, "program": "cdnow"}, {"contract": "acme"}, {**RUN, "x": 1}]
)
def test_a_run_is_over_one_contract_or_one_program(shop: ApiClient, body: dict[str, Any]) -> None:
    assert shop.post("/v1/billing-runs", body).status_code == 422


def test_the_same_request_again_opens_no_second_run(shop: ApiClient) -> None:
    headers = {"Idempotency-Key": "a-key-of-mine"}
    first, second = (shop.as_("billing").post("/v1/billing-runs", RUN, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.get_json()["id"] == second.get_json()["id"]


def test_what_was_posted_is_taken_back_by_a_run_of_its_own(shop: ApiClient) -> None:
    run = billed(shop, RUN)["run"]
    reversal = shop.as_("billing").post(f"/v1/billing-runs/{run}/reversals")
    assert (reversal.status_code, reversal.get_json()["reverses"]) == (202, run)
    worked(shop)
    mirror = reversal.get_json()["id"]
    lines = shop.get(f"/v1/billing-runs/{mirror}/lines").get_json()["items"]
    assert [(line["kind"], line["amount"]) for line in lines] == [("correction", "-6.00")] * 3
    posted(shop, mirror)
    statement = shop.get("/v1/statements/acme/1997-07").get_json()
    assert (statement["total"], statement["line_count"]) == ("0.00", 6)


def test_books_are_closed_once_and_what_comes_later_is_booked_later(shop: ApiClient) -> None:
    billed(shop, RUN)
    books = "/v1/programs/cdnow/accounting-periods"
    assert shop.get(books).get_json()["first_open"] is None
    closed = shop.as_(*POSTER).post(f"{books}/1997-07/close")
    assert (closed.status_code, closed.get_json()["first_open"]) == (200, "1997-08")
    again = shop.as_(*POSTER).post(f"{books}/1997-06/close")
    assert (again.status_code, again.get_json()["code"]) == (409, "accounting_period_closed_already")
    early = shop.as_(*POSTER).post(f"{books}/9000-01/close")
    assert (early.status_code, early.get_json()["code"]) == (409, "accounting_period_not_over")
    shop.post("/v1/conversions", conversion("late", "50.00"))
    assert billed(shop, RUN)["posting"]["accounting_period"] == "1997-08"
