"""Billing runs and statements over HTTP."""

from __future__ import annotations

import pytest

from tests.web.billing import billed
from tests.web.bodies import conversion, set_up
from tests.web.client import ApiClient

RUN = {"contract": "acme", "period": "1997-07"}


def test_a_run_posts_what_is_missing_and_again_nothing(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion())
    first = billed(client, RUN)
    assert (first["lines"], first["amount"]) == (1, "6.00")
    second = billed(client, RUN)
    assert (second["posting"], second["lines"], second["amount"]) == (None, 0, "0.00")


def test_a_statement_shows_its_total_and_its_lines_in_pages(client: ApiClient) -> None:
    set_up(client)
    for number in range(3):
        client.post("/v1/conversions", conversion(f"o{number}", "10.05"))
    billed(client, RUN)
    first = client.get("/v1/statements/acme/1997-07?limit=2")
    address = first.headers["Link"].removeprefix("<").partition(">")[0]
    second = client.get(address)
    assert [len(page.get_json()["lines"]) for page in (first, second)] == [2, 1]
    assert {page.get_json()["total"] for page in (first, second)} == {"1.80"}
    assert "Link" not in second.headers
    line = first.get_json()["lines"][0]
    assert (line["amount_precise"], line["amount"], line["conversion"]) == ("0.603", "0.60", "o0")
    assert client.get(f"/v1/decisions/{line['decision']}").status_code == 200


def test_a_late_conversion_comes_onto_the_statement(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion())
    billed(client, RUN)
    client.post("/v1/conversions", conversion("late", "50.00"))
    assert billed(client, RUN)["amount"] == "3.00"
    assert client.get("/v1/statements/acme/1997-07").get_json()["total"] == "9.00"


def test_statements_are_listed_and_filtered(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion())
    for period in ("1997-06", "1997-07"):
        billed(client, {"contract": "acme", "period": period})
    assert [row["period"] for row in client.get("/v1/statements").get_json()["items"]] == ["1997-06", "1997-07"]
    (july,) = client.get("/v1/statements?contract=acme&period=1997-07").get_json()["items"]
    assert (july["total"], july["line_count"]) == ("6.00", 1)
    assert client.get("/v1/statements?contract=none").get_json() == {"items": []}
    assert "after=" in client.get("/v1/statements?limit=1").headers["Link"]


@pytest.mark.parametrize("period", ["1997-7", "1997-13", "July", "1997-07-01", 199707])
def test_a_period_is_a_month(client: ApiClient, period: object) -> None:
    assert client.post("/v1/billing-runs", {"contract": "acme", "period": period}).status_code == 422


@pytest.mark.parametrize("period", ["0001-01", "9999-12"])
def test_a_month_at_the_end_of_time_is_no_fault(client: ApiClient, period: str) -> None:
    set_up(client)
    assert client.post("/v1/billing-runs", {"contract": "acme", "period": period}).status_code in (202, 422)


def test_what_is_not_there_is_not_found(client: ApiClient) -> None:
    assert client.post("/v1/billing-runs", {"contract": "none", "period": "1997-07"}).status_code == 404
    assert client.get("/v1/statements/acme/1997-07").status_code == 404
    assert client.get("/v1/statements/acme/1997-13").status_code == 404
