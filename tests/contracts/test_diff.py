"""What changes from one contract version to another, as an approver reads it and as programs do."""

from __future__ import annotations

from typing import Any

import pytest

from app.contracts.operations.approve_version import approve_rule_version
from app.contracts.operations.diff_version import diff_version
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.submit_version import submit_rule_version
from app.runtime import Context, Runtime
from tests.builders.agreements import agreed, percent, rules, shop
from tests.web.client import ApiClient

CAPPED = """
kind: payout
"on": conversion
hit: first
rules:
  - {id: base, when: {fact: order_value, op: gte, value: {param: minimum}}, then: {percent: "6", of: order_value}}
otherwise: {flat: "0"}
limits: [{id: cap, measure: amount, per: contract, window: month, max: "1500", over: partial}]
"""


@pytest.fixture
def then(runtime: Runtime) -> Context:
    """A contract in force since 1997, with a parameter and a limit."""
    with runtime.work("tester") as ctx:
        shop(ctx, "acme")
        agreed(ctx, "acme", "1997-01-01", rules=rules(CAPPED), params={"minimum": "5"})
        return ctx


def diff_of(client: ApiClient, address: str) -> dict[str, Any]:
    answer = client.get(f"/v1/contracts/acme/versions/{address}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def test_an_amendment_is_said_part_by_part(then: Context, client: ApiClient) -> None:
    payout = CAPPED.replace('percent: "6"', 'percent: "7"').replace('"1500"', '"2000"')
    amended = {"payout": rules(payout)["payout"]}
    draft_version(then, contract="acme", effective_from="1998-01-01", rules=amended, params={"minimum": "10"})
    found = diff_of(client, "2/diff")
    assert found["in_words"] == [
        "in force from 1998-01-01T05:00:00Z instead of 1997-01-01T05:00:00Z",
        "kind of version: amendment instead of initial",
        "back-dating: none instead of restate",
        'parameter minimum is "10" instead of "5"',
        "payout rules from 1998-01-01T05:00:00Z on:",
        "  base: order_value is at least 10.00 (parameter minimum) instead of 5.00 (parameter minimum)",
        "  base: pays 7 % of order_value instead of 6 % of order_value",
        "  limit cap is raised from 1500.00 to 2000.00 per contract and month (more can be paid than before)",
    ]
    assert (found["against"], found["same"]) == (1, False)
    assert [(each["kind"], each["change"], each["compared_with"]) for each in found["rule_versions"]] == [
        ("eligibility", "same", "acme/1/eligibility/1"),
        ("attribution", "same", "acme/1/attribution/1"),
        ("payout", "changed", "acme/1/payout/1"),
    ]
    assert [change["path"] for change in found["loosened_limits"]] == ["/limits/cap"]
    params = found["attributes"][-1]
    assert (params["path"], params["before"], params["after"]) == ("/params/minimum", "5", "10")
    assert client.get(found["check"]).status_code == 200


def test_without_a_base_everything_is_new(then: Context, client: ApiClient) -> None:
    found = diff_of(client, "1/diff")
    assert (found["against"], found["same"]) == (None, False)
    assert {change["change"] for change in found["attributes"]} == {"added"}
    assert [each["change"] for each in found["rule_versions"]] == ["added"] * 3
    assert (
        "  base is new: 6 % of order_value when order_value is at least 5.00 (parameter minimum)" in found["in_words"]
    )
    assert found["loosened_limits"] == []


def test_a_version_is_the_same_as_itself(then: Context, client: ApiClient) -> None:
    found = diff_of(client, "1/diff?against=1")
    assert (found["same"], found["in_words"], found["attributes"]) == (True, ["nothing has changed"], [])


def test_any_two_versions_can_be_compared(then: Context, client: ApiClient) -> None:
    agreed(then, "acme", "1998-01-01", rules={"payout": percent("7")})
    agreed(then, "acme", "1999-01-01", rules={"payout": percent("8")})
    assert "  otherwise: pay 8 % of order_value instead of 7 % of order_value" in diff_of(client, "3/diff")["in_words"]
    back = diff_of(client, "1/diff?against=3")["in_words"]
    assert 'parameter minimum is "5"' in back
    assert (
        "  limit cap is new: at most 1500.00 per contract and month; the line that would go beyond is cut to what is left"
        in back
    )


def test_a_termination_has_no_rules_to_compare(then: Context, client: ApiClient) -> None:
    draft_version(then, contract="acme", effective_from="1999-01-01", termination=True)
    found = diff_of(client, "2/diff")
    assert found["in_words"][3:] == [
        "what starts: the end of the contract instead of terms",
        'parameter minimum is gone; it was "5"',
    ]
    assert (found["rule_versions"], found["loosened_limits"]) == ([], [])


def test_rules_are_compared_with_those_in_force_at_their_start(then: Context) -> None:
    dated = [{"effective_from": day, "body": percent(rate)} for day, rate in (("1998-01-01", "5"), ("1998-07-01", "6"))]
    agreed(then, "acme", "1998-01-01", rules={"payout": dated})
    dated = [{"effective_from": day, "body": percent(rate)} for day, rate in (("1998-03-01", "5"), ("1998-08-01", "9"))]
    draft_version(
        then, contract="acme", effective_from="1998-03-01", rules={"payout": dated}, base=2, backdated="restate"
    )
    found = [each for each in diff_version(then, contract="acme", number=3).rules if each.kind == "payout"]
    assert [(each.effective_from.month, each.change, each.compared_with) for each in found] == [
        (3, None, "acme/2/payout/1"),
        (8, "added", "acme/2/payout/2"),
        (7, "removed", "acme/2/payout/2"),
    ]
    assert found[1].changes[0].says == "otherwise: pay 9 % of order_value instead of 6 % of order_value"
    assert "acme/2/payout/2 is gone" in found[2].says


def test_a_rule_version_counts_once_it_is_approved(then: Context) -> None:
    agreed(then, "acme", "1998-01-01", rules={"payout": percent("5")})
    drafted = draft_rule_version(
        then.acting_as("ann"), contract="acme", number=2, kind="payout", effective_from="1998-06-01",
        body=percent("9"), backdated="restate",
    )  # fmt: skip
    of = {"contract": "acme", "number": 2, "kind": "payout", "rule_number": drafted.number}
    before = len(diff_version(then, contract="acme", number=2).rules)
    submit_rule_version(then.acting_as("ann"), **of)
    approve_rule_version(then.acting_as("eve"), **of)
    assert len(diff_version(then, contract="acme", number=2).rules) == before + 1


@pytest.mark.parametrize(
    ("address", "status"),
    [("1/diff?against=7", 404), ("7/diff", 404), ("1/diff?against=0", 422), ("1/diff?against=one", 422)],
)
def test_what_is_not_there_is_not_compared(then: Context, client: ApiClient, address: str, status: int) -> None:
    assert client.get(f"/v1/contracts/acme/versions/{address}").status_code == status
