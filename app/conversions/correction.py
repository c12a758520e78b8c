"""A correction of a conversion's facts as it is sent, and what it changes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.conversions.envelope import text_of
from app.core.canonical import record_hash
from app.core.errors import Finding
from app.engine.factsheet import typed_facts
from app.rulelang.ast import Value
from app.rulelang.diagnostics import Findings, described
from app.rulelang.facts import Catalogue
from app.rulelang.printer import value_text
from app.rulelang.reader import Reader

MAX_REASON = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Corrected:
    """All facts of a conversion as they are to be, and why."""

    raw_facts: dict[str, Any]
    facts: dict[str, Value]
    reason: str

    @property
    def facts_hash(self) -> str:
        """Tells whether two corrections say the same."""
        return facts_hash(self.facts)

    @property
    def customer_id(self) -> str | None:
        return text_of(self.facts, "customer_id")

    @property
    def order_id(self) -> str | None:
        return text_of(self.facts, "order_id")


def read_correction(body: Any, catalogue: Catalogue) -> Corrected | list[Finding]:
    """Return a correction, or everything that is wrong with it."""
    findings = Findings()
    given = Reader(findings).object(body, "", ("facts", "reason"), (), "a correction")
    if given is None:
        return findings.all
    reason, raw = given["reason"], given["facts"]
    if not isinstance(reason, str) or not 0 < len(reason) <= MAX_REASON or _CONTROL.search(reason):
        message = f"a reason is a sentence of 1 to {MAX_REASON} characters; found {described(reason)}"
        findings.add("wrong_type", "/reason", message)
    if not isinstance(raw, dict):
        findings.add("wrong_type", "/facts", f"expected all facts by name; found {described(raw)}")
        return findings.all
    facts, wrong = typed_facts(raw, catalogue, "/facts")
    if findings.all or wrong:
        return [*findings.all, *wrong]
    return Corrected({name: value for name, value in raw.items() if value is not None}, facts, reason)


def facts_hash(facts: Mapping[str, Value]) -> str:
    """Return the same hash for the same facts, however they were written."""
    return record_hash({name: value_text(value) for name, value in facts.items()})


def fact_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each fact that is another one than before, by name; null where there is none.

    >>> fact_changes({"order_value": "100.00"}, {"order_value": "80.00"})
    [{'fact': 'order_value', 'before': '100.00', 'after': '80.00'}]
    """
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return [{"fact": name, "before": before.get(name), "after": after.get(name)} for name in names]
