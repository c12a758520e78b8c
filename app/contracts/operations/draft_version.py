"""Draft a contract version: terms from a date on, or a termination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.audit.record import record
from app.contracts.drafting import RuleDraft, Setting, check_backdated, check_params, read_rules, read_start
from app.contracts.errors import VersionRefused
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named, is_in_timeline, versions_of
from app.contracts.vocabulary import bindings_of, contract_history, facts_of_contract, pinned_lists
from app.core.canonical import content_hash
from app.core.errors import Finding
from app.core.instants import write_instant
from app.core.timeline import in_force
from app.rulelang.ast import KINDS
from app.rulelang.bindings import Bindings, params_named
from app.rulelang.ruleset import check_rules
from app.rulesets.newest import newest_lists
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
    params: Mapping[str, Any] | None = None,
) -> ContractVersion:
    """Write a draft of the next version of a contract.

    Kinds of rules that are not given, and parameters, are taken over from the version `base`, or from the one that is
    in force at the start. Raises VersionRefused with every finding; nothing is written then.
    """
    row = contract_named(ctx.session, contract, lock=True)
    versions = versions_of(ctx.session, contract)
    asked = _Asked(effective_from, rules or {}, params or {}, termination, base)
    start, drafts, kept, findings = _read(ctx, row, versions, asked)
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
        content_hash=_content_hash(contract, number, start, termination, drafts, kept),
        params=kept,
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a draft is asked to say."""

    effective_from: str
    rules: Mapping[str, Any]
    params: Mapping[str, Any]
    termination: bool
    base: int | None


def _read(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], asked: _Asked
) -> tuple[datetime | None, list[RuleDraft], dict[str, Any], list[Finding]]:
    """Return the start, the rule versions, the parameters they read, and all findings of a draft."""
    rules, base = asked.rules, asked.base
    start = read_start(asked.effective_from, timezone_of(contract), "/effective_from")
    if isinstance(start, Finding):
        return None, [], {}, [start]
    if base is not None and base not in [version.number for version in versions if version.recorded_at is not None]:
        message = f"there is no approved version {base} to start from"
        return start, [], {}, [Finding("unknown_base", message, "/base")]
    if asked.termination:
        return start, [], {}, _check_termination(rules, versions)
    missing = [kind for kind in KINDS if kind not in rules]
    taken = taken_over(ctx, contract, versions, base, start, missing)
    source = _base_number(contract, versions, base, start, ctx)
    given = next((version.params for version in versions if version.number == source), {})
    params = {**given, **asked.params}
    bodies = [*rules.values(), *(draft.body for draft in taken)]
    wrong = check_params(asked.params, bodies)
    if any(finding.code == "wrong_type" for finding in wrong):
        return start, [], {}, wrong
    lists = newest_lists(ctx.session, rules.values()).lists
    setting = Setting(timezone_of(contract), facts_of_contract(ctx, contract), Bindings(params, lists))
    drafts, findings = read_rules(rules, start, None, setting, "/rules")
    findings = wrong + findings + _check_taken_over(ctx, versions, taken, setting)
    lacking = [kind for kind in missing if kind not in {draft.kind for draft in taken}]
    if lacking:
        hint = "every version has all three kinds; leave one out only to keep the one in force at the start"
        findings.append(Finding("rules_missing", f"{' and '.join(lacking)} rules are missing", "/rules", hint))
    read = frozenset().union(*map(params_named, bodies))
    return start, drafts + taken, {name: value for name, value in params.items() if name in read}, findings


def _check_taken_over(
    ctx: Context, versions: Sequence[ContractVersion], taken: Sequence[RuleDraft], setting: Setting
) -> list[Finding]:
    """Check rules that are taken over once more: a parameter may have another value now."""
    lists, params = pinned_lists(ctx, versions), dict(setting.bindings.params)
    found: list[Finding] = []
    for draft in taken:
        bindings = bindings_of(params, dict(draft.pins), lists)
        found += check_rules(draft.body, setting.catalogue, f"/rules/{draft.kind}", bindings)[1]
    return [finding for finding in found if finding.severity == "error"]


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
    return base_in_force(ctx, contract, versions, start, ctx.now()) if base is None else base


def base_in_force(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], start: datetime, as_of: datetime
) -> int | None:
    """Return the version in force at an instant, as it was known at another; None before the first one."""
    before = in_force(contract_history(ctx, contract, versions, as_of).spans, start)
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
        drafts += [_inherited(rule, max(start, rule.effective_from)) for rule in rest]
        drafts += [_inherited(rule, start) for rule in chosen]
    return drafts


def _inherited(rule: RuleVersion, start: datetime) -> RuleDraft:
    return RuleDraft(rule.kind, start, rule.body, rule.hash, True, rule.lists)  # type: ignore[arg-type]


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
                    lists=dict(draft.pins),
                    is_inherited=draft.is_inherited,
                    created_by=ctx.actor,
                    created_at=ctx.now(),
                )
            )
    return rows


def _content_hash(
    contract: str,
    number: int,
    start: datetime,
    termination: bool,
    drafts: Sequence[RuleDraft],
    params: Mapping[str, Any],
) -> str:
    """Return the hash an approval binds: everything the version says."""
    rules = sorted((draft.kind, write_instant(draft.effective_from), draft.hash) for draft in drafts)
    return content_hash(
        {
            "contract": contract,
            "number": number,
            "effective_from": write_instant(start),
            "termination": termination,
            "rules": [list(rule) for rule in rules],
            "params": dict(params),
        }
    )
