"""Compare a contract version with the one it started from, or with another one."""

from __future__ import annotations

from dataclasses import dataclass

from app.contracts.diff import DatedRules, RulesChanged, attribute_changes, rule_changes
from app.contracts.repository import contract_named, is_in_timeline, version_numbered
from app.contracts.vocabulary import rules_now
from app.rulelang.change import Change
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion

LEFT = ("rejected", "withdrawn")


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """What a contract version says otherwise than another one. Without one that it is held against, all of it is new."""

    version: ContractVersion
    against: int | None
    attributes: list[Change]
    rules: list[RulesChanged]

    @property
    def loosened_limits(self) -> list[Change]:
        """Return the limits that are removed or raised, so that more can be paid than before."""
        return [change for rules in self.rules for change in rules.changes if change.loosens]

    @property
    def is_same(self) -> bool:
        """Tell whether nothing has changed."""
        return not self.attributes and not any(rules.change for rules in self.rules)


def diff_version(ctx: Context, *, contract: str, number: int, against: int | None = None) -> VersionDiff:
    """Return what changed from a version of a contract to another: from its base, unless one is named."""
    row = contract_named(ctx.session, contract)
    after = version_numbered(ctx.session, contract, number)
    base = after.base_number if against is None else against
    before = None if base is None else version_numbered(ctx.session, contract, base)
    was = [] if before is None else _dated_rules(ctx, row, before)
    rules = rule_changes(was, _dated_rules(ctx, row, after), after.effective_from)
    return VersionDiff(after, base, attribute_changes(before, after), rules)


def _dated_rules(ctx: Context, contract: Contract, version: ContractVersion) -> list[DatedRules]:
    found = []
    for rule in version.rule_versions:
        if _is_said(version, rule):
            rules, _ = rules_now(ctx, contract, version, rule)
            body = None if rules is None else rules.body
            found.append(DatedRules(rule.id, rule.kind, rule.effective_from, rule.body, body))
    return found


def _is_said(version: ContractVersion, rule: RuleVersion) -> bool:
    """Tell whether a version says these rules: once it is approved, those that are approved and not retired."""
    return is_in_timeline(rule) if version.recorded_at is not None else rule.state not in LEFT
