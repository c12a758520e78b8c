"""The life of a conversion over HTTP: its state and dates, orders that come in twice, and corrections of facts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from app.engine.reference import ReferenceMatcher
from app.factory import create_app
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.store.models import AuditEvent, Correction
from tests.builders.own_database import own_database
from tests.web.billing import billed
from tests.web.bodies import conversion, rules, set_up
from tests.web.client import ApiClient, Keys

AT = "/v1/conversions/cdnow"


class Clock:
    """Shows what it is set to."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class World:
    """An API with a clock that is turned by hand, and a contract that pays 6 %."""

    def __init__(self, runtime: Runtime, settlement: dict[str, Any] | None = None) -> None:
        self.clock = Clock(datetime(1997, 7, 5, tzinfo=UTC))
        runtime = replace(runtime, clock=self.clock)
        self.client = ApiClient(create_app(runtime), Keys(runtime))
        set_up(self.client)
        if settlement is not None:
            author, approver = self.client.as_("ops", "dana"), self.client.as_("approver", "sam")
            body = {"effective_from": "1997-06-01", "backdated": "restate", "settlement": settlement}
            assert author.post("/v1/contracts/acme/versions", body).status_code == 201
            author.post("/v1/contracts/acme/versions/2/submit")
            assert approver.post("/v1/contracts/acme/versions/2/approve").status_code == 200

    def to(self, text: str) -> None:
        self.clock.now = datetime.fromisoformat(text)

    def send(self, id: str = "o1", **more: Any) -> dict[str, Any]:
        answer = self.client.post("/v1/conversions", conversion(id, **more))
        assert answer.status_code in (200, 201), answer.data
        return dict(answer.get_json())

    def correct(self, id: str, reason: str = "Net of a voucher", **facts: Any) -> Any:
        body = {"facts": {"order_value": "80.00", "customer_id": "u1", **facts}, "reason": reason}
        return self.client.post(f"{AT}/{id}/corrections", body)

    def shown(self, id: str = "o1", as_of: str | None = None) -> dict[str, Any]:
        return dict(self.client.get(f"{AT}/{id}" + (f"?as_of={as_of}" if as_of else "")).get_json())

    def explained(self, id: str = "o1") -> list[str]:
        decision = self.shown(id)["decision"]["id"]
        return list(self.client.get(f"/v1/decisions/{decision}").get_json()["in_words"])

    def bill(self) -> dict[str, Any]:
        return billed(self.client, {"contract": "acme", "period": "1997-07"})


LOCKED = {"hold_days": 3, "lock": {"month_end_days": 10}}


def order(value: str = "100.00", order_id: str = "A-1", customer: str = "u1") -> dict[str, Any]:
    return {"facts": {"order_value": value, "customer_id": customer, "order_id": order_id}}


def test_a_state_comes_with_the_dates_that_lead_on_and_why_they_are_those(runtime: Runtime) -> None:
    world = World(runtime, LOCKED)
    world.send()  # of 2 July, 10:00 in New York
    terms = world.client.get("/v1/contracts/acme/terms").get_json()["in_force"]
    assert terms["settlement"] == LOCKED
    assert terms["settlement_in_words"] == "held for 3 days; locks 10 days after the end of the month"
    life = world.shown()["decision"]["life"]
    assert (world.shown()["state"], life["state"]) == ("held", "held")
    assert (life["held_until"], life["locks_at"]) == ("1997-07-05T14:00:00Z", "1997-08-10T04:00:00Z")
    assert life["in_words"] == [
        "It is held until 5 July 1997 10:00 America/New_York: 3 days after 2 July 1997 10:00.",
        "It locks on 10 August 1997 00:00 America/New_York: 10 days after the end of July.",
    ]
    world.to("1997-08-09T00:00:00Z")
    assert world.shown()["state"] == "rated"
    billed = world.bill()
    assert (billed["lines"], billed["accrued"], billed["waiting"]) == (
        0,
        "6.00",
        {"conversions": 1, "amount": "6.00", "until": "1997-08-10T04:00:00Z"},
    )
    world.to("1997-08-10T04:00:00Z")
    assert world.shown()["state"] == "locked"
    billed = world.bill()
    assert (billed["amount"], billed["accrued"], billed["waiting"]["conversions"]) == ("6.00", "-6.00", 0)
    assert world.shown()["state"] == "posted"
    assert world.explained()[-3:] == [
        "It was held until 5 July 1997 10:00 America/New_York: 3 days after 2 July 1997 10:00.",
        "It locked on 10 August 1997 00:00 America/New_York: 10 days after the end of July.",
        "6.00 USD posted on acme/1997-07 by the run acme/1997-07/2 at 1997-08-10T04:00:00Z.",
    ]
    world.to("1998-01-01T00:00:00Z")
    instants = ("1997-07-05T13:59:59.999999Z", "1997-07-05T14:00:00Z", "1997-08-10T03:59:59Z", "1997-08-10T04:00:00Z")
    assert [world.shown(as_of=instant)["state"] for instant in instants] == ["held", "rated", "rated", "posted"]


