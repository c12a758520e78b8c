"""Draft a contract version: terms from a date on, or a termination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.audit.record import record
from app.contracts.drafting import RuleDraft, check_backdated, read_rules, read_start
from app.contracts.errors import VersionRefused
from app.contracts.mapping import history, timezone_of
from app.contracts.repository import contract_named, is_in_timeline, versions_of
from app.core.canonical import content_hash
from app.core.errors import Finding
from app.core.instants import write_instant
from app.core.timeline import in_force
from app.rulelang.ast import KINDS
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion


def draft_version(
    ctx: Context,
    *,
    contract: str,
    effective_from: str,
    rules: Mapping[str, Any] | None = None,
    termination: bool = False,
    base: int | None = None,
    backdated: str | None = None,
) -> ContractVersion:
    """Write a draft of the next version of a contract.

    Kinds of rules that are not given are taken over from the version `base`, or from the one that is in force at the
    start. Raises VersionRefused with every finding; nothing is written then.
    """
    row = contract_named(ctx.session, contract, lock=True)
    versions = versions_of(ctx.session, contract)
    start, drafts, findings = _read(ctx, row, versions, effective_from, rules or {}, termination, base)
    findings = check_backdated(backdated) + findings
    if start is None or findings:
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise VersionRefused(f"The draft is refused. {first.pointer or '/'}: {first.message}{more}", findings)

    number = 1 + max((version.number for version in versions), default=0)
    base_number = _base_number(row, versions, base, start, ctx)
    version = ContractVersion(
        id=f"{contract}/{number}",
        contract_id=contract,
        number=number,
        state="draft",
        effective_from=start,
        is_termination=termination,
        base_number=base_number,
        backdated=backdated,
        content_hash=_content_hash(contract, number, start, termination, drafts),
        created_by=ctx.actor,
        created_at=ctx.now(),
    )
    version.rule_versions = _rule_rows(version, drafts, ctx)
    ctx.session.add(version)
    what = "termination" if termination else "terms"
    record(
        ctx,
        "contract_version.drafted",
        version.id,
        f"{what.capitalize()} of {contract} drafted from {write_instant(start)}",
        after={"effective_from": write_instant(start), "content_hash": version.content_hash},
    )
    ctx.session.flush()
    return version


def _read(
    ctx: Context,
    contract: Contract,
    versions: Sequence[ContractVersion],
    effective_from: str,
    rules: Mapping[str, Any],
    termination: bool,
    base: int | None,
) -> tuple[datetime | None, list[RuleDraft], list[Finding]]:
    """Return the start, the rule versions and all findings of a draft."""
    timezone = timezone_of(contract)
    start = read_start(effective_from, timezone, "/effective_from")
    if isinstance(start, Finding):
        return None, [], [start]
    if base is not None and base not in [version.number for version in versions]:
        return start, [], [Finding("unknown_base", f"there is no version {base} to start from", "/base")]
    if termination:
        return start, [], _check_termination(rules, versions)
    drafts, findings = read_rules(rules, start, None, timezone, ctx.catalogue, "/rules")
    missing = [kind for kind in KINDS if kind not in rules]
    taken = taken_over(ctx, contract, versions, base, start, missing)
    lacking = [kind for kind in missing if kind not in {draft.kind for draft in taken}]
    if lacking:
        hint = "every version has all three kinds; leave one out only to keep the one in force at the start"
        findings.append(Finding("rules_missing", f"{' and '.join(lacking)} rules are missing", "/rules", hint))
    return start, drafts + taken, findings


def _check_termination(rules: Mapping[str, Any], versions: Sequence[ContractVersion]) -> list[Finding]:
    findings = []
    if rules:
        findings.append(Finding("terminated_rules", "a termination has no rules", "/rules", "leave rules out"))
    if not any(is_in_timeline(version) for version in versions):
        findings.append(Finding("nothing_to_terminate", "there are no terms that this could end", "/termination"))
    return findings


def _base_number(
    contract: Contract, versions: Sequence[ContractVersion], base: int | None, start: datetime, ctx: Context
) -> int | None:
    """Return the version a draft is compared with: the one named, or the one in force at its start."""
    if base is not None:
        return base
    known = history(contract, versions, ctx.now(), ctx.catalogue)
    before = in_force(known.spans, start)
    return None if before is None else before.number


def taken_over(
    ctx: Context,
    contract: Contract,
    versions: Sequence[ContractVersion],
    base: int | None,
    start: datetime,
    kinds: Sequence[str],
) -> list[RuleDraft]:
    """Return the base's rule versions of these kinds: the one in force at the start, and those that follow."""
    number = _base_number(contract, versions, base, start, ctx)
    source = next((version for version in versions if version.number == number), None)
    if source is None:
        return []
    drafts = []
    for kind in kinds:
        of_kind = [rule for rule in source.rule_versions if rule.kind == kind and is_in_timeline(rule)]
        of_kind.sort(key=lambda rule: rule.effective_from)
        started = [rule for rule in of_kind if rule.effective_from <= start]
        later = [rule for rule in of_kind if rule.effective_from > start]
        # A base that starts later than the draft is taken over from its first rules on.
        chosen = (started or of_kind)[-1:] if started else of_kind[:1]
        rest = later if started else later[1:]
        drafts += [RuleDraft(rule.kind, max(start, rule.effective_from), rule.body, rule.hash, True) for rule in rest]  # type: ignore[arg-type]
        drafts += [RuleDraft(rule.kind, start, rule.body, rule.hash, True) for rule in chosen]  # type: ignore[arg-type]
    return drafts


def _rule_rows(version: ContractVersion, drafts: Sequence[RuleDraft], ctx: Context) -> list[RuleVersion]:
    rows = []
    for kind in KINDS:
        of_kind = sorted((draft for draft in drafts if draft.kind == kind), key=lambda draft: draft.effective_from)
        for number, draft in enumerate(of_kind, start=1):
            rows.append(
                RuleVersion(
                    id=f"{version.id}/{kind}/{number}",
                    contract_version_id=version.id,
                    kind=kind,
                    number=number,
                    state="draft",
                    effective_from=draft.effective_from,
                    body=draft.body,
                    hash=draft.hash,
                    is_inherited=draft.is_inherited,
                    created_by=ctx.actor,
                    created_at=ctx.now(),
                )
            )
    return rows


def _content_hash(contract: str, number: int, start: datetime, termination: bool, drafts: Sequence[RuleDraft]) -> str:
    """Return the hash an approval binds: everything the version says."""
    rules = sorted((draft.kind, write_instant(draft.effective_from), draft.hash) for draft in drafts)
    return content_hash(
        {
            "contract": contract,
            "number": number,
            "effective_from": write_instant(start),
            "termination": termination,
            "rules": [list(rule) for rule in rules],
        }
    )
