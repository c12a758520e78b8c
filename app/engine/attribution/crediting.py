"""From qualifying touches to partners' credits, and what becomes of the share of one that is not eligible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from fractions import Fraction

from app.engine.attribution.program_model import NotEligible, ProgramModel
from app.engine.attribution.screening import named, not_preferred
from app.engine.attribution.sharing import shares_of
from app.engine.attribution.suppression import Dropped
from app.engine.factsheet import Touch


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
    # The same touch by touch: what each gets, and why those that step back or are passed over get nothing.
    shares: Mapping[str, Fraction] = field(default_factory=dict, compare=False)
    dropped: Mapping[str, Dropped] = field(default_factory=dict, compare=False)


def split(qualifying: Sequence[Touch], model: ProgramModel, eligible: Set[str], policy: NotEligible) -> Split:
    """Return the split over partners. With `reassign` it is decided as if those not eligible had no touch."""
    dropped: dict[str, Dropped] = {}
    if policy == "reassign":
        passed = [touch for touch in qualifying if touch.partner not in eligible]
        dropped = {touch.id: Dropped("PASSED_OVER", f"{named(touch)}; its partner is not eligible") for touch in passed}
        qualifying = [touch for touch in qualifying if touch.partner in eligible]
    dropped |= not_preferred(qualifying, model)
    competing = [touch for touch in qualifying if touch.id not in dropped]
    shares = shares_of(competing, model)
    found = _by_partner(competing, shares)
    return Split(
        tuple(share for share in found if share.partner in eligible),
        tuple(share for share in found if share.partner not in eligible),
        shares,
        dropped,
    )


def _by_partner(touches: Sequence[Touch], shares: Mapping[str, Fraction]) -> list[PartnerShare]:
    partners = {touch.id: touch.partner for touch in touches}
    found: dict[str, list[tuple[str, Fraction]]] = {}
    for name, share in shares.items():
        if share:
            found.setdefault(partners[name], []).append((name, share))
    return [
        PartnerShare(partner, sum((share for _, share in its), Fraction(0)), tuple(name for name, _ in its))
        for partner, its in found.items()
    ]
