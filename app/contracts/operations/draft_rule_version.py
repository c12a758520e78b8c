"""Draft a rule version inside a contract version that exists: a new rate from a date on, same contract terms."""

from __future__ import annotations

from typing import Any

from app.audit.record import record
from app.contracts.drafting import Setting, check_backdated, outside_span, read_body, read_start
from app.contracts.errors import OutsideContractVersion, VersionRefused, WrongState
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named, is_in_timeline, next_start, version_numbered, versions_of
from app.contracts.vocabulary import facts_of_contract
from app.core.errors import Finding
from app.core.instants import write_instant
from app.rulelang.bindings import Bindings
from app.rulesets.newest import newest_lists
from app.runtime import Context
from app.store.models import RuleVersion


def draft_rule_version(
    ctx: Context, *, contract: str, number: int, kind: str, effective_from: str, body: Any, backdated: str | None = None
) -> RuleVersion:
    """Write a draft of the next rule version of a kind. The contract version has to be approved already."""
    row = contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    if not is_in_timeline(version) or version.is_termination:
        raise WrongState(
            f"{version.id} is {'a termination' if version.is_termination else version.state}; rules are added to approved terms."
        )
    start = read_start(effective_from, timezone_of(row), "/effective_from")
    findings = check_backdated(backdated) + ([start] if isinstance(start, Finding) else [])
    bindings = Bindings(version.params, newest_lists(ctx.session, [body]).lists)
    setting = Setting(timezone_of(row), facts_of_contract(ctx, row), bindings)
    draft = read_body(kind, body, None if isinstance(start, Finding) else start, setting, "/body", findings)
    if draft is None or isinstance(start, Finding) or findings:
        raise VersionRefused(f"The draft is refused. {findings[0].pointer}: {findings[0].message}", findings)
    end = next_start(versions_of(ctx.session, contract), version)
    outside = outside_span(start, version.effective_from, end, "/effective_from")
    if outside is not None:
        raise OutsideContractVersion(outside.message, [outside])

    next_number = 1 + max((rule.number for rule in version.rule_versions if rule.kind == kind), default=0)
    rule = RuleVersion(
        id=f"{version.id}/{kind}/{next_number}",
        contract_version_id=version.id,
        kind=kind,
        number=next_number,
        state="draft",
        effective_from=start,
        backdated=backdated,
        body=draft.body,
        hash=draft.hash,
        lists={},
        is_inherited=False,
        created_by=ctx.actor,
        created_at=ctx.now(),
    )
    ctx.session.add(rule)
    summary = f"{kind.capitalize()} rules of {version.id} drafted from {write_instant(start)}"
    record(ctx, "rule_version.drafted", rule.id, summary, after={"hash": rule.hash})
    ctx.session.flush()
    return rule
