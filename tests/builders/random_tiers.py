"""Draws tier tables over a month as they are written."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

ENDS = ((), ("10",), ("10", "20.5"), ("0.5", "1", "30"))
UNITS = ("0", "1", "2.5", "0.333", "7")


@st.composite
def tables(
    draw: st.DrawFn, mode: str | None = None, *, window: str = "month", by: str = "order_value"
) -> dict[str, Any]:
    """Return a tier table on a sum."""
    ends = [*draw(st.sampled_from(ENDS)), None]
    mode = mode or draw(st.sampled_from(["graduated", "volume"]))
    crossings = ["split", "whole_at_new", "whole_at_old"] if mode == "graduated" else ["split", "whole_at_new"]
    flats = st.sampled_from(["0", "0", "3", "0.05"])
    return {
        "mode": mode,
        "by": {"sum": by},
        "window": window,
        "rate": draw(st.sampled_from(["per_unit", "percent"])),
        "steps": [{"up_to": end, "unit": draw(st.sampled_from(UNITS)), "flat": draw(flats)} for end in ends],
        "crossing": draw(st.sampled_from(crossings)),
        "flat_at_zero": draw(st.booleans()),
    }
