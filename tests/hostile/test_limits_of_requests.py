"""Requests that are too much in size, number or form are refused before they cost anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from random import Random
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.rulelang.diagnostics import MAX_FINDINGS
from app.web.body import MAX_BODY, MAX_NDJSON
from app.web.lines import MAX_LINES, MAX_SHOWN_IN_LINES, MAX_SHOWN_OF_LINE
from app.web.schema import MAX_FIELDS
from tests.hostile.bodies import rule_body
from tests.hostile.mutations import dumped
from tests.web.client import ApiClient

JSON, NDJSON = "application/json", "application/x-ndjson"
TEN_MB = 10 * 2**20
ADDRESSES = (
    "/v1/rules/check",
    "/v1/conversions",
    "/v1/decisions/preview",
    "/v1/partners",
    "/v1/contracts/acme/versions",
)
BIG: dict[str, Callable[[], bytes]] = {
    "open arrays": lambda: b"[" * TEN_MB,
    "one string": lambda: b'"' + b"a" * TEN_MB + b'"',
    "escapes": lambda: b'"' + b"\\u00e9" * (TEN_MB // 6) + b'"',
    "members": lambda: b"[" + b"1," * (TEN_MB // 2) + b"1]",
    "keys": lambda: b"{" + b",".join(b'"%d":0' % n for n in range(TEN_MB // 12)) + b"}",
    "digits": lambda: b"9" * TEN_MB,
    "blanks": lambda: b" " * TEN_MB,
    "bytes that are no UTF-8": lambda: b"\xff" * TEN_MB,
    "objects in objects": lambda: b'{"a":' * (TEN_MB // 5),
}


class Unread(BytesIO):
    """A body that tells when it is read."""

    def read(self, *args: Any) -> bytes:
        raise AssertionError("the body was read")

    readinto = readline = read  # type: ignore[assignment]


def refusal(response: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal that is short."""
    assert response.mimetype == "application/problem+json"
    assert len(response.data) < 40_000
    return response.status_code, response.get_json()["code"]


@pytest.mark.parametrize("name", BIG)
def test_ten_megabytes_are_refused_at_once(client: ApiClient, name: str) -> None:
    text = BIG[name]()
    for address in ADDRESSES:
        start = time.process_time()
        response = client.post(address, data=text, content_type=JSON)
        assert refusal(response) == (413, "body_too_large")
        assert time.process_time() - start < 0.1  # the client's part is in it


@pytest.mark.parametrize("length", [MAX_BODY + 1, TEN_MB, 2**63, 10**30])
def test_a_length_that_is_too_much_is_refused_without_reading(client: ApiClient, length: int) -> None:
    stated = {"CONTENT_LENGTH": str(length)}
    response = client.post("/v1/rules/check", input_stream=Unread(), content_type=JSON, environ_overrides=stated)
    assert refusal(response) == (413, "body_too_large")


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "", "0x10", "１"])
def test_a_length_that_is_none_is_refused_or_nothing_is_read(client: ApiClient, length: str) -> None:
    stated = {"CONTENT_LENGTH": length}
    response = client.post("/v1/rules/check", input_stream=BytesIO(b"{}"), content_type=JSON, environ_overrides=stated)
    assert response.status_code == 400


