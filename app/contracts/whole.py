"""Versions that say everything themselves, as files do: nothing is taken over from a base, and every list is named with its
version. Reading files is not done here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.contracts.attributes import Attributes, read_attributes
from app.contracts.base import base_in_force
from app.contracts.delivery_fit import check_deliveries
from app.contracts.drafting import RuleDraft, Setting, check_backdated, check_params, check_starts, read_body
from app.contracts.mapping import timezone_of
from app.contracts.proposals import Draft, check_reason, find_expiry, refusal
from app.contracts.vocabulary import facts_of_contract
from app.core.errors import Finding
from app.rulelang.ast import KINDS, PLACES
from app.rulelang.bindings import Bindings
from app.rulesets.mapping import named_list
from app.rulesets.newest import Pins, newest_lists
from app.rulesets.repository import versions_pinned
from app.runtime import Context
from app.store.models import Contract, ContractVersion

WHOLE_KINDS = ("initial", "amendment", "promotion", "restoration", "renewal", "reinstatement", "termination")


@dataclass(frozen=True, slots=True)
class WholeRules:
    """One rule body from an instant on, and which version it means of each list it names. `at` is where it stands in its
    contract version."""

    start: datetime
    body: dict[str, Any]
    lists: Mapping[str, int] = field(default_factory=dict)
    at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class WholeVersion:
    """Everything that a contract version says. `until` is where the restoration starts that belongs to a promotion."""

    kind: str
    start: datetime
    until: datetime | None = None
    reason: str | None = None
    backdated: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Sequence[WholeRules]] = field(default_factory=dict)


def propose_whole(ctx: Context, contract: Contract, versions: Sequence[ContractVersion], said: WholeVersion) -> Draft:
    """Return what such a version comes to. Raises VersionRefused with every finding.

    Its base is the version it would follow as things are: nothing comes from there, but reviewers see what it changes.
    """
    findings = check_backdated(said.backdated) + check_reason(said.reason)
    base = base_in_force(ctx, contract, versions, said.start, ctx.now())
    if said.kind == "termination":
        if findings:
            raise refusal(findings)
        return Draft(
            "termination", said.start, [], {}, Attributes(), base, base is not None, said.backdated, said.reason
        )
    rules, wrong = _read_rules(ctx, contract, said)
    findings += wrong
    attributes, wrong = read_attributes(said.attributes, Attributes())
    findings += wrong + ([] if findings or wrong else check_deliveries(rules, attributes))
    ends_at, wrong = (None, []) if wrong else find_expiry(contract, versions, said.start, attributes, said.attributes)
    findings += wrong
    if findings:
        raise refusal(findings)
    return Draft(
        said.kind,
        said.start,
        rules,
        dict(said.params),
        attributes,
        base,
        base is not None,
        said.backdated,
        said.reason,
        ends_at,
    )


def _read_rules(ctx: Context, contract: Contract, said: WholeVersion) -> tuple[list[RuleDraft], list[Finding]]:
    """Return all rule versions, each bound to the list versions it means, and everything wrong with them."""
    findings = check_params(said.params, [rules.body for of_kind in said.rules.values() for rules in of_kind])
    if any(finding.code == "wrong_type" for finding in findings):
        return [], findings
    drafts: list[RuleDraft] = []
    for kind in PLACES:
        of_kind = said.rules.get(kind, ())
        found = [_read_body(ctx, contract, said, kind, rules, findings) for rules in of_kind]
        read = [draft for draft in found if draft is not None]
        if not of_kind and kind in KINDS:
            findings.append(Finding("rules_missing", f"{kind} rules are missing", "/rules", "a version has all three"))
        elif of_kind and len(read) == len(found):
            findings += check_starts(read, said.start, None, f"/rules/{kind}")
        drafts += read
    return drafts, findings


def _read_body(
    ctx: Context, contract: Contract, said: WholeVersion, kind: str, rules: WholeRules, findings: list[Finding]
) -> RuleDraft | None:
    newest = newest_lists(ctx.session, [rules.body])
    meant = versions_pinned(ctx.session, list(rules.lists.items()))
    lists = newest.lists | {row.id: named_list(row, version) for row, version in meant}
    pins: Pins = {row.id: {"version": version.number, "hash": version.hash} for row, version in meant}
    setting = Setting(timezone_of(contract), facts_of_contract(ctx, contract), Bindings(said.params, lists))
    draft = read_body(kind, rules.body, rules.start, setting, rules.at, findings)
    return None if draft is None else RuleDraft(draft.kind, draft.effective_from, draft.body, draft.hash, False, pins)
