"""Which count of a placement is the agreed one: the source of truth while sources agree, the fallback once nobody waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.core.money import canonical
from app.engine.decision import Reason
from app.engine.deliveries.counted import IMPRESSIONS, Delivered
from app.engine.deliveries.terms import Sources

FALLBACK = "FALLBACK_SOURCE"


@dataclass(frozen=True, slots=True)
class Agreed:
    """The count that is paid on, with a flag where the deadline chose it; or why there is none yet. `by_deadline` tells
    whether it would be another answer on the other side of the deadline."""

    count: Delivered | None = None
    reason: Reason | None = None
    flag: str = ""
    by_deadline: bool = False


def agreed(counts: Sequence[Delivered], sources: Sources | None, *, is_past_deadline: bool) -> Agreed:
    """Return the agreed count of one placement on one day; `counts` has the latest revision of each source."""
    if sources is None:
        return _only_one(counts)
    by_source = {count.source: count for count in counts}
    reason = _disagreement(by_source, sources)
    if reason is None:
        return Agreed(by_source[sources.truth])
    if sources.fallback is None:
        return Agreed(reason=reason)
    if not is_past_deadline:
        return Agreed(reason=reason, by_deadline=True)
    # Who has not counted by then has no say any more.
    chosen = by_source.get(sources.fallback) or by_source.get(sources.truth) or by_source.get(sources.other or "")
    return Agreed(chosen, None if chosen else reason, FALLBACK if chosen else "", by_deadline=True)


def _only_one(counts: Sequence[Delivered]) -> Agreed:
    """Where no source is agreed, the only one there is counts. Two of them nobody can choose between."""
    if len(counts) == 1:
        return Agreed(counts[0])
    named = " and ".join(f"{count.source} {canonical(count.impressions)}" for count in counts)
    reason = Reason("SOURCE_NOT_AGREED", None, IMPRESSIONS, "one source", named, counts[0].placement)
    return Agreed(reason=reason)


def _disagreement(by_source: Mapping[str, Delivered], sources: Sources) -> Reason | None:
    """Return why there is no agreement: a count is missing, or two lie too far apart. At the tolerance they agree."""
    placement = next(iter(by_source.values())).placement
    truth, other = by_source.get(sources.truth), by_source.get(sources.other or "")
    for name, count in ((sources.truth, truth), (sources.other, other)):
        if name is not None and count is None:
            return Reason("SOURCE_MISSING", None, IMPRESSIONS, f"a count of {name}", "none", placement)
    if truth is None or other is None or gap(truth.impressions, other.impressions) <= Fraction(sources.tolerance):
        return None
    most = f"{sources.truth} and {sources.other} apart by at most {canonical(sources.tolerance)} of the larger count"
    actual = f"{sources.truth} {canonical(truth.impressions)}, {sources.other} {canonical(other.impressions)}"
    return Reason("SOURCES_DISAGREE", None, IMPRESSIONS, most, actual, placement)


def gap(one: Decimal, other: Decimal) -> Fraction:
    """Return how far two counts lie apart, as a share of the larger one. Two zeros agree.

    >>> gap(Decimal(90), Decimal(100)), gap(Decimal(0), Decimal(0)), gap(Decimal(0), Decimal(7))
    (Fraction(1, 10), Fraction(0, 1), Fraction(1, 1))
    """
    most = max(one, other)
    return Fraction(abs(Fraction(one) - Fraction(other)), Fraction(most)) if most else Fraction(0)
