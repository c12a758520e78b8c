"""Parameters of contract versions, pinned lists and facts of programs: what a draft must say, and what an approval binds."""

from __future__ import annotations

from typing import Any

import pytest

from app.contracts.errors import BaseChanged, VersionRefused
from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.core.errors import AppError
from app.engine.terms import Terms
from app.partners.errors import ProgramRefused
from app.partners.mapping import catalogue_of
from app.partners.operations.declare_facts import declare_facts
from app.partners.repository import program_named
from app.rulelang.facts import Fact
from app.rulelang.printer import body_lines
from app.rulesets.operations.publish_list import publish_list, publish_list_version
from app.runtime import Context
from tests.builders.agreements import CLAIMS, agreed, percent, shop

MINIMUM = {
    "rules": [
        {"id": "min", "when": {"fact": "order_value", "op": "gte", "value": {"param": "minimum"}}, "then": "accept"}
    ],
    "otherwise": {"reject": "LOW"},
}
VIP = {
    "rules": [{"id": "vip", "when": {"fact": "coupon_code", "op": "in", "value": {"list": "vip"}}, "then": "accept"}],
    "otherwise": {"reject": "NO"},
}


def rules(eligibility: Any = MINIMUM) -> dict[str, Any]:
    return {"eligibility": eligibility, "attribution": CLAIMS, "payout": percent("5")}


def refused(ctx: Context, **draft: Any) -> list[tuple[str, str, str | None]]:
    with pytest.raises(VersionRefused) as caught:
        draft_version(ctx, contract="acme", effective_from="2025-01-01", **draft)
    return [(finding.code, finding.pointer, finding.hint) for finding in caught.value.findings]


def in_words(ctx: Context, at: str) -> str:
    found = get_terms(ctx, contract="acme", at=at).terms
    assert isinstance(found, Terms)
    return body_lines(found.eligibility_body)[0]


def test_a_draft_gives_the_parameters_that_its_rules_read(ctx: Context) -> None:
    shop(ctx, "acme")
    at = "/rules/eligibility/rules/0/when/value/param"
    assert refused(ctx, rules=rules()) == [("unknown_param", at, "give it under `params` of the contract version")]
    misspelt = refused(ctx, rules=rules(), params={"minimun": "5"})
    assert [finding[:2] for finding in misspelt] == [("unused_param", "/params/minimun"), ("unknown_param", at)]
    assert misspelt[0][2] == "did you mean 'minimum'?"
    assert [f[:2] for f in refused(ctx, rules=rules(), params={"minimum": "5,00"})] == [("value_not_of_type", at)]
    for value in (None, {}, [[]], 5.0, [5.0]):
        assert refused(ctx, rules=rules(), params={"minimum": value})[0][:2] == ("wrong_type", "/params/minimum")
    assert refused(ctx, rules=rules(), params={"a b": "5", "minimum": "5"})[0][:2] == ("bad_identifier", "/params/a b")


def test_parameters_are_taken_over_like_rules(ctx: Context) -> None:
    shop(ctx, "acme")
    agreed(ctx, "acme", "2025-01-01", rules=rules(), params={"minimum": "5"})
    agreed(ctx, "acme", "2025-02-01", params={"minimum": "7.5"})
    third = agreed(ctx, "acme", "2025-03-01", rules={"payout": percent("6")})
    assert third.params == {"minimum": "7.5"}
    assert in_words(ctx, "2025-01-15") == "min: accept when order_value is at least 5.00 (parameter minimum)"
    assert in_words(ctx, "2025-03-15") == "min: accept when order_value is at least 7.50 (parameter minimum)"
    # What is no longer read is no longer kept.
    assert agreed(ctx, "acme", "2025-04-01", rules={"eligibility": {"rules": [], "otherwise": "accept"}}).params == {}
    with pytest.raises(VersionRefused) as caught:
        draft_version(ctx, contract="acme", effective_from="2025-03-15", params={"minimum": "x"})
    assert [finding.code for finding in caught.value.findings] == ["value_not_of_type"]


def test_an_approval_binds_the_parameters(ctx: Context) -> None:
    shop(ctx, "acme", "other")
    hashes = {
        draft_version(
            ctx, contract="acme", effective_from="2025-01-01", rules=rules(), params={"minimum": value}
        ).content_hash
        for value in ("5", "6")
    }
    assert len(hashes) == 2


