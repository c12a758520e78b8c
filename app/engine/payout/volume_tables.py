"""Which volume tables of a payout book their lines, so that a step reached later can change them. What that comes to is
`adjustments.py`'s.

A table books where it stands by itself or in a sum. Inside a clamp, a least or a greatest it cannot: what was made of
its amount there is not the table's any more. There it pays its increment, whole, on the conversion that makes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from app.core.canonical import content_hash
from app.rulelang.ast import Formula, Payout, Sum, Tiers, Verdict
from app.rulelang.writer import write_formula


@dataclass(frozen=True, slots=True)
class VolumeTable:
    """A volume table over a window, the rule it pays for, and the name its bookings are kept under: the same for as long
    as rule and table stay what they are."""

    rule: str
    name: str
    tiers: Tiers


def volume_tables(payout: Payout) -> Iterator[VolumeTable]:
    """Yield the tables of a payout that book, in the order of its rules, otherwise last."""
    for rule in (*payout.rules, *payout.bonuses):
        yield from tables_in(rule.id, rule.then)
    if not isinstance(payout.otherwise, Verdict):
        yield from tables_in("otherwise", payout.otherwise)


def tables_in(rule: str, formula: Formula) -> Iterator[VolumeTable]:
    """Yield the tables of one rule that book."""
    for place, tiers in enumerate(standing(formula)):
        yield VolumeTable(rule, f"{rule}{f'.{place}' if place else ''}:{_mark(tiers)}", tiers)


def standing(formula: Formula) -> Iterator[Tiers]:
    """Yield the volume tables of a formula that stand by themselves or in a sum."""
    match formula:
        case Tiers(mode="volume") if formula.window != "event":
            yield formula
        case Sum(parts):
            for part in parts:
                yield from standing(part)


@lru_cache(maxsize=1024)
def _mark(tiers: Tiers) -> str:
    return content_hash(write_formula(tiers))[:8]
