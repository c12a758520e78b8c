"""Which touches compete at all, before and after partners' own rules: time, identity, and clicks before views."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from app.core.instants import write_instant
from app.engine.attribution.program_model import ProgramModel
from app.engine.attribution.suppression import Dropped
from app.engine.factsheet import Conversion, Touch


def screened(conversion: Conversion, touch: Touch, model: ProgramModel) -> Dropped | None:
    """Return why a touch is not one of this customer before this event, or None when it is."""
    if touch.at > conversion.event_at:
        late = elapsed(touch.at - conversion.event_at)
        return Dropped("AFTER_EVENT", f"{named(touch)}, {late} after the event")
    return _other_customer(conversion, touch, model)


def not_preferred(qualifying: Sequence[Touch], model: ProgramModel) -> dict[str, Dropped]:
    """Return the views that step back because a click qualifies, by touch id."""
    clicks = sum(touch.type == "click" for touch in qualifying)
    if not model.prefers_clicks or not clicks:
        return {}
    count = "1 click qualifies" if clicks == 1 else f"{clicks} clicks qualify"
    views = (touch for touch in qualifying if touch.type == "view")
    return {touch.id: Dropped("NOT_PREFERRED", f"{named(touch)}; {count} and clicks go first") for touch in views}


def elapsed(length: timedelta) -> str:
    """Return elapsed time in words: days of 24 hours, whatever the clocks do.

    >>> elapsed(timedelta(days=8, hours=3)), elapsed(timedelta(microseconds=1)), elapsed(timedelta(0))
    ('8 d 3 h', '0.000001 s', '0 s')
    """
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    places = f".{length.microseconds:06}".rstrip("0.")
    parts = ((str(length.days), "d"), (str(hours), "h"), (str(minutes), "min"), (f"{seconds}{places}", "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count != "0") or "0 s"


def _other_customer(conversion: Conversion, touch: Touch, model: ProgramModel) -> Dropped | None:
    if not model.identity:
        return None
    for key in model.identity:
        ours, theirs = conversion.facts.get(key), touch.facts.get(f"touch.{key}")
        if ours is not None and theirs is not None:
            same = ours == theirs
            return None if same else Dropped("OTHER_IDENTITY", f"{named(touch)}; {key} is another than the buyer's")
    keys = ", ".join(model.identity)
    return Dropped("NO_IDENTITY", f"{named(touch)}; touch and conversion have none of {keys} in common")


def named(touch: Touch) -> str:
    """Return how a touch is called in a sentence: what it is, and of when."""
    return f"{touch.type} of {write_instant(touch.at)}"
