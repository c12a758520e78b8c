"""Before it is submitted, a version says what is wrong with it and what it changes; a proved mistake is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.contracts.errors import RulesFlawed
from app.contracts.operations import submit_version as submission
from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.check_version import check_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.submit_version import submit_version
from app.partners.operations.declare_facts import declare_facts
from app.rulesets.operations.publish_list import publish_list, publish_list_version
from app.runtime import Context, Runtime
from tests.builders.agreements import CLAIMS, agreed, percent, rules, shop
from tests.web.client import ApiClient

BOTH = """
kind: payout
"on": conversion
hit: unique
rules:
  - {id: large, when: {fact: order_value, op: gte, value: "100"}, then: {percent: "6", of: order_value}}
  - {id: gold, when: {fact: tier, op: eq, value: gold}, then: {percent: "8", of: order_value}}
otherwise: {percent: "4", of: order_value}
"""
TIER = {"tier": {"type": "enum", "meaning": "the customer's tier", "values": ["gold", "silver"]}}


def draft(ctx: Context, payout: str | dict[str, Any], start: str = "2025-01-01", **more: Any) -> int:
    return draft_version(ctx, contract="acme", effective_from=start, rules=rules(payout), **more).number


def test_rules_that_are_proved_to_overlap_stay_a_draft(ctx: Context) -> None:
    shop(ctx, "acme")
    declare_facts(ctx, program="shop", facts=TIER)
    number = draft(ctx, BOTH)
    with pytest.raises(RulesFlawed) as caught:
        submit_version(ctx, contract="acme", number=number)
    assert [finding.code for finding in caught.value.findings] == ["overlap"]
    assert "acme/1/payout/1 cannot be submitted" in caught.value.message
    assert {rule.state for rule in [checked.row for checked in check_version(ctx, contract="acme", number=1)]} == {
        "draft"
    }
    assert submit_version(ctx, contract="acme", number=draft(ctx, BOTH.replace("unique", "first"))).state == "submitted"


def test_a_warning_does_not_stand_in_the_way(ctx: Context) -> None:
    shop(ctx, "acme")
    gap = BOTH.replace("unique", "first").replace('{percent: "4", of: order_value}', "{hold: LOOK}")
    number = draft(ctx, gap.replace("tier, op: eq, value: gold", "country, op: eq, value: US"))
    payout = next(each for each in check_version(ctx, contract="acme", number=number) if each.row.kind == "payout")
    assert [analysed.finding.code for analysed in payout.findings] == ["gap"]
    assert submit_version(ctx, contract="acme", number=number).state == "submitted"


def test_a_list_that_does_not_fit_any_more_is_refused_before_the_approval(ctx: Context) -> None:
    shop(ctx, "acme")
    publish_list(ctx, id="devices", type="text", members=["ctv"])
    when = {"fact": "device_type", "op": "in", "value": {"list": "devices"}}
    eligibility = {"rules": [{"id": "a", "when": when, "then": "accept"}], "otherwise": {"reject": "NO"}}
    draft_version(
        ctx,
        contract="acme",
        effective_from="2025-01-01",
        rules={"eligibility": eligibility, "attribution": CLAIMS, "payout": percent("5")},
    )
    publish_list_version(ctx, list="devices", members=["ctv", "toaster"])
    with pytest.raises(RulesFlawed, match="'toaster', which device_type never is"):
        submit_version(ctx, contract="acme", number=1)


def test_what_a_list_has_come_to_mean_is_checked_at_the_approval(ctx: Context) -> None:
    shop(ctx, "acme")
    publish_list(ctx, id="vip", type="text", members=["A"])
    both = """
    kind: payout
    "on": conversion
    hit: unique
    rules:
      - {id: vip, when: {fact: coupon_code, op: in, value: {list: vip}}, then: {percent: "6", of: order_value}}
      - {id: b, when: {fact: coupon_code, op: eq, value: B}, then: {percent: "8", of: order_value}}
    otherwise: {percent: "4", of: order_value}
    """
    submit_version(ctx.acting_as("author"), contract="acme", number=draft(ctx.acting_as("author"), both))
    publish_list_version(ctx, list="vip", members=["A", "B"])
    with pytest.raises(RulesFlawed, match=r"acme/1/payout/1 cannot be approved\. vip and b overlap"):
        approve_version(ctx.acting_as("approver"), contract="acme", number=1)


def test_rules_that_are_in_force_do_not_stand_in_the_way_of_others(ctx: Context, monkeypatch: Any) -> None:
    shop(ctx, "acme")
    declare_facts(ctx, program="shop", facts=TIER)
    with monkeypatch.context() as patch:  # as a release without the analysis approved them
        patch.setattr(submission, "refuse_flawed", lambda rule, findings: None)
        agreed(ctx, "acme", "2025-01-01", rules=rules(BOTH))
    stricter = {"eligibility": {"rules": [], "otherwise": {"reject": "NO"}}}
    number = draft_version(ctx, contract="acme", effective_from="2025-02-01", rules=stricter).number
    assert submit_version(ctx, contract="acme", number=number).state == "submitted"


def test_a_draft_is_compared_with_what_is_in_force_at_its_start(client: ApiClient, runtime: Runtime) -> None:
    with runtime.work("tester") as ctx:
        shop(ctx, "acme")
        agreed(ctx, "acme", "2025-01-01", rules=rules(percent("5")))
        agreed(ctx, "acme", "2025-06-01", rules=rules(percent("6")))
        draft(ctx, percent("6.5"), "2025-07-01")
    shown = client.get("/v1/contracts/acme/versions/3/check").get_json()
    assert (shown["contract"], shown["number"], shown["ok"]) == ("acme", 3, True)
    by_kind = {each["kind"]: each for each in shown["rule_versions"]}
    assert by_kind["eligibility"]["compared"]["same"] is True
    payout = by_kind["payout"]
    assert (payout["compared_with"], payout["compared"]["same"]) == ("acme/2/payout/1", False)
    value = payout["compared"]["conversion"]["facts"]["order_value"]
    assert "6 %" in payout["compared"]["before"]
    assert "6.5 %" in payout["compared"]["after"]
    assert float(value) != 0
    assert payout["in_words"] == ["otherwise: pay 6.5 % of order_value"]
    first = client.get("/v1/contracts/acme/versions/1/check").get_json()
    assert {each["compared"] for each in first["rule_versions"]} == {None}


def test_a_refusal_over_http_names_the_rules(client: ApiClient, runtime: Runtime) -> None:
    with runtime.work("tester") as ctx:
        shop(ctx, "acme")
        declare_facts(ctx, program="shop", facts=TIER)
        draft(ctx, BOTH)
    refused = client.post("/v1/contracts/acme/versions/1/submit")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "rules_flawed")
    shown = client.get("/v1/contracts/acme/versions/1/check").get_json()
    assert shown["ok"] is False
    (finding,) = [found for each in shown["rule_versions"] for found in each["findings"]]
    assert finding["witness"]["matched"] == ["large", "gold"]
    assert finding["witness"]["conversion"]["facts"]["tier"] == "gold"
