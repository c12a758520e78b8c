"""Every diagnostic the rule language can give, and the collector that gathers them all instead of stopping at one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from app.core.errors import AppError, Finding
from app.core.money import canonical, parse_decimal

CODES: dict[str, str] = {
    "wrong_type": "A value has another JSON type than the language wants there.",
    "float_refused": "A number was written with a point or an exponent. Money, rates and decimals are strings.",
    "bad_decimal": "A decimal string is not plain digits, is longer than 18 digits before or 9 after the point, or is too low.",
    "missing_key": "A key that must be there is not.",
    "unknown_key": "A key the language does not know.",
    "unknown_choice": "A word that is none of the words allowed there.",
    "unknown_condition": "An object that is no condition: no group, no comparison, no test of items and not always.",
    "unknown_formula": "An object that is no formula.",
    "empty_group": "all, any, in, not_in, contains_any, contains_all, sum, least or greatest without a member.",
    "bad_identifier": "An id, code or name with characters that are not allowed or of a length that is not.",
    "duplicate_id": "Two rules or two limits of one body have the same id, or a rule is called otherwise.",
    "too_deep": "Conditions or formulas nested beyond 6 levels.",
    "too_many_groups": "More than 12 groups in one rule.",
    "too_many_leaves": "More than 50 leaves in one rule.",
    "too_many_rules": "More than 200 rules in one body.",
    "too_many_members": "Over 10,000 members in a list, 1,000,000 in all named, 50 per_item, 50 formulas in a sum, 20 limits.",
    "too_many_steps": "More than 200 steps in one tier table.",
    "unknown_fact": "A fact that is not in the catalogue.",
    "unknown_operator": "An operator the language does not know.",
    "operator_not_for_type": "An operator that the fact's type does not have.",
    "value_not_of_type": "A value that is not of the fact's type.",
    "not_a_member": "A value that is none of the enum's.",
    "if_missing_required": "A negative test of an optional fact that does not say what an absent fact means.",
    "if_missing_useless": "if_missing on a fact that is never absent, or on exists and missing.",
    "empty_range": "between with a low end above the high end: it would never be true.",
    "empty_text": "starts_with or contains with an empty text: it would be true of every text.",
    "facts_not_comparable": "A fact compared with one of another type, or with itself.",
    "source_not_here": "A value taken from a fact, a parameter or a list where the operator takes none from there.",
    "unknown_param": "A parameter that the contract version does not give.",
    "unknown_list": "A named list that does not exist.",
    "list_not_for_fact": "A named list whose members are of another type than the fact.",
    "fact_of_other_subject": "A rule on conversions reads a fact that only deliveries carry, or the other way round.",
    "not_for_deliveries": "A limit on a count, a customer or one event, a counting tier table or volume over days on deliveries.",
    "fact_known": "A program declares a fact that exists already, with another meaning.",
    "bad_declaration": "An enum without words, records without fields, or either where the type has none.",
    "derived_fact": "A conversion carries a fact that Termline computes itself.",
    "not_records": "any_item, every_item, no_item or per_item over a fact that is no list of records.",
    "not_a_number": "A formula calculates with a fact that is no number.",
    "bad_steps": "A tier table that does not rise or end, takes a percentage of a count, or pays volume at a step left.",
    "bad_limit": "A limit on conversions that pays a part of one, or whose maximum is no whole number.",
    "bad_item_formula": "What is paid for one item runs over a window, or over items again.",
    "bad_clamp": "A clamp without ends, or with a minimum above the maximum.",
    "too_many_findings": "More than 100 defects in one body; what follows the last of them was not read.",
    "out_of_range": "A value below its least or above its most.",
}


class RulesRefused(AppError):
    """A rule body with errors. `findings` lists all of them."""

    code = "rules_refused"
    kind = "invalid"


MAX_FINDINGS = 100


class EnoughFound(Exception):
    """There is no room for another finding. Whoever set the limit catches this."""


class Findings:
    """Collects diagnostics while a document is read: all of them, or as many as there is room for.

    A reader of a megabyte of nonsense would be busy for long with words that nobody reads to the end.
    """

    def __init__(self, most: int | None = None) -> None:
        self.all: list[Finding] = []
        self._most = most

    def add(self, code: str, pointer: str, message: str, hint: str | None = None) -> None:
        """Note an error. `code` is one of CODES."""
        assert code in CODES, code
        self.note(Finding(code, message, pointer, hint))

    def warn(self, code: str, pointer: str, message: str, hint: str | None = None) -> None:
        """Note something that does not stop the rule."""
        assert code in CODES, code
        self.note(Finding(code, message, pointer, hint, severity="warning"))

    def note(self, finding: Finding) -> None:
        """Note a finding as it is. Raises EnoughFound when there is no room for it."""
        if len(self.all) == self._most:
            raise EnoughFound
        self.all.append(finding)

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.all if finding.severity == "error"]


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a hint with the nearest known word, or the known words when they are few, or None."""
    known = sorted(known)
    near = difflib.get_close_matches(word[:64], known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(known)}" if 0 < len(known) <= 60 else None


def string_hint(number: Any) -> str:
    """Return how a number with a point or an exponent is written as a decimal string.

    >>> string_hint("0.10"), string_hint("1.5e3")
    ('write it as a string: "0.10"', 'write it as a string: "1500"')
    """
    text = str(number)
    if parse_decimal(text) is None:
        text = _plain(text) or ""
    return f'write it as a string: "{text}"' if text else 'write it as a string of digits, for example "12.50"'


def _plain(text: str) -> str | None:
    """Return a number without its exponent, or None where that would be no decimal of ours."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value.adjusted()) > 18:
        return None
    plain = canonical(value)
    return None if parse_decimal(plain) is None else plain


def described(value: Any) -> str:
    """Return what was found, short enough to be shown in a message."""
    names = {dict: "an object", list: "a list", bool: "a boolean", type(None): "null"}
    if type(value) in names and not isinstance(value, bool):
        return names[type(value)]
    text = repr(value[:61]) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
