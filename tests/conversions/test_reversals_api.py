"""Reversals over HTTP: recorded once, listed as of a time, refused beyond the order, and explained to the cent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.billing import billed
from tests.web.bodies import conversion, set_up
from tests.web.client import ApiClient

AT = "/v1/conversions/cdnow/o1/reversals"
BILL = {"contract": "acme", "period": "1997-07"}
ITEMS = [
    {"sku": "CD-1", "quantity": 2, "price": "12.00"},
    {"sku": "BK-1", "quantity": 3, "price": "20.00", "discount": "1.00"},
]


def back(name: str = "r1", **what: Any) -> dict[str, Any]:
    return {"id": name, "reason": "RETURN", **(what or {"full": True})}


def words(client: ApiClient, decision: str) -> list[str]:
    return client.get(f"/v1/decisions/{decision}").get_json()["in_words"]


@pytest.fixture
def shop(client: ApiClient) -> ApiClient:
    """One order of 100.00, which pays 6 %."""
    set_up(client)
    client.post("/v1/conversions", conversion())
    return client


def test_a_part_that_comes_back_is_decided_again_and_answered_with_the_decision(shop: ApiClient) -> None:
    answer = shop.post(AT, back(amount="40.00", currency="USD", reversed_at="1997-07-03T00:00:00Z"))
    assert (answer.status_code, answer.headers["Location"]) == (201, AT)
    said = answer.get_json()
    assert (said["status"], said["form"], said["mode"], said["amount"], said["left"], said["leaves_nothing"]) == (
        "accepted",
        "amount",
        "restate",
        "40",
        "60",
        False,
    )
    assert [decision["amount"] for decision in said["decisions"]] == ["3.60"]
    assert "Of 100.00 USD, 40.00 came back on 2 July 1997 (r1), before the lock: 60.00 is left." in words(
        shop, said["decisions"][0]["id"]
    )


def test_a_negative_line_is_explained(shop: ApiClient) -> None:
    billed(shop, BILL)
    said = shop.post(AT, back(amount="40.00", reversed_at="1997-08-03T12:00:00Z")).get_json()
    (decision,) = said["decisions"]
    assert (said["mode"], decision["amount"], [line["amount"] for line in decision["lines"]]) == (
        "negate",
        "3.60",
        ["6.00", "-2.40"],
    )
    told = words(shop, decision["id"])
    assert "Line base (reversal:r1): -2.4 precisely, -2.40 USD taken back." in told
    assert (
        "Of 100.00 USD, 40.00 came back on 3 August 1997 (r1), after the lock: -2.40 of 6.00 USD; tiers and limits keep "
        "what it counted for."
    ) in told


def test_what_came_back_as_a_whole_is_explained(shop: ApiClient) -> None:
    (decision,) = shop.post(AT, back(full=True, reversed_at="1997-07-03T12:00:00Z")).get_json()["decisions"]
    assert (decision["outcome"], [reason["code"] for reason in decision["reasons"]]) == ("ineligible", ["REVERSED"])
    told = words(shop, decision["id"])
    assert "Of 100.00 USD, 100.00 came back on 3 July 1997 (r1), before the lock: nothing is left." in told
    assert told[-1] == "It is ineligible: REVERSED, all of it came back by 1997-07-03T12:00:00Z (r1)."


def test_decisions_from_before_are_still_explained(shop: ApiClient) -> None:
    """Each with as many reversals as it knew, though several were recorded since."""
    shop.post(AT, back("r1", amount="10.00"))
    shop.post(AT, back("r2", amount="10.00"))
    billed(shop, BILL)
    shop.post(AT, back("r3"))
    made = shop.get("/v1/decisions?program=cdnow&conversion=o1").get_json()["items"]
    assert [decision["amount"] for decision in made] == ["0.00", "4.80", "5.40", "6.00"]
    for decision in made:
        assert shop.get(f"/v1/decisions/{decision['id']}").status_code == 200


def test_the_same_reversal_again_changes_nothing(shop: ApiClient) -> None:
    first = shop.post(AT, back(amount="40.00")).get_json()
    again = shop.post(AT, back(amount="40.000"))
    assert (again.status_code, again.get_json()) == (200, {**first, "status": "duplicate"})
    assert len(shop.get(AT).get_json()["items"]) == 1
    # It is answered after everything has come back as well.
    shop.post(AT, back("r2"))
    assert shop.post(AT, back(amount="40.00")).status_code == 200


def test_another_reversal_under_a_known_id_is_refused(shop: ApiClient) -> None:
    shop.post(AT, back(amount="40.00"))
    for changed in ({"amount": "41.00"}, {"full": True}, {"amount": "40.00", "currency": "USD"}):
        refused = shop.post(AT, back(**changed))
        assert (refused.status_code, refused.get_json()["code"]) == (409, "reversal_differs")


DEFECTS = (
    (back(amount="0"), "/amount"),
    (back(amount="-1.00"), "/amount"),
    (back(amount=1.5), "/amount"),
    (back(amount="1e2"), "/amount"),
    (back(full=False), "/full"),
    (back(full=True, amount="1.00"), ""),
    ({"id": "r1", "reason": "RETURN"}, ""),
    ({"reason": "RETURN", "full": True}, ""),
    ({"id": "r1", "full": True}, ""),
    (back(amout="1.00"), "/amout"),
    (back(items=[]), "/items"),
    (back(items=[{"sku": "a"}]), "/items/0"),
    (back(items=[{"sku": "a", "quantity": 0}]), "/items/0/quantity"),
    (back(items=[{"sku": "a", "quantity": "1"}]), "/items/0/quantity"),
    (back(full=True, reversed_at="1997-07-03"), "/reversed_at"),
    (back(full=True, reversed_at="2999-01-01T00:00:00Z"), "/reversed_at"),
    (back(full=True, reversed_at="1997-07-01T00:00:00Z"), "/reversed_at"),
)


def test_a_body_with_defects_is_refused_with_their_places(shop: ApiClient) -> None:
    for body, pointer in DEFECTS:
        refused = shop.post(AT, body)
        assert (refused.status_code, refused.get_json()["code"]) == (422, "reversal_refused"), body
        assert pointer in [error["pointer"] for error in refused.get_json()["errors"]], body
    assert shop.get(AT).get_json()["items"] == []


def test_never_more_than_is_left(shop: ApiClient) -> None:
    assert shop.post(AT, back("r1", amount="60.00")).status_code == 201
    refused = shop.post(AT, back("r2", amount="40.01")).get_json()
    assert (refused["code"], refused["detail"]) == (
        "reversal_exceeds",
        "40.01 USD would come back, and 40 is left of the order value.",
    )
    last = shop.post(AT, back("r2", amount="40.00")).get_json()
    assert (last["leaves_nothing"], last["left"], last["decisions"][0]["outcome"]) == (True, "0", "ineligible")
    for more in ({"full": True}, {"amount": "0.01"}):
        assert shop.post(AT, back("r3", **more)).get_json()["code"] == "reversal_exceeds"


def test_what_is_not_known_or_in_another_currency_is_refused(shop: ApiClient) -> None:
    assert shop.post("/v1/conversions/cdnow/nothing/reversals", back()).get_json()["code"] == "conversion_not_found"
    assert shop.post("/v1/conversions/nowhere/o1/reversals", back()).get_json()["code"] == "program_not_found"
    refused = shop.post(AT, back(amount="1.00", currency="EUR"))
    assert (refused.status_code, refused.get_json()["code"]) == (409, "reversal_currency_differs")


def test_articles_come_back_at_their_prices(client: ApiClient) -> None:
    """83.00: two CDs at 12.00, and three books at 20.00 with 1.00 off for all three."""
    set_up(client)
    client.post("/v1/conversions", conversion(facts={"order_value": "83.00", "quantity": 5, "items": ITEMS}))
    one = client.post(AT, back("r1", items=[{"sku": "CD-1", "quantity": 1}])).get_json()
    assert (one["amount"], one["items"], one["decisions"][0]["amount"]) == (
        "12",
        [{"sku": "CD-1", "quantity": 1}],
        "4.26",  # 6 % of 71.00
    )
    assert client.post(AT, back("r2", items=[{"sku": "CD-1", "quantity": 2}])).get_json()["code"] == "reversal_exceeds"
    assert client.post(AT, back("r2", items=[{"sku": "CD-2", "quantity": 1}])).get_json()["code"] == "reversal_exceeds"
    # What a single book has cost is not known; all three were 59.00, and one that was paid back says so.
    unknown = client.post(AT, back("r2", items=[{"sku": "BK-1", "quantity": 1}])).get_json()
    assert unknown["code"] == "reversal_needs_amount"
    both = [{"sku": "BK-1", "quantity": 3}, {"sku": "CD-1", "quantity": 1}]
    last = client.post(AT, back("r2", items=both)).get_json()
    assert (last["amount"], last["leaves_nothing"]) == ("71", True)


def test_articles_with_the_amount_that_was_paid_back_for_them(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion(facts={"order_value": "83.00", "items": ITEMS}))
    said = client.post(AT, back("r1", items=[{"sku": "BK-1", "quantity": 1}], amount="19.67")).get_json()
    assert (said["form"], said["amount"], said["decisions"][0]["amount"]) == ("items", "19.67", "3.80")


def test_a_conversion_without_order_value_comes_back_as_a_whole(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion(facts={"event_type": "install"}))
    refused = client.post(AT, back(amount="1.00"))
    assert (refused.status_code, refused.get_json()["code"]) == (409, "reversal_needs_amount")
    whole = client.post(AT, back("r1")).get_json()
    assert (whole["amount"], whole["leaves_nothing"], whole["decisions"][0]["reasons"][0]["code"]) == (
        "0",
        True,
        "REVERSED",
    )


def test_what_a_statement_shows_of_a_balance_below_zero(shop: ApiClient) -> None:
    first = billed(shop, BILL)
    assert (
        first["amount"],
        *(first["posting"][name] for name in ("brought_forward", "to_pay", "carried_forward")),
    ) == (
        "6.00",
        "0.00",
        "6.00",
        "0.00",
    )
    shop.post(AT, back())
    second = billed(shop, BILL)
    assert (second["amount"], second["posting"]["to_pay"], second["posting"]["carried_forward"]) == (
        "-6.00",
        "0.00",
        "-6.00",
    )
    shown = shop.get("/v1/statements/acme/1997-07").get_json()
    assert (shown["total"], shown["to_pay"], shown["carried_forward"]) == ("0.00", "6.00", "-6.00")
    assert [line["in_words"] for line in shown["balance"]] == [
        "-6.00 USD carried forward to the next posting: less than nothing is never paid."
    ]
    # Half of it is earned back in the same month, which ends 3.00 below zero then.
    shop.post("/v1/conversions", conversion("o2", "50.00"))
    third = billed(shop, BILL)
    assert tuple(third["posting"][name] for name in ("brought_forward", "to_pay", "carried_forward")) == (
        "-6.00",
        "0.00",
        "-3.00",
    )
    shown = shop.get("/v1/statements/acme/1997-07").get_json()
    assert (shown["brought_forward"], shown["to_pay"], shown["carried_forward"], len(shown["balance"])) == (
        "0.00",
        "6.00",
        "-3.00",
        1,
    )


def test_an_order_is_not_corrected_to_less_than_what_came_back_of_it(shop: ApiClient) -> None:
    shop.post(AT, back(amount="60.00"))
    corrections = AT.replace("reversals", "corrections")
    corrected = {"reason": "A voucher", "facts": {"order_value": "59.99", "customer_id": "u1"}}
    refused = shop.post(corrections, corrected)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "reversal_exceeds")
    # Of 70.00, 60.00 came back: 10.00 are left, and then nothing more than that.
    corrected["facts"] = {"order_value": "70.00", "customer_id": "u1"}
    assert shop.post(corrections, corrected).status_code == 201
    assert shop.get("/v1/conversions/cdnow/o1").get_json()["decision"]["amount"] == "0.60"
    assert shop.post(AT, back("r2", amount="10.01")).get_json()["code"] == "reversal_exceeds"
    assert shop.post(AT, back("r2", amount="10.00")).get_json()["leaves_nothing"] is True


def test_an_order_below_zero_is_corrected_like_any_other(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion(value="-50.00"))
    body = {"reason": "A voucher", "facts": {"order_value": "-40.00", "customer_id": "u1"}}
    assert client.post(AT.replace("reversals", "corrections"), body).status_code == 201
    assert client.get("/v1/conversions/cdnow/o1").get_json()["decision"]["amount"] == "-2.40"


def test_what_came_back_in_dollars_is_not_subtracted_from_yen(shop: ApiClient) -> None:
    corrections = AT.replace("reversals", "corrections")
    body = {"reason": "A till in Osaka", "facts": {"order_value": "10000", "customer_id": "u1", "currency": "JPY"}}
    shop.post(AT, back(amount="60.00"))
    refused = shop.post(corrections, body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "reversal_currency_differs")
    body["facts"] = {"order_value": "70.00", "customer_id": "u1", "currency": "USD"}
    assert shop.post(corrections, body).status_code == 201