def test_without_settlement_terms_there_are_no_dates(runtime: Runtime) -> None:
    world = World(runtime)
    world.send()
    life = world.shown()["decision"]["life"]
    expected = {"state": "rated", "held_until": None, "locks_at": None, "postings": [], "in_words": []}
    assert life == expected
    assert world.bill()["amount"] == "6.00"


def test_what_rules_refuse_is_neither_held_nor_locked(runtime: Runtime) -> None:
    world = World(runtime, LOCKED)
    world.send(partner="nobody")
    assert world.shown()["state"] == "no_contract"
    world.send("o2", facts={})
    shown = world.shown("o2")
    assert (shown["state"], shown["decision"]["outcome"], shown["decision"]["life"]["in_words"]) == ("held", "held", [])


def test_an_order_under_a_second_id_is_said_to_be_counted_already(runtime: Runtime) -> None:
    world = World(runtime)
    world.send("o1", **order())
    decision = world.send("o2", **order())["decision"]
    assert (decision["outcome"], decision["amount"]) == ("ineligible", "0.00")
    assert decision["reasons"] == [{"code": "DUPLICATE_ORDER", "actual": "the order A-1 is counted as o1"}]
    assert "It is ineligible: DUPLICATE_ORDER, the order A-1 is counted as o1." in world.explained("o2")
    preview = world.client.post("/v1/decisions/preview", conversion("o3", **order())).get_json()
    assert [reason["code"] for reason in preview["reasons"]] == ["DUPLICATE_ORDER"]
    # One that happened earlier would count instead; the id itself is no duplicate of itself.
    earlier = conversion("o0", event_at="1997-07-01T10:00:00-04:00", **order())
    assert world.client.post("/v1/decisions/preview", earlier).get_json()["outcome"] == "rated"
    assert world.client.post("/v1/decisions/preview", conversion("o1", **order())).get_json()["outcome"] == "rated"


def test_an_earlier_arrival_takes_the_place_of_the_first_and_history_stays(runtime: Runtime) -> None:
    world = World(runtime)
    first = world.send("o2", **order())["decision"]["id"]
    world.to("1997-07-06T00:00:00Z")
    world.send("o1", **order())
    assert [world.shown(name)["decision"]["amount"] for name in ("o1", "o2")] == ["6.00", "0.00"]
    assert world.shown("o2", "1997-07-05T12:00:00Z")["decision"] == {
        **world.shown("o2", "1997-07-05T12:00:00Z")["decision"],
        "id": first,
        "amount": "6.00",
    }
    assert world.client.get(f"/v1/decisions/{first}").get_json()["outcome"] == "rated"


def test_a_late_submission_is_refused_by_the_contract_whose_deadline_it_misses(runtime: Runtime) -> None:
    world = World(runtime, {"submit_within_days": 2})
    decision = world.send(received_at="1997-07-04T14:00:00Z")["decision"]
    assert decision["outcome"] == "ineligible"
    assert decision["reasons"] == [
        {
            "code": "SUBMITTED_LATE",
            "actual": "it was received on 4 July 1997 10:00 America/New_York, and had to be before "
            "4 July 1997 10:00 America/New_York",
        }
    ]
    assert world.send("o2", received_at="1997-07-04T13:59:59.999999Z")["decision"]["outcome"] == "rated"
    assert world.explained("o1")
    assert world.explained("o2")


