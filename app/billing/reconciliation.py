"""A partner's own figures beside a statement's, id by id, so that the two totals differ by exactly what is listed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.billing.partner_file import TheirRow
from app.core.money import ZERO, minus, total
from app.core.rounding import shown

STATUSES = ("equal", "within_tolerance", "differs", "only_theirs", "only_ours", "repeated", "other_currency")


@dataclass(frozen=True, slots=True)
class Why:
    """Why something of theirs is not on the statement."""

    code: str
    in_words: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of an id: a row of theirs, an amount of ours, or both; the difference is theirs less ours."""

    status: str
    id: str
    row: int | None
    theirs: Decimal | None
    ours: Decimal | None
    difference: Decimal
    why: Why | None = None


@dataclass(frozen=True)
class Reconciliation:
    """All that was compared. Rows in another currency are in no total."""

    contract: str
    period: str
    currency: str
    compared: Sequence[Compared]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each status."""
        return {status: sum(one.status == status for one in self.compared) for status in STATUSES}

    @property
    def differences(self) -> dict[str, Decimal]:
        """What each status adds to the difference of the totals."""
        of = {status: [one.difference for one in self.compared if one.status == status] for status in STATUSES}
        return {status: total(amounts) for status, amounts in of.items()}

    @property
    def theirs(self) -> Decimal:
        """The sum of their rows in the statement's currency."""
        return total(one.theirs for one in self.compared if one.theirs is not None and one.status != "other_currency")

    @property
    def ours(self) -> Decimal:
        """The total of the statement."""
        return total(one.ours for one in self.compared if one.ours is not None)

    @property
    def agrees(self) -> bool:
        """Tell whether nothing differs, but for what is tolerated."""
        return all(one.status in ("equal", "within_tolerance") for one in self.compared)


def compared(
    rows: Iterable[TheirRow], ours: Mapping[str, Decimal], currency: str, tolerance: Decimal = ZERO
) -> list[Compared]:
    """Return what came of each row of theirs, in their order, and of each amount of ours that they do not have.

    A row whose id an earlier row has is `repeated`: only the first is compared. What sums up to nothing of ours, and is
    not theirs, is not listed.
    """
    first: dict[str, int] = {}
    found = []
    for row in rows:
        if row.currency not in (None, currency):
            why = Why("other_currency", f"row {row.row} is in {row.currency}, the statement in {currency}")
            found.append(Compared("other_currency", row.id, row.row, row.amount, None, ZERO, why))
        elif row.id in first:
            why = Why("repeated", f"row {row.row} has the same id as row {first[row.id]}")
            found.append(Compared("repeated", row.id, row.row, row.amount, None, row.amount, why))
        else:
            first[row.id] = row.row
            found.append(_one(row, ours.get(row.id), tolerance))
    only_ours = [(one, amount) for one, amount in ours.items() if one not in first and amount]
    return found + [Compared("only_ours", one, None, None, amount, minus(ZERO, amount)) for one, amount in only_ours]


def _one(row: TheirRow, ours: Decimal | None, tolerance: Decimal) -> Compared:
    if ours is None:
        return Compared("only_theirs", row.id, row.row, row.amount, None, row.amount)
    difference = minus(row.amount, ours)
    status = "differs" if abs(difference) > tolerance else "within_tolerance" if difference else "equal"
    return Compared(status, row.id, row.row, row.amount, ours, difference)


def explained(many: Iterable[Compared], reasons: Mapping[str, Why]) -> list[Compared]:
    """Return what was compared with the reasons why what is only theirs is not ours."""
    return [replace(one, why=reasons[one.id]) if one.status == "only_theirs" else one for one in many]


def reconciliation_data(found: Reconciliation) -> dict[str, Any]:
    """Return a reconciliation as data."""

    def money(amount: Decimal | None) -> str | None:
        return None if amount is None else shown(amount, found.currency)

    return {
        "contract": found.contract,
        "period": found.period,
        "currency": found.currency,
        "agrees": found.agrees,
        "theirs": money(found.theirs),
        "ours": money(found.ours),
        "difference": money(minus(found.theirs, found.ours)),
        "counts": found.counts,
        "differences": {status: money(amount) for status, amount in found.differences.items()},
        "rows": [
            {
                "status": one.status,
                "id": one.id,
                "row": one.row,
                "theirs": money(one.theirs),
                "ours": money(one.ours),
                "difference": money(one.difference),
                "reason": None if one.why is None else {"code": one.why.code, "in_words": one.why.in_words},
            }
            for one in found.compared
        ],
    }
