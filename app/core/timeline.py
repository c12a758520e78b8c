"""Which version is in force: two clocks over anything that stores only a start. Knows nothing of what a version says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Generic, Protocol, TypeVar


class Dated(Protocol):
    """What a version must say of itself: when it applies from, and when we knew it."""

    @property
    def effective_from(self) -> datetime: ...
    @property
    def recorded_at(self) -> datetime | None: ...
    @property
    def retired_at(self) -> datetime | None: ...


V = TypeVar("V", bound=Dated)


@dataclass(frozen=True, slots=True)
class Span(Generic[V]):
    """A version and the half-open time it is in force; `until` is None for the last one."""

    version: V
    since: datetime
    until: datetime | None


def was_known(version: Dated, as_of: datetime) -> bool:
    """Tell whether a version was approved at or before `as_of` and not yet retired then."""
    recorded, retired = version.recorded_at, version.retired_at
    return recorded is not None and recorded <= as_of and (retired is None or retired > as_of)


def timeline(versions: Iterable[V], as_of: datetime) -> list[Span[V]]:
    """Return what was known at `as_of`, in order of start, each ended by the next start.

    Of two starts at one instant the later recorded one counts; the database refuses that case, this only makes the
    answer definite.
    """
    known = sorted(
        (v for v in versions if was_known(v, as_of)), key=lambda v: (v.effective_from, v.recorded_at or as_of)
    )
    last_of_start = {version.effective_from: version for version in known}
    starts = sorted(last_of_start)
    return [Span(last_of_start[start], start, end) for start, end in zip_longest(starts, starts[1:])]


def in_force(spans: Sequence[Span[V]], at: datetime) -> V | None:
    """Return the version in force at an instant, or None before the first start.

    Starts are inclusive; the next start ends the previous version.
    """
    found = None
    for span in spans:
        if span.since > at:
            break
        found = span.version
    return found
