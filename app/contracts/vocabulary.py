"""What the rules of a contract are read with: the facts of its program, the lists they are pinned to, the newest lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.contracts.mapping import Lists, history
from app.engine.terms import TermsHistory
from app.partners.mapping import catalogue_of
from app.partners.repository import program_named
from app.rulelang.bindings import Bindings, NamedList, lists_named
from app.rulelang.facts import Catalogue
from app.rulelang.ruleset import RuleSet, check_rules
from app.rulesets.mapping import named_list
from app.rulesets.repository import newest_of, versions_pinned
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion

Pins = dict[str, dict[str, Any]]
"""Which version of each named list rules take values from: {name: {"version", "hash"}}."""


@dataclass(frozen=True, slots=True)
class NewestLists:
    """The newest versions of lists, and the pins that would hold them."""

    lists: dict[str, NamedList] = field(default_factory=dict)
    pins: Pins = field(default_factory=dict)


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
    return _typed_once(ctx, pins)


def newest_lists(ctx: Context, bodies: Iterable[Any]) -> NewestLists:
    """Return the newest versions of the lists that rule bodies name."""
    found = newest_of(ctx.session, frozenset().union(*map(lists_named, bodies)))
    lists = {row.id: named_list(row, version) for row, version in found}
    return NewestLists(lists, {row.id: {"version": version.number, "hash": version.hash} for row, version in found})


def bindings_of(params: dict[str, Any], pins: Pins, lists: Lists) -> Bindings:
    """Return what a rule version's parameters and lists stand for."""
    return Bindings(params, {name: lists[name, pin["version"]] for name, pin in pins.items()})


def rules_now(ctx: Context, contract: Contract, version: ContractVersion, rule: RuleVersion) -> RuleSet | None:
    """Return drafted rules with what their parameters and lists stand for now; None if a list has come to not fit."""
    if rule.is_inherited:
        bindings = bindings_of(version.params, rule.lists, pinned_lists(ctx, [version]))
    else:
        bindings = Bindings(version.params, newest_lists(ctx, [rule.body]).lists)
    return check_rules(rule.body, facts_of_contract(ctx, contract), "", bindings)[0]


def _typed_once(ctx: Context, pins: Iterable[tuple[str, int]]) -> Lists:
    return {(row.id, version.number): named_list(row, version) for row, version in versions_pinned(ctx.session, pins)}
