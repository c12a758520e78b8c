"""Attribution models of a program over HTTP: set from a day on, refused with places, read as they were known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.client import ApiClient

MODELS = "/v1/programs/shop/attribution-models"
LATER = {"effective_from": "2999-07-01", "attribution": {"model": "linear"}}


@pytest.fixture
def shop(client: ApiClient) -> ApiClient:
    client.post("/v1/programs", {"id": "shop", "currency": "USD", "timezone": "America/New_York"})
    return client


def test_a_model_is_in_force_from_the_first_instant_of_a_local_day(shop: ApiClient) -> None:
    answer = shop.post(MODELS, LATER)
    assert (answer.status_code, answer.get_json()["number"]) == (201, 2)
    assert answer.get_json()["effective_from"] == "2999-07-01T04:00:00Z"
    listed = shop.get(MODELS).get_json()["items"]
    assert [(each["number"], each["effective_from"], each["attribution"]["model"]) for each in listed] == [
        (1, None, "last_touch"),
        (2, "2999-07-01T04:00:00Z", "linear"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({**LATER, "effective_from": "1997-07-01"}, 409, "model_backdated", "/backdated"),
        ({**LATER, "attribution": {"model": "liner"}}, 422, "attribution_model_refused", "/attribution/model"),
        (
            {**LATER, "attribution": {"model": "linear", "identity": ["x"]}},
            422,
            "attribution_model_refused",
            "/attribution/identity/0",
        ),
        ({**LATER, "effective_from": "soon"}, 422, "body_refused", "/effective_from"),
    ],
)
def test_what_cannot_be_is_refused(shop: ApiClient, body: Any, status: int, code: str, pointer: str) -> None:
    answer = shop.post(MODELS, body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert pointer in {error["pointer"] for error in answer.get_json()["errors"]}
    assert len(shop.get(MODELS).get_json()["items"]) == 1


def test_a_model_that_starts_in_the_past_says_that_it_restates(shop: ApiClient) -> None:
    assert shop.post(MODELS, {**LATER, "effective_from": "1997-07-01", "backdated": "restate"}).status_code == 201
