"""What a version says about deliveries, and its payouts, have to go together: each thing that does not, and where."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.contracts.attributes import Attributes
from app.contracts.delivery_fit import check_beside, check_deliveries
from app.contracts.drafting import RuleDraft
from app.core.errors import Finding
from app.rulelang.ast import Kind
from tests.web.bodies import rules, set_up
from tests.web.client import ApiClient

BILLABLE, RAW = {"cpm": "5.00", "of": "delivery.billable"}, {"cpm": "5.00", "of": "delivery.impressions"}
CAP = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "20.00", "over": "partial"}
FALLBACK = {**CAP, "over": {"fallback": {"flat": "1"}}}


def payout(on: str, otherwise: Any = None, **more: Any) -> dict[str, Any]:
    price = otherwise or (BILLABLE if on == "delivery" else {"flat": "1"})
    return {"kind": "payout", "on": on, "hit": "first", "rules": [], "otherwise": price, **more}


def drafted(kind: Kind, body: Any, month: int = 1) -> RuleDraft:
    return RuleDraft(kind, datetime(2027, month, 1, tzinfo=UTC), body, "hash")


def found(*drafts: RuleDraft, delivery: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    return said(check_deliveries(drafts, Attributes(ends_on=date(2028, 1, 1), delivery=delivery)))


def said(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.code, finding.pointer) for finding in findings]


def test_a_version_has_one_payout_on_deliveries() -> None:
    on_conversions, on_deliveries = payout("conversion"), payout("delivery")
    assert found(drafted("payout", on_conversions), drafted("delivery_payout", on_deliveries)) == []
    assert found(drafted("payout", on_deliveries)) == []
    assert found(drafted("payout", on_deliveries), drafted("delivery_payout", on_deliveries)) == [
        ("two_delivery_payouts", "/rules/delivery_payout")
    ]


def test_what_is_said_about_deliveries_needs_a_payout_on_them() -> None:
    terms = {"basis": "delivered"}
    assert found(drafted("payout", payout("conversion")), delivery=terms) == [("delivery_without_payout", "/delivery")]
    assert found(drafted("payout", payout("delivery")), delivery=terms) == []
    both = (drafted("payout", payout("conversion")), drafted("delivery_payout", payout("delivery")))
    assert found(*both, delivery=terms) == []


# What of the terms takes something off the counts, or pays for less than them.
REDUCING: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": ({"basis": "delivered"}, False),
    "no deductions": ({"basis": "delivered", "deduct": {"invalid": False, "not_viewable": False}}, False),
    "a guarantee": ({"basis": "delivered", "minimum_guarantee": {"amount": "1", "window": "month"}}, False),
    "invalid ones": ({"basis": "delivered", "deduct": {"invalid": True}}, True),
    "too few viewable": ({"basis": "delivered", "deduct": {"not_viewable": "0.5"}}, True),
    "what was contracted": ({"basis": "delivered_up_to_contracted", "contracted": "1000"}, True),
}


@pytest.mark.parametrize(("terms", "reduces"), REDUCING.values(), ids=REDUCING)
def test_counts_as_they_came_in_are_not_paid_past_what_is_taken_off(terms: dict[str, Any], reduces: bool) -> None:
    expected = [("raw_counts", "/rules/payout/otherwise/of")] if reduces else []
    assert found(drafted("payout", payout("delivery", RAW)), delivery=terms) == expected
    assert found(drafted("payout", payout("delivery")), delivery=terms) == []


TABLE = {
    "mode": "graduated",
    "by": {"sum": "delivery.viewable"},
    "window": "month",
    "rate": "per_unit",
    "steps": [{"up_to": None, "unit": "0.01"}],
}
RULE = {"id": "a", "when": {"always": True}}
PLACES: dict[str, tuple[dict[str, Any], str]] = {
    "a rule": ({"rules": [{**RULE, "then": BILLABLE}, {**RULE, "id": "b", "then": RAW}]}, "/rules/1/then/of"),
    "a bonus": ({"bonuses": [{**RULE, "then": {"amount": "delivery.invalid"}}]}, "/bonuses/0/then/amount"),
    "a sum": ({"otherwise": {"sum": [BILLABLE, RAW]}}, "/otherwise/sum/1/of"),
    "a clamp": ({"otherwise": {"clamp": RAW, "max": "1"}}, "/otherwise/clamp/of"),
    "a table": ({"otherwise": {"tiers": TABLE}}, "/otherwise/tiers/by/sum"),
    "packages": (
        {"otherwise": {"package": {"size": "10", "amount": "1"}, "of": "delivery.impressions"}},
        "/otherwise/of",
    ),
    "a fallback": ({"limits": [CAP, {**CAP, "id": "b", "over": {"fallback": RAW}}]}, "/limits/1/over/fallback/of"),
}


@pytest.mark.parametrize(("part", "place"), PLACES.values(), ids=PLACES)
def test_wherever_a_payout_calculates_with_such_counts_is_named(part: dict[str, Any], place: str) -> None:
    deducting = {"basis": "delivered", "deduct": {"invalid": True}}
    body = {**payout("delivery"), **part}
    assert found(drafted("payout", body), delivery=deducting) == [("raw_counts", f"/rules/payout{place}")]
    beside = (drafted("payout", payout("conversion")), drafted("delivery_payout", body))
    expected = ("raw_counts", f"/rules/delivery_payout{place}")
    assert expected in found(*beside, delivery=deducting)


def test_conditions_may_read_counts_as_they_came_in() -> None:
    many = {"fact": "delivery.impressions", "op": "gte", "value": 1000}
    body = payout("delivery", rules=[{"id": "many", "when": many, "then": BILLABLE}])
    assert found(drafted("payout", body), delivery={"basis": "delivered", "deduct": {"invalid": True}}) == []


@pytest.mark.parametrize(
    ("change", "is_another"),
    [
        ({}, False),
        ({"max": "20"}, False),
        ({"max": "20.01"}, True),
        ({"window": "day"}, True),
        ({"per": "partner"}, True),
        ({"over": "hold"}, True),
        ({"id": "other", "max": "1"}, False),
    ],
)
def test_limits_of_one_name_are_one_limit(change: dict[str, Any], is_another: bool) -> None:
    ours, theirs = payout("delivery", limits=[{**CAP, **change}]), payout("conversion", limits=[CAP])
    expected = [("limits_differ", "/rules/delivery_payout/limits/0/id")] if is_another else []
    assert found(drafted("payout", theirs), drafted("delivery_payout", ours)) == expected


def test_limits_are_compared_where_both_payouts_are_in_force() -> None:
    """The cap is raised in March in both: each stands beside the one of its own time. Then one of them is raised late."""
    small, large = {"limits": [CAP]}, {"limits": [{**CAP, "max": "30.00"}]}
    theirs = (drafted("payout", payout("conversion", **small)), drafted("payout", payout("conversion", **large), 3))
    first = drafted("delivery_payout", payout("delivery", **small))
    assert found(*theirs, first, drafted("delivery_payout", payout("delivery", **large), 3)) == []
    assert found(*theirs, first, drafted("delivery_payout", payout("delivery", **large), 4)) == [
        ("limits_differ", "/rules/delivery_payout/0/body/limits/0/id")
    ]
    assert found(*theirs, drafted("delivery_payout", payout("delivery", **large))) == [
        ("limits_differ", "/rules/delivery_payout/limits/0/id")
    ]


@pytest.mark.parametrize(
    ("limit", "is_on_both"),
    [
        (FALLBACK, True),
        ({**FALLBACK, "per": "partner", "window": "contract"}, True),
        ({**FALLBACK, "per": "customer"}, False),
        ({**FALLBACK, "window": "event"}, False),
        ({**FALLBACK, "measure": "count", "max": "2"}, False),
        (CAP, False),
    ],
)
def test_a_limit_on_both_has_no_fallback(limit: dict[str, Any], is_on_both: bool) -> None:
    on_conversions, on_deliveries = payout("conversion", limits=[limit]), payout("delivery")
    expected = [("fallback_for_both", "/rules/payout/limits/0/over")] if is_on_both else []
    assert found(drafted("payout", on_conversions), drafted("delivery_payout", on_deliveries)) == expected
    assert found(drafted("payout", on_conversions)) == []
    # Beside a payout that is there already, whichever of the two has the limit.
    new = said(list(check_beside(on_deliveries, on_conversions, "/body")))
    assert new == ([("fallback_for_both", "/body")] if is_on_both else [])
    new = said(list(check_beside(on_conversions, on_deliveries, "/body")))
    assert new == ([("fallback_for_both", "/body/limits/0/over")] if is_on_both else [])


def test_two_payouts_that_do_not_fit_are_not_both_approved(client: ApiClient) -> None:
    """Each fits what is approved when it is drafted; the second one does not fit the first any more."""
    set_up(client)
    author, approver = client.as_("ops", "dana"), client.as_("approver", "sam")
    at, start = "/v1/contracts/acme/versions/1/rule-versions", {"effective_from": "1997-03-01", "backdated": "restate"}
    theirs, ours = payout("conversion", limits=[CAP]), payout("delivery", limits=[{**CAP, "max": "30.00"}])
    bodies = {"payout": theirs, "delivery_payout": ours}
    written = [author.post(at, {**start, "kind": kind, "body": body}) for kind, body in bodies.items()]
    assert [answer.status_code for answer in written] == [201, 201]
    first, second = (f"{at}/{answer.get_json()['kind']}/{answer.get_json()['number']}" for answer in written)
    for each in (first, second):
        answer = author.post(f"{each}/submit")
        assert answer.status_code == 200, answer.data
    assert approver.post(f"{first}/approve").status_code == 200
    answer = approver.post(f"{second}/approve")
    assert answer.status_code == 422
    assert [(error["code"], error["pointer"]) for error in answer.get_json()["errors"]] == [
        ("limits_differ", "/body/limits/0/id")
    ]
    # With the same limit it is read, submitted and approved at its address, as rules of any other kind.
    fitting = {**start, "kind": "delivery_payout", "body": payout("delivery", limits=[CAP])}
    third = f"{at}/delivery_payout/{author.post(at, fitting).get_json()['number']}"
    assert author.post(f"{third}/submit").status_code == 200
    assert approver.post(f"{third}/approve").status_code == 200
    assert author.get(third).get_json()["state"] == "approved"


def test_a_payout_on_deliveries_that_is_added_to_a_fallback_is_refused(client: ApiClient) -> None:
    set_up(client)
    author, approver = client.as_("ops", "dana"), client.as_("approver", "sam")
    body = {"effective_from": "1997-03-01", "backdated": "restate"}
    with_fallback = {**rules(), "payout": payout("conversion", limits=[FALLBACK])}
    assert author.post("/v1/contracts/acme/versions", {**body, "rules": with_fallback}).status_code == 201
    author.post("/v1/contracts/acme/versions/2/submit")
    assert approver.post("/v1/contracts/acme/versions/2/approve").status_code == 200
    added = {**body, "kind": "delivery_payout", "body": payout("delivery")}
    refused = author.post("/v1/contracts/acme/versions/2/rule-versions", added)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "version_refused")
    assert ("fallback_for_both", "/body") in [
        (error["code"], error["pointer"]) for error in refused.get_json()["errors"]
    ]
