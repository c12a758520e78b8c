"""JSON to limits: what is limited, for whom, over what, and what becomes of a decision that goes beyond. What a limit
leaves of a decision is `app/engine/payout/limits.py`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

from app.core.money import ZERO, canonical
from app.core.period import WINDOWS
from app.rulelang.ast import Fallback, Limit, Over, Per
from app.rulelang.formulas import read_formula
from app.rulelang.reader import Reader

MEASURES = ("amount", "count")
PERS: tuple[Per, ...] = get_args(Per)
OVERS: tuple[Over, ...] = get_args(Over)
FALLBACK = "fallback"
_SMALLEST = Decimal(1)


def read_limit(reader: Reader, data: Any, at: str) -> Limit | None:
    """Return the limit at a pointer, or None with findings."""
    limit = reader.object(data, at, ("id", "measure", "per", "window", "max", "over"), what="a limit")
    if limit is None:
        return None
    identifier = reader.identifier(limit["id"], at + "/id")
    measure = reader.word(limit["measure"], at + "/measure", MEASURES)
    window = reader.word(limit["window"], at + "/window", WINDOWS)
    most = reader.decimal(limit["max"], at + "/max", what="the maximum of a limit", least=ZERO)
    per = reader.word(limit["per"], at + "/per", PERS)
    over = _over(reader, limit["over"], at + "/over")
    if measure == "count":
        _check_count(reader, most, over, at)
    if identifier is None or measure is None or window is None or most is None or per is None or over is None:
        return None
    return Limit(identifier, measure, per, window, most, over, at)


def _over(reader: Reader, data: Any, at: str) -> Over | Fallback | None:
    if not isinstance(data, dict):
        found: Over | None = reader.word(data, at, (*OVERS, FALLBACK))
        if found == FALLBACK:
            hint = 'for example {"fallback": {"percent": "1", "of": "order_value"}}'
            reader.findings.add("unknown_choice", at, "a fallback says what is paid instead", hint)
            return None
        return found
    given = reader.object(data, at, (FALLBACK,), what="what becomes of more than the maximum")
    formula = None if given is None else read_formula(reader, given[FALLBACK], f"{at}/{FALLBACK}")
    return None if formula is None else Fallback(formula)


def _check_count(reader: Reader, most: Decimal | None, over: Over | Fallback | None, at: str) -> None:
    """A conversion is paid or not: no part of one is left."""
    if over == "partial":
        hint = 'to pay nothing beyond it write "zero"'
        reader.findings.add("bad_limit", at + "/over", "no part of a conversion can be left: it is paid or not", hint)
    if most is not None and most % _SMALLEST:
        message = f"conversions are counted in whole numbers; found {canonical(most)}"
        reader.findings.add("bad_limit", at + "/max", message, f'write "{int(most)}"')
