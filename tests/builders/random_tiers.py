"""Draws tier tables over windows, versions of terms that have them, and sales that cross their steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.builders.random_limits import AROUND, BEGAN, HERE, WINDOWS, ZONE
from tests.independent.tiers import Sale, Version, World

QUANTITIES = ("0", "0", "0.5", "1", "2.5", "4", "5", "7.25", "10", "30", "-3")
STARTS = (datetime(1996, 2, 29, tzinfo=HERE), datetime(1997, 2, 28, 12, tzinfo=HERE), datetime(1997, 4, 5, tzinfo=HERE))


@st.composite
def tables(draw: st.DrawFn, modes: tuple[str, ...] = ("graduated", "volume")) -> dict[str, Any]:
    """Return a tier table as it is written."""
    mode = draw(st.sampled_from(modes))
    by: dict[str, Any] = draw(st.sampled_from([{"count": True}, {"sum": "order_value"}, {"sum": "order_value"}]))
    ends = draw(st.sampled_from([("2",), ("5", "10"), ("2.5", "3"), ("1", "12", "20"), ()]))
    more: dict[str, Any] = draw(st.sampled_from([{}, {}, {"flat_at_zero": True}]))
    if mode == "graduated":
        more = {**more, **draw(st.sampled_from([{}, {"crossing": "whole_at_new"}, {"crossing": "whole_at_old"}]))}
    return {
        "mode": mode,
        "by": by,
        "window": draw(st.sampled_from(WINDOWS)),
        "rate": "per_unit" if "count" in by else draw(st.sampled_from(("per_unit", "percent"))),
        "steps": [draw(_step(end)) for end in (*ends, None)],
        **more,
    }


@st.composite
def _step(draw: st.DrawFn, end: str | None) -> dict[str, Any]:
    flat = draw(st.sampled_from([{}, {"flat": "3"}, {"flat": "0.5"}]))
    return {"up_to": end, "unit": draw(st.sampled_from(("0", "1", "2.005", "5", "12"))), **flat}


@st.composite
def worlds(draw: st.DrawFn, most: int = 3) -> World:
    """Return up to a few versions of terms, of which each may take over tables of the one before."""
    versions: list[Version] = []
    for start in STARTS[: draw(st.integers(1, most))]:
        rules = {}
        for rule in ("a", "b")[: draw(st.integers(1, 2))]:
            known = versions[-1].tables.get(rule) if versions else None
            rules[rule] = known if known and draw(st.booleans()) else draw(tables())
        versions.append(Version(start, rules, draw(st.sampled_from([None, None, "carry", "restart"]))))
    return World(versions, ZONE, BEGAN)


@st.composite
def sales(draw: st.DrawFn, most: int = 14) -> list[Sale]:
    """Return sales that meet one rule, both, or none."""
    found = []
    for number in range(draw(st.integers(2, most))):
        at = draw(st.sampled_from(AROUND)) + timedelta(hours=draw(st.integers(-30, 30)))
        rules = draw(st.sampled_from([("a",), ("a",), ("b",), ("a", "b"), ()]))
        quantity = Fraction(draw(st.sampled_from(QUANTITIES)))
        found.append(Sale(f"c{draw(st.integers(0, 9))}-{number}", at, rules, quantity))
    return found


def payout_of(version: Version) -> dict[str, Any]:
    """Return the payout rules of a version."""
    rules = [
        {"id": rule, "when": {"fact": "categories", "op": "contains", "value": rule}, "then": {"tiers": dict(table)}}
        for rule, table in version.tables.items()
    ]
    said = {"counters": version.counters} if version.counters else {}
    return {"kind": "payout", "on": "conversion", "hit": "sum", "rules": rules, "otherwise": {"flat": "0"}, **said}


def facts_of(sale: Sale) -> dict[str, Any]:
    """Return what a sale carries."""
    value = Decimal(sale.quantity.numerator) / Decimal(sale.quantity.denominator)
    return {"categories": list(sale.rules), "order_value": str(value)}
