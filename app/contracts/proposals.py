"""What somebody wants a contract version to say, read against what the contract says already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.contracts.attributes import Attributes, read_attributes
from app.contracts.base import attributes_of, base_in_force, has_ended, numbered, taken_over
from app.contracts.delivery_fit import check_deliveries, is_on_deliveries
from app.contracts.drafting import RuleDraft, Setting, check_backdated, check_params, read_rules, read_start
from app.contracts.errors import VersionRefused
from app.contracts.lifecycle import governs_from
from app.contracts.mapping import timezone_of
from app.contracts.repository import is_in_timeline
from app.contracts.vocabulary import bindings_of, facts_of_contract, pinned_lists
from app.core.errors import Finding
from app.core.instants import start_of_day, write_instant
from app.rulelang.ast import KINDS, PLACES
from app.rulelang.bindings import Bindings, params_named
from app.rulelang.diagnostics import described
from app.rulelang.ruleset import check_rules, with_kind
from app.rulesets.newest import newest_lists
from app.runtime import Context
from app.store.models import Contract, ContractVersion

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a version is asked to say. What is left out is taken over from its base."""

    effective_from: str
    rules: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    kind: str | None = None
    base: int | None = None
    backdated: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a version says, everything taken over and checked."""

    kind: str
    start: datetime
    rules: list[RuleDraft]
    params: dict[str, Any]
    attributes: Attributes
    base: int | None
    is_base_named: bool
    backdated: str | None
    reason: str | None
    # Where its term ends and nothing has ended it yet: an expiry is drafted with it.
    expires_at: datetime | None = None


def propose(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], asked: Proposal, at: str = ""
) -> Draft:
    """Return what a proposal comes to. Raises VersionRefused with every finding; `at` is where it stands in the input."""
    start = read_start(asked.effective_from, timezone_of(contract), "/effective_from")
    findings = check_backdated(asked.backdated) + check_reason(asked.reason)
    if isinstance(start, Finding):
        raise refusal([*findings, start], at)
    governs = governs_from(start, asked.backdated, ctx.now())
    base = asked.base
    if base is not None and (numbered(versions, base) is None or numbered(versions, base).recorded_at is None):  # type: ignore[union-attr]
        message = f"there is no approved version {base} to start from"
        raise refusal([*findings, Finding("unknown_base", message, "/base")], at)
    if asked.kind == "termination":
        findings += _check_termination(asked, versions)
        if findings:
            raise refusal(findings, at)
        base = base_in_force(ctx, contract, versions, governs, ctx.now()) if base is None else base
        return Draft(
            "termination", start, [], {}, Attributes(), base, asked.base is not None, asked.backdated, asked.reason
        )
    number = base_in_force(ctx, contract, versions, governs, ctx.now()) if base is None else base
    source = numbered(versions, number)
    rules, params, found = _read_rules(ctx, contract, versions, asked, source, start, governs)
    attributes, wrong = read_attributes(asked.attributes, attributes_of(source))
    findings += found + wrong + ([] if found or wrong else check_deliveries(rules, attributes))
    expires_at, wrong = (None, []) if wrong else find_expiry(contract, versions, governs, attributes, asked.attributes)
    findings += wrong
    if findings:
        raise refusal(findings, at)
    kind = asked.kind or _kind(ctx, contract, versions, governs, number)
    return Draft(
        kind, start, rules, params, attributes, number, base is not None, asked.backdated, asked.reason, expires_at
    )


def refusal(findings: Sequence[Finding], at: str = "") -> VersionRefused:
    """Return the refusal of a draft with everything that is wrong with it."""
    found = [finding.at(at) for finding in findings]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return VersionRefused(f"The draft is refused. {found[0].pointer or '/'}: {found[0].message}{more}", found)


def check_reason(reason: Any) -> list[Finding]:
    """Return what is wrong with the reason that is given for something."""
    if reason is None or (isinstance(reason, str) and reason.strip() and len(reason) <= MAX_REASON):
        return []
    message = f"a reason is a sentence of 1 to {MAX_REASON} characters; found {described(reason)}"
    return [Finding("wrong_type", message, "/reason", "or leave it out")]


def _kind(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], start: datetime, base: int | None
) -> str:
    """Return what sort of change a version with terms is."""
    if base is None and not any(is_in_timeline(version) for version in versions):
        return "initial"
    ended = has_ended(ctx, contract, versions, start)
    if ended is None:
        return "amendment"
    return "renewal" if ended.kind == "expiry" and ended.starts_at == start else "reinstatement"


def _read_rules(
    ctx: Context,
    contract: Contract,
    versions: Sequence[ContractVersion],
    asked: Proposal,
    source: ContractVersion | None,
    start: datetime,
    governs: datetime,
) -> tuple[list[RuleDraft], dict[str, Any], list[Finding]]:
    """Return the rule versions, the parameters they read, and all findings."""
    rules = asked.rules
    missing = [kind for kind in PLACES if kind not in rules]
    if is_on_deliveries(with_kind("payout", rules.get("payout"))):
        missing = [kind for kind in missing if kind != "delivery_payout"]  # its place is taken
    taken = taken_over(source, start, missing, governs)
    params = {**({} if source is None else source.params), **asked.params}
    bodies = [*rules.values(), *(draft.body for draft in taken)]
    wrong = check_params(asked.params, bodies)
    if any(finding.code == "wrong_type" for finding in wrong):
        return [], {}, wrong
    lists = newest_lists(ctx.session, rules.values()).lists
    setting = Setting(timezone_of(contract), facts_of_contract(ctx, contract), Bindings(params, lists))
    drafts, findings = read_rules(rules, start, None, setting, "/rules")
    findings = wrong + findings + _check_taken_over(ctx, versions, taken, setting)
    lacking = [kind for kind in missing if kind in KINDS and kind not in {draft.kind for draft in taken}]
    if lacking:
        hint = "every version has all three kinds; leave one out only to keep the one in force at the start"
        findings.append(Finding("rules_missing", f"{' and '.join(lacking)} rules are missing", "/rules", hint))
    read = frozenset().union(*map(params_named, bodies))
    return drafts + taken, {name: value for name, value in params.items() if name in read}, findings


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


def _check_termination(asked: Proposal, versions: Sequence[ContractVersion]) -> list[Finding]:
    findings = []
    if asked.rules:
        findings.append(Finding("terminated_rules", "a termination has no rules", "/rules", "leave rules out"))
    findings += [
        Finding("terminated_rules", f"a termination has no {name}", f"/{name}", "leave it out")
        for name, value in asked.attributes.items()
        if value is not None
    ]
    if not any(is_in_timeline(version) for version in versions):
        findings.append(Finding("nothing_to_terminate", "there are no terms that this could end", "/termination"))
    return findings


def find_expiry(
    contract: Contract,
    versions: Sequence[ContractVersion],
    start: datetime,
    attributes: Attributes,
    given: Mapping[str, Any],
) -> tuple[datetime | None, list[Finding]]:
    """Return where the term ends, if nothing ends it there yet, and what is wrong with that end."""
    later = [version for version in versions if is_in_timeline(version) and version.starts_at > start]
    ends_at = None if attributes.expires_on is None else start_of_day(attributes.expires_on, timezone_of(contract))
    if ends_at is not None and ends_at <= start:
        return None, [_ends_before_start(attributes.expires_on, start, "ends_on" in given)]
    earlier = [
        version for version in later if version.kind == "expiry" and (ends_at is None or version.starts_at < ends_at)
    ]
    if earlier and any(given.get(name) is not None for name in ("ends_on", "renewal")):
        end = write_instant(earlier[0].starts_at)
        message = f"the term ends at {end} already (version {earlier[0].number})"
        return None, [Finding("term_ends_already", message, "/ends_on", "draft a version that starts then: a renewal")]
    if ends_at is None or any(version.starts_at == ends_at for version in later):
        return None, []
    return ends_at, []


def _ends_before_start(day: date | None, start: datetime, is_given: bool) -> Finding:
    message = f"the term ends on {day}, which is not after its start at {write_instant(start)}"
    hint = "say when the new term ends" if not is_given else "choose a later day"
    return Finding("starts_rise", message, "/ends_on", hint)
