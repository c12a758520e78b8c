"""Builds terms, histories and conversions from YAML in the words of scenario files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import parse_yaml
from app.contracts.delivery_terms import read_delivery
from app.core.errors import Finding
from app.core.instants import parse_date, parse_instant, start_of_day
from app.engine.attribution import ProgramModel
from app.engine.counters import Before
from app.engine.decision import Decision
from app.engine.deliveries.terms import DeliveryTerms, delivery_terms
from app.engine.evaluate import Case, case_of, evaluate
from app.engine.factsheet import Conversion, typed_facts
from app.engine.matcher import Matcher
from app.engine.reference import ReferenceMatcher
from app.engine.terms import Contract, ContractVersion, RuleVersion, Terms, TermsHistory
from app.engine.trace import Trace, explain
from app.rulelang.diagnostics import Findings
from app.rulelang.facts import Catalogue
from app.rulelang.reader import Reader
from app.rulelang.ruleset import RuleSet, check_rules, rules_from, with_kind

ALWAYS_KNOWN = "1990-01-01"
DEFAULTS: Mapping[str, Any] = {
    "eligibility": {"rules": [], "otherwise": "accept"},
    "attribution": {"claims": "accept"},
    "payout": {"hit": "first", "on": "conversion", "rules": [], "otherwise": {"flat": "1"}},
}


def data(text: str) -> Any:
    """Return YAML as data, read as strictly as the product reads it."""
    return parse_yaml(text, Path("test.yaml")).data


def findings(body: Any) -> list[Finding]:
    """Return what is wrong with a rule body, given as data or as YAML."""
    return check_rules(data(body) if isinstance(body, str) else body, shipped_catalogue())[1]


def rule_set(kind: str, body: Any, catalogue: Catalogue | None = None) -> RuleSet:
    """Return a checked rule body; `kind` and, for a payout, everything but what matters may be left out."""
    given = data(body) if isinstance(body, str) else body
    return rules_from(with_kind(kind, {**_implied(kind), **given}), catalogue or shipped_catalogue())


def terms(text: str, **contract: Any) -> Terms:
    """Return terms with the rules of YAML `{eligibility?, attribution?, payout?}`, in force since 1990."""
    found = history([{"effective_from": "1990-01-01", "rules": data(text) or {}}], **contract).at(instant("2030-01-01"))
    assert isinstance(found, Terms), found
    return found


def history(
    versions: str | list[Any], as_of: str = "2100-01-01", catalogue: Catalogue | None = None, **contract: Any
) -> TermsHistory:
    """Return a contract's history from the `versions` of a scenario; rules that are not given accept and pay 1.00."""
    given = data(versions) if isinstance(versions, str) else versions
    party = Contract(
        id=contract.pop("id", "acme"),
        program="shop",
        partner=contract.pop("partner", "acme"),
        currency=contract.pop("currency", "USD"),
        timezone=ZoneInfo(contract.pop("timezone", "America/New_York")),
        **contract,
    )
    dated = [_version(number, entry, catalogue) for number, entry in enumerate(given, start=1)]
    return TermsHistory(party, dated, instant(as_of))


def conversion(identifier: str = "c1", at: str = "1997-07-02T10:00:00-04:00", **facts: Any) -> Conversion:
    """Return a conversion claimed by acme. `number` is the customer's order number."""
    number = facts.pop("number", None)
    partner = facts.pop("partner", "acme")
    typed, wrong = typed_facts(facts, shipped_catalogue(), "/facts")
    assert not wrong, wrong
    return Conversion(identifier, "shop", instant(at), partner, typed, number)


def decide(given: Terms, one: Conversion, before: Before | None = None) -> Decision:
    """Return the reference engine's decision; counters start at zero."""
    held = dict.fromkeys(given.counters_since, Decimal(0)) if before is None else before
    return decided(given, one, ReferenceMatcher(), held)


def explained(given: Terms, one: Conversion, before: Before) -> Trace:
    """Return the trace of the decision for the one partner that claims a conversion."""
    return explain(claimed(given, one), str(one.partner), {given.contract.id: before})


def decided(given: Terms, one: Conversion, matcher: Matcher, before: Before) -> Decision:
    """Return what an engine decides for the one partner that claims a conversion."""
    return evaluate(claimed(given, one), matcher, lambda terms: before)[one.partner]


def claimed(given: Terms, one: Conversion) -> Case:
    """Return the case of a conversion that one partner claims, under its terms."""
    return case_of(one, lambda partner: given, ProgramModel(), given.contract.currency)


def instant(text: str) -> datetime:
    """Return an instant, or the first one of a day in New York."""
    day = parse_date(text)
    found = parse_instant(text) if day is None else start_of_day(day, ZoneInfo("America/New_York"))
    assert found is not None, text
    return found.astimezone(UTC)


def _version(number: int, entry: dict[str, Any], catalogue: Catalogue | None) -> ContractVersion:
    rules = {**DEFAULTS, **entry.get("rules", {})}
    is_termination = entry.get("termination", False)
    start = entry["effective_from"]
    versions = [
        RuleVersion(
            id=f"{kind}-{number}-{index}",
            number=index,
            rules=rule_set(kind, dated["body"], catalogue),
            effective_from=instant(dated["effective_from"]),
            place="delivery_payout" if kind == "delivery_payout" else None,
            **_recorded({**entry, **dated}),
        )
        for kind, given in rules.items()
        for index, dated in enumerate(given if isinstance(given, list) else [_from(start, given)], start=1)
    ]
    return ContractVersion(
        number=number,
        effective_from=instant(start),
        is_termination=is_termination,
        delivery=_delivery(entry.get("delivery")),
        rule_versions=() if is_termination else tuple(versions),
        **_recorded(entry),
    )


def _delivery(given: Any) -> DeliveryTerms:
    noted = Findings()
    normal = None if given is None else read_delivery(Reader(noted), given, "/delivery")
    assert not noted.all, noted.all
    return delivery_terms(normal)


def _from(start: str, body: Any) -> dict[str, Any]:
    return {"effective_from": start, "body": body}


def _recorded(entry: Mapping[str, Any]) -> Any:
    retired = entry.get("retired_at")
    return {
        "recorded_at": instant(entry.get("recorded_at", ALWAYS_KNOWN)),
        "retired_at": None if retired is None else instant(retired),
    }


def _implied(kind: str) -> dict[str, Any]:
    if kind == "delivery_payout":
        return {"on": "delivery", "hit": "first", "rules": []}
    return {"on": "conversion", "hit": "first", "rules": [], "otherwise": {"flat": "0"}} if kind == "payout" else {}
