"""The JSON Schema of formulas, from the words and limits that `formulas.py` reads."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.period import WINDOWS
from app.rulelang.formulas import CROSSINGS, MAX_DEPTH, MAX_PARTS, MAX_STEPS, MODES, RATES, ROUNDINGS, WORDS
from app.rulelang.schema_shapes import Schema, by_key, decimal, object_of, one_of_keys, ref, where, words

MEANINGS = {
    "flat": "A fixed amount of money.",
    "percent": 'A percentage of a fact; "5" means 5 %.',
    "per_unit": "An amount of money for each unit of a fact.",
    "cpm": "An amount of money for each thousand of a fact.",
    "amount": "The fact itself, as money.",
    "package": "An amount of money for each package of a size.",
    "tiers": "A tier table: what is paid depends on how much there is.",
    "per_item": "A formula for each item of a list that meets a condition, added up.",
    "sum": "These formulas added up.",
    "least": "The lowest of these formulas.",
    "greatest": "The highest of these formulas.",
    "clamp": "A formula held between a minimum and a maximum.",
}
assert tuple(MEANINGS) == WORDS
_MODES = {
    "graduated": "Each slice is paid at the price of its own step.",
    "volume": "All is paid at the price of the step that is reached.",
}
_RATES = {
    "per_unit": "`unit` is an amount of money for each unit.",
    "percent": "`unit` is a percentage of what is summed.",
}
_CROSSINGS = {
    "split": "It is cut at the end of the step.",
    "whole_at_new": "All of it is paid at the step that it reaches.",
    "whole_at_old": "All of it is paid at the step that it begins in.",
}
_ROUNDINGS = {"up": "A package that is begun counts.", "down": "Only full packages count."}
WINDOW_MEANINGS = {
    "event": "Each conversion by itself.",
    "day": "All conversions of a local day, in the contract's time zone.",
    "week": "All conversions of a week, from Monday on.",
    "month": "All conversions of a calendar month.",
    "quarter": "All conversions of a calendar quarter.",
    "contract_year": "All conversions of a year that begins on the contract's first day, or its last day of February.",
    "contract": "All conversions of the contract.",
}
assert (tuple(_MODES), tuple(_RATES), tuple(_ROUNDINGS), tuple(WINDOW_MEANINGS)) == (MODES, RATES, ROUNDINGS, WINDOWS)
assert tuple(_CROSSINGS) == CROSSINGS


def formula_parts() -> dict[str, Schema]:
    """Return the named parts of formulas by their names; `number_fact` is the name of a fact to calculate with, and
    `number_field` of a field of an item."""
    parts = _formula_parts("", "number_fact") | _formula_parts("item_", "number_field")
    return parts | {"package": _package(), "step": _step()}


def _formula_parts(prefix: str, number: str) -> dict[str, Schema]:
    """Return the parts of formulas on facts, or with a prefix on the fields of one item, which has no items in it."""
    listed = {"type": "array", "minItems": 1, "maxItems": MAX_PARTS, "items": ref(f"{prefix}formula")}
    of = {"of": ref(number, "The fact that is calculated with, a number.")}
    shapes: dict[str, tuple[dict[str, Schema], dict[str, Schema]]] = {
        "flat": ({"flat": decimal(MEANINGS["flat"])}, {}),
        "percent": ({"percent": decimal(MEANINGS["percent"], example="2.5"), **of}, {}),
        "per_unit": ({"per_unit": decimal(MEANINGS["per_unit"], example="0.05"), **of}, {}),
        "cpm": ({"cpm": decimal(MEANINGS["cpm"], example="7.50"), **of}, {}),
        "amount": ({"amount": ref(number, MEANINGS["amount"])}, {}),
        "package": ({"package": ref("package"), **of}, {}),
        "tiers": ({"tiers": ref(f"{prefix}tiers")}, {}),
        "per_item": (
            {
                "per_item": ref("records_fact", MEANINGS["per_item"]),
                "then": ref("item_formula", "What is paid for one item, by its fields."),
            },
            {
                "where": ref("item_condition", "Which items are paid for; all of them if left out."),
                "times": ref("number_field", "How often an item counts, such as its quantity; once if left out."),
            },
        ),
        "clamp": (
            {"clamp": ref(f"{prefix}formula", MEANINGS["clamp"])},
            {"min": decimal("At least this much."), "max": decimal("At most this much.")},
        ),
    }
    shapes |= {word: ({word: listed | {"description": MEANINGS[word]}}, {}) for word in ("sum", "least", "greatest")}
    known = {word: MEANINGS[word] for word in WORDS if word != "per_item" or not prefix}
    made = {word: object_of(word.replace("_", " ").capitalize(), MEANINGS[word], *shapes[word]) for word in known}
    made["clamp"] |= {"anyOf": [{"required": ["min"]}, {"required": ["max"]}]}
    formula = {
        "title": "Formula",
        "description": f"What is paid, by one of the words. At most {MAX_DEPTH} levels deep.",
        "type": "object",
        "allOf": by_key(known, [((word,), shape) for word, shape in made.items()], "A formula"),
        "examples": [{"percent": "5", "of": "price" if prefix else "order_value"}, {"flat": "12.50"}],
    }
    return {f"{prefix}formula": formula, f"{prefix}tiers": _tiers(number, WINDOW_MEANINGS if not prefix else _OF_EVENT)}


_OF_EVENT = {"event": "Each item by itself."}


def _package() -> Schema:
    return object_of(
        "Package",
        MEANINGS["package"],
        {
            "size": decimal("How many units are in one package.", least="+", example="100"),
            "amount": decimal("What one package pays."),
        },
        {
            "free": decimal("How many units are free, before the first package.", least="0", example="10"),
            "round": words(_ROUNDINGS, description="What becomes of a package that is not full; `up` if left out."),
        },
    )


def _tiers(number: str, windows: Mapping[str, str]) -> Schema:
    metric = {
        "count": {"const": True, "description": "Conversions are counted."},
        "sum": ref(number, "A fact is summed."),
    }
    table = object_of(
        "Tier table",
        "Steps that rise from zero, and what is paid in each.",
        {
            "mode": words(_MODES, description="How steps are paid."),
            "by": one_of_keys(metric) | {"description": "What decides which step is reached."},
            "window": words(windows, description="Over what is counted or summed."),
            "rate": words(_RATES, description="What the `unit` of a step is."),
            "steps": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_STEPS,
                "items": ref("step"),
                "description": "They rise; the last one, and only that, has `up_to` null.",
            },
        },
        {
            "crossing": words(
                _CROSSINGS,
                description="What becomes of a conversion that crosses the end of a step; `split` if left out.",
            ),
            "flat_at_zero": {
                "type": "boolean",
                "description": "Whether the first step's `flat` is paid for nothing at all.",
            },
        },
    )
    counted = {"properties": {"rate": {"const": "per_unit"}}}
    by_volume = {"properties": {"crossing": {"enum": [word for word in CROSSINGS if word != "whole_at_old"]}}}
    return table | {
        "allOf": [
            {"if": where("by", where("count", {})), "then": counted},
            {"if": where("mode", {"const": "volume"}), "then": by_volume},
        ]
    }


def _step() -> Schema:
    return object_of(
        "Step",
        "The slice from the previous step's end to `up_to`, which belongs to it.",
        {
            "up_to": decimal(
                "Where the step ends; null for the last one, which is endless.", example="100", nullable=True
            ),
            "unit": decimal("What a unit pays in this step, or its percentage.", example="0.05"),
        },
        {"flat": decimal("What is paid once besides, when the step is reached.")},
    )
