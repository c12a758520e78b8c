"""What applying a document would change, in each case, and that it changes just that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, func, select

from app.contract_files.errors import DocumentMalformed, PlanChanged
from app.contract_files.operations import apply_documents as module
from app.contracts.operations.close_version import withdraw_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.submit_version import submit_version
from app.contracts.repository import version_numbered
from app.core.clock import frozen_at
from app.core.errors import AppError
from app.rulesets.operations.publish_list import publish_list_version
from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from app.store.models import AuditEvent, Contract, ContractVersion, NamedList, Partner, Program
from tests.builders.agreements import percent, rules
from tests.builders.documents import actions, all_approved, applied, exported, written

TEXT = """\
format: 1
program: {id: shop, currency: USD, timezone: America/New_York}
partner: {id: acme}
lists:
  codes: {type: text, versions: [[GOLD]]}
contract: {id: acme}
versions:
  - effective_from: "2030-01-01"
    rules: &rules
      eligibility:
        rules: [{id: listed, when: {fact: coupon_code, op: in, value: {list: codes}}, then: accept}]
        otherwise: {reject: NO_CODE}
      attribution: {claims: accept}
      payout: {on: conversion, hit: first, rules: [], otherwise: {percent: "5", of: order_value}}
  - effective_from: "2031-01-01"
    reason: The second year
    rules:
      eligibility: {rules: [], otherwise: accept}
      attribution: {claims: accept}
      payout: {on: conversion, hit: first, rules: [], otherwise: {percent: "6", of: order_value}}
"""
PROMOTION = """\
  - effective_from: "2031-07-01"
    kind: promotion
    until: "2031-07-08"
    rules: *rules
  - effective_from: "2031-07-08"
    kind: restoration
    rules: *rules
