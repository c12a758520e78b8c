"""The API document is complete, valid, and true: clients in the other tests hold every answer against it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from app.web.openapi import operations_of
from tests.web.client import ApiClient


@pytest.fixture
def operations(client: ApiClient) -> list[tuple[str, str, dict[str, Any]]]:
    return list(operations_of(client.document))


def test_the_document_is_valid_openapi_3_1(client: ApiClient) -> None:
    assert client.document["openapi"].startswith("3.1")
    validate(client.document)


def test_every_operation_says_what_it_does_and_who_may(operations: list[tuple[str, str, dict[str, Any]]]) -> None:
    for path, method, operation in operations:
        assert len(operation["summary"]) > 5, (path, method)
        assert not operation["summary"].endswith("."), (path, method)
        assert "roles: `" in operation["description"], (path, method)
        assert operation["security"] == [{"apiKey": []}], (path, method)


def test_every_operation_has_its_problems(operations: list[tuple[str, str, dict[str, Any]]]) -> None:
    for path, method, operation in operations:
        expected = {"401", "403", "422", "500", "503"} | (
            {"400", "413", "415"} if "requestBody" in operation else set()
        )
        assert expected <= set(operation["responses"]), (path, method)
        if "{" in path:
            assert "404" in operation["responses"], (path, method)
        for status, response in operation["responses"].items():
            assert response["description"], (path, method, status)
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]


def test_every_problem_that_is_documented_fits_and_has_a_page(
    client: ApiClient, operations: list[tuple[str, str, dict[str, Any]]]
) -> None:
    schema = {"$ref": "#/components/schemas/Problem", "components": client.document["components"]}
    examples = {
        (status, code): response["content"]["application/problem+json"]["example"]
        for _, _, operation in operations
        for status, response in operation["responses"].items()
        if int(status) >= 400
        for code in re.findall(r"/problems/([a-z_]+)", response["description"])
    }
    pages = {code: client.app.test_client().get(f"/problems/{code}").status_code for _, code in examples}
    assert len(pages) > 40
    assert set(pages.values()) == {200}
    for (status, _), example in examples.items():
        Draft202012Validator(schema).validate(example)
        assert example["status"] == int(status)
        assert example["type"] == f"/problems/{example['code']}"


def test_links_lead_to_operations_with_the_ids_these_have(
    client: ApiClient, operations: list[tuple[str, str, dict[str, Any]]]
) -> None:
    ids = {operation["operationId"]: set(re.findall(r"{(\w+)}", path)) for path, _, operation in operations}
    links = [
        (name, link)
        for _, _, operation in operations
        for response in operation["responses"].values()
        for name, link in response.get("links", {}).items()
    ]
    assert len(links) > 25
    for name, link in links:
        assert set(link["parameters"]) == ids[link["operationId"]], name


def test_what_is_made_leads_to_what_can_be_done_with_it(operations: list[tuple[str, str, dict[str, Any]]]) -> None:
    made = {operation["operationId"]: operation["responses"].get("201") for _, _, operation in operations}
    without = [name for name, response in made.items() if response and not response.get("links")]
    assert without == []


def test_every_answer_says_which_headers_it_has(operations: list[tuple[str, str, dict[str, Any]]]) -> None:
    for path, method, operation in operations:
        sent = [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"]
        for status, response in operation["responses"].items():
            assert {"X-Request-Id", "RateLimit", "RateLimit-Policy"} <= set(response["headers"]), (path, method, status)
            is_done = status.startswith("2")
            assert ("Idempotent-Replayed" in response["headers"]) == (is_done and "Idempotency-Key" in sent)
            assert "ETag" in response["headers"] or not is_done or "If-Match" not in sent
        assert ("304" in operation["responses"]) == ("If-None-Match" in sent), (path, method)


def test_operation_ids_are_unique(operations: list[tuple[str, str, dict[str, Any]]]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(ids) == len(set(ids))


def test_every_parameter_is_described(client: ApiClient, operations: list[tuple[str, str, dict[str, Any]]]) -> None:
    shared = [parameter for item in client.document["paths"].values() for parameter in item.get("parameters", [])]
    own = [parameter for _, _, operation in operations for parameter in operation.get("parameters", [])]
    assert [parameter["name"] for parameter in shared + own if not parameter.get("description")] == []


def test_every_field_that_is_taken_is_described(client: ApiClient) -> None:
    schemas = client.document["components"]["schemas"]
    taken = {name: schema for name, schema in schemas.items() if name.startswith("New")}
    bare = [
        f"{name}.{field}"
        for name, schema in taken.items()
        for field, about in schema["properties"].items()
        if "description" not in about and "$ref" not in about
    ]
    assert bare == []
    assert all(schema["additionalProperties"] is False for schema in taken.values())


def test_references_lead_somewhere(client: ApiClient) -> None:
    text = client.app.test_client().get("/openapi.json").text
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names <= set(client.document["components"]["schemas"])


def test_the_docs_page_loads_nothing_from_elsewhere(client: ApiClient) -> None:
    page = client.get("/docs/")
    assert re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page.text) == []
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    for asset in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        with client.get(asset) as response:
            assert response.status_code == 200, asset


def test_the_docs_page_shows_our_document_and_asks_no_validator(client: ApiClient) -> None:
    page = client.get("/docs/").text
    assert '"url": "/openapi.json"' in page
    assert '"validatorUrl": null' in page
