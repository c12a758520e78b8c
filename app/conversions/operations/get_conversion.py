"""Look up a conversion, what was corrected of it and the decisions on it, as they were known at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.conversions.life import Life
from app.conversions.operations.settle_program import settle_program
from app.conversions.operations.trace_life import lives_of
from app.conversions.repository import conversion_known, corrections_of, decisions_at, decisions_of, touches_of
from app.partners.operations.get_program import get_program
from app.runtime import Context
from app.store.models import Conversion, Correction, Decision, Touch


@dataclass(frozen=True, slots=True)
class ConversionAt:
    """A conversion with its touches, the corrections of its facts, and the decisions on it as they stood at `as_of`, if
    there were any, with the life it has under each."""

    conversion: Conversion
    touches: Sequence[Touch]
    decisions: Sequence[Decision]
    as_of: datetime
    lives: Sequence[Life] = ()
    corrections: Sequence[Correction] = ()


def get_conversion(ctx: Context, *, program: str, conversion: str, as_of: str | datetime | None = None) -> ConversionAt:
    """Return a conversion and the decisions on it, or refuse what was not there by then."""
    row, known_at = _known(ctx, program, conversion, as_of)
    touches = touches_of(ctx.session, program, row.id)
    decisions = decisions_at(ctx.session, program, row.id, known_at)
    corrections = corrections_of(ctx.session, program, [row.id], known_at)
    return ConversionAt(row, touches, decisions, known_at, lives_of(ctx, decisions, known_at), corrections)


def get_corrections(
    ctx: Context, *, program: str, conversion: str, as_of: str | datetime | None = None
) -> ConversionAt:
    """Return a conversion and the corrections of its facts that were recorded by then, in their order."""
    owner, known_at = get_program(ctx, program=program, as_of=as_of)
    row = conversion_known(ctx.session, owner.id, conversion, known_at)
    return ConversionAt(row, (), (), known_at, corrections=corrections_of(ctx.session, owner.id, [row.id], known_at))


def get_decisions(
    ctx: Context, *, program: str, conversion: str, as_of: str | datetime | None = None
) -> tuple[Sequence[Decision], datetime]:
    """Return every decision on a conversion that was made by then, the newest first, and the instant asked about."""
    row, known_at = _known(ctx, program, conversion, as_of)
    return decisions_of(ctx.session, program, row.id, known_at), known_at


def _known(ctx: Context, program: str, conversion: str, as_of: str | datetime | None) -> tuple[Conversion, datetime]:
    owner, known_at = get_program(ctx, program=program, as_of=as_of)
    # What waits is decided now, and known from now on: of the past it changes nothing.
    settle_program(ctx, owner.id)
    return conversion_known(ctx.session, owner.id, conversion, known_at), known_at
