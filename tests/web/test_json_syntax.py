"""What is JSON is read and what is not is refused with 400 and its place, whichever address it is sent to."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from app.web.body import MAX_BODY
from tests.builders.json_syntax import OURS, REFUSED, TAKEN
from tests.web.client import ApiClient

# What an address says of JSON that is nothing it could use: a check has worked, the others refuse the content.
ADDRESSES = {"/v1/rules/check": 200, "/v1/conversions": 422, "/v1/partners": 422}
NOT_TAKEN = {**REFUSED, **OURS}
_PLACE = re.compile(r"cannot be read as JSON: line [0-9]+ column [0-9]+: .")


def test_there_are_cases_of_each_kind_and_all_are_small_enough_to_be_read() -> None:
    assert (len(TAKEN), len(REFUSED), len(OURS)) >= (50, 150, 30)
    assert len(NOT_TAKEN) == len(REFUSED) + len(OURS)
    assert all(len(text) <= MAX_BODY for texts in (TAKEN, NOT_TAKEN) for text in texts.values())


@pytest.mark.parametrize("address", ADDRESSES)
def test_json_is_read(client: ApiClient, address: str) -> None:
    wrong = {}
    for name, text in TAKEN.items():
        response = client.post(address, data=text, content_type="application/json")
        said = response.get_json().get("findings" if address == "/v1/rules/check" else "errors")
        if response.status_code != ADDRESSES[address] or not said:
            wrong[name] = response.text
    assert wrong == {}


@pytest.mark.parametrize("address", ADDRESSES)
def test_other_text_is_refused_with_its_place(client: ApiClient, address: str) -> None:
    wrong = {}
    for name, text in NOT_TAKEN.items():
        response = client.post(address, data=text, content_type="application/json")
        problem = response.get_json()
        is_right = (response.status_code, problem["code"]) == (400, "malformed_json") and len(response.data) < 1_000
        if not is_right or response.mimetype != "application/problem+json" or not _says_why(name, problem["detail"]):
            wrong[name] = response.text
    assert wrong == {}


def _says_why(name: str, detail: str) -> bool:
    if not NOT_TAKEN[name].strip():
        return "is empty" in detail
    return "the character NUL" in detail if name.startswith("NUL escaped") else bool(_PLACE.search(detail))


def test_as_a_line_it_is_refused_by_itself(client: ApiClient) -> None:
    names = [name for name, text in NOT_TAKEN.items() if text.strip() and b"\n" not in text]
    lines = b"\n".join(b"{}\n" + NOT_TAKEN[name] for name in names)
    response = client.post("/v1/conversions", data=lines, content_type="application/x-ndjson")
    assert response.status_code == 200
    codes = list(_codes(response.data))
    assert codes[::2] == ["conversion_refused"] * len(names)
    assert [name for name, code in zip(names, codes[1::2], strict=True) if code != "malformed_json"] == []


def _codes(lines: bytes) -> Iterator[str]:
    for line in lines.splitlines():
        yield line.decode().partition('"code":"')[2].partition('"')[0]