def test_a_correction_is_decided_again_and_what_was_known_stays_readable(runtime: Runtime) -> None:
    world = World(runtime)
    first = world.send()["decision"]["id"]
    world.to("1997-07-06T00:00:00Z")
    answer = world.correct("o1")
    body = answer.get_json()
    assert (answer.status_code, body["status"], body["number"], body["decision"]["amount"]) == (
        201,
        "corrected",
        1,
        "4.80",
    )
    shown = world.shown()
    assert shown["facts"]["order_value"] == "80.00"
    assert [(one["number"], one["reason"], one["changes"]) for one in shown["corrections"]] == [
        (1, "Net of a voucher", [{"fact": "order_value", "before": "100.00", "after": "80.00"}])
    ]
    before = world.shown(as_of="1997-07-05T12:00:00Z")
    assert (before["facts"]["order_value"], before["corrections"], before["decision"]["amount"]) == (
        "100.00",
        [],
        "6.00",
    )
    assert any(
        sentence.startswith("Its facts were corrected at 1997-07-06T00:00:00Z by ")
        and sentence.endswith("(Net of a voucher): order_value 80.00 instead of 100.00.")
        for sentence in world.explained()
    )
    old = world.client.get(f"/v1/decisions/{first}").get_json()
    assert (old["amount"], old["trace"]["facts"]["order_value"], old["life"]) == ("6.00", "100.00", None)
    # What was sent first is still the same conversion.
    assert world.send()["status"] == "duplicate"


def test_the_same_correction_again_changes_nothing(runtime: Runtime) -> None:
    world = World(runtime)
    world.send()
    assert world.correct("o1").status_code == 201
    again = world.correct("o1", reason="Another one")
    assert (again.status_code, again.get_json()["status"], again.get_json()["number"]) == (200, "unchanged", 1)
    with runtime.work("reader") as ctx:
        assert ctx.session.scalar(select(func.count()).select_from(Correction)) == 1
        events = ctx.session.scalars(select(AuditEvent.body)).all()
    assert sum('"conversion.corrected"' in event for event in events) == 1


def test_corrections_are_listed_in_pages_as_they_were_known_then(runtime: Runtime) -> None:
    world = World(runtime)
    world.to("1997-07-05T12:00:00+00:00")
    world.send()
    for day, value in ((6, "80.00"), (7, "70.00"), (8, "60.00")):
        world.to(f"1997-07-0{day}T00:00:00+00:00")
        assert world.correct("o1", f"Told on the {day}th", order_value=value).status_code == 201
    at = f"{AT}/o1/corrections"
    first = world.client.get(f"{at}?limit=2")
    shown = first.get_json()["items"]
    assert [(one["number"], one["recorded_at"], one["reason"], one["changes"]) for one in shown] == [
        (
            1,
            "1997-07-06T00:00:00Z",
            "Told on the 6th",
            [{"fact": "order_value", "before": "100.00", "after": "80.00"}],
        ),
        (2, "1997-07-07T00:00:00Z", "Told on the 7th", [{"fact": "order_value", "before": "80.00", "after": "70.00"}]),
    ]
    following = first.headers["Link"].partition(">")[0].removeprefix("<")
    last = world.client.get(following)
    assert [one["changes"] for one in last.get_json()["items"]] == [
        [{"fact": "order_value", "before": "70.00", "after": "60.00"}]
    ]
    assert "Link" not in last.headers
    # The second was there from the 7th on, at the very instant.
    for instant, numbers in (("1997-07-06T23:59:59Z", [1]), ("1997-07-07T00:00:00Z", [1, 2])):
        asked = world.client.get(f"{at}?as_of={instant}").get_json()["items"]
        assert [one["number"] for one in asked] == numbers
    assert world.client.get(f"{at}?as_of=1997-07-05T06:00:00Z").get_json()["code"] == "conversion_not_found"
    assert world.client.get(f"{AT}/nothing/corrections").get_json()["code"] == "conversion_not_found"
    assert world.client.get("/v1/conversions/nowhere/o1/corrections").get_json()["code"] == "program_not_found"


