"""Lists come in pages that follow each other without a gap."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from tests.web.client import ApiClient


def next_of(response: TestResponse) -> str | None:
    """The address of the next page."""
    found = re.fullmatch(r'<(.+)>; rel="next"', response.headers.get("Link", ""))
    return found[1] if found else None


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8, 50])
def test_following_the_links_shows_everything_once(client: ApiClient, limit: int) -> None:
    for number in range(7):
        client.post("/v1/partners", {"id": f"p{number}"})
    address: str | None = f"/v1/partners?limit={limit}"
    found, pages = [], 0
    while address:
        response = client.get(address)
        found += [item["id"] for item in response.get_json()["items"]]
        address, pages = next_of(response), pages + 1
    assert found == [f"p{number}" for number in range(7)]
    assert pages == -(-7 // limit)


def test_an_empty_list_is_a_list(client: ApiClient) -> None:
    response = client.get("/v1/partners")
    assert response.get_json() == {"items": []}
    assert next_of(response) is None
