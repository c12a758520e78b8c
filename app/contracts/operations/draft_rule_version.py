"""Draft a rule version inside a contract version that exists: a new rate from a date on, same contract terms."""

from __future__ import annotations

from typing import Any

from app.audit.record import record
from app.contracts.attributes import Attributes
from app.contracts.content import rule_content_data
from app.contracts.delivery_fit import check_beside, check_counts, is_on_deliveries
from app.contracts.drafting import RuleDraft, Setting, check_backdated, outside_span, read_body, read_start
from app.contracts.errors import OutsideContractVersion, VersionRefused, WrongState
from app.contracts.mapping import timezone_of
from app.contracts.proposals import check_reason
from app.contracts.repository import contract_named, is_in_timeline, next_start, version_numbered, versions_of
from app.contracts.vocabulary import facts_of_contract
from app.contracts.writing import save
from app.core.errors import Finding
from app.core.instants import write_instant
from app.rulelang.bindings import Bindings
from app.rulesets.newest import newest_lists
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion

PAYOUTS = ("payout", "delivery_payout")


def draft_rule_version(
    ctx: Context,
    *,
    contract: str,
    number: int,
    kind: str,
    effective_from: str,
    body: Any,
    backdated: str | None = None,
    reason: str | None = None,
) -> RuleVersion:
    """Write a draft of the next rule version of a kind. The contract version has to be approved already."""
    row = contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    if not is_in_timeline(version) or version.is_termination:
        found = "a termination" if version.is_termination else "retired" if version.retired_at else version.state
        raise WrongState(f"{version.id} is {found}; rules are added to approved terms.", state=version.state)
    draft = read_rule_version(ctx, row, version, kind, effective_from, body, backdated, reason)
    next_number = 1 + max((rule.number for rule in version.rule_versions if rule.kind == kind), default=0)
    rule = RuleVersion(
        id=f"{version.id}/{kind}/{next_number}",
        contract_version_id=version.id,
        kind=kind,
        number=next_number,
        state="draft",
        effective_from=draft.effective_from,
        backdated=backdated,
        reason=reason,
        body=draft.body,
        hash=draft.hash,
        lists={},
        is_inherited=False,
        created_by=ctx.actor,
        created_at=ctx.now(),
        editors=[ctx.actor],
        revision=1,
        edited_at=ctx.now(),
    )
    ctx.session.add(rule)
    ctx.session.flush()
    save(ctx, rule)
    summary = f"{kind.capitalize()} rules of {version.id} drafted from {write_instant(rule.effective_from)}"
    record(ctx, "rule_version.drafted", rule.id, summary, after=rule_content_data(rule))
    ctx.session.flush()
    return rule


def read_rule_version(
    ctx: Context,
    contract: Contract,
    version: ContractVersion,
    kind: str,
    effective_from: str,
    body: Any,
    backdated: str | None,
    reason: str | None,
) -> RuleDraft:
    """Return a rule version as it is drafted, or refuse it with every finding."""
    start = read_start(effective_from, timezone_of(contract), "/effective_from")
    findings = check_backdated(backdated) + check_reason(reason) + ([start] if isinstance(start, Finding) else [])
    bindings = Bindings(version.params, newest_lists(ctx.session, [body]).lists)
    setting = Setting(timezone_of(contract), facts_of_contract(ctx, contract), bindings)
    draft = read_body(kind, body, None if isinstance(start, Finding) else start, setting, "/body", findings)
    if draft is not None:
        findings += delivery_misfits(version, draft.kind, draft.body)
    if draft is None or isinstance(start, Finding) or findings:
        raise VersionRefused(f"The draft is refused. {findings[0].pointer}: {findings[0].message}", findings)
    end = next_start(versions_of(ctx.session, contract.id), version)
    outside = outside_span(start, version.starts_at, end, "/effective_from")
    if outside is not None:
        raise OutsideContractVersion(outside.message, [outside])
    return draft


def delivery_misfits(version: ContractVersion, kind: str, body: dict[str, Any]) -> list[Finding]:
    """Return what of a body does not go together with the version's other payout, and with what it says about
    deliveries."""
    found = list(check_counts(body, Attributes.of(version), "/body"))
    others = [rule for rule in version.rule_versions if rule.kind != kind and is_in_timeline(rule)]
    is_second = any(rule.kind == "delivery_payout" or is_on_deliveries(rule.body) for rule in others)
    if is_on_deliveries(body) and is_second:
        message = "another payout of this version is on deliveries as well; a version has one"
        found.append(Finding("two_delivery_payouts", message, "/body/on"))
    if kind in PAYOUTS:
        for rule in others:
            found += check_beside(body, rule.body, "/body") if rule.kind in PAYOUTS else ()
    return list(dict.fromkeys(found))
