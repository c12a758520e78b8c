"""The JSON Schema of formulas, from the words and limits that `formulas.py` reads."""

from __future__ import annotations

from app.core.period import WINDOWS
from app.rulelang.formulas import CROSSING, MAX_DEPTH, MAX_PARTS, MAX_STEPS, MODES, RATES, ROUNDINGS, WORDS
from app.rulelang.schema_shapes import Schema, by_key, decimal, object_of, one_of_keys, ref, where, words

MEANINGS = {
    "flat": "A fixed amount of money.",
    "percent": 'A percentage of a fact; "5" means 5 %.',
    "per_unit": "An amount of money for each unit of a fact.",
    "cpm": "An amount of money for each thousand of a fact.",
    "amount": "The fact itself, as money.",
    "package": "An amount of money for each package of a size.",
    "tiers": "A tier table: what is paid depends on how much there is.",
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


def formula_parts() -> dict[str, Schema]:
    """Return the named parts of formulas by their names; `number_fact` is the name of a fact to calculate with."""
    listed = {"type": "array", "minItems": 1, "maxItems": MAX_PARTS, "items": ref("formula")}
    of = {"of": ref("number_fact", "The fact that is calculated with, a number.")}
    shapes: dict[str, tuple[dict[str, Schema], dict[str, Schema]]] = {
        "flat": ({"flat": decimal(MEANINGS["flat"])}, {}),
        "percent": ({"percent": decimal(MEANINGS["percent"], example="2.5"), **of}, {}),
        "per_unit": ({"per_unit": decimal(MEANINGS["per_unit"], example="0.05"), **of}, {}),
        "cpm": ({"cpm": decimal(MEANINGS["cpm"], example="7.50"), **of}, {}),
        "amount": ({"amount": ref("number_fact", MEANINGS["amount"])}, {}),
        "package": ({"package": ref("package"), **of}, {}),
        "tiers": ({"tiers": ref("tiers")}, {}),
        "clamp": (
            {"clamp": ref("formula", MEANINGS["clamp"])},
            {"min": decimal("At least this much."), "max": decimal("At most this much.")},
        ),
    }
    shapes |= {word: ({word: listed | {"description": MEANINGS[word]}}, {}) for word in ("sum", "least", "greatest")}
    made = {word: object_of(word.replace("_", " ").capitalize(), MEANINGS[word], *shapes[word]) for word in WORDS}
    made["clamp"] |= {"anyOf": [{"required": ["min"]}, {"required": ["max"]}]}
    formula = {
        "title": "Formula",
        "description": f"What is paid, by one of the words. At most {MAX_DEPTH} levels deep.",
        "type": "object",
        "allOf": by_key(MEANINGS, [((word,), shape) for word, shape in made.items()], "A formula"),
        "examples": [{"percent": "5", "of": "order_value"}, {"flat": "12.50"}],
    }
    return {"formula": formula, "package": _package(), "tiers": _tiers(), "step": _step()}


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


def _tiers() -> Schema:
    metric = {
        "count": {"const": True, "description": "Conversions are counted."},
        "sum": ref("number_fact", "A fact is summed."),
    }
    table = object_of(
        "Tier table",
        "Steps that rise from zero, and what is paid in each. `volume` and `flat_at_zero` are run over the window `event` only.",
        {
            "mode": words(_MODES, description="How steps are paid."),
            "by": one_of_keys(metric) | {"description": "What decides which step is reached."},
            "window": words(WINDOW_MEANINGS, description="Over what is counted or summed."),
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
            "crossing": {
                "const": CROSSING,
                "description": "A conversion that crosses the end of a step is split at it.",
            },
            "flat_at_zero": {
                "type": "boolean",
                "description": "Whether the first step's `flat` is paid for nothing at all.",
            },
        },
    )
    longer = {"properties": {"mode": {"const": "graduated"}, "flat_at_zero": {"const": False}}}
    counted = {"properties": {"rate": {"const": "per_unit"}}}
    return table | {
        "allOf": [
            {"if": where("window", {"enum": [word for word in WINDOWS if word != "event"]}), "then": longer},
            {"if": where("by", where("count", {})), "then": counted},
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
