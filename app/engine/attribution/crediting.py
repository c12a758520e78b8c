"""From qualifying touches to partners' credits, and what becomes of the share of one that is not eligible."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from app.engine.attribution.program_model import ProgramModel
from app.engine.attribution.screening import not_preferred
from app.engine.attribution.sharing import shares_of
from app.engine.factsheet import Touch

NotEligible = Literal["forfeit", "reassign"]


@dataclass(frozen=True, slots=True)
class PartnerShare:
    """What the touches of one partner get together, and which touches they are."""

    partner: str
    share: Fraction
    touches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Who is credited, in the order of touches, and what is forfeited. Together they are one, unless no touch competes."""

    credited: tuple[PartnerShare, ...] = ()
    forfeited: tuple[PartnerShare, ...] = ()


def split(qualifying: Sequence[Touch], model: ProgramModel, eligible: Set[str], policy: NotEligible) -> Split:
    """Return the split over partners. With `reassign` it is decided as if those not eligible had no touch."""
    if policy == "reassign":
        qualifying = [touch for touch in qualifying if touch.partner in eligible]
    back = not_preferred(qualifying, model)
    shares = _by_partner([touch for touch in qualifying if touch.id not in back], model)
    return Split(
        tuple(share for share in shares if share.partner in eligible),
        tuple(share for share in shares if share.partner not in eligible),
    )


def _by_partner(touches: Sequence[Touch], model: ProgramModel) -> list[PartnerShare]:
    partners = {touch.id: touch.partner for touch in touches}
    found: dict[str, list[tuple[str, Fraction]]] = {}
    for name, share in shares_of(touches, model).items():
        if share:
            found.setdefault(partners[name], []).append((name, share))
    return [
        PartnerShare(partner, sum((share for _, share in its), Fraction(0)), tuple(name for name, _ in its))
        for partner, its in found.items()
    ]
