"""Every read, asked as of an instant that has passed, gives the bytes it gave at that instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from typing import Any

import pytest
from sqlalchemy import text

from app.core.ids import derived_id
from app.core.instants import write_instant
from app.factory import create_app
from app.runtime import Runtime
from app.web.openapi import operations_of
from tests.builders.owner import as_owner
from tests.web.billing import billed
from tests.web.bodies import PROGRAM, conversion, payout, rules
from tests.web.client import ApiClient, Keys

# Reads of the contracts room; it takes as_of on its own terms. A check is of a draft, as it would be approved now.
# What these show is of now by what it is: what would be approved, and what that would change.
WITHOUT_AS_OF = {
    "/v1/api-keys",
    "/v1/api-keys/{api_key}",
    "/v1/audit-events/head",
    # A run is work that goes on: where it is now. What it posted is read on statements.
    "/v1/billing-runs",
    "/v1/billing-runs/{run}",
    "/v1/billing-runs/{run}/lines",
    "/v1/contracts/{contract}/versions/{number}/check",
    "/v1/contracts/{contract}/versions/{number}/diff",
    "/v1/contracts/{contract}/versions/{number}/impact",
    "/v1/contracts/{contract}/versions/{number}/rule-versions/{kind}/{rule_number}/impact",
}
MICROSECOND = timedelta(microseconds=1)
Bytes = tuple[int, bytes]


@dataclass
class HandedClock:
    """A clock that is moved on by hand."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class World:
    """An installation under a clock of its own."""

    client: ApiClient
    clock: HandedClock

    def post(self, path: str, body: Any = None, role: str = "admin") -> Any:
        answer = self.client.as_(role).post(path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.get_json()

    def get(self, address: str, as_of: datetime | None = None) -> Bytes:
        asked = {} if as_of is None else {"query_string": self.query(address, as_of)}
        answer = self.client.get(address.partition("?")[0] if asked else address, **asked)
        return answer.status_code, answer.data

    def query(self, address: str, as_of: datetime) -> str:
        given = address.partition("?")[2]
        return f"{given}&" * bool(given) + f"as_of={write_instant(as_of)}"

    def draft(self, effective_from: str, rate: str, **more: Any) -> int:
        body = {"effective_from": effective_from, "rules": {**rules(), "payout": payout(rate)}, **more}
        return int(self.post("/v1/contracts/acme/versions", body, "ops")["number"])

    def approve(self, effective_from: str, rate: str, **more: Any) -> None:
        number = self.draft(effective_from, rate, **more)
        self.post(f"/v1/contracts/acme/versions/{number}/submit", role="ops")
        self.post(f"/v1/contracts/acme/versions/{number}/approve", role="approver")


@pytest.fixture
def world(runtime: Runtime) -> World:
    clock = HandedClock(datetime(1997, 1, 10, tzinfo=UTC))
    runtime = replace(runtime, clock=clock)
    return World(ApiClient(create_app(runtime), Keys(runtime)), clock)


def march(identifier: str, day: int, value: str = "100.00", **more: Any) -> dict[str, Any]:
    return conversion(identifier, value, event_at=f"1997-03-{day:02}T10:00:00-05:00", **more)


CORRECTION = {"facts": {"order_value": "100.00", "customer_id": "u1", "quantity": 1}, "reason": "Told later"}


def counted(revision: int, impressions: int) -> dict[str, Any]:
    place = {"placement": "home", "source": "adserver", "revision": revision}
    return {**OF_DAY, **place, "facts": {"impressions": impressions}}


BILL = {"contract": "acme", "period": "1997-03"}
OF_DAY = {"contract": "acme", "delivered_on": "1997-03-05"}
CREDIT = {**OF_DAY, "id": "k1", "kind": "credit", "repairs_on": "1997-03-05", "amount": "1.00", "reason": "It was dark"}
LOYALTY = {"loyalty": {"type": "enum", "meaning": "the tier", "values": ["gold", "silver"]}}
PROGRAM_AT, RULES_AT = "/v1/programs/cdnow", "/v1/contracts/acme/versions/1/rule-versions/payout/2"
RATE = {"kind": "payout", "effective_from": "1997-02-10", "body": payout("7"), "backdated": "restate"}
EURO = {"from": "EUR", "to": "USD", "day": "1997-03-20", "rate": "1.10", "source": "ECB"}
# What happens, and when. Each is one request, or an approval with what leads to it.
STORY: list[tuple[str, Callable[[World], Any]]] = [
    ("1997-01-11", lambda world: world.post("/v1/programs", PROGRAM)),
    ("1997-01-12", lambda world: world.post("/v1/partners", {"id": "acme"})),
    ("1997-01-13", lambda world: world.post("/v1/contracts", {"id": "acme", "program": "cdnow", "partner": "acme"})),
    ("1997-01-14", lambda world: world.approve("1997-02-01", "6")),
    ("1997-02-20", lambda world: world.post("/v1/lists", {"id": "vip", "type": "text", "members": ["VIP"]})),
    ("1997-03-03", lambda world: world.post("/v1/conversions", march("o1", 2))),
    ("1997-03-21", lambda world: world.post("/v1/conversions", march("o2", 20, "50.00"))),
    ("1997-04-02", lambda world: billed(world.client, BILL)),
    ("1997-04-09", lambda world: world.post("/v1/programs/cdnow/facts", {"facts": LOYALTY})),
    ("1997-05-05", lambda world: world.approve("1997-03-10", "8", backdated="restate")),
    ("1997-05-06", lambda world: world.post("/v1/lists/vip/versions", {"members": ["VIP", "GOLD"]})),
    # Its sender had it in March; we know of it since May.
    ("1997-05-20", lambda world: world.post("/v1/conversions", march("late", 21, received_at="1997-03-21T20:00:00Z"))),
    ("1997-05-21", lambda world: world.post("/v1/deliveries", counted(1, 1000))),
    ("1997-05-22", lambda world: world.post("/v1/deliveries", counted(2, 900))),
    ("1997-05-23", lambda world: world.post("/v1/delivery-adjustments", CREDIT)),
    ("1997-05-30", lambda world: world.post("/v1/partners", {"id": "other"})),
    ("1997-06-01", lambda world: world.post("/v1/conversions/cdnow/o1/corrections", CORRECTION)),
    ("1997-06-02", lambda world: billed(world.client, BILL)),
    (
        "1997-06-03",
        lambda world: world.post(f"{PROGRAM_AT}/approval-policies", {"policy": {"approvals": 2}}, "approver"),
    ),
    ("1997-06-04", lambda world: world.draft("1997-08-01", "9", ends_on="1998-08-01")),
    ("1997-06-05", lambda world: world.post("/v1/contracts/acme/versions/3/submit", role="ops")),
    ("1997-06-06", lambda world: world.post("/v1/contracts/acme/versions/3/approve", role="approver")),
    ("1997-06-07", lambda world: world.post("/v1/contracts/acme/versions/4/approve")),
    ("1997-06-08", lambda world: world.post("/v1/contracts/acme/versions/1/rule-versions", RATE, "ops")),
    ("1997-06-09", lambda world: world.post(f"{RULES_AT}/submit", role="ops")),
    ("1997-06-10", lambda world: world.post(f"{RULES_AT}/reject", {"reason": "Not agreed"}, "approver")),
    ("1997-06-11", lambda world: world.post("/v1/contracts/acme/versions/2/retire", {"reason": "A mistake"})),
    (
        "1997-06-12",
        lambda world: world.post(
            f"{PROGRAM_AT}/attribution-models", {"effective_from": "1997-07-01", "attribution": {"model": "linear"}}
        ),
    ),
    (
        "1997-06-13",
        lambda world: world.post(
            "/v1/conversions/cdnow/o2/reversals", {"id": "r", "reason": "RETURN", "amount": "5.00"}
        ),
    ),
    ("1997-06-14", lambda world: world.post("/v1/exchange-rates", EURO, "finance")),
    (
        "1997-06-15",
        lambda world: world.post("/v1/exchange-rates", {**EURO, "rate": "1.11", "reason": "A typing error"}),
    ),
    ("1997-06-16", lambda world: world.post(f"{PROGRAM_AT}/accounting-periods/1997-04/close", role="finance")),
]


def play(world: World, story: Sequence[tuple[str, Callable[[World], Any]]] = STORY) -> None:
    """Let a story happen, without reading anything in between."""
    for day, happens in story:
        world.clock.now = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        happens(world)


def reads(world: World) -> list[str]:
    """Return the templates of all reads that take as_of."""
    return [
        path
        for path, method, _ in operations_of(world.client.document)
        if method == "get" and path not in WITHOUT_AS_OF
    ]


def addresses(world: World, decisions: set[str]) -> Iterator[str]:
    """Yield the addresses of everything that there is in this world, or will be."""
    ids = {
        "partner": ["acme", "other"],
        "program": ["cdnow"],
        "list": ["vip"],
        "number": ["1", "2", "3", "4"],
        "kind": ["payout"],
        "rule_number": ["1", "2"],
        "contract": ["acme"],
        "period": ["1997-03"],
        "source": ["EUR"],
        "target": ["USD"],
        "day": ["1997-03-20"],
        "conversion": ["o1", "o2", "late"],
        "decision": sorted(decisions),
        "delivery": [derived_id("dlv", "acme", "1997-03-05", "home", "adserver", str(number)) for number in (1, 2)],
    }
    for template in reads(world):
        names = [part[1:-1] for part in template.split("/") if part.startswith("{")]
        for chosen in product(*(ids[name] for name in names)):
            address = template.format(**dict(zip(names, chosen, strict=True)))
            if template == "/v1/decisions":
                yield from (f"{address}?program=cdnow&conversion={one}" for one in ids["conversion"])
            elif template in ("/v1/deliveries", "/v1/delivery-adjustments"):
                yield f"{address}?contract=acme"
            elif template == "/v1/delivery-decisions":
                yield f"{address}?contract=acme&delivered_on=1997-03-05"
            elif template.endswith("/terms"):
                yield f"{address}?at=1997-03-15"
            else:
                yield address
    yield "/v1/statements?contract=acme&limit=1"
    yield "/v1/statements/acme/1997-03?limit=1"


def all_decisions(world: World) -> set[str]:
    """Return the ids of the decisions there are by now; asking has what waits decided."""
    answers = [world.client.get(f"/v1/decisions?program=cdnow&conversion={one}") for one in ("o1", "o2", "late")]
    return {row["id"] for answer in answers if answer.status_code == 200 for row in answer.get_json()["items"]}


def is_answered_alike(one: Bytes, two: Bytes) -> bool:
    """What is refused names the instant it was asked of, and terms say it: all else is the same to the byte."""
    return one == two if one[0] == 200 else one[0] == two[0]


def test_what_was_read_once_is_read_again_as_of_then(world: World) -> None:
    """Months pass. After each change everything is read; in the end all of it is asked once more, as of each instant."""
    remembered: list[tuple[datetime, dict[str, Bytes]]] = []
    for day, happens in STORY:
        world.clock.now = datetime.fromisoformat(f"{day}T12:00:00.000001+00:00")
        happens(world)
        decisions = all_decisions(world)
        remembered.append((world.clock.now, {one: world.get(one) for one in addresses(world, decisions)}))
    world.clock.now = datetime(1998, 3, 1, tzinfo=UTC)

    for then, answers in remembered:
        assert {one: world.get(one, then) for one in answers} == answers
    for (_, before), (then, _) in pairwise(remembered):
        for one, answer in before.items():
            if not one.startswith("/v1/contracts"):  # their answers say as of when they are
                assert is_answered_alike(world.get(one, then - MICROSECOND), answer), (one, then)
    statuses = {template: set() for template in reads(world)}
    for _, answers in remembered:
        for one, (status, _) in answers.items():
            statuses[world.client.template("get", one.partition("?")[0]) or ""].add(status)
    assert all(200 in found for found in statuses.values()), statuses
    changed = {
        one
        for (_, a), (_, b) in pairwise(remembered)
        for one in a
        if a[one][0] == b[one][0] == 200 and a[one] != b[one]
    }
    # What was shown did change, so that the same bytes are no accident.
    assert {"/v1/programs/cdnow", "/v1/lists/vip", "/v1/conversions/cdnow/o2", "/v1/statements/acme/1997-03"} <= changed
    assert {"/v1/exchange-rates", "/v1/exchange-rates/EUR/USD/1997-03-20"} <= changed
    assert any(one.startswith("/v1/decisions/dec_") for one in changed)


def test_every_read_takes_as_of(world: World) -> None:
    named = {
        path for path, method, _ in operations_of(world.client.document) if method == "get" and path.startswith("/v1/")
    }
    taking = {
        path
        for path, method, operation in operations_of(world.client.document)
        if method == "get" and "as_of" in [parameter["name"] for parameter in operation.get("parameters", [])]
    }
    assert named - taking == WITHOUT_AS_OF


def test_the_future_is_refused_everywhere(world: World) -> None:
    play(world)
    there = [one for one in addresses(world, all_decisions(world)) if world.get(one)[0] == 200]
    assert len(there) > 40
    for one in there:
        status, answer = world.get(one, world.clock.now + MICROSECOND)
        assert (status, b"instant_refused" in answer) == (422, True), one
        assert world.get(one, world.clock.now)[0] == 200, one


def test_a_date_means_its_first_instant_where_a_zone_is_known(world: World) -> None:
    play(world)
    # 3 March in New York begins at five in UTC; o1 came in at noon.
    assert world.client.get("/v1/conversions/cdnow/o1?as_of=1997-03-04").status_code == 200
    assert world.client.get("/v1/conversions/cdnow/o1?as_of=1997-03-03").status_code == 404
    assert world.client.get("/v1/programs/cdnow?as_of=1997-01-11").status_code == 404
    assert world.client.get("/v1/programs/cdnow?as_of=1997-01-12").get_json()["facts"] == {}
    assert world.client.get("/v1/statements/acme/1997-03?as_of=1997-05-01").get_json()["total"] == "9.00"
    # 100 at 6 %, 50 at 8 %, and the late 100 at 8 %.
    assert world.client.get("/v1/statements/acme/1997-03").get_json()["total"] == "18.00"
    assert world.client.get("/v1/partners?as_of=1997-05-01").status_code == 422


def test_a_conversion_that_waited_for_its_decision_says_so(world: World, runtime: Runtime) -> None:
    play(world, STORY[:6])
    with runtime.work("tester") as ctx, as_owner(ctx.session.connection()):
        ctx.session.execute(text("SET LOCAL session_replication_role = replica"))  # as if there were no trigger
        ctx.session.execute(text("UPDATE conversions SET recorded_at = recorded_at - interval '1 hour'"))
    shown = world.client.get("/v1/conversions/cdnow/o1?as_of=1997-03-03T11:30:00Z").get_json()
    assert (shown["decision"], shown["reason"]["code"]) == (None, "NOT_DECIDED")
    assert "reason" not in world.client.get("/v1/conversions/cdnow/o1").get_json()


def test_deciding_now_does_not_change_the_past(world: World) -> None:
    """An amendment waits to be settled; a read of the past settles it, and shows what was decided then."""
    play(world, STORY[:10])
    world.clock.now += timedelta(days=1)
    before = world.client.get("/v1/conversions/cdnow/o2?as_of=1997-05-05T13:00:00Z").get_json()
    assert before["decision"]["amount"] == "3.00"
    assert world.client.get("/v1/conversions/cdnow/o2").get_json()["decision"]["amount"] == "4.00"
    assert world.client.get("/v1/conversions/cdnow/o2?as_of=1997-05-05T13:00:00Z").get_json() == before


def test_pages_go_on_as_of_the_same_instant(world: World) -> None:
    play(world)
    address = "/v1/statements/acme/1997-03?limit=1&as_of=1997-05-01T00:00:00Z"
    shown = []
    while address:
        answer = world.client.get(address)
        shown += [line["amount"] for line in answer.get_json()["lines"]]
        address = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert shown == ["6.00", "3.00"]
    assert len(world.client.get("/v1/statements/acme/1997-03").get_json()["lines"]) == 4


def test_a_decision_never_retires_one_before_it_was_made(world: World) -> None:
    """A unit of work that began first may have to wait for another one: then it knows what that has recorded."""
    play(world, STORY[:6])
    began = world.clock.now - timedelta(hours=1)
    world.clock.now = began
    world.approve("1997-03-01", "8", backdated="restate")
    world.post("/v1/conversions", march("o1", 2))  # known already: it is only decided again
    world.clock.now = began + timedelta(days=1)
    new, old = world.client.get("/v1/decisions?program=cdnow&conversion=o1").get_json()["items"]
    assert old["retired_at"] == old["as_of"] == new["as_of"]
    assert world.client.get("/v1/conversions/cdnow/o1").get_json()["decision"]["amount"] == "8.00"
