"""The JSON Schema of rules, as editors fetch it: without a key, and again only when it is another one."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from app.adapters.fact_files import shipped_catalogue
from app.rulelang.schema import rules_schema
from app.rulesets.routes import EXAMPLE
from tests.web.client import ApiClient

ADDRESS = "/schemas/rules.json"


def test_the_schema_is_served_to_everybody(client: ApiClient) -> None:
    answer = client.app.test_client().get(ADDRESS)
    assert answer.status_code == 200
    assert answer.content_type == "application/schema+json"
    assert answer.get_json(force=True) == rules_schema(shipped_catalogue())
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_it_is_not_sent_again_to_who_has_it(client: ApiClient) -> None:
    ask = client.app.test_client().get
    tag = ask(ADDRESS).headers["ETag"]
    again = ask(ADDRESS, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert ask(ADDRESS, headers={"If-None-Match": '"another"'}).status_code == 200


def test_the_api_document_leads_to_it(client: ApiClient) -> None:
    body = client.document["components"]["schemas"]["RuleBody"]
    schema = client.app.test_client().get(body["externalDocs"]["url"]).get_json(force=True)
    assert body["properties"]["kind"]["enum"] == schema["properties"]["kind"]["enum"]
    validator = Draft202012Validator(schema)
    assert validator.is_valid(EXAMPLE)
    wrong = {**EXAMPLE, "hit": "frist"}
    assert not validator.is_valid(wrong)
    assert client.post("/v1/rules/check", wrong).get_json()["ok"] is False
