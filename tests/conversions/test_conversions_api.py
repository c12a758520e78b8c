"""Conversions and decisions over HTTP: one, many, previewed, explained."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.bodies import conversion, set_up
from tests.web.client import ApiClient

NDJSON = "application/x-ndjson"


def lines_of(client: ApiClient, *bodies: Any) -> list[dict[str, Any]]:
    """Send bodies, or lines as they are, and return the lines of the answer."""
    text = b"\n".join(body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies)
    response = client.post("/v1/conversions", data=text, content_type=NDJSON)
    assert (response.status_code, response.mimetype) == (200, NDJSON)
    return [json.loads(line) for line in response.data.splitlines()]


def test_a_conversion_is_decided_as_it_arrives(client: ApiClient) -> None:
    set_up(client)
    response = client.post("/v1/conversions", conversion())
    assert response.status_code == 201
    assert response.headers["Location"] == "/v1/conversions/cdnow/o1"
    decision = response.get_json()["decision"]
    assert (decision["outcome"], decision["amount"], decision["contract_version"]) == ("rated", "6.00", 1)


def test_the_same_again_is_answered_with_the_same_decision(client: ApiClient) -> None:
    set_up(client)
    first, second = client.post("/v1/conversions", conversion()), client.post("/v1/conversions", conversion())
    assert (second.status_code, second.get_json()["status"]) == (200, "duplicate")
    assert second.get_json()["decision"] == first.get_json()["decision"]


def test_other_content_under_a_known_id_is_refused(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion())
    response = client.post("/v1/conversions", conversion(value="100.01"))
    assert (response.status_code, response.get_json()["code"]) == (409, "conversion_differs")
    assert client.get("/v1/conversions/cdnow/o1").get_json()["facts"]["order_value"] == "100.00"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"event_at": "1997-07-02T10:00:00"}, "/event_at"),
        ({"event_at": "1997-07-02"}, "/event_at"),
        ({"id": ""}, "/id"),
        ({"id": 7}, "/id"),
        ({"partner": ""}, "/partner"),
        ({"facts": []}, "/facts"),
        ({"facts": {"order_valeu": "1"}}, "/facts/order_valeu"),
        ({"facts": {"order_value": "1e3"}}, "/facts/order_value"),
        ({"facts": {"order_value": 1.5}}, "/facts/order_value"),
        ({"fatcs": {}}, "/fatcs"),
        ({"touches": [{}]}, "/touches/0/at"),
    ],
)
def test_a_conversion_with_errors_is_refused(client: ApiClient, wrong: dict[str, Any], pointer: str) -> None:
    set_up(client)
    response = client.post("/v1/conversions", {**conversion(), **wrong})
    assert (response.status_code, response.get_json()["code"]) == (422, "conversion_refused")
    assert pointer in {error["pointer"] for error in response.get_json()["errors"]}


@pytest.mark.parametrize("text", [b"[]", b"7", b"null"])
def test_what_is_no_object_is_refused(client: ApiClient, text: bytes) -> None:
    response = client.post("/v1/conversions", data=text, content_type="application/json")
    assert response.status_code == 422


@pytest.mark.parametrize(
    "event_at",
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"],
)
def test_an_event_at_the_end_of_time_is_no_fault(client: ApiClient, event_at: str) -> None:
    set_up(client)
    assert client.post("/v1/conversions", conversion(event_at=event_at)).status_code in (201, 422)


def test_a_program_that_is_not_there_is_not_found(client: ApiClient) -> None:
    assert client.post("/v1/conversions", conversion(program="none")).get_json()["code"] == "program_not_found"


def test_another_content_type_is_refused_and_both_are_named(client: ApiClient) -> None:
    response = client.post("/v1/conversions", data=b"a,b", content_type="text/csv")
    assert response.status_code == 415
    assert response.headers["Accept"] == "application/json, application/x-ndjson"


def test_many_are_answered_line_by_line_and_a_bad_one_loses_no_other(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion("known"))
    answers = lines_of(
        client,
        conversion("o1"),
        b"",
        b"{oops",
        conversion("known"),
        conversion("o1", "5.00"),
        {"id": "o2"},
        conversion("o3"),
    )
    assert [(answer["line"], answer["status"]) for answer in answers] == [
        (1, "accepted"),
        (3, "refused"),
        (4, "duplicate"),
        (5, "refused"),
        (6, "refused"),
        (7, "accepted"),
    ]
    codes = {answer["line"]: answer["problem"]["code"] for answer in answers if "problem" in answer}
    assert codes == {3: "malformed_json", 5: "conversion_differs", 6: "conversion_refused"}
    assert answers[0]["decision"]["amount"] == "6.00"
    assert client.get("/v1/conversions/cdnow/o3").status_code == 200


def test_sending_a_file_again_changes_nothing(client: ApiClient) -> None:
    set_up(client)
    bodies = [conversion(f"o{number}") for number in range(20)]
    first, second = lines_of(client, *bodies), lines_of(client, *bodies)
    assert {answer["status"] for answer in second} == {"duplicate"}
    assert [answer["decision"] for answer in first] == [answer["decision"] for answer in second]


def test_no_lines_have_no_answers(client: ApiClient) -> None:
    assert lines_of(client, b"", b"\r") == []


@pytest.mark.parametrize("identifier", ["a/b", "50 %", "ü?&#", "x" * 128, "a+b"])
def test_a_conversion_is_found_by_whatever_id_it_has(client: ApiClient, identifier: str) -> None:
    set_up(client)
    created = client.post("/v1/conversions", conversion(identifier))
    assert created.status_code == 201
    shown = client.get(created.headers["Location"]).get_json()
    assert (shown["id"], shown["decision"]["outcome"]) == (identifier, "rated")


def test_a_preview_keeps_nothing(client: ApiClient) -> None:
    set_up(client)
    preview = client.as_("qa").post("/v1/decisions/preview", conversion()).get_json()
    assert (preview["outcome"], preview["amount"]) == ("rated", "6.00")
    assert preview["trace"]["payout"][0]["matched"] is True
    assert client.get("/v1/conversions/cdnow/o1").status_code == 404


def test_a_preview_is_what_the_conversion_then_gets(client: ApiClient) -> None:
    set_up(client)
    preview = client.post("/v1/decisions/preview", conversion()).get_json()
    decision = client.post("/v1/conversions", conversion()).get_json()["decision"]
    assert preview["digest"] == decision["digest"]


def test_a_decision_is_explained(client: ApiClient) -> None:
    set_up(client)
    decision = client.post("/v1/conversions", conversion()).get_json()["decision"]
    shown = client.get(f"/v1/decisions/{decision['id']}").get_json()
    assert {key: shown[key] for key in decision} == decision
    assert shown["trace"]["facts"]["order_value"] == "100.00"
    assert shown["in_words"]


def test_a_decision_without_terms_is_explained_too(client: ApiClient) -> None:
    set_up(client)
    sent = conversion(event_at="1996-12-31T23:59:59-05:00")
    decision = client.post("/v1/conversions", sent).get_json()["decision"]
    shown = client.get(f"/v1/decisions/{decision['id']}").get_json()
    assert (shown["outcome"], shown["trace"]) == ("no_contract", None)


def test_the_decisions_on_a_conversion_are_listed(client: ApiClient) -> None:
    set_up(client)
    decision = client.post("/v1/conversions", conversion()).get_json()["decision"]
    listed = client.get("/v1/decisions?program=cdnow&conversion=o1").get_json()
    assert listed == {"items": [decision]}
    assert client.get("/v1/decisions?program=cdnow&conversion=o2").status_code == 404
    assert client.get("/v1/decisions?program=cdnow").status_code == 422


@pytest.mark.parametrize("path", ["/v1/decisions/dec_none", "/v1/conversions/cdnow/none", "/v1/conversions/none/o1"])
def test_what_is_not_there_is_not_found(client: ApiClient, path: str) -> None:
    assert client.get(path).status_code == 404
