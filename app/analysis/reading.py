"""From a model of the solver back to a conversion that can be sent."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import z3

from app.analysis.example import AN_HOUR, ORDER_NUMBER, Example, day_like, example_on
from app.analysis.scalars import raw_of
from app.analysis.world import Claim, Members, One, Records, Scope, Symbol, World


def example_of(model: z3.ModelRef, world: World, timezone: ZoneInfo) -> Example | None:
    """Return the conversion that a model describes, or None where its time is none that we can write."""
    sent = {
        name: _raw(symbol, model, world)
        for name, symbol in world.scope.items()
        if not symbol.fact.derived and _is_true(symbol.present, model)
    }
    derived = {
        name: _code(symbol, model)
        for name, symbol in world.scope.items()
        if isinstance(symbol, One) and symbol.fact.derived and _is_true(symbol.present, model)
    }
    day = date.fromordinal(derived["local_date"]) if "local_date" in derived else None
    day = day or day_like(derived.get("weekday"), derived.get("month"))
    hour = derived.get("hour", AN_HOUR)
    return example_on(day, hour, derived.get(ORDER_NUMBER), sent, world.catalogue, timezone)


def _raw(symbol: Symbol, model: z3.ModelRef, world: World) -> Any:
    match symbol:
        case One():
            code = _code(symbol, model)
            is_text = symbol.fact.type == "text"
            return world.texts.spelled(code, symbol.place, model) if is_text else raw_of(code, symbol.fact)
        case Members():
            return _members(symbol, model)
        case Records():
            return [_item(claim.item, model, world) for claim in shown_claims(symbol, model)]


def shown_claims(symbol: Records, model: z3.ModelRef) -> list[Claim]:
    """Return the claims that are true in a model, in the order of the items that show them."""
    return [claim for claim in symbol.claims.values() if _is_true(claim.holds, model)]


def _members(symbol: Members, model: z3.ModelRef) -> list[str]:
    found = [member for member, has in symbol.has.items() if _is_true(has, model)]
    if found or _is_true(symbol.is_empty, model):
        return found
    # It is not empty, and has nothing that rules look for.
    return [next(word for count in range(len(symbol.has) + 1) if (word := f"other{count or ''}") not in symbol.has)]


def _item(item: Scope, model: z3.ModelRef, world: World) -> dict[str, Any]:
    return {name: _raw(symbol, model, world) for name, symbol in item.items() if _is_true(symbol.present, model)}


def _code(symbol: One, model: z3.ModelRef) -> int:
    code: int = model.eval(symbol.value, model_completion=True).as_long()
    return code


def _is_true(proposition: z3.BoolRef, model: z3.ModelRef) -> bool:
    return bool(z3.is_true(model.eval(proposition, model_completion=True)))
