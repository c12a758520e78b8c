"""What the rules of a contract are read with: the facts of its program, the lists they are pinned to, the newest lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from app.contracts.mapping import Lists, history
from app.core.errors import Finding
from app.engine.terms import TermsHistory
from app.partners.mapping import catalogue_of
from app.partners.repository import program_named
from app.rulelang.bindings import Bindings
from app.rulelang.facts import Catalogue
from app.rulelang.ruleset import RuleSet, check_rules
from app.rulesets.mapping import named_list
from app.rulesets.newest import Pins, newest_lists
from app.rulesets.repository import versions_pinned
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion

EVERYTHING = datetime.max.replace(tzinfo=UTC)
"""As of when everything that was ever approved is known."""


def facts_of_contract(ctx: Context, contract: Contract) -> Catalogue:
    """Return the facts that the rules of a contract may read."""
    return catalogue_of(program_named(ctx.session, contract.program_id), ctx.catalogue)


def contract_history(
    ctx: Context, contract: Contract, versions: Iterable[ContractVersion], as_of: datetime
) -> TermsHistory:
    """Return the contract's terms as they were known at `as_of`."""
    versions = list(versions)
    return history(contract, versions, as_of, facts_of_contract(ctx, contract), pinned_lists(ctx, versions))


def pinned_lists(ctx: Context, versions: Iterable[ContractVersion]) -> Lists:
    """Return the list versions that the rules of these contract versions are pinned to."""
    pins = {
        (name, pin["version"])
        for version in versions
        for rule in version.rule_versions
        for name, pin in rule.lists.items()
    }
    return {(row.id, version.number): named_list(row, version) for row, version in versions_pinned(ctx.session, pins)}


def bindings_of(params: dict[str, Any], pins: Pins, lists: Lists) -> Bindings:
    """Return what a rule version's parameters and lists stand for."""
    return Bindings(params, {name: lists[name, pin["version"]] for name, pin in pins.items()})


def rules_now(
    ctx: Context, contract: Contract, version: ContractVersion, rule: RuleVersion
) -> tuple[RuleSet | None, list[Finding]]:
    """Return rules with what their parameters and lists stand for, or None with what is wrong: a list may have come to
    not fit. A draft is read with the newest lists, unless it says which versions it means; all else with those it is pinned
    to."""
    if rule.is_inherited or rule.recorded_at is not None:
        bindings = bindings_of(version.params, rule.lists, pinned_lists(ctx, [version]))
    else:
        meant = bindings_of({}, rule.lists, pinned_lists(ctx, [version])).lists
        bindings = Bindings(version.params, {**newest_lists(ctx.session, [rule.body]).lists, **meant})
    return check_rules(rule.body, facts_of_contract(ctx, contract), "", bindings)