def test_a_later_rule_version_reads_the_parameters_of_its_contract_version(ctx: Context) -> None:
    shop(ctx, "acme")
    agreed(ctx, "acme", "2025-01-01", rules=rules(), params={"minimum": "5"})
    later: Any = {"contract": "acme", "number": 1, "kind": "eligibility", "effective_from": "2025-02-01"}
    assert draft_rule_version(ctx, **later, body=MINIMUM).state == "draft"
    other = {
        **MINIMUM,
        "rules": [{**MINIMUM["rules"][0], "when": {"fact": "tax", "op": "gt", "value": {"param": "most"}}}],
    }
    with pytest.raises(VersionRefused, match="no value is given for the parameter 'most'"):
        draft_rule_version(ctx, **later, body=other)


def test_a_list_that_does_not_fit_any_more_cannot_be_approved(ctx: Context) -> None:
    shop(ctx, "acme")
    publish_list(ctx, id="devices", type="text", members=["ctv"])
    when = {"fact": "device_type", "op": "in", "value": {"list": "devices"}}
    eligibility = {"rules": [{"id": "a", "when": when, "then": "accept"}], "otherwise": {"reject": "NO"}}
    author = ctx.acting_as("author")
    drafted = draft_version(author, contract="acme", effective_from="2025-01-01", rules=rules(eligibility))
    assert drafted.rule_versions[1].lists == {}
    submit_version(author, contract="acme", number=1)
    publish_list_version(ctx, list="devices", members=["ctv", "toaster"])
    with pytest.raises(AppError, match=r"does not fit the lists as they are now.*'toaster'"):
        approve_version(ctx.acting_as("approver"), contract="acme", number=1)


def test_an_approval_pins_the_list_that_is_the_newest_then(ctx: Context) -> None:
    shop(ctx, "acme")
    publish_list(ctx, id="vip", type="text", members=["A"])
    author = ctx.acting_as("author")
    draft_version(author, contract="acme", effective_from="2025-01-01", rules=rules(VIP))
    submit_version(author, contract="acme", number=1)
    _, newest = publish_list_version(ctx, list="vip", members=["A", "B"])
    approved = approve_version(ctx.acting_as("approver"), contract="acme", number=1)
    pins = {rule.kind: rule.lists for rule in approved.rule_versions}
    assert pins == {"eligibility": {"vip": {"version": 2, "hash": newest.hash}}, "attribution": {}, "payout": {}}
    publish_list_version(ctx, list="vip", members=["C"])
    assert in_words(ctx, "2025-01-15") == "vip: accept when coupon_code is one of A, B (list vip)"
    taken_over = agreed(ctx, "acme", "2025-02-01", rules={"payout": percent("6")})
    assert {rule.kind: rule.lists for rule in taken_over.rule_versions}["eligibility"]["vip"]["version"] == 2


def with_the_newest_list(ctx: Context) -> dict[str, Any]:
    """Approve the eligibility rules of version 1 once more, as they are, and return what they are pinned to."""
    first: Any = {"contract": "acme", "number": 1, "kind": "eligibility"}
    author = ctx.acting_as("author")
    draft_rule_version(author, **first, effective_from="2025-01-01", body=VIP, backdated="restate")
    submit_rule_version(author, **first, rule_number=2)
    return approve_rule_version(ctx.acting_as("approver"), **first, rule_number=2).lists


def test_rules_in_force_get_a_new_list_by_approving_them_once_more(ctx: Context) -> None:
    shop(ctx, "acme")
    publish_list(ctx, id="vip", type="text", members=["A"])
    agreed(ctx, "acme", "2025-01-01", rules=rules(VIP))
    publish_list_version(ctx, list="vip", members=["B"])
    assert with_the_newest_list(ctx)["vip"]["version"] == 2
    assert in_words(ctx, "2025-01-15") == "vip: accept when coupon_code is one of B (list vip)"


def test_a_draft_does_not_bring_back_a_list_that_has_been_replaced(ctx: Context) -> None:
    shop(ctx, "acme")
    publish_list(ctx, id="vip", type="text", members=["A"])
    agreed(ctx, "acme", "2025-01-01", rules=rules(VIP))
    pay_more: Any = {"contract": "acme", "effective_from": "2025-02-01", "rules": {"payout": percent("6")}}
    draft_version(ctx.acting_as("author"), **pay_more, backdated="restate")
    submit_version(ctx.acting_as("author"), contract="acme", number=2)
    publish_list_version(ctx, list="vip", members=["B"])
    with_the_newest_list(ctx)
    with pytest.raises(BaseChanged, match="took over attribution and eligibility rules"):
        approve_version(ctx.acting_as("approver"), contract="acme", number=2)


