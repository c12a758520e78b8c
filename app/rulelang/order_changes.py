"""Parts of a rule body that have ids: which are gone, new, in both bodies, and which of these stand elsewhere now."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar

from app.core.errors import pointer_of
from app.rulelang.change import Change


class HasId(Protocol):
    """A rule, a bonus or a limit."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=HasId)


def id_matched(before: Sequence[T], after: Sequence[T]) -> tuple[list[T], list[tuple[T, T]], list[tuple[int, T]]]:
    """Return the parts that are gone, the pairs that have one id, and those that are new, each with its place."""
    old, new = ({part.id: part for part in side} for side in (before, after))
    gone = [part for part in before if part.id not in new]
    common = [(part, new[part.id]) for part in before if part.id in new]
    return gone, common, [(place, part) for place, part in enumerate(after) if part.id not in old]


def order_changes(
    part: str, before: Sequence[HasId], after: Sequence[HasId], *, is_order_counting: bool = False
) -> Iterator[Change]:
    """Yield the order of what is in both, if it is another one now: `before` and `after` are the ids in order."""
    old, new = _common_ids(before, after), _common_ids(after, before)
    if old == new:
        return
    says = f"the {part} stand in another order, which decides nothing"
    if is_order_counting:
        says = "; ".join(_place(identifier, new) for identifier in _moved(old, new))
    yield Change(pointer_of(part), "moved", old, new, says)


def _common_ids(one: Sequence[HasId], other: Sequence[HasId]) -> list[str]:
    known = {part.id for part in other}
    return [part.id for part in one if part.id in known]


def _place(identifier: str, order: list[str]) -> str:
    place = order.index(identifier)
    if place + 1 < len(order):
        return f"{identifier} now comes before {order[place + 1]}"
    return f"{identifier} now comes last"


def _moved(old: list[str], new: list[str]) -> list[str]:
    """Return the fewest ids that can be said to have moved: all but the longest run that kept its order."""
    places = [old.index(identifier) for identifier in new]
    tails: list[int] = []  # the least last place of a run of each length
    at: list[int] = []  # where in `new` that run ends
    previous: list[int | None] = []
    for index, place in enumerate(places):
        length = bisect_left(tails, place)
        previous.append(at[length - 1] if length else None)
        tails[length : length + 1] = [place]
        at[length : length + 1] = [index]
    kept: set[Any] = set()
    here = at[-1] if at else None
    while here is not None:
        kept.add(here)
        here = previous[here]
    return [identifier for index, identifier in enumerate(new) if index not in kept]
