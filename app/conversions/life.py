"""Where a conversion is in its life under one contract: held, rated, locked or posted. Nothing of it is kept: it follows from
the decision, the dates that its terms agree, what is on statements, and the instant that is asked about. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from app.core.instants import write_instant
from app.core.rounding import shown
from app.engine.settlement import Settlement
from app.engine.settlement_words import days_words, local_words, lock_words

State = Literal["received", "held", "ineligible", "unattributed", "no_contract", "rated", "locked", "posted"]
STATES: tuple[State, ...] = (
    "received",
    "held",
    "ineligible",
    "unattributed",
    "no_contract",
    "rated",
    "locked",
    "posted",
)


@dataclass(frozen=True, slots=True)
class Posted:
    """Money of a conversion that a billing run put on a statement."""

    statement: str
    run: str
    posted_at: datetime
    amount: Any


@dataclass(frozen=True, slots=True)
class Life:
    """The state at an instant, with the dates that lead on from it."""

    state: State
    as_of: datetime
    event_at: datetime
    outcome: str
    currency: str
    held_until: datetime | None
    locks_at: datetime | None
    postings: Sequence[Posted] = ()
    # What its terms agree, and in which zone; None where there are none.
    settlement: Settlement | None = None
    timezone: ZoneInfo | None = None


def state_of(
    outcome: str,
    held_until: datetime | None,
    locks_at: datetime | None,
    *,
    is_posted: bool,
    as_of: datetime,
) -> State:
    """Return the state of a decision at an instant. What rules refuse or hold is never locked; what is posted is posted."""
    if outcome != "rated":
        return outcome  # type: ignore[return-value]
    if is_posted:
        return "posted"
    if held_until is not None and as_of < held_until:
        return "held"
    return "locked" if locks_at is not None and locks_at <= as_of else "rated"


def life_data(life: Life) -> dict[str, Any]:
    """Return a life as data, its dates resolved and in words."""
    return {
        "state": life.state,
        "held_until": None if life.held_until is None else write_instant(life.held_until),
        "locks_at": None if life.locks_at is None else write_instant(life.locks_at),
        "postings": [
            {
                "statement": posting.statement,
                "run": posting.run,
                "posted_at": write_instant(posting.posted_at),
                "amount": shown(posting.amount, life.currency),
            }
            for posting in life.postings
        ],
        "in_words": life_words(life),
    }


def life_words(life: Life) -> list[str]:
    """Return where a conversion is in its life as sentences, with the dates that lead on and why they are those."""
    if life.outcome != "rated" or life.settlement is None or life.timezone is None:
        return [*_posted(life)]
    said, agreed, zone = [], life.settlement, life.timezone
    if life.held_until is not None and agreed.hold_days is not None:
        why = days_words(agreed.hold_days, life.event_at, zone)
        verb = "It is held until" if life.as_of < life.held_until else "It was held until"
        said.append(f"{verb} {local_words(life.held_until, zone)}: {why}.")
    if life.locks_at is not None:
        verb = "It locks on" if life.as_of < life.locks_at else "It locked on"
        said.append(f"{verb} {lock_words(agreed, life.event_at, zone)}.")
    return [*said, *_posted(life)]


def _posted(life: Life) -> list[str]:
    return [
        f"{shown(posting.amount, life.currency)} {life.currency} posted on {posting.statement} by the run {posting.run} at "
        f"{write_instant(posting.posted_at)}."
        for posting in life.postings
    ]
