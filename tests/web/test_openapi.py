"""The API document is complete, valid, and true: clients in the other tests hold every answer against it."""

from __future__ import annotations

import re
from typing import Any

import pytest
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
