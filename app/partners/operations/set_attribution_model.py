"""Set how a program finds who gets the credit, from an instant on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.audit.record import record
from app.core.errors import Finding
from app.core.instants import parse_date, parse_instant, start_of_day, write_instant, zone
from app.engine.attribution.program_model import read_model
from app.partners.attribution_models import DatedModel, hash_of_model, models_of
from app.partners.errors import AttributionModelRefused, ModelBackdated
from app.partners.repository import attribution_models, program_named, unsettle_from
from app.rulelang.diagnostics import described
from app.runtime import Context
from app.store.models import AttributionModel, Program

RESTATE = "restate"


def set_attribution_model(
    ctx: Context,
    *,
    program: str,
    effective_from: str,
    attribution: dict[str, Any],
    backdated: str | None = None,
    reason: str | None = None,
) -> tuple[Program, DatedModel]:
    """Write a program's next model. It takes the place of one that was set to start at the same instant.

    One that starts in the past decides conversions anew, and has to say so; a date means the first instant of that day
    in the program's zone.
    """
    row = program_named(ctx.session, program, lock=True)
    start = _start(row, effective_from)
    _, findings = read_model(attribution, zone(row.timezone) or _missing())
    wrong = [finding.at("/attribution") for finding in findings]
    if start is None:
        message = f"expected a date YYYY-MM-DD, or an instant with an offset; found {described(effective_from)}"
        wrong.append(Finding("bad_instant", message, "/effective_from", "such as 1997-07-01"))
    if wrong or start is None:
        raise AttributionModelRefused(f"The model is refused. {wrong[0].pointer}: {wrong[0].message}.", wrong)
    if start < ctx.now() and backdated != RESTATE:
        message = f"It starts at {write_instant(start)}, and decides anew what has happened since"
        raise ModelBackdated(
            f'{message}. Say "backdated": "restate", or let it start later.',
            [Finding("backdating_undeclared", message, "/backdated", 'add "backdated": "restate"')],
        )
    former = attribution_models(ctx.session, program)
    new = AttributionModel(
        program_id=program,
        number=len(former) + 2,
        effective_from=start,
        model=attribution,
        hash=hash_of_model(attribution),
        created_by=ctx.actor,
        recorded_at=ctx.now(),
    )
    ctx.session.add(new)
    after = {"number": new.number, "effective_from": write_instant(start), "attribution": attribution}
    before = {"attribution": former[-1].model if former else row.attribution}
    summary = f"Attribution model {new.number} of {program} set, from {write_instant(start)}"
    record(ctx, "attribution_model.set", program, summary, before=before, after=after, reason=reason)
    ctx.session.flush()
    unsettle_from(ctx.session, program, start)
    return row, models_of(row, [*former, new])[-1]


def _start(program: Program, text: str) -> datetime | None:
    day = parse_date(text)
    return parse_instant(text) if day is None else start_of_day(day, zone(program.timezone) or _missing())


def _missing() -> Any:
    raise AssertionError("the zone of a program was checked when it was made")
