"""What changed in the limits of a payout, and which of the changes let more be paid than before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.core.errors import pointer_of
from app.rulelang.ast import Fallback, Limit, Over
from app.rulelang.change import Change
from app.rulelang.order_changes import id_matched, order_changes
from app.rulelang.printer import limit_text, quantity_text, span_text


def limit_changes(before: Any, after: Any, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what changed in the limits of two payouts: `old` and `new` are they as data."""
    was, now = ([] if body is None else body.limits for body in (before, after))
    written = [{limit["id"]: limit for limit in data.get("limits", [])} for data in (old, new)]
    gone, common, added = id_matched(was, now)
    for limit in gone:
        loosens = after is not None and not _is_held(limit, now)
        says = f"limit {limit.id} is gone: {limit_text(limit)}"
        yield Change(pointer_of("limits", limit.id), "removed", written[0][limit.id], None, says, loosens=loosens)
    for one, two in common:
        data = written[0][one.id], written[1][one.id]
        if data[0] != data[1]:
            path, loosens = pointer_of("limits", one.id), not _is_held(one, now)
            yield Change(path, "changed", *data, f"limit {one.id}{_difference(one, two)}", loosens=loosens)
    yield from order_changes("limits", was, now)
    for place, limit in added:
        says = f"limit {limit.id} is new: {limit_text(limit)}"
        yield Change(pointer_of("limits", limit.id), "added", None, written[1][limit.id], says, at=place)


def _is_held(limit: Limit, now: Sequence[Limit]) -> bool:
    """Tell whether what a limit held is held still: by itself or by another one, over the same things, as low, and as
    strictly. Where limits stand makes no difference to how much they let through."""
    return any(
        _reach(one) == _reach(limit) and one.max <= limit.max and _is_as_strict(one.over, limit.over) for one in now
    )


def _is_as_strict(one: Over | Fallback, other: Over | Fallback) -> bool:
    """Tell whether what becomes of more than the maximum pays no more than before. All but a fallback keep to the
    maximum, and partial alone pays what is left below it."""
    if isinstance(one, Fallback):
        return one == other
    return one != "partial" or other == "partial" or isinstance(other, Fallback)


def _reach(limit: Limit) -> tuple[str, str, str]:
    """Return what a limit is on."""
    return limit.measure, limit.per, limit.window


def _difference(before: Limit, after: Limit) -> str:
    if replace(before, max=Decimal(0)) != replace(after, max=Decimal(0)):
        return f": {limit_text(after)}, instead of {limit_text(before)}"
    verb = "raised" if after.max > before.max else "lowered"
    return f" is {verb} from {quantity_text(before)} to {quantity_text(after)} {span_text(after)}"
