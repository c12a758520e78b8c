"""Quotes over HTTP: the published cases, the way to an amount, and refusals. What formulas pay is tested in `tests/engine`."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.json_text import parse_json
from app.core.resources import shipped
from tests.web.client import ApiClient

CASES = parse_json(shipped("fixtures", "data", "pricing_examples.json").read_bytes())
TIERS = {
    "mode": "graduated",
    "by": {"sum": "v"},
    "window": "month",
    "rate": "percent",
    "steps": [{"up_to": "100", "unit": "5"}, {"up_to": None, "unit": "10"}],
}


def test_every_published_case_has_the_published_answer(client: ApiClient) -> None:
    assert len(CASES) == 32
    for case in CASES:
        response = client.post("/v1/quotes", case)
        assert response.status_code == 200, response.text
        assert response.get_json().items() >= {"id": case["id"], **case["expect"]}.items()


def test_a_quote_shows_its_steps_in_the_order_they_were_made(client: ApiClient) -> None:
    formula = {"clamp": {"sum": [{"percent": "5", "of": "v"}, {"flat": "1"}]}, "max": "2"}
    shown = (
        client.as_("qa").post("/v1/quotes", {"formula": formula, "facts": {"v": "30"}, "currency": "JPY"}).get_json()
    )
    assert shown == {
        "amount": "2",
        "amount_precise": "2",
        "currency": "JPY",
        "steps": [
            "5 % of v (v is 30) comes to 1.5",
            "a flat 1.00",
            "5 % of v plus a flat 1.00 comes to 2.5",
            "(5 % of v plus a flat 1.00), at most 2.00 comes to 2",
        ],
    }


def test_what_the_window_held_before_counts(client: ApiClient) -> None:
    # 5 % on the 20 up to 100, 10 % on the 10 beyond
    body = {"formula": {"tiers": TIERS}, "facts": {"v": "30"}, "before": {"sum": "80"}}
    assert client.post("/v1/quotes", body).get_json()["amount"] == "2.00"


def test_a_volume_step_that_is_reached_changes_what_came_before(client: ApiClient) -> None:
    # 5 % of 80 were 4.00; 10 % of 110 are 11.00
    volume = {"formula": {"tiers": {**TIERS, "mode": "volume"}}, "facts": {"v": "30"}, "before": {"sum": "80"}}
    shown = client.post("/v1/quotes", volume).get_json()
    assert shown["amount"] == "7.00"
    assert shown["steps"] == [
        "volume by v of a month: 5 % up to 100, 10 % beyond (v is 30, after 80 in the month; all of it is 11 instead of 4) comes to 7"
    ]


def test_items_are_priced_one_by_one(client: ApiClient) -> None:
    rate = {"percent": "10", "of": "price"}
    formula = {
        "per_item": "items",
        "where": {"fact": "price", "op": "gte", "value": "10"},
        "times": "quantity",
        "then": rate,
    }
    items = [{"price": "10.00", "quantity": 3}, {"price": "9.99", "quantity": 1, "gift": True}]
    shown = client.post("/v1/quotes", {"formula": formula, "facts": {"items": items}}).get_json()
    assert shown["amount"] == "3.00"
    assert "item 2 of items does not meet the condition" in shown["steps"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"formula": {"percent": "5", "of": "v"}, "facts": {}}, "/facts"),
        ({"formula": {"flat": "x"}, "facts": {}}, "/formula/flat"),
        ({"formula": {"flat": "5"}, "facts": {}, "currency": "XXX"}, "/currency"),
        ({"formula": {"flat": "5"}, "facts": {}, "fact": {}}, "/fact"),
        ({"facts": {}}, ""),
        ({"formula": {"per_item": "items", "then": {"flat": "1"}}, "facts": {}}, "/formula/per_item"),
        (
            {"formula": {"per_item": "items", "then": {"amount": "v"}}, "facts": {"items": [{"v": 1.5}]}},
            "/facts/items/0/v",
        ),
        ({"formula": {"per_item": "items", "then": {"flat": "1"}}, "facts": {"items": [{}] * 1001}}, "/facts/items"),
        (
            {"formula": {"sum": [{"sum": [{"per_item": "i", "then": {"flat": "1"}}] * 26}] * 2}, "facts": {"i": [{}]}},
            "/formula/sum/1/sum/24",
        ),
        ({"formula": {"per_item": "v", "then": {"flat": "1"}}, "facts": {"v": "1"}}, "/formula/per_item"),
        ([], ""),
    ],
)
def test_what_cannot_be_priced_is_refused_with_every_defect(client: ApiClient, body: Any, pointer: str) -> None:
    response = client.post("/v1/quotes", body)
    assert (response.status_code, response.get_json()["code"]) == (422, "quote_refused")
    assert pointer in [error["pointer"] for error in response.get_json()["errors"]]
