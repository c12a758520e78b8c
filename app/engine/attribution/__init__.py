"""Attribution: which partners a conversion concerns, and who of them gets which share of the credit.

Overrides come first, then touches by the program's model, then a claim. Which touches count is said by each partner's
own attribution rules; what counts before and after them is in `screening.py`, `suppression.py` and `crediting.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from app.core.fractions import WHOLE
from app.engine.attribution.crediting import PartnerShare, split
from app.engine.attribution.overrides import Override, coupon_owners, overriding
from app.engine.attribution.program_model import ProgramModel as ProgramModel
from app.engine.attribution.screening import elapsed, named, screened
from app.engine.attribution.sharing import in_order
from app.engine.attribution.suppression import Dropped, self_referral, suppressed_code
from app.engine.decision import Outcome, Reason
from app.engine.factsheet import Conversion, Touch
from app.engine.matcher import Facts, Matcher
from app.engine.misses import Miss, misses_text, nearest_miss
from app.engine.terms import Terms


class Party(Protocol):
    """A partner that a conversion concerns: its terms, if any are in force, the facts as they read them, and what they
    refuse it for; without that it is eligible."""

    @property
    def terms(self) -> Terms | None: ...
    @property
    def facts(self) -> Facts: ...
    @property
    def refused(self) -> Outcome | None: ...


Parties = Mapping[str, Party]


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
    # What nobody gets: shares of partners that are not eligible.
    forfeited: tuple[Credit, ...] = ()
    # What decided before any model was asked.
    override: Override | None = None
    suppressed: Dropped | None = None

    def share_of(self, partner: str) -> Fraction:
        """Return the share of a partner, zero for those without credit."""
        return next((credit.share for credit in self.credits if credit.partner == partner), Fraction(0))

    @property
    def is_by_model(self) -> bool:
        """Tell whether the program's model was asked: a plain claim is decided without it."""
        own = any(reason.code == "SELF_REFERRAL" for reason in self.reasons.values())
        return bool(self.touches) or self.override is not None or self.suppressed is not None or own


def concerned(conversion: Conversion, model: ProgramModel) -> list[str]:
    """Return the partners that get a decision on a conversion: who claims it, who touched its customer, and whose own
    coupon was redeemed."""
    found = {touch.partner for touch in conversion.touches} | set(coupon_owners(conversion, model.overrides))
    return sorted(found | ({conversion.partner} if conversion.partner is not None else set()))


def attribute(conversion: Conversion, model: ProgramModel, parties: Parties, matcher: Matcher) -> Attributed:
    """Return who gets which share of a conversion. A claim is credited when no touch counts and no override applies.

    A partner whose conversion is held is neither passed over nor credited: its share waits until more is known.
    """
    touches = in_order(conversion.touches)
    suppressed = suppressed_code(conversion, model.suppression)
    own = {partner: self_referral(conversion, partner, model.suppression) for partner in parties}
    out = {touch.id: _why_not(conversion, touch, model, parties, matcher, own, suppressed) for touch in touches}
    counting = [touch for touch in touches if out[touch.id] is None]
    able = {
        partner
        for partner, party in parties.items()
        if party.terms is not None and own[partner] is None and suppressed is None
    }
    standing = {partner for partner in able if parties[partner].refused in (None, "held")}
    may_take = standing if model.not_eligible == "reassign" else able
    override = overriding(conversion, model.overrides, {touch.partner for touch in counting}, may_take)
    if override is not None:
        found = _by_override(override, touches, counting, out)
    else:
        found = _by_model(model, touches, counting, out, standing)
    claimed = None if found.credits or found.forfeited else _claimed(conversion, able, parties)
    reasons = {
        partner: _why_none(partner, conversion, found, own, suppressed, claimed)
        for partner, party in parties.items()
        if party.terms is not None and partner != getattr(claimed, "partner", None) and not found.share_of(partner)
    }
    credits = found.credits if not isinstance(claimed, Credit) else (claimed,)
    return Attributed(credits, found.touches, reasons, found.forfeited, override, suppressed)


def _why_not(
    conversion: Conversion,
    touch: Touch,
    model: ProgramModel,
    parties: Parties,
    matcher: Matcher,
    own: Mapping[str, Dropped | None],
    suppressed: Dropped | None,
) -> Dropped | None:
    """Return why a touch does not count, or None when it does."""
    terms = parties[touch.partner].terms
    if terms is None:
        return Dropped("NO_TERMS", f"{named(touch)}; its partner has no terms in force")
    found = suppressed or own[touch.partner] or screened(conversion, touch, model)
    return found or _not_qualified(conversion, touch, terms, parties[touch.partner].facts, matcher)


