"""What came back of a conversion: what is left of its facts, and the negative lines of what was paid already. Pure.

Which of the two a reversal leads to was fixed when it was recorded; who records it, and until when, is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from app.core.fractions import as_decimal
from app.core.instants import write_instant
from app.core.money import ZERO, canonical, minus, plus, total
from app.core.rounding import Rounding, round_parts
from app.engine.decision import ADJUSTMENT, Line
from app.rulelang.ast import Value

Mode = Literal["restate", "negate"]
"""Before its contract locks a conversion it is decided again; after that its lines stay and get negative ones."""

PART = "reversal:"
WHOLE = Fraction(1)
VALUE, PIECES, ITEMS = "order_value", "quantity", "items"


@dataclass(frozen=True, slots=True)
class Returned:
    """Pieces of one article that came back."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reversal:
    """One reversal of a conversion: how much of the order value it takes, which pieces, and whether anything is left."""

    id: str
    at: datetime
    mode: Mode
    value: Decimal
    leaves_nothing: bool
    items: tuple[Returned, ...] = ()

    @property
    def part(self) -> str:
        """The part of the lines it leads to."""
        return PART + self.id

    def as_dict(self) -> dict[str, Any]:
        """Return it as it goes into the hash of what a decision was made of."""
        items = [{"sku": item.sku, "quantity": item.quantity} for item in self.items]
        return {
            "id": self.id,
            "at": write_instant(self.at),
            "mode": self.mode,
            "value": canonical(self.value),
            "leaves_nothing": self.leaves_nothing,
            **({"items": items} if items else {}),
        }


def is_undone(reversals: Sequence[Reversal]) -> bool:
    """Tell whether a conversion came back as a whole before it was locked: it is as if it had never been."""
    return any(each.leaves_nothing for each in reversals) and all(each.mode == "restate" for each in reversals)


def decided_facts(facts: Mapping[str, Value], reversals: Sequence[Reversal]) -> dict[str, Value]:
    """Return the facts that a conversion is decided with: what its reversals before the lock have left."""
    return left_of(facts, [each for each in reversals if each.mode == "restate"])


def left_of(facts: Mapping[str, Value], reversals: Sequence[Reversal]) -> dict[str, Value]:
    """Return what reversals leave of facts: order value, pieces and articles. The others are what they are."""
    left = dict(facts)
    for reversal in reversals:
        value, pieces, items = left.get(VALUE), left.get(PIECES), left.get(ITEMS)
        if isinstance(value, Decimal):
            left[VALUE] = max(minus(value, reversal.value), ZERO)
        if isinstance(pieces, int):
            left[PIECES] = max(pieces - sum(item.quantity for item in reversal.items), 0)
        if isinstance(items, tuple):
            left[ITEMS] = _items_left(items, reversal.items)
    return left


def _items_left(records: tuple[Any, ...], returned: Sequence[Returned]) -> tuple[Any, ...]:
    """Return the articles that are left; of several records of one article the first ones are taken first."""
    wanted: dict[str, int] = {}
    for item in returned:
        wanted[item.sku] = wanted.get(item.sku, 0) + item.quantity
    left = []
    for record in records:
        taken = min(record["quantity"], wanted.get(record["sku"], 0))
        if taken <= 0:
            left.append(record)
            continue
        wanted[record["sku"]] -= taken
        if taken < record["quantity"]:
            left.append({**record, "quantity": record["quantity"] - taken})
    return tuple(left)


def negated(facts: Mapping[str, Value], reversals: Sequence[Reversal]) -> Iterator[tuple[Reversal, Fraction]]:
    """Yield the reversals after the lock, each with the fraction that came back by it and all before it.

    `facts` are those that the conversion is decided with: a part that came back before the lock is in no line.
    """
    of, back = facts.get(VALUE), ZERO
    for reversal in reversals:
        if reversal.mode != "negate":
            continue
        back = plus(back, reversal.value)
        is_all = reversal.leaves_nothing or not isinstance(of, Decimal) or back >= of
        yield reversal, WHOLE if is_all else Fraction(back) / Fraction(of)  # type: ignore[arg-type]


def still_counted(facts: Mapping[str, Value], back: Sequence[tuple[Reversal, Fraction]]) -> dict[str, Value] | None:
    """Return what counters see of facts when they are given back what came back after the lock; nothing, if all did.

    Facts may be in the currency of the contract, and the reversals in that of the order: the part is the same.
    """
    part = back[-1][1]
    if part == WHOLE:
        return None
    left, value = left_of(facts, [reversal for reversal, _ in back]), facts.get(VALUE)
    if isinstance(value, Decimal):
        left[VALUE] = as_decimal(Fraction(value) * (WHOLE - part))
    return left


def negative_lines(
    lines: Sequence[Line],
    back: Sequence[tuple[Reversal, Fraction]],
    rounding: Rounding,
    *,
    fallen_away: Sequence[Mapping[str, Fraction]] | None,
) -> list[Line]:
    """Return the lines that take back what was paid: for each reversal one for each rule.

    What has come back by then is rounded, and what was taken back before is subtracted: so parts never add up to more
    than was paid, and the last one takes the residue. What a volume step changed on earlier conversions follows the
    counters: where they are kept it stays (`None`), and where they are given back what came back, so much of it goes by
    each reversal, by rule, as has `fallen_away` with the step.
    """
    found: list[Line] = []
    own, adjusting = _by_rule(lines, is_adjusting=False), _by_rule(lines, is_adjusting=True)
    for rule in dict.fromkeys(line.rule for line in lines):
        parts = [(own.get(rule, []), [fraction for _, fraction in back])]
        if fallen_away is not None:
            parts.append((adjusting.get(rule, []), [each.get(rule, WHOLE) for each in fallen_away]))
        parts = [(paid, fractions) for paid, fractions in parts if total(line.amount for line in paid)]
        if parts:
            found += _taken_back(rule, parts, back, rounding)
    order = {reversal.part: place for place, (reversal, _) in enumerate(back)}
    return sorted(found, key=lambda line: order[line.part])


def _by_rule(lines: Sequence[Line], *, is_adjusting: bool) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        if (line.part == ADJUSTMENT) is is_adjusting:
            found.setdefault(line.rule, []).append(line)
    return found


def _taken_back(
    rule: str,
    parts: Sequence[tuple[list[Line], list[Fraction]]],
    back: Sequence[tuple[Reversal, Fraction]],
    rounding: Rounding,
) -> Iterator[Line]:
    like = parts[0][0][0]
    before = precise_before = ZERO
    for place, (reversal, _) in enumerate(back):
        exact = precise = Fraction(0)
        for paid, fractions in parts:
            exact += Fraction(total(line.amount for line in paid)) * fractions[place]
            precise += Fraction(total(line.amount_precise for line in paid)) * fractions[place]
        (now,), precise_now = round_parts([exact], like.currency, rounding), as_decimal(precise)
        yield Line(
            rule,
            like.formula,
            minus(precise_before, precise_now),
            minus(before, now),
            like.currency,
            reversal.part,
        )
        before, precise_before = now, precise_now
