"""A quote: what a formula is worth for given facts, without a contract. Facts are free names here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.core.currency import minor_digits
from app.core.errors import Finding, pointer_of
from app.core.json_text import JsonFloat
from app.core.money import ZERO, canonical, parse_decimal
from app.core.rounding import round_line, shown
from app.engine.counters import Before, counter_of, opening_counter
from app.engine.payout.formulas import facts_missing, price
from app.engine.quoted_items import items_catalogue, read_items
from app.rulelang.ast import Formula, Tiers, Value, nested_formulas
from app.rulelang.diagnostics import Findings, described
from app.rulelang.formulas import read_formula
from app.rulelang.reader import Reader
from app.rulelang.typecheck import typed_items

KEYS = ("formula", "facts")
OPTIONAL = ("id", "before", "currency", "source", "expect")


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a formula, precise and rounded, and how it came about."""

    amount_precise: Decimal
    amount: Decimal
    currency: str
    steps: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"amount": shown(self.amount, self.currency), "amount_precise": canonical(self.amount_precise)}

    def with_steps(self) -> dict[str, Any]:
        """Return it with the currency and the way to it."""
        return {**self.as_dict(), "currency": self.currency, "steps": list(self.steps)}


def quote(case: Any, at: str = "") -> Quote | list[Finding]:
    """Price `{"formula", "facts", "before"?, "currency"?}`, or return everything that is wrong with it.

    A numeric string (or whole number) is a decimal; `before` is what the window held: `{"count", "sum"}`.
    """
    findings = Findings()
    reader = Reader(findings)
    if reader.object(case, at, KEYS, OPTIONAL, "a quote") is None:
        return findings.all
    formula = read_formula(reader, case["formula"], at + "/formula")
    facts = _facts(reader, case["facts"], at + "/facts")
    held = _held(reader, case.get("before", {}), at + "/before")
    currency = case.get("currency", "USD")
    if not isinstance(currency, str) or minor_digits(currency) is None:
        findings.add("unknown_choice", at + "/currency", f"no ISO 4217 currency: {described(currency)}", "such as USD")
    if formula is not None and not findings.errors:
        formula = typed_items(formula, items_catalogue(facts), findings)
    missing = [] if formula is None or findings.errors else facts_missing(formula, facts)
    for name in missing:
        found = f"; found {described(case['facts'][name])}" if name in case["facts"] else ""
        findings.add("unknown_fact", at + "/facts", f"the formula needs the fact {name!r}, a numeric string{found}")
    if formula is None or findings.errors:
        return findings.all
    steps: list[str] = []
    precise = price(formula, facts, _before(formula, held), steps.append)
    return Quote(precise, round_line(precise, currency), currency, tuple(steps))


def _facts(reader: Reader, data: Any, at: str) -> dict[str, Value]:
    """Return the numbers among the facts, and lists of items; other texts are left out, floats refused."""
    if not isinstance(data, dict):
        reader.findings.add("wrong_type", at, f"facts is an object; found {described(data)}")
        return {}
    numbers: dict[str, Value] = {}
    for name, value in data.items():
        text = _as_text(value)
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            numbers[name] = read_items(reader, value, at + pointer_of(name))
        elif isinstance(value, JsonFloat | float):
            reader.decimal(value, at + pointer_of(name), what=name)
        elif isinstance(text, str) and (number := parse_decimal(text)) is not None:
            numbers[name] = number
    return numbers


def _held(reader: Reader, data: Any, at: str) -> dict[str, Decimal]:
    """Return what the window held before. Here a word that is not understood would be a wrong price, so none is."""
    table = reader.object(data, at, (), ("count", "sum"), "before") or {}
    read = {
        name: reader.decimal(_as_text(value), at + pointer_of(name), what=name, least=ZERO)
        for name, value in table.items()
    }
    return {name: number for name, number in read.items() if number is not None}


def _as_text(value: Any) -> Any:
    """Return a whole JSON number as a numeric string, and anything else as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _before(formula: Formula, held: Mapping[str, Decimal]) -> Before:
    tables = [part for part in nested_formulas(formula) if isinstance(part, Tiers)]
    wanted = [counter for table in tables for counter in (counter_of(table), opening_counter(table))]
    counters = [counter for counter in wanted if counter is not None]
    return {counter: held.get("sum" if counter.fact else "count", ZERO) for counter in counters}
