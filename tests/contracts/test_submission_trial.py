"""Rules are tried out when they are submitted, and what the engine cannot run stays a draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.adapters.confined import Limits
from app.adapters.durable_trial import DurableTrial
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.engine.matcher import RuleConditions, RulesNotRunnable
from app.factory import create_app
from app.rulesets.operations.publish_list import publish_list, publish_list_version
from app.runtime import Context, Runtime
from tests.builders.agreements import agreed, rules, shop
from tests.web.bodies import set_up
from tests.web.client import ApiClient, Keys

TODAY = datetime(1997, 3, 1, tzinfo=UTC)
LARGE = """
kind: payout
"on": conversion
hit: first
rules: [{id: large, when: {fact: order_value, op: gte, value: "100"}, then: {percent: "9", of: order_value}}]
otherwise: {percent: "5", of: order_value}
"""
# No engine starts in so little memory: whatever rules are tried, the trial fails, in a process as it will in earnest.
CRAMPED = DurableTrial(Limits(memory_bytes=2**20))


@pytest.fixture
def then(ctx: Context) -> Context:
    ctx = replace(ctx.at(TODAY), trial=DurableTrial())
    shop(ctx, "acme")
    return ctx


def test_a_version_whose_rules_run_is_submitted(then: Context) -> None:
    drafted = draft_version(then, contract="acme", effective_from="1997-04-01", rules=rules(LARGE))
    assert submit_version(then, contract="acme", number=drafted.number).state == "submitted"


def test_a_version_whose_rules_fail_stays_a_draft(then: Context) -> None:
    drafted = draft_version(then, contract="acme", effective_from="1997-04-01", rules=rules(LARGE))
    with pytest.raises(RulesNotRunnable):
        submit_version(replace(then, trial=CRAMPED), contract="acme", number=drafted.number)
    assert {drafted.state, *(rule.state for rule in drafted.rule_versions)} == {"draft"}
    assert drafted.submitted_by is None
    assert submit_version(then, contract="acme", number=drafted.number).state == "submitted"


def test_a_rule_version_is_tried_as_well(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(LARGE))
    body = rules(LARGE.replace("100", "200"))["payout"]
    drafted = draft_rule_version(then, contract="acme", number=1, kind="payout", effective_from="1997-05-01", body=body)
    named = {"contract": "acme", "number": 1, "kind": "payout", "rule_number": drafted.number}
    with pytest.raises(RulesNotRunnable):
        submit_rule_version(replace(then, trial=CRAMPED), **named)
    assert drafted.state == "draft"
    assert submit_rule_version(then, **named).state == "submitted"


def test_every_set_of_rules_that_has_conditions_is_tried(then: Context) -> None:
    asked: list[RuleConditions] = []

    def noting(versions: Sequence[RuleConditions]) -> None:
        asked.extend(versions)

    drafted = draft_version(then, contract="acme", effective_from="1997-04-01", rules=rules(LARGE))
    submit_version(replace(then, trial=noting), contract="acme", number=drafted.number)
    assert len({version.hash for version in asked}) == len(drafted.rule_versions) == 3
    assert [rule for version in asked for rule, _ in version.rules] == ["large"]


def test_lists_and_parameters_are_tried_with_what_they_stand_for(then: Context) -> None:
    asked: list[RuleConditions] = []
    publish_list(then, id="vip", type="text", members=["A", "B"])
    when = [
        {"fact": "coupon_code", "op": "in", "value": {"list": "vip"}},
        {"fact": "order_value", "op": "gte", "value": {"param": "minimum"}},
    ]
    vip = {
        "kind": "eligibility",
        "rules": [{"id": "vip", "when": {"all": when}, "then": "accept"}],
        "otherwise": "accept",
    }
    given = {"rules": rules(LARGE) | {"eligibility": vip}, "params": {"minimum": "7.50"}}
    drafted = draft_version(then, contract="acme", effective_from="1997-04-01", **given)
    publish_list_version(then, list="vip", members=["C"])
    submit_version(replace(then, trial=asked.extend), contract="acme", number=drafted.number)
    (tried,) = (parts for version in asked for rule, parts in version.rules if rule == "vip")
    assert [leaf.expected for leaf in tried.parts] == [("C",), (Decimal("7.50"),)]  # type: ignore[union-attr]


def test_the_api_says_why_and_keeps_the_draft(runtime: Runtime, keys: Keys) -> None:
    cramped = ApiClient(create_app(replace(runtime, trial=CRAMPED)), keys)
    set_up(cramped, approve=False)
    refused = cramped.post("/v1/contracts/acme/versions/1/submit")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "rules_not_runnable")
    assert "Nothing was submitted" in refused.get_json()["detail"]
    assert cramped.get("/v1/contracts/acme/versions").get_json()["items"][0]["state"] == "draft"
