"""Check the rules of a version as they would be approved now: what is wrong, what they never decide, what they change."""

from __future__ import annotations

from dataclasses import dataclass

from app.analysis.analyse import analyse
from app.analysis.difference import Difference, difference
from app.analysis.findings import Analysed, blocking
from app.analysis.questions import Budget
from app.contracts.errors import RulesFlawed
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named, version_numbered, versions_of
from app.contracts.vocabulary import contract_history, facts_of_contract, rules_now
from app.engine.matcher import RuleConditions
from app.engine.terms import RuleVersion as EngineRules
from app.engine.terms import Terms
from app.rulelang.ast import conditions_of
from app.rulelang.ruleset import RuleSet
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion


@dataclass(frozen=True, slots=True)
class CheckedRules:
    """One rule version: its rules if they can be read, what was found, and how they differ from those that are in force
    at its start."""

    row: RuleVersion
    rules: RuleSet | None
    findings: list[Analysed]
    before: EngineRules | None = None
    difference: Difference | None = None


def check_version(ctx: Context, *, contract: str, number: int) -> list[CheckedRules]:
    """Return what there is to say of each rule version of a contract version, draft or not."""
    row, version = contract_named(ctx.session, contract), version_numbered(ctx.session, contract, number)
    known = contract_history(ctx, row, versions_of(ctx.session, contract), ctx.now())
    checked, budget = [], Budget()
    for rule in version.rule_versions:
        rules, findings = checked_rules(ctx, row, version, rule, budget)
        terms = known.at(rule.effective_from)
        before = dict(terms.rule_versions)[rule.kind] if isinstance(terms, Terms) else None  # type: ignore[index]
        if rules is None or before is None or before.id == rule.id:
            checked.append(CheckedRules(rule, rules, findings))
            continue
        found = difference(before.rules, rules, facts_of_contract(ctx, row), timezone_of(row), budget)
        checked.append(CheckedRules(rule, rules, findings, before, found))
    return checked


def checked_rules(
    ctx: Context, contract: Contract, version: ContractVersion, rule: RuleVersion, budget: Budget | None = None
) -> tuple[RuleSet | None, list[Analysed]]:
    """Return the rules of a row as they would be approved now, and everything that is found in them.

    Who checks several shares a budget among them: one request should not keep a core busy for long.
    """
    rules, findings = rules_now(ctx, contract, version, rule)
    analysed = analyse(rules, facts_of_contract(ctx, contract), timezone_of(contract), budget) if rules else []
    return rules, [Analysed(finding) for finding in findings] + analysed


def conditions_of_rules(rules: RuleSet) -> RuleConditions:
    """Return what an engine runs of a rule set."""
    return RuleConditions(rules.key, tuple(conditions_of(rules.body)))


def refuse_flawed(rule: RuleVersion, findings: list[Analysed], wanted: str = "submitted") -> None:
    """Refuse rules of which is proved that they cannot be meant so. What is only suspicious is left to people."""
    flaws = blocking(findings)
    if not flaws:
        return
    first = flaws[0]
    example = f" For example: {first.witness.says}." if first.witness else ""
    more = f" (and {len(flaws) - 1} more)" if len(flaws) > 1 else ""
    message = f"{rule.id} cannot be {wanted}. {first.finding.message}{more}.{example}"
    raise RulesFlawed(message, [flaw.finding for flaw in flaws])
