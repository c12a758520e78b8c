"""A checked rule body with its hash: what API, commands, packs and scenarios all get their rules from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.canonical import content_hash, record_hash
from app.core.errors import Finding
from app.rulelang.ast import (
    Attribution,
    Body,
    Kind,
    Payout,
    Source,
    conditions_of,
    fact_of,
    facts_of,
    formulas_of,
    item_conditions_of,
    sources_of,
)
from app.rulelang.bindings import NOTHING, Bindings
from app.rulelang.diagnostics import MAX_FINDINGS, EnoughFound, Findings, RulesRefused
from app.rulelang.facts import CUSTOMER, Catalogue
from app.rulelang.parser import parse_body
from app.rulelang.typecheck import check_types, type_text


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One rule version's rules: typed, with the hash of what was written, the facts they read, and those of them without
    which nothing can be decided. `key` covers what the hash does not: the values of parameters and lists, and the types
    of the facts. Two rule sets with one key are true of the same facts."""

    kind: Kind
    hash: str
    body: Body
    facts_read: frozenset[str]
    facts_required: frozenset[str]
    sources: frozenset[Source]
    key: str


def check_rules(
    data: Any, catalogue: Catalogue, at: str = "", bindings: Bindings = NOTHING
) -> tuple[RuleSet | None, list[Finding]]:
    """Return the rule set and its warnings, or None and everything that is wrong with it."""
    findings = Findings(MAX_FINDINGS)
    try:
        parsed = parse_body(data, findings, at)
        typed = None if parsed is None else check_types(parsed, catalogue, findings, at, bindings)
    except EnoughFound:
        return None, [*findings.all, _TOO_MANY.at(at)]
    if typed is None or findings.errors:
        return None, findings.all
    tested = frozenset(fact for _, when in conditions_of(typed) for fact in facts_of(when))
    used = frozenset(fact for formula in formulas_of(typed) if (fact := fact_of(formula)) is not None)
    of_touch = isinstance(typed, Attribution)  # facts of a touch are there whenever a touch is
    required = frozenset(
        fact
        for fact in tested | used
        if catalogue[fact].required and not (of_touch and catalogue[fact].subject == "touch")
    ) | _needed(typed)
    asked = [*(when for _, when in conditions_of(typed)), *item_conditions_of(typed)]
    sources = frozenset(source for when in asked for source in sources_of(when))
    written = content_hash(data)
    key = _key(written, sources, bindings, {name: type_text(catalogue[name]) for name in tested})
    return RuleSet(data["kind"], written, typed, tested | used | required, required, sources, key), findings.all


_TOO_MANY = Finding(
    "too_many_findings",
    f"more than {MAX_FINDINGS} defects were found; what follows the last of them was not read",
    hint="correct these, then check again",
)


def _needed(body: Body) -> frozenset[str]:
    """Return what a limit per customer needs, required in the catalogue or not: who the customer is."""
    is_needed = isinstance(body, Payout) and any(limit.per == "customer" for limit in body.limits)
    return frozenset({CUSTOMER} if is_needed else ())


def _key(written: str, sources: frozenset[Source], bindings: Bindings, types: Mapping[str, str]) -> str:
    params = {source.name: repr(bindings.params[source.name]) for source in sources if source.kind == "param"}
    lists = {source.name: bindings.lists[source.name].hash for source in sources if source.kind == "list"}
    return record_hash({"rules": written, "params": params, "lists": lists, "types": types})


def rules_from(data: Any, catalogue: Catalogue, at: str = "", bindings: Bindings = NOTHING) -> RuleSet:
    """Return the rule set, or raise RulesRefused with every finding."""
    rules, findings = check_rules(data, catalogue, at, bindings)
    if rules is None:
        raise refusal(findings)
    return rules


def refusal(findings: list[Finding]) -> RulesRefused:
    """Return the refusal of rules with these findings."""
    errors = [finding for finding in findings if finding.severity == "error"]
    first = f"{errors[0].pointer or '/'}: {errors[0].message}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return RulesRefused(f"The rules have {len(errors)} error{'s' * (len(errors) > 1)}. {first}{more}", findings)


def with_kind(place: str, body: Any) -> Any:
    """Return a body that stands under the name of its place, with its kind written out."""
    return {"kind": kind_in(place), **body} if isinstance(body, Mapping) and "kind" not in body else body


def kind_in(place: str) -> str:
    """Return the kind of body that stands in a place of a contract version."""
    return "payout" if place == "delivery_payout" else place