def test_a_draft_does_not_bring_back_a_parameter_that_has_been_changed(ctx: Context) -> None:
    shop(ctx, "acme")
    agreed(ctx, "acme", "2025-01-01", rules=rules(), params={"minimum": "5"})
    pay_more: Any = {"contract": "acme", "effective_from": "2025-03-01", "rules": {"payout": percent("6")}}
    draft_version(ctx.acting_as("author"), **pay_more, backdated="restate")
    draft_version(ctx.acting_as("author"), **pay_more, backdated="restate", params={"minimum": "9"})
    agreed(ctx, "acme", "2025-02-01", params={"minimum": "7"})
    for number in (2, 3):
        submit_version(ctx.acting_as("author"), contract="acme", number=number)
    # The one that says its own minimum is meant as it is.
    assert approve_version(ctx.acting_as("approver"), contract="acme", number=3).params == {"minimum": "9"}
    with pytest.raises(BaseChanged, match="parameters minimum as they were when it was drafted"):
        approve_version(ctx.acting_as("approver"), contract="acme", number=2)
    ctx.session.rollback()


def test_a_list_that_is_not_there_is_named(ctx: Context) -> None:
    shop(ctx, "acme")
    assert refused(ctx, rules=rules(VIP))[0][:2] == ("unknown_list", "/rules/eligibility/rules/0/when/value/list")


def test_records_are_declared_again_in_whatever_order_their_fields_are_kept(ctx: Context) -> None:
    shop(ctx)
    fields = {"nights": {"type": "integer", "meaning": "how many"}, "bed": {"type": "text", "meaning": "which"}}
    rooms = {"rooms": {"type": "records", "meaning": "what was booked", "fields": fields}}
    declare_facts(ctx, program="shop", facts=rooms)
    ctx.session.expire_all()
    assert list(program_named(ctx.session, "shop").facts["rooms"]["fields"]) == ["bed", "nights"]
    declare_facts(ctx, program="shop", facts=rooms)


def test_a_fact_that_is_shipped_later_does_not_change_what_a_program_declared(ctx: Context) -> None:
    shop(ctx)
    declare_facts(ctx, program="shop", facts={"nights": {"type": "integer", "meaning": "how many"}})
    later = ctx.catalogue.extended({"nights": Fact("nights", "decimal", "how many, in parts")})
    assert later["nights"].type == "decimal"
    assert catalogue_of(program_named(ctx.session, "shop"), later)["nights"].type == "integer"


def test_facts_of_a_program_are_its_own(ctx: Context) -> None:
    shop(ctx, "acme")
    shop(ctx, program="other")
    tier = {"type": "enum", "meaning": "the customer's tier", "values": ["gold"]}
    declare_facts(ctx, program="shop", facts={"tier": tier})
    declare_facts(ctx, program="shop", facts={"tier": tier, "nights": {"type": "integer", "meaning": "how many"}})
    assert list(program_named(ctx.session, "shop").facts) == ["tier", "nights"]
    assert program_named(ctx.session, "other").facts == {}
    for facts in ({"tier": {**tier, "values": ["gold", "silver"]}}, {"country": tier}):
        with pytest.raises(ProgramRefused) as caught:
            declare_facts(ctx, program="shop", facts=facts)
        assert caught.value.findings[0].code == "fact_known"
    when = {"fact": "tier", "op": "eq", "value": "gold"}
    agreed(
        ctx,
        "acme",
        "2025-01-01",
        rules=rules({"rules": [{"id": "gold", "when": when, "then": "accept"}], "otherwise": {"reject": "NO"}}),
    )
    assert in_words(ctx, "2025-01-15") == "gold: accept when tier is gold"


def test_a_draft_starts_from_what_was_approved(ctx: Context) -> None:
    shop(ctx, "acme")
    agreed(ctx, "acme", "2025-01-01", rules=rules(), params={"minimum": "5"})
    draft_version(ctx, contract="acme", effective_from="2025-02-01", params={"minimum": "100"})
    assert [finding[:2] for finding in refused(ctx, base=2)] == [("unknown_base", "/base")]
    assert draft_version(ctx, contract="acme", effective_from="2025-03-01", base=1).params == {"minimum": "5"}