"""
TABLES = (Program, Partner, NamedList, Contract, ContractVersion, AuditEvent)


@pytest.fixture
def shop(process: Runtime, empty: Connection) -> Iterator[Runtime]:
    """An empty database in 2029, before the terms begin."""
    with taken_back(empty):
        yield replace(process, clock=frozen_at(datetime(2029, 1, 1, tzinfo=UTC)))


def at(process: Runtime, year: int) -> Runtime:
    return replace(process, clock=frozen_at(datetime(year, 3, 1, tzinfo=UTC)))


def rows(process: Runtime) -> list[int]:
    with process.work("counter") as ctx:
        return [ctx.session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


def changed(old: str, new: str, text: str = TEXT) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


SIX_TO_SEVEN = ('percent: "6"', 'percent: "7"')


def test_on_an_empty_database_everything_is_created_and_submitted(shop: Runtime) -> None:
    (done,) = applied(shop, TEXT)
    created = [(part.what, part.action) for part in done.plan.parts]
    assert created == [(what, "create") for what in ("program", "partner", "list", "contract")]
    assert actions([done]) == ["draft", "draft"]
    assert written(shop, "acme") == [(1, "initial", "submitted"), (2, "amendment", "submitted")]
    assert done.written == ("acme/1", "acme/2")


def test_a_second_time_there_is_nothing_to_do_whatever_was_approved(shop: Runtime) -> None:
    applied(shop, TEXT)
    before = rows(shop)
    assert not applied(shop, TEXT)[0].plan.changes
    assert rows(shop) == before
    all_approved(shop, "acme")
    before = rows(shop)
    assert actions(applied(at(shop, 2032), TEXT)) == ["same", "same"]
    assert rows(shop) == before


def test_a_rate_changed_by_hand_in_the_future_version_drafts_exactly_one_version(shop: Runtime) -> None:
    applied(shop, TEXT)
    all_approved(shop, "acme")
    text = changed(*SIX_TO_SEVEN, text=exported(shop, "acme"))
    (done,) = applied(shop, text)
    assert actions([done]) == ["same", "replace"]
    (plan,) = [plan for plan in done.plan.versions if plan.action == "replace"]
    assert plan.diff == (
        "- payout: otherwise: pay 6 % of order_value",
        "+ payout: otherwise: pay 7 % of order_value",
    )
    assert written(shop, "acme")[2:] == [(3, "amendment", "submitted")]
    assert exported(shop, "acme") == text
    assert not applied(shop, text)[0].plan.changes


def test_what_is_approved_of_it_takes_the_place_of_the_former_version(shop: Runtime) -> None:
    applied(shop, TEXT)
    all_approved(shop, "acme")
    applied(shop, changed(*SIX_TO_SEVEN))
    all_approved(shop, "acme")
    with shop.work("reader") as ctx:
        assert version_numbered(ctx.session, "acme", 2).replaced_by == "acme/3"


def test_a_draft_is_edited_and_a_submitted_version_is_not_touched(shop: Runtime) -> None:
    applied(shop, TEXT, submit=False)
    edited = applied(shop, changed(*SIX_TO_SEVEN), submit=False)
    assert actions(edited) == ["same", "edit"]
    assert written(shop, "acme") == [(1, "initial", "draft"), (2, "amendment", "draft")]
    with shop.work("ann") as ctx:
        assert version_numbered(ctx.session, "acme", 2).editors == ["file writer"]
        submit_version(ctx, contract="acme", number=2)
    again = applied(shop, TEXT, submit=False)
    assert actions(again) == ["same", "replace"]
    assert written(shop, "acme")[1:] == [(2, "amendment", "submitted"), (3, "amendment", "draft")]


def test_what_is_not_in_the_file_is_named_and_stays(shop: Runtime) -> None:
    applied(shop, TEXT)
    first = TEXT[: TEXT.index('  - effective_from: "2031')]
    done = applied(shop, first)
    assert actions(done) == ["same", "not in the file"]
    assert not done[0].plan.changes
    assert written(shop, "acme") == [(1, "initial", "submitted"), (2, "amendment", "submitted")]


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("currency: USD", "currency: EUR", "/program/currency"),
        ("contract: {id: acme}", "contract: {id: acme, direction: receivable}", "/contract/direction"),
        ("contract: {id: acme}", "contract: {id: acme, timezone: Europe/Berlin}", "/contract/timezone"),
        ("partner: {id: acme}", "partner: {id: globex}", "/partner/id"),
        ("[[GOLD]]", "[[SILVER]]", "/lists/codes/versions/0"),
        ("type: text", "type: decimal", "/lists/codes"),
    ],
)
def test_another_frame_is_refused_with_its_line(shop: Runtime, old: str, new: str, where: str) -> None:
    applied(shop, TEXT)
    before = rows(shop)
    text = changed(old, new).replace("[[GOLD]]", '[["5"]]' if "decimal" in new else "[[GOLD]]")
    with pytest.raises(DocumentMalformed) as refused:
        applied(shop, text)
    line = 1 + text[: text.index(new)].count("\n")
    assert any(finding.pointer.startswith(where) for finding in refused.value.findings)
    assert f"contract.yaml:{line}: {where}" in refused.value.message
    assert rows(shop) == before


def test_a_list_that_grew_is_extended_and_approved_rules_keep_their_version(shop: Runtime) -> None:
    applied(shop, TEXT)
    all_approved(shop, "acme")
    grown = changed("[[GOLD]]", "[[GOLD], [GOLD, SILVER]]")
    done = applied(shop, grown)
    assert [part.note for part in done[0].plan.parts if part.action == "extend"] == ["1 more version"]
    assert actions(done) == ["replace", "same"]  # the first version means the newest list now, and says so
    assert done[0].plan.versions[0].diff == (
        "- eligibility: with version 1 of codes",
        "- eligibility: listed: accept when coupon_code is one of GOLD (list codes)",
        "+ eligibility: with version 2 of codes",
        "+ eligibility: listed: accept when coupon_code is one of GOLD, SILVER (list codes)",
    )
    all_approved(shop, "acme")
    assert exported(shop, "acme").count("lists:") == 1


def test_a_list_that_grows_before_the_approval_changes_nothing_that_was_applied(shop: Runtime) -> None:
    applied(shop, TEXT)
    with shop.work("ann") as ctx:
        publish_list_version(ctx, list="codes", members=["GOLD", "SILVER"])
    all_approved(shop, "acme")
    with shop.work("ann") as ctx:
        pinned = [rule.lists for rule in version_numbered(ctx.session, "acme", 1).rule_versions if rule.lists]
    assert [pins["codes"]["version"] for pins in pinned] == [1]
    assert not applied(shop, TEXT)[0].plan.changes


def test_rules_from_a_later_date_are_added_to_an_approved_version(shop: Runtime) -> None:
    applied(shop, TEXT)
    all_approved(shop, "acme")
    body = '{on: conversion, hit: first, rules: [], otherwise: {percent: "6", of: order_value}}'
    dated = """
        - {effective_from: "2031-01-01", body: %s}
        - {effective_from: "2031-05-01", body: %s}"""
    text = changed(f"payout: {body}", "payout:" + dated % (body, body.replace('"6"', '"9"')))
    done = applied(shop, text)
    assert actions(done) == ["same", "add rules"]
    assert done[0].written == ("acme/2/payout/2",)
    assert not applied(shop, text)[0].plan.changes
    all_approved(shop, "acme")
    assert not applied(shop, text)[0].plan.changes
    assert len(written(shop, "acme")) == 2


def test_the_draft_of_added_rules_is_edited(shop: Runtime) -> None:
    applied(shop, TEXT)
    all_approved(shop, "acme")
    body = '{on: conversion, hit: first, rules: [], otherwise: {percent: "6", of: order_value}}'
    for rate, rule in (("8", "acme/2/payout/2"), ("9", "acme/2/payout/2")):
        later = body.replace('"6"', f'"{rate}"')
        dated = f'\n        - {{effective_from: "2031-01-01", body: {body}}}\n        - {{effective_from: "2031-05-01", body: {later}}}'
        done = applied(shop, changed(f"payout: {body}", "payout:" + dated), submit=False)
        assert (actions(done), done[0].written) == (["same", "add rules"], (rule,))


def test_a_promotion_and_its_restoration_are_one_bundle_and_are_replaced_together(shop: Runtime) -> None:
    applied(shop, TEXT + PROMOTION)
    with shop.work("reader") as ctx:
        assert [version_numbered(ctx.session, "acme", number).bundle for number in (3, 4)] == [3, 3]
    all_approved(shop, "acme")
    text = exported(shop, "acme")
    promotion = text.index("kind: promotion")
    other = text[:promotion] + text[promotion:].replace('percent: "5"', 'percent: "50"', 1)
    done = applied(shop, other)
    assert actions(done) == ["same", "same", "replace", "replace"]
    assert done[0].written == ("acme/5", "acme/6")
    assert exported(shop, "acme") == other
    all_approved(shop, "acme")
    assert not applied(shop, other)[0].plan.changes


def test_a_change_in_the_past_has_to_say_how_it_is_meant(shop: Runtime) -> None:
    applied(shop, TEXT)
    all_approved(shop, "acme")
    later = at(shop, 2032)
    with pytest.raises(
        DocumentMalformed, match=r"contract\.yaml:15: /versions/1/effective_from: .*--backdated restate"
    ):
        applied(later, changed(*SIX_TO_SEVEN))
    applied(later, changed(*SIX_TO_SEVEN), backdated="prospective")
    all_approved(later, "acme")
    text = exported(later, "acme")
    assert 'effective_from: "2032-02-29T19:00:00-05:00"' in text  # from its approval on
    assert 'percent: "6"' in text


def test_a_contract_that_was_agreed_long_ago_needs_no_word_about_that(shop: Runtime) -> None:
    later = at(shop, 2035)
    applied(later, TEXT)
    all_approved(later, "acme")
    assert [state for _, _, state in written(later, "acme")] == ["approved", "approved"]


def test_flawed_rules_are_refused_at_submission_with_line_and_reason_but_can_be_drafted(shop: Runtime) -> None:
    large = '{id: large, when: {fact: order_value, op: gt, value: "%s"}, then: {percent: "7", of: order_value}}'
    both = f"hit: unique, rules: [{large % 4}, {(large % 5).replace('large', 'larger')}]"
    text = changed('hit: first, rules: [], otherwise: {percent: "6"', both + ', otherwise: {percent: "6"')
    before = rows(shop)
    with pytest.raises(DocumentMalformed, match=r"contract\.yaml:15: /versions/1: acme/2/payout/1 cannot be.*both"):
        applied(shop, text)
    assert rows(shop) == before
    applied(shop, text, submit=False)
    assert [state for _, _, state in written(shop, "acme")] == ["draft", "draft"]


def test_all_wrong_rules_of_all_versions_are_named_at_once(shop: Runtime) -> None:
    text = TEXT.replace("coupon_code, op: in", "cupon_code, op: in").replace('percent: "6"', "percent: 6.5")
    with pytest.raises(DocumentMalformed) as refused:
        applied(shop, text)
    assert [finding.pointer for finding in refused.value.findings] == [
        "/versions/0/rules/eligibility/rules/0/when/fact",
        "/versions/1/rules/payout/otherwise/percent",
    ]
    assert "contract.yaml:11:" in refused.value.message
    assert "contract.yaml:20:" in refused.value.message


def test_a_fault_in_the_middle_leaves_nothing(shop: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(ctx: object, *, contract: str, number: int) -> None:
        if number == 2:
            raise RuntimeError("the disk is gone")
        submit_version(ctx, contract=contract, number=number)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "submit_version", breaks)
    before = rows(shop)
    with pytest.raises(RuntimeError):
        applied(shop, TEXT)
    assert rows(shop) == before == [0] * len(TABLES)


def test_a_plan_that_is_not_true_any_more_is_not_carried_out(shop: Runtime) -> None:
    shown = [one.plan for one in applied(shop, TEXT)]
    before = rows(shop)
    with pytest.raises(PlanChanged):
        applied(shop, TEXT, shown=shown)
    assert rows(shop) == before


def test_a_term_ends_once_and_moves_with_its_draft(shop: Runtime) -> None:
    text = changed("reason: The second year", 'reason: The second year\n    ends_on: "2032-01-01"')
    applied(shop, text, submit=False)
    applied(shop, changed("2032-01-01", "2033-01-01", text), submit=False)
    assert written(shop, "acme") == [(1, "initial", "draft"), (2, "amendment", "draft"), (3, "expiry", "draft")]
    with shop.work("reader") as ctx:
        assert version_numbered(ctx.session, "acme", 3).effective_from == datetime(2033, 1, 1, 5, tzinfo=UTC)


def test_as_of_is_what_was_exported_then(shop: Runtime) -> None:
    applied(shop, TEXT)
    all_approved(shop, "acme")
    then = exported(shop, "acme")
    later = at(shop, 2029)
    applied(later, changed(*SIX_TO_SEVEN))
    assert exported(later, "acme") != then
    assert exported(later, "acme", as_of="2029-01-02") == then
    assert exported(later, "acme", only_approved=True) == then
    with pytest.raises(AppError) as refused:
        exported(later, "acme", as_of="2028-12-31")
    assert refused.value.code == "contract_not_found"


def test_versions_that_say_the_same_parameter_again_are_approved_one_after_the_other(shop: Runtime) -> None:
    """A draft of the API takes its parameters over, and is refused when they have changed; a file says them itself."""
    gold = "{fact: coupon_code, op: in, value: {list: codes}}"
    text = changed(gold, "{fact: order_value, op: gte, value: {param: least}}").replace(" &rules", "")
    text = text.replace("lists:\n  codes: {type: text, versions: [[GOLD]]}\n", "")
    text = changed(
        "    rules:\n      eligibility:\n", '    params: {least: "5"}\n    rules:\n      eligibility:\n', text
    )
    first = text[: text.index('  - effective_from: "2031')]
    applied(shop, first)
    all_approved(shop, "acme")
    version = first[first.index("  - effective_from") :]
    later = [
        version.replace("2030-", f"{year}-").replace('"5"}\n    r', f'"{least}"}}\n    r')
        for year, least in ((2031, 6), (2032, 5))
    ]
    done = applied(shop, first + "".join(later))
    assert actions(done) == ["same", "draft", "draft"]
    all_approved(shop, "acme")
    assert [state for _, _, state in written(shop, "acme")] == ["approved"] * 3
    with shop.work("reader") as ctx:
        assert [version_numbered(ctx.session, "acme", number).params["least"] for number in (1, 2, 3)] == [
            "5",
            "6",
            "5",
        ]


def test_a_withdrawn_draft_is_no_part_of_the_document(shop: Runtime) -> None:
    applied(shop, TEXT)
    before = exported(shop, "acme")
    with shop.work("ann") as ctx:
        number = draft_version(ctx, contract="acme", effective_from="2032-01-01", rules=rules(percent("1"))).number
    assert exported(shop, "acme") != before
    with shop.work("ann") as ctx:
        withdraw_version(ctx, contract="acme", number=number)
    assert exported(shop, "acme") == before


def test_facts_that_the_file_adds_are_declared_and_other_names_are_left(shop: Runtime) -> None:
    applied(shop, TEXT)
    fact = "tier: {type: enum, values: [basic], meaning: their tier}"
    done = applied(shop, changed("program: {id: shop,", f"program: {{id: shop, name: Shop, facts: {{{fact}}},"))
    assert next((part.action, part.note) for part in done[0].plan.parts) == ("extend", "declares tier")
    assert done[0].plan.notes == ("The program is named shop; its name is left as it is.",)
    assert "tier: {type: enum" in exported(shop, "acme")
    with pytest.raises(DocumentMalformed, match="declares tier otherwise"):
        applied(
            shop, changed("program: {id: shop,", f"program: {{id: shop, facts: {{{fact.replace('basic', 'gold')}}},")
        )


def test_two_versions_of_one_term_have_one_end(shop: Runtime) -> None:
    text = TEXT.replace("\n    rules:", '\n    ends_on: "2033-01-01"\n    rules:')
    assert text.count("ends_on") == 2
    applied(shop, text)
    assert [kind for _, kind, _ in written(shop, "acme")] == ["initial", "expiry", "amendment"]
    all_approved(shop, "acme")
    assert exported(shop, "acme").count("ends_on") == 2
