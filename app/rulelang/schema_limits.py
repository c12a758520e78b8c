"""The JSON Schema of limits, from the words that `limits.py` reads."""

from __future__ import annotations

from app.rulelang.limits import FALLBACK, MEASURES, OVERS, PERS
from app.rulelang.schema_formulas import WINDOW_MEANINGS
from app.rulelang.schema_shapes import Schema, decimal, object_of, ref, where, words

_MEASURES = {"amount": "The amount that is paid.", "count": "The number of conversions that are paid."}
_PERS = {
    "contract": "Each contract by itself.",
    "partner": "All contracts of the partner in the same currency together, those of other programs too.",
    "customer": "Each customer of the contract; a conversion without customer_id is held.",
}
_OVERS = {
    "partial": "The line that would go beyond is cut to what is left.",
    "zero": "A conversion that would go beyond pays nothing.",
    "reject": "A conversion that would go beyond is ineligible.",
    "hold": "A conversion that would go beyond is held.",
}
assert (tuple(_MEASURES), tuple(_PERS), tuple(_OVERS)) == (MEASURES, PERS, OVERS)


def limit_part() -> Schema:
    """Return the shape of a limit."""
    limit = object_of(
        "Limit",
        "The most that is paid in a window. Limits work on rounded lines, in this order, each on what the former left.",
        {
            "id": ref("id"),
            "measure": words(_MEASURES, description="What is limited."),
            "per": words(_PERS, description="For whom."),
            "window": words(WINDOW_MEANINGS, description="Over what."),
            "max": decimal("The most that is paid, or the most conversions.", least="0", example="1000.00"),
            "over": _over(),
        },
        {},
    )
    counted = {"max": {"pattern": "^[^.]*(\\.0+)?$"}, "over": {"not": {"const": "partial"}}}
    return limit | {"allOf": [{"if": where("measure", {"const": "count"}), "then": {"properties": counted}}]}


def _over() -> Schema:
    formula = ref("formula", "What a conversion that would go beyond is paid instead, under the other limits.")
    instead = object_of("Fallback", "Another formula pays.", {FALLBACK: formula}, {})
    return {
        "description": "What becomes of a conversion that would go beyond: a word, or a fallback.",
        "if": {"type": "object"},
        "then": instead,
        "else": words(_OVERS),
        "examples": ["partial", {FALLBACK: {"percent": "1", "of": "order_value"}}],
    }
