"""Small bodies that tests send: a program, a partner, rules, a conversion."""

from __future__ import annotations

from typing import Any

from tests.web.client import ApiClient

PROGRAM = {"id": "cdnow", "currency": "USD", "timezone": "America/New_York"}
ELIGIBILITY = {"kind": "eligibility", "rules": [], "otherwise": "accept"}
ATTRIBUTION = {"kind": "attribution", "claims": "accept"}


def payout(percent: str = "6") -> dict[str, Any]:
    """A percentage of the order value."""
    rule = {"id": "base", "when": {"always": True}, "then": {"percent": percent, "of": "order_value"}}
    return {"kind": "payout", "on": "conversion", "hit": "first", "rules": [rule], "otherwise": {"flat": "0"}}


def rules(percent: str = "6") -> dict[str, Any]:
    """Everyone is eligible, claims are accepted, and a percentage is paid."""
    return {"eligibility": ELIGIBILITY, "attribution": ATTRIBUTION, "payout": payout(percent)}


def conversion(id: str = "o1", value: str = "100.00", **more: Any) -> dict[str, Any]:
    """An order of acme's in July 1997."""
    facts = {"order_value": value, "customer_id": "u1"}
    sent = {"id": id, "program": "cdnow", "event_at": "1997-07-02T10:00:00-04:00", "partner": "acme", "facts": facts}
    return {**sent, **more}


def set_up(client: ApiClient, *, approve: bool = True) -> None:
    """A program, a partner and the contract acme, whose first version pays 6 % from 1997 on."""
    author, approver = client.as_("ops", "dana"), client.as_("approver", "sam")
    for path, body in (
        ("/v1/programs", PROGRAM),
        ("/v1/partners", {"id": "acme"}),
        ("/v1/contracts", {"id": "acme", "program": "cdnow", "partner": "acme"}),
        ("/v1/contracts/acme/versions", {"effective_from": "1997-01-01", "rules": rules()}),
    ):
        assert author.post(path, body).status_code == 201
    if approve:
        assert author.post("/v1/contracts/acme/versions/1/submit").status_code == 200
        assert approver.post("/v1/contracts/acme/versions/1/approve").status_code == 200
