"""Partners and programs over HTTP."""

from __future__ import annotations

import pytest

from tests.web.bodies import PROGRAM
from tests.web.client import ApiClient


def test_a_partner_is_created_shown_and_listed(client: ApiClient) -> None:
    created = client.post("/v1/partners", {"id": "acme", "name": "Acme Ltd"})
    assert created.status_code == 201
    assert created.headers["Location"] == "/v1/partners/acme"
    assert client.get("/v1/partners/acme").get_json() == created.get_json()
    assert client.get("/v1/partners").get_json() == {"items": [created.get_json()]}


def test_the_name_of_a_partner_is_its_id_unless_given(client: ApiClient) -> None:
    assert client.post("/v1/partners", {"id": "acme"}).get_json()["name"] == "acme"


def test_a_partner_is_created_once(client: ApiClient) -> None:
    client.post("/v1/partners", {"id": "acme"})
    response = client.post("/v1/partners", {"id": "acme"})
    assert (response.status_code, response.get_json()["code"]) == (409, "partner_exists")


def test_a_program_is_created_shown_and_listed(client: ApiClient) -> None:
    created = client.post("/v1/programs", PROGRAM)
    assert created.status_code == 201
    assert created.get_json()["attribution"] == {"model": "last_touch"}
    assert client.get(created.headers["Location"]).get_json() == created.get_json()
    assert client.get("/v1/programs").get_json() == {"items": [created.get_json()]}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"currency": "XXX"}, "/currency"),
        ({"currency": "usd"}, "/currency"),
        ({"timezone": "New York"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"attribution": {"model": "last_click"}}, "/attribution/model"),
    ],
)
def test_a_program_with_unknown_words_is_refused(client: ApiClient, wrong: dict[str, object], pointer: str) -> None:
    response = client.post("/v1/programs", {**PROGRAM, **wrong})
    assert (response.status_code, response.get_json()["code"]) == (422, "program_refused")
    assert response.get_json()["errors"][0]["pointer"] == pointer


def test_a_program_is_created_once(client: ApiClient) -> None:
    client.post("/v1/programs", PROGRAM)
    assert client.post("/v1/programs", PROGRAM).get_json()["code"] == "program_exists"


@pytest.mark.parametrize(
    "path", ["/v1/partners/nobody", "/v1/programs/none", "/v1/partners/a%00b", "/v1/partners/a%2Fb"]
)
def test_what_is_not_there_is_not_found(client: ApiClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_program_declares_facts_of_its_own(client: ApiClient) -> None:
    tier = {"type": "enum", "meaning": "the customer's tier", "values": ["gold", "silver"]}
    assert client.post("/v1/programs", {**PROGRAM, "facts": {"tier": tier}}).get_json()["facts"] == {"tier": tier}
    nights = {"type": "integer", "meaning": "how many nights", "unit": "nights"}
    path = f"/v1/programs/{PROGRAM['id']}/facts"
    declared = client.post(path, {"facts": {"nights": nights}})
    assert declared.status_code == 200
    assert declared.get_json()["facts"] == {"tier": tier, "nights": nights}
    changed = client.post(path, {"facts": {"tier": {**tier, "values": ["gold"]}, "Bad": nights}})
    assert (changed.status_code, changed.get_json()["code"]) == (422, "program_refused")
    assert {error["pointer"] for error in changed.get_json()["errors"]} == {"/facts/tier", "/facts/Bad"}
    assert client.post("/v1/programs/none/facts", {"facts": {"tier": tier}}).status_code == 404
    refused = client.post("/v1/programs", {**PROGRAM, "id": "other", "facts": {"country": tier}})
    assert refused.get_json()["errors"][0]["code"] == "fact_known"
