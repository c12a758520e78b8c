"""Rows to engine values: a contract with all its versions, its rule bodies read once per process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import orjson

from app.core.instants import zone
from app.engine import terms as engine
from app.engine.deliveries.terms import delivery_terms
from app.engine.settlement import settlement_from
from app.rulelang.ast import KINDS, PLACES
from app.rulelang.bindings import Bindings, NamedList
from app.rulelang.facts import Catalogue
from app.rulelang.ruleset import RuleSet, rules_from
from app.store import models


def timezone_of(contract: models.Contract) -> ZoneInfo:
    """Return the zone the contract's days are in."""
    found = zone(contract.timezone)
    assert found is not None, contract.timezone  # checked when the contract was made
    return found


def engine_contract(contract: models.Contract) -> engine.Contract:
    """Return the engine's contract of a row."""
    return engine.Contract(
        id=contract.id,
        program=contract.program_id,
        partner=contract.partner_id,
        currency=contract.currency,
        timezone=timezone_of(contract),
        rounding="half_even" if contract.rounding == "half_even" else "half_away",
        direction="receivable" if contract.direction == "receivable" else "payable",
    )


Lists: TypeAlias = Mapping[tuple[str, int], NamedList]
"""Versions of named lists by name and number."""


def history(
    contract: models.Contract,
    versions: Iterable[models.ContractVersion],
    as_of: datetime,
    catalogue: Catalogue,
    lists: Lists,
) -> engine.TermsHistory:
    """Return the contract's terms as they were known at `as_of`; `lists` has what its rules are pinned to."""
    approved = [version for version in versions if version.recorded_at is not None]
    known = [_engine_version(version, catalogue, lists) for version in approved]
    return engine.TermsHistory(engine_contract(contract), known, as_of)


def _engine_version(version: models.ContractVersion, catalogue: Catalogue, lists: Lists) -> engine.ContractVersion:
    return engine.ContractVersion(
        number=version.number,
        effective_from=version.starts_at,
        recorded_at=version.recorded_at,
        retired_at=version.retired_at,
        is_termination=version.is_termination,
        is_expiry=version.kind == "expiry",
        settlement=settlement_from(version.settlement),
        delivery=delivery_terms(version.delivery),
        rule_versions=tuple(
            engine.RuleVersion(
                id=rule.id,
                number=rule.number,
                rules=rules_of(rule, version.params, catalogue, lists),
                effective_from=rule.starts_at,
                recorded_at=rule.recorded_at,
                retired_at=rule.retired_at,
                place=rule.kind,  # type: ignore[arg-type]
            )
            for rule in version.rule_versions
            if rule.recorded_at is not None
        ),
    )


def terms_decided_under(
    contract: models.Contract,
    versions: Iterable[models.ContractVersion],
    record: dict[str, Any],
    catalogue: Catalogue,
    lists: Lists,
) -> engine.Terms:
    """Return the terms a stored decision names: its contract version and rule versions, whatever is in force now."""
    (version,) = (version for version in versions if version.number == record["contract_version"])
    known = _engine_version(version, catalogue, lists)
    by_id = {rule.id: rule for rule in known.rule_versions}
    # Beside them a decision names the program's attribution model, where one was asked.
    named = {kind: by_id[rule["id"]] for kind, rule in record["rule_versions"].items() if kind in PLACES}
    # A decision on deliveries names payouts only: no other rules are asked.
    first = {kind: next(rule for rule in known.rule_versions if rule.kind == kind) for kind in KINDS}
    eligibility, attribution, payout = (named.get(kind, first[kind]) for kind in KINDS)
    delivery = named.get("delivery_payout")
    return engine.Terms(engine_contract(contract), known, eligibility, attribution, payout, delivery_payout=delivery)


def rules_of(rule: models.RuleVersion, params: Mapping[str, Any], catalogue: Catalogue, lists: Lists) -> RuleSet:
    """Return the checked rules of a row. Neither bodies nor lists nor parameters ever change, so they are read once."""
    pinned = {name: lists[name, pin["version"]] for name, pin in rule.lists.items()}
    key = (rule.hash, orjson.dumps(params, option=orjson.OPT_SORT_KEYS), *(each.hash for each in pinned.values()))
    known = _rule_sets(catalogue)
    if key not in known:
        known[key] = rules_from(rule.body, catalogue, bindings=Bindings(params, pinned))
    return known[key]


@lru_cache(maxsize=1000)
def _rule_sets(catalogue: Catalogue) -> dict[tuple[Any, ...], RuleSet]:
    return {}
