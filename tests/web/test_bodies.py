"""Bodies are read strictly: what two readers could understand differently is refused, and said where."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.web.body import MAX_BODY, MAX_NDJSON
from tests.web.client import ApiClient

JSON = "application/json"


def sent(client: ApiClient, text: str | bytes, path: str = "/v1/partners", content_type: str = JSON) -> TestResponse:
    """Send a body as it is."""
    return client.post(path, data=text, content_type=content_type)


def refusal(response: TestResponse) -> tuple[int, str, str]:
    """Status, code and detail of a refusal."""
    problem = response.get_json()
    return response.status_code, problem["code"], problem["detail"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b'{"id": "acme"', "line 1 column"),
        (b'{\n "id": acme}', "line 2 column 8"),
        (b'{"id": "acme"} x', "Extra data"),
        (b'{"id": "acme"}{"id": "b"}', "Extra data"),
        (b'{"id": "acme", "id": "other"}', "'id' stands twice"),
        (b'{"id": NaN}', "NaN is not JSON"),
        (b'{"id": Infinity}', "Infinity is not JSON"),
        (b'{"id": "\\ud800"}', "surrogate"),
        (b'{"id": "a\\u0000b"}', "NUL"),
        (b'{"\\u0000": {"x": ["y"]}}', "NUL"),
        (b'{"id": "\xff"}', "UTF-8"),
        (b'{"id": ' + b"9" * 40 + b"}", "digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"id": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nested too deeply"),
        (b"\xef\xbb\xbf{}", "BOM"),
    ],
)
def test_malformed_json_is_refused_where_it_stands(client: ApiClient, text: bytes, said: str) -> None:
    status, code, detail = refusal(sent(client, text))
    assert (status, code) == (400, "malformed_json")
    assert said in detail


@pytest.mark.parametrize("text", ['"acme"', "17", "null", "true", "[]", '[{"id": "acme"}]'])
def test_a_body_that_is_no_object_is_refused(client: ApiClient, text: str) -> None:
    response = sent(client, text)
    assert refusal(response)[:2] == (422, "body_refused")
    assert response.get_json()["errors"][0]["pointer"] == ""


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]
)
def test_another_content_type_is_refused_and_the_right_one_named(client: ApiClient, content_type: str) -> None:
    response = sent(client, '{"id": "acme"}', content_type=content_type)
    assert refusal(response)[:2] == (415, "unsupported_media_type")
    assert response.headers["Accept"] == JSON


def test_a_compressed_body_is_refused(client: ApiClient) -> None:
    response = client.post("/v1/partners", data=b"x", content_type=JSON, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415


def test_a_charset_that_is_utf_8_is_fine(client: ApiClient) -> None:
    assert sent(client, '{"id": "acme"}', content_type="application/json; charset=UTF-8").status_code == 201


def test_a_body_that_is_too_large_is_refused(client: ApiClient) -> None:
    status, code, _ = refusal(sent(client, b'{"id": "' + b"a" * MAX_BODY + b'"}'))
    assert (status, code) == (413, "body_too_large")


@pytest.mark.parametrize(("content_type", "limit"), [(JSON, MAX_BODY), ("application/x-ndjson", MAX_NDJSON)])
def test_a_chunked_body_is_not_cut_off_in_silence(client: ApiClient, content_type: str, limit: int) -> None:
    text = BytesIO(b"{}\n" * (limit // 3 + 1))
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    response = client.post("/v1/conversions", input_stream=text, content_type=content_type, environ_overrides=chunked)
    assert refusal(response)[:2] == (413, "body_too_large")


def test_a_chunked_body_within_the_limit_is_read(client: ApiClient) -> None:
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    text = BytesIO(b'{"id": "acme"}')
    response = client.post("/v1/partners", input_stream=text, content_type=JSON, environ_overrides=chunked)
    assert response.status_code == 201


def test_unknown_missing_and_wrong_fields_are_all_reported(client: ApiClient) -> None:
    response = client.post("/v1/programs", {"id": "a b", "nme": "x", "currency": "USD"})
    found = {error["pointer"]: (error["code"], error.get("hint")) for error in response.get_json()["errors"]}
    assert found == {
        "/id": ("bad_identifier", "for example 'a_b'"),
        "/nme": ("unknown_field", "did you mean 'name'?"),
        "/timezone": ("missing_field", None),
    }


@pytest.mark.parametrize(
    ("value", "code"),
    [("null", "wrong_value"), ("1.5", "float_refused"), ("1e3", "float_refused"), ("{}", "wrong_value")],
)
def test_a_value_of_another_type_is_refused(client: ApiClient, value: str, code: str) -> None:
    response = sent(client, f'{{"id": "acme", "name": {value}}}')
    (error,) = response.get_json()["errors"]
    assert (error["code"], error["pointer"]) == (code, "/name")


def test_a_float_is_told_to_be_a_string(client: ApiClient) -> None:
    (error,) = sent(client, '{"id": "acme", "name": 12.50}').get_json()["errors"]
    assert error["hint"] == 'write it as a string: "12.50"'


@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines", "bell\x07"])
def test_a_name_is_one_printable_line(client: ApiClient, name: str) -> None:
    assert client.post("/v1/partners", {"id": "acme", "name": name}).status_code == 422


@pytest.mark.parametrize("identifier", ["", "-a", "a b", "a/b", "ä", "x" * 65, 7, True, None, ["a"]])
def test_an_id_is_an_id(client: ApiClient, identifier: Any) -> None:
    response = client.post("/v1/partners", {"id": identifier})
    assert response.status_code == 422
    assert response.get_json()["errors"][0]["pointer"] == "/id"


@pytest.mark.parametrize("body", [b"{}", b""])
def test_where_no_body_is_expected_none_or_an_empty_one_will_do(client: ApiClient, body: bytes) -> None:
    response = sent(client, body, "/v1/contracts/acme/versions/1/submit")
    assert refusal(response)[:2] == (404, "contract_not_found")


@pytest.mark.parametrize(("text", "content_type", "status"), [(b"{", JSON, 400), (b"{}", "text/plain", 415)])
def test_where_no_body_is_expected_garbage_is_refused(
    client: ApiClient, text: bytes, content_type: str, status: int
) -> None:
    assert sent(client, text, "/v1/contracts/acme/versions/1/approve", content_type).status_code == status


def test_where_no_body_is_expected_another_is_refused(client: ApiClient) -> None:
    response = client.post("/v1/contracts/acme/versions/1/submit", {"force": True})
    assert response.get_json()["errors"][0]["pointer"] == "/force"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limits=2", "/limits"),
        ("limit=0", "/limit"),
        ("limit=501", "/limit"),
        ("limit=ten", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("limit=%C2%B2", "/limit"),
        ("after=nonsense", "/after"),
        ("after=eA", "/after"),
        ("after=WzFd", "/after"),
        ("after=WyJcdTAwMDAiXQ", "/after"),
    ],
)
def test_a_wrong_query_is_refused(client: ApiClient, query: str, pointer: str) -> None:
    response = client.get(f"/v1/partners?{query}")
    assert refusal(response)[:2] == (422, "query_refused")
    assert response.get_json()["errors"][0]["pointer"] == pointer


def test_a_query_where_none_is_known_is_refused(client: ApiClient) -> None:
    assert client.get("/v1/partners/acme?verbose=1").status_code == 422
    assert client.post("/v1/partners?dry_run=1", {"id": "acme"}).status_code == 422
    lines = client.post("/v1/conversions?dry_run=1", data=b"{}", content_type="application/x-ndjson")
    assert lines.status_code == 422
