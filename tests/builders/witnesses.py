"""Takes a witness as it is shown, as JSON, and has the engine decide it: types, derived facts, evaluator, all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from app.adapters.fact_files import shipped_catalogue
from app.analysis.analyse import analyse
from app.core.instants import parse_instant
from app.engine.counters import counters_of
from app.engine.decision import Decision
from app.engine.evaluate import facts_for
from app.engine.factsheet import Conversion, typed_facts
from app.engine.reference import ReferenceMatcher
from app.engine.terms import Terms
from tests.builders.terms import data, rule_set, terms
from tests.builders.terms import decided as by_engine


def analysed(kind: str, body: str) -> list[dict[str, Any]]:
    """Return what is found in a rule body of YAML, as it is shown."""
    found = analyse(rule_set(kind, body), shipped_catalogue())
    return [json.loads(json.dumps(each.as_dict())) for each in found]


def terms_with(kind: str, body: str, zone: str = "UTC") -> Terms:
    """Return terms with this body; the other kinds let everything pass."""
    implied = {"rules": [], "otherwise": {"flat": "0"}} if kind == "payout" else {}
    full = {"on": "conversion", "hit": "first", **implied, **data(body)} if kind == "payout" else data(body)
    return terms(json.dumps({kind: full}), timezone=zone)


def sent(shown: Mapping[str, Any]) -> Conversion:
    """Return the conversion of a witness, read as one that is sent."""
    facts, wrong = typed_facts(shown["facts"], shipped_catalogue(), "/facts")
    assert not wrong, wrong
    event_at = parse_instant(shown["event_at"])
    assert event_at is not None
    number = shown.get("customer_order_number")
    assert number is None or "customer_id" in facts, "only a known customer's orders have numbers"
    return Conversion("w1", "shop", event_at, "acme", facts, number)


def decided(kind: str, body: str, shown: Mapping[str, Any], **held: Any) -> tuple[Decision, frozenset[str]]:
    """Return the decision on a witness's conversion, and which rules of the body match it by the reference evaluator."""
    conversion, given = sent(shown), terms_with(kind, body, shown["timezone"])
    assert ZoneInfo(shown["timezone"]) == given.contract.timezone
    before = {counter: held.get(counter.measure, 0) for counter in counters_of(given.payout_body)}
    decision = by_engine(given, conversion, ReferenceMatcher(), before)  # type: ignore[arg-type]
    conditions = given.payout_conditions if kind == "payout" else given.eligibility_conditions
    return decision, ReferenceMatcher().matched(conditions, facts_for(given, conversion))
