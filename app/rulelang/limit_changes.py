"""What changed in the limits of a payout, and which of the changes let more be paid than before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.core.errors import pointer_of
from app.rulelang.ast import Limit
from app.rulelang.change import Change
from app.rulelang.order_changes import id_matched, order_changes
from app.rulelang.printer import limit_text, money_text


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


def _is_held(limit: Limit, now: list[Limit]) -> bool:
    """Tell whether what a limit held is held still: by itself or by another one, over the same things and as low."""
    return any(_sort(one) == _sort(limit) and one.max <= limit.max for one in now)


def _sort(limit: Limit) -> Limit:
    """Return everything that a limit says except its id and how much it lets through."""
    return replace(limit, id="", max=Decimal(0))


def _difference(before: Limit, after: Limit) -> str:
    if _sort(before) != _sort(after):
        return f": {limit_text(after)}, instead of {limit_text(before)}"
    verb = "raised" if after.max > before.max else "lowered"
    return f" is {verb} from {money_text(before.max)} to {money_text(after.max)} per {after.per} and {after.window}"
