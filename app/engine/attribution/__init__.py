"""Attribution: which partners a conversion concerns, and who of them gets which share of the credit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from app.core.fractions import WHOLE
from app.engine.attribution.program_model import ProgramModel as ProgramModel
from app.engine.decision import Reason
from app.engine.factsheet import Conversion, Touch
from app.engine.matcher import Matcher
from app.engine.terms import Terms


class Party(Protocol):
    """A partner that a conversion concerns: its terms, if any are in force, and whether they make it eligible."""

    @property
    def terms(self) -> Terms | None: ...
    @property
    def is_eligible(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Credit:
    """A partner's share of a conversion, and the touches it is for."""

    partner: str
    share: Fraction
    touches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenTouch:
    """A touch, whether it was kept, and why not or for what."""

    touch: Touch
    kept: bool
    code: str
    because: str
    share: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Attributed:
    """Who gets the credit, in the order of touches; what became of each touch; and why other partners get none."""

    credits: tuple[Credit, ...] = ()
    touches: tuple[SeenTouch, ...] = ()
    reasons: Mapping[str, Reason] = field(default_factory=dict)

    def share_of(self, partner: str) -> Fraction:
        """Return the share of a partner, zero for those without credit."""
        return next((credit.share for credit in self.credits if credit.partner == partner), Fraction(0))


def concerned(conversion: Conversion, model: ProgramModel) -> list[str]:
    """Return the partners that get a decision on a conversion: who claims it, and who touched its customer."""
    touched = [touch.partner for touch in conversion.touches]
    return sorted({*touched, *([] if conversion.partner is None else [conversion.partner])})


def attribute(
    conversion: Conversion, model: ProgramModel, parties: Mapping[str, Party], matcher: Matcher
) -> Attributed:
    """Return who gets which share of a conversion. A claim is credited when no touch is."""
    partner = conversion.partner
    terms = None if partner is None else parties[partner].terms
    if partner is None or terms is None:
        return Attributed()
    if terms.attribution_body.claims == "refuse":
        return Attributed(reasons={partner: Reason("CLAIM_REFUSED", "claims")})
    return Attributed((Credit(partner, WHOLE),))
