"""Find out where a conversion is in its life under each contract that decides it, at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.contracts.mapping import timezone_of
from app.conversions.life import Life, state_of
from app.conversions.repository import postings_of, version_decided_under
from app.engine.settlement import settlement_from
from app.runtime import Context
from app.store.models import Decision


def lives_of(ctx: Context, decisions: Sequence[Decision], as_of: datetime) -> list[Life]:
    """Return the life of a conversion under each of these decisions on it, which stood at that instant."""
    if not decisions:
        return []
    posted = postings_of(ctx.session, decisions[0].program_id, decisions[0].conversion_id, as_of)
    found = []
    for decision in decisions:
        under, postings = version_decided_under(ctx.session, decision), posted.get(decision.contract_id or "", ())
        dates = (decision.held_until, decision.locks_at)
        found.append(
            Life(
                state_of(decision.outcome, *dates, is_posted=bool(postings), as_of=as_of),
                as_of,
                decision.event_at,
                decision.outcome,
                decision.currency,
                *dates,
                postings=postings,
                settlement=None if under is None else settlement_from(under[1].settlement),
                timezone=None if under is None else timezone_of(under[0]),
            )
        )
    return found