def facts_of_touch(conversion: Conversion, touch: Touch, facts: Facts) -> Facts:
    """Return what attribution rules read: the conversion's facts, the touch's, its type and its age."""
    return {**facts, **touch.facts, "touch.type": touch.type, "touch.age": conversion.event_at - touch.at}


def _not_qualified(
    conversion: Conversion, touch: Touch, terms: Terms, facts: Facts, matcher: Matcher
) -> Dropped | None:
    rules = terms.attribution_body.qualify
    # Where a fact of the conversion is missing that the rules need, the partner's decision is held, and its touch counts
    # until it is known better.
    if not rules or any(name not in facts for name in terms.attribution.rules.facts_required):
        return None
    seen = facts_of_touch(conversion, touch, facts)
    if matcher.matched(terms.attribution_conditions, seen):
        return None
    misses = "; ".join(f"{rule.id} wants {_missed(nearest_miss(rule.when, seen))}" for rule in rules)
    age = elapsed(conversion.event_at - touch.at)
    return Dropped("NOT_QUALIFIED", f"{named(touch)}, {age} before the event; {misses}")


def _missed(found: tuple[Miss, ...] | None) -> str:
    return "what no touch has" if found is None else misses_text(found)


def _by_override(
    override: Override, touches: list[Touch], counting: list[Touch], out: Mapping[str, Dropped | None]
) -> Attributed:
    mine = tuple(touch.id for touch in counting if touch.partner == override.partner)
    seen = [
        _dropped(touch, found)
        if (found := out[touch.id]) is not None
        else SeenTouch(touch, True, "OVERRIDE", f"{named(touch)}; its partner has all the credit by {override.id}")
        if touch.id in mine
        else SeenTouch(touch, False, "OVERRIDDEN", f"{named(touch)}; {override.id} goes before it")
        for touch in touches
    ]
    return Attributed((Credit(override.partner, WHOLE, mine),), tuple(seen), override=override)


def _by_model(
    model: ProgramModel,
    touches: list[Touch],
    counting: list[Touch],
    out: Mapping[str, Dropped | None],
    standing: set[str],
) -> Attributed:
    found = split(counting, model, standing, model.not_eligible)

    def seen(touch: Touch) -> SeenTouch:
        dropped = out[touch.id] or found.dropped.get(touch.id)
        if dropped is not None:
            return _dropped(touch, dropped)
        share = found.shares[touch.id]
        if not share:
            return SeenTouch(
                touch, True, "NO_SHARE", f"{named(touch)}; it counts, and {_words(model)} gives it nothing"
            )
        if touch.partner not in standing:
            because = f"{named(touch)}; its share by {_words(model)} is forfeited, its partner is not eligible"
            return SeenTouch(touch, True, "FORFEITED", because, share)
        return SeenTouch(touch, True, "CREDITED", f"{named(touch)}; by {_words(model)}", share)

    return Attributed(
        tuple(map(_credit, found.credited)),
        tuple(map(seen, touches)),
        forfeited=tuple(map(_credit, found.forfeited)),
    )


def _words(model: ProgramModel) -> str:
    return model.name.replace("_", " ")


def _credit(share: PartnerShare) -> Credit:
    return Credit(share.partner, share.share, share.touches)


def _dropped(touch: Touch, found: Dropped) -> SeenTouch:
    return SeenTouch(touch, False, found.code, found.because)


def _claimed(conversion: Conversion, able: set[str], parties: Parties) -> Credit | None:
    partner = conversion.partner
    terms = parties[partner].terms if partner is not None and partner in able else None
    if partner is None or terms is None or terms.attribution_body.claims == "refuse":
        return None
    return Credit(partner, WHOLE)


def _why_none(
    partner: str,
    conversion: Conversion,
    found: Attributed,
    own: Mapping[str, Dropped | None],
    suppressed: Dropped | None,
    claimed: Credit | None,
) -> Reason:
    """Return why a partner gets nothing. What other partners did is not said: the partner reads this."""
    whole = suppressed or own[partner]
    if whole is not None:
        return Reason(whole.code, actual=whole.because)
    if found.override is not None:
        return Reason("OVERRIDDEN", found.override.id)
    mine = [seen for seen in found.touches if seen.touch.partner == partner]
    if not (found.credits or found.forfeited) and conversion.partner == partner:
        return Reason("CLAIM_REFUSED", "claims")
    if mine:
        best = next((seen for seen in reversed(mine) if seen.kept), mine[-1])
        return Reason(best.code, actual=best.because)
    if conversion.partner == partner:
        return Reason("CLAIM_OUTRANKED", "claims", actual="a touch counts, and a touch goes before a claim")
    return Reason("NO_CREDIT")
