"""Exchange rates over HTTP: recorded, corrected with a reason, read as they were known, and what waits for them decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.engine.exchange import Exchange
from app.factory import create_app
from app.runtime import Runtime
from tests.web.bodies import conversion, set_up
from tests.web.client import ApiClient, Keys

RATES = "/v1/exchange-rates"
EURO = {"from": "EUR", "to": "USD", "day": "1997-07-02", "rate": "1.10", "source": "ECB"}


def sent(client: ApiClient, role: str = "finance", **changes: Any) -> Any:
    return client.as_(role).post(RATES, {**EURO, **changes})


def current(client: ApiClient, identifier: str = "o1") -> dict[str, Any]:
    return client.get(f"/v1/decisions?program=cdnow&conversion={identifier}").get_json()["items"][0]


def euros(identifier: str = "o1") -> dict[str, Any]:
    return conversion(identifier, "80.00", facts={"order_value": "80.00", "currency": "EUR"})


def test_a_rate_is_recorded_and_found(client: ApiClient) -> None:
    answer = sent(client)
    assert answer.status_code == 201
    shown = answer.get_json()
    assert {name: shown[name] for name in EURO} == {**EURO, "rate": "1.1"}
    assert (shown["number"], shown["recorded_by"], shown["reason"]) == (1, "finance", None)
    assert answer.headers["Location"] == "/v1/exchange-rates/EUR/USD/1997-07-02"
    assert client.get(answer.headers["Location"]).get_json() == shown
    assert client.get("/v1/exchange-rates/USD/EUR/1997-07-02").status_code == 404
    assert client.get("/v1/exchange-rates/EUR/USD/1997-07-03").status_code == 404
    assert client.get("/v1/exchange-rates/EUR/USD/July").status_code == 404
    assert sent(client, rate="1.100").get_json() == shown, "the same once more"


def test_rates_are_listed_by_currencies_and_day(client: ApiClient) -> None:
    for changes in ({"day": "1997-07-03"}, {}, {"to": "JPY"}, {"from": "GBP"}, {"day": "1997-07-01"}):
        sent(client, **changes)

    def listed(address: str) -> list[str]:
        found = []
        while address:
            answer = client.get(address)
            found += [f"{one['from']}/{one['to']}/{one['day'][-2:]}" for one in answer.get_json()["items"]]
            address = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        return found

    every = ["EUR/JPY/02", "EUR/USD/01", "EUR/USD/02", "EUR/USD/03", "GBP/USD/02"]
    assert listed(RATES) == listed(f"{RATES}?limit=1") == listed(f"{RATES}?limit=2") == every
    assert listed(f"{RATES}?to=USD&limit=1") == every[1:]
    assert listed(f"{RATES}?from=EUR&to=USD") == every[1:4]


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"from": "ZZZ"}, 422, "rate_refused", "/from"),
        ({"to": "XAU"}, 422, "rate_refused", "/to"),  # gold has no minor unit: nothing is paid in it
        ({"to": "EUR"}, 422, "rate_refused", "/to"),
        ({"rate": "0"}, 422, "rate_refused", "/rate"),
        ({"rate": "-1.1"}, 422, "rate_refused", "/rate"),
        ({"day": "2990-01-01"}, 422, "rate_refused", "/day"),
        ({"from": "eur"}, 422, "body_refused", "/from"),
        ({"rate": 1.1}, 422, "body_refused", "/rate"),
        ({"rate": "1.1234567891"}, 422, "body_refused", "/rate"),
        ({"day": "1997-02-29"}, 422, "body_refused", "/day"),
        ({"until": "1997-07-05"}, 422, "body_refused", "/until"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(
    client: ApiClient, changes: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    answer = sent(client, **changes)
    found = answer.get_json()
    assert (answer.status_code, found["code"], [error["pointer"] for error in found["errors"]]) == (
        status,
        code,
        [pointer],
    )
    assert client.get(RATES).get_json()["items"] == []


def test_another_rate_for_a_day_says_why(client: ApiClient) -> None:
    sent(client)
    refused = sent(client, rate="1.11")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "rate_differs")
    assert sent(client, source="FED").status_code == 409, "who says it stands on lines as well"
    second = sent(client, "ops", rate="1.11", reason="A typing error").get_json()
    assert (second["number"], second["rate"], second["reason"]) == (2, "1.11", "A typing error")
    assert client.get(RATES).get_json()["items"] == [second]
    events = client.get("/v1/audit-events?subject=EUR/USD/1997-07-02").get_json()["items"]
    assert [(one["actor"], one["action"], one["before"], one["after"], one["reason"]) for one in reversed(events)] == [
        ("finance", "exchange_rate.recorded", None, {"rate": "1.1", "source": "ECB"}, None),
        (
            "ops",
            "exchange_rate.recorded",
            {"rate": "1.1", "source": "ECB"},
            {"rate": "1.11", "source": "ECB"},
            "A typing error",
        ),
    ]


def test_rates_are_read_as_they_were_known(runtime: Runtime) -> None:
    now = [datetime(1997, 7, 3, 12, tzinfo=UTC)]
    there = replace(runtime, clock=lambda: now[0])
    client = ApiClient(create_app(there), Keys(there))
    assert sent(client).status_code == 201
    now[0] = datetime(1997, 7, 5, 12, tzinfo=UTC)
    assert sent(client, rate="1.2", reason="A typing error").status_code == 201
    now[0] = datetime(1997, 7, 9, tzinfo=UTC)
    of_then = [
        f"?as_of=1997-07-0{day}T{time}Z"
        for day, time in ((3, "11:59:59"), (3, "12:00:00"), (5, "11:59:59"), (5, "12:00:00"))
    ]
    seen = [client.get(f"{RATES}/EUR/USD/1997-07-02{then}").get_json().get("rate") for then in of_then]
    assert seen == [None, "1.1", "1.1", "1.2"]
    lists = [client.get(f"{RATES}{then}").get_json()["items"] for then in of_then]
    assert [[one["rate"] for one in found] for found in lists] == [[], ["1.1"], ["1.1"], ["1.2"]]


def test_what_waits_is_decided_when_its_rate_comes_and_again_when_that_is_corrected(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", euros())
    waiting = current(client)
    assert (waiting["outcome"], waiting["reasons"]) == (
        "held",
        [{"code": "NO_RATE", "actual": "no rate from EUR to USD is recorded for 1997-07-02"}],
    )
    assert waiting["fx"] == {"from": "EUR", "to": "USD", "date": "1997-07-02", "policy": "event"}
    assert sent(client, day="1997-07-03", rate="9").status_code == 201
    assert current(client)["id"] == waiting["id"], "another day's rate changes nothing"
    sent(client)
    first = current(client)
    assert (first["outcome"], first["amount"]) == ("rated", "5.28")  # 6 % of 88.00
    assert first["lines"][0]["fx"] == {**waiting["fx"], "rate": "1.1", "source": "ECB"}
    sent(client, rate="1.25", reason="A typing error")
    second = current(client)
    assert (second["amount"], second["lines"][0]["fx"]["rate"]) == ("6.00", "1.25")  # 6 % of 100.00
    told = {
        one["id"]: client.get(f"/v1/decisions/{one['id']}").get_json()["in_words"] for one in (waiting, first, second)
    }
    assert "order_value: EUR 80.00 at 1.10 (ECB, 2 July 1997) = USD 88.00." in told[first["id"]], "at the rate of then"
    assert "order_value: EUR 80.00 at 1.25 (ECB, 2 July 1997) = USD 100.00." in told[second["id"]]
    assert "It is held: NO_RATE, no rate from EUR to USD is recorded for 1997-07-02." in told[waiting["id"]]


def test_what_was_decided_before_there_were_rates_is_explained_as_it_was(
    client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(client)
    sent(client)
    with monkeypatch.context() as earlier:
        earlier.setattr("app.conversions.book.Exchange", lambda *known: Exchange())
        client.post("/v1/conversions", euros())
    old = current(client)
    assert (old["amount"], "fx" in old) == ("4.80", False)
    assert client.get(f"/v1/decisions/{old['id']}").get_json()["digest"] == old["digest"]
    sent(client, rate="1.25", reason="A typing error")
    assert current(client)["id"] == old["id"], "nothing of it was at that rate"


def test_a_preview_is_at_the_rate_that_is_recorded(client: ApiClient) -> None:
    set_up(client)
    preview = client.as_("qa").post("/v1/decisions/preview", euros("p1")).get_json()
    assert preview["reasons"][0]["code"] == "NO_RATE"
    sent(client)
    preview = client.as_("qa").post("/v1/decisions/preview", euros("p1")).get_json()
    assert (preview["amount"], preview["trace"]["exchange"]["rate"]) == ("5.28", "1.1")


def test_a_partner_sees_the_rate_of_its_lines_and_no_list_of_rates(client: ApiClient) -> None:
    set_up(client)
    sent(client)
    client.post("/v1/conversions", euros())
    mine = client.as_("partner", "acme")
    shown = mine.get(f"/v1/decisions/{current(client)['id']}").get_json()
    assert shown["lines"][0]["fx"]["rate"] == "1.1"
    assert "order_value: EUR 80.00 at 1.10 (ECB, 2 July 1997) = USD 88.00." in shown["in_words"]
    assert mine.get(RATES).status_code == mine.post(RATES, EURO).status_code == 403