def test_what_is_locked_is_final(runtime: Runtime) -> None:
    world = World(runtime, LOCKED)
    world.send()
    world.to("1997-08-10T03:59:59.999999Z")
    assert world.correct("o1").status_code == 201
    world.to("1997-08-10T04:00:00Z")
    refused = world.correct("o1", order_value="70.00")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "conversion_locked")
    assert world.correct("o1").status_code == 200
    assert world.shown()["decision"]["amount"] == "4.80"


@pytest.mark.parametrize(("body", "pointer"), [
    ({"facts": {"order_valeu": "1"}, "reason": "x"}, "/facts/order_valeu"),
    ({"facts": {"customer_order_number": 1}, "reason": "x"}, "/facts/customer_order_number"),
    ({"facts": [], "reason": "x"}, "/facts"),
    ({"facts": {}, "reason": ""}, "/reason"),
    ({"facts": {}}, ""),
    ({"facts": {}, "reason": "x", "event_at": "1997-07-02T10:00:00Z"}, "/event_at"),
])  # fmt: skip
def test_a_correction_that_cannot_be_is_refused_and_named(runtime: Runtime, body: Any, pointer: str) -> None:
    world = World(runtime)
    world.send()
    refused = world.client.post(f"{AT}/o1/corrections", body)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "correction_refused")
    assert pointer in [error["pointer"] for error in refused.get_json()["errors"]]


def test_a_corrected_customer_moves_the_numbers_of_both_customers_orders(runtime: Runtime) -> None:
    """First orders pay 10 %, others 6 %: what was u1's first order is u2's, so u1's next one is its first."""
    world = World(runtime)
    first = {"id": "first", "when": {"fact": "customer_order_number", "op": "eq", "value": 1}}
    payout = {"kind": "payout", "on": "conversion", "hit": "first", "otherwise": {"percent": "6", "of": "order_value"}}
    payout["rules"] = [{**first, "then": {"percent": "10", "of": "order_value"}}]
    author, approver = world.client.as_("ops", "dana"), world.client.as_("approver", "sam")
    body = {"effective_from": "1997-06-01", "backdated": "restate", "rules": {**rules(), "payout": payout}}
    author.post("/v1/contracts/acme/versions", body)
    author.post("/v1/contracts/acme/versions/2/submit")
    approver.post("/v1/contracts/acme/versions/2/approve")
    for name, hour, customer in (("o1", 10, "u1"), ("o2", 11, "u1"), ("o3", 12, "u2")):
        world.send(name, event_at=f"1997-07-02T{hour}:00:00-04:00", **order("100.00", name, customer))
    amounts = [world.shown(name)["decision"]["amount"] for name in ("o1", "o2", "o3")]
    assert amounts == ["10.00", "6.00", "10.00"]
    assert world.correct("o1", order_value="100.00", customer_id="u2", order_id="o1").status_code == 201
    amounts = [world.shown(name)["decision"]["amount"] for name in ("o1", "o2", "o3")]
    assert amounts == ["10.00", "10.00", "6.00"]


def test_sixteen_who_send_one_order_at_once_are_paid_for_it_once(server_url: str, catalogue: Catalogue) -> None:
    """Each under its own ids, the earliest event last or first as it happens: exactly one counts, and it is the first."""
    with own_database(server_url, pool_size=32) as engine:
        runtime = Runtime(engine, ReferenceMatcher(), catalogue)
        client = ApiClient(create_app(runtime), Keys(runtime))
        set_up(client)
        client.keys.of("admin")

        def send(number: int) -> int:
            at = f"1997-07-02T10:{number % 4:02}:00-04:00"
            body = conversion(f"w{number:02}", event_at=at, **order())
            return int(client.post("/v1/conversions", body).status_code)

        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(send, range(16))) == {201}
        outcomes = {n: client.get(f"{AT}/w{n:02}").get_json()["decision"]["outcome"] for n in range(16)}
        assert [n for n, outcome in outcomes.items() if outcome == "rated"] == [0]
        assert set(outcomes.values()) == {"rated", "ineligible"}
        found = billed(client, {"contract": "acme", "period": "1997-07"})
        assert (found["lines"], found["amount"]) == (1, "6.00")