def test_the_largest_body_is_read(client: ApiClient) -> None:
    text = b'{"kind": "attribution", "claims": "accept"}'
    for size, status in ((MAX_BODY, 200), (MAX_BODY + 1, 413)):
        assert client.post("/v1/rules/check", data=text.ljust(size), content_type=JSON).status_code == status


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity", "gzip, gzip", "x"])
def test_an_encoded_body_is_refused_without_reading(client: ApiClient, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    response = client.post("/v1/rules/check", input_stream=Unread(), content_type=JSON, headers=headers)
    assert refusal(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_hundred_thousand_defects_fit_in_an_answer(client: ApiClient, address: str) -> None:
    keys = b",".join(b'"%x":0' % n for n in range(12_000))
    for text in (
        b"{%s}" % keys,
        b'{"kind":"eligibility",%s}' % keys,
        b'{"facts":{%s}}' % keys,
        b'{"rules":{%s}}' % keys,
    ):
        start = time.process_time()
        response = client.post(address, data=text, content_type=JSON)
        assert time.process_time() - start < 0.5  # most of it is the client holding the answer against the document
        assert response.status_code in (200, 404, 422)
        assert len(response.data) < 60_000


def test_an_object_of_many_fields_is_refused_as_a_whole(client: ApiClient) -> None:
    for count, pointers in ((MAX_FIELDS - 1, MAX_FIELDS - 1), (MAX_FIELDS, 1)):
        response = client.post("/v1/partners", {"id": "acme", **{f"k{n}": 0 for n in range(count)}})
        assert len(response.get_json()["errors"]) == pointers
    attribution = {f"k{n}": 0 for n in range(MAX_FIELDS + 1)}
    program = {"id": "a", "currency": "USD", "timezone": "UTC", "attribution": attribution}
    errors = client.post("/v1/programs", program).get_json()["errors"]
    assert len(errors) <= MAX_FINDINGS + 2  # and that there are more, and that the model is missing
    assert all(error["pointer"].startswith("/attribution") for error in errors)


def test_many_rule_versions_in_one_draft_are_refused(client: ApiClient) -> None:
    client.post("/v1/programs", {"id": "cdnow", "currency": "USD", "timezone": "America/New_York"})
    client.post("/v1/partners", {"id": "acme"})
    client.post("/v1/contracts", {"id": "acme", "program": "cdnow", "partner": "acme"})
    for dated in ([{}] * 101, [{"effective_from": "1997-01-01", "body": {}}] * 100):
        response = client.post(
            "/v1/contracts/acme/versions", {"effective_from": "1997-01-01", "rules": {"payout": dated}}
        )
        assert refusal(response)[0] == 422
        assert len(response.get_json()["errors"]) <= 151


def test_too_many_lines_are_refused(client: ApiClient) -> None:
    for body in (b"\n" * (MAX_LINES + 1), b"{}\n" * (MAX_LINES + 1), b" " * (MAX_NDJSON + 1)):
        assert refusal(client.post("/v1/conversions", data=body, content_type=NDJSON)) == (413, "body_too_large")


def test_a_line_that_is_too_long_loses_no_other(client: ApiClient) -> None:
    long = b'"' + b"a" * MAX_BODY + b'"'
    response = client.post("/v1/conversions", data=b"{}\n" + long + b"\n{}\n", content_type=NDJSON)
    codes = [line.partition(b'"code":"')[2].partition(b'"')[0] for line in response.data.splitlines()]
    assert codes == [b"conversion_refused", b"malformed_json", b"conversion_refused"]


def test_of_many_bad_lines_only_the_first_are_told_in_full(client: ApiClient) -> None:
    line = b"{%s}\n" % b",".join(b'"%d":0' % n for n in range(15))
    response = client.post("/v1/conversions", data=line * 3_000, content_type=NDJSON)
    answers = response.data.splitlines()
    defects = [answer.count(b'"pointer"') for answer in answers]
    assert defects[0] == MAX_SHOWN_OF_LINE + 1
    assert b"more defects are not listed" in answers[-1]
    assert defects[-1] == 1
    assert sum(defects) < MAX_SHOWN_IN_LINES + len(answers)


@pytest.mark.parametrize(
    ("query", "statuses"),
    [
        ("%", (422,)), ("%zz=1", (422,)), ("%00=%00", (422,)), ("a=%ff%fe", (422,)), ("&&&&", (200,)), ("=", (422,)), ("limit=%31", (200,)),
        ("limit=" + "9" * 5_000, (422,)), ("after=" + "A" * 100_000, (422,)), ("after=%00", (422,)), ("a=" + "b" * 2**20, (422,)),
        ("&".join(f"k{n}={n}" for n in range(50_000)), (422,)), ("&".join(["limit=1"] * 50_000), (422,)), ("limit[]=1", (422,)), ("limit=1;after=2", (422,)),
        ("after=" + "%f0%9f%99%82" * 1_000, (422,)), ("after=W1tbW1tbW1tbW10", (422,)), ("after=" + "W1tb" * 20_000, (422,)),
    ],
    ids=lambda value: ascii(value)[:30],
)  # fmt: skip
def test_a_hostile_query_is_refused(client: ApiClient, query: str, statuses: tuple[int, ...]) -> None:
    start = time.process_time()
    response = client.get(f"/v1/partners?{query}")
    assert time.process_time() - start < 1
    assert response.status_code in statuses, response.text[:500]
    assert len(response.data) < 40_000
    assert client.post(f"/v1/rules/check?{query}", {"kind": "x"}).status_code in (200, 422)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/partners/%00", "/v1/partners/a%00b", "/v1/partners/%ff", "/v1/partners/..%2f..%2fetc%2fpasswd", "/v1/partners/%", "/v1/partners/%zz",
        "/v1/partners/" + "a" * 65, "/v1/partners/" + "a" * 100_000, "/v1/conversions/cdnow/%00", "/v1/conversions/cdnow/%e2%80%ae", "/v1/conversions/cdnow/" + "%2f" * 5_000,
        "/v1/contracts/acme/versions/" + "9" * 5_000, "/v1/contracts/acme/versions/-1", "/v1/contracts/acme/versions/%d9%a1", "/v1/contracts/acme/versions/" + "9" * 12,
        "/v1/contracts/acme/versions/1/rule-versions/payout/" + "9" * 30, "/v1/statements/acme/1997-13", "/v1/" + "a/" * 20_000, "/v1//partners", "/v1/rules/check/", "/\x00",
    ],
    ids=lambda value: ascii(value)[:40],
)  # fmt: skip
def test_a_hostile_path_leads_nowhere(client: ApiClient, path: str) -> None:
    response = client.get(path)
    assert 300 <= response.status_code < 500, response.text[:500]
    assert len(response.data) < 40_000


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer " + "a" * 60_000}, {"Authorization": "Bearer \xff"}, {"Authorization": "Bearer"}, {"Authorization": ""}, {"Authorization": "Basic " + "=" * 100},
        {"Authorization": "Bearer tl_%00"}, {"Authorization": "Bearer tl_\x00"}, {"Authorization": "bearer\ttl_x"}, {"Authorization": "Digest " + 'a="b",' * 5_000},
    ],
    ids=lambda value: ascii(value)[:50],
)  # fmt: skip
def test_a_hostile_key_is_none(client: ApiClient, headers: dict[str, str]) -> None:
    response = client.get("/v1/partners", headers=headers)
    assert response.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=\xff"}, {"Content-Type": "application/json; charset*=utf-8''utf-8"}, {"Content-Type": ";" * 50_000},
        {"Content-Type": "application/json" + "; a=b" * 10_000}, {"Content-Type": 'application/json; charset="utf-8'}, {"Content-Type": "application/json\x00"},
        {"Accept": "\xff" * 1_000}, {"If-Match": '"' * 10_000}, {"Range": "bytes=" + "0-," * 10_000}, {"Cookie": "a=b;" * 10_000}, {"X-Forwarded-For": "\x00"}, {"Expect": "x"},
        {"Accept-Language": "q=" * 20_000}, {"Idempotency-Key": "k" * 50_000}, {"Host": "a" * 5_000}, {"Host": "\xff"}, {"Host": "[::"}, {"Transfer-Encoding": "gzip, chunked"},
    ],
    ids=lambda value: ascii(value)[:50],
)  # fmt: skip
def test_hostile_headers_do_not_matter(client: ApiClient, headers: dict[str, str]) -> None:
    start = time.process_time()
    response = client.post(
        "/v1/rules/check", data=dumped(rule_body(Random(1)), Random(1)), headers={"Content-Type": JSON, **headers}
    )
    assert time.process_time() - start < 1
    assert response.status_code in (200, 400, 415), response.text[:500]


class Broken(BytesIO):
    """A body of which the server that reads it says, in its own words, that it is none."""

    def read(self, *args: Any) -> bytes:
        raise OSError("invalid chunk size")

    readinto = readline = read  # type: ignore[assignment]


def test_a_body_that_breaks_off_is_no_fault_of_ours(client: ApiClient) -> None:
    stated = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    for address, content_type in (("/v1/rules/check", JSON), ("/v1/conversions", NDJSON), ("/v1/partners", JSON)):
        response = client.post(address, input_stream=Broken(), content_type=content_type, environ_overrides=stated)
        assert refusal(response) == (400, "bad_request")
