"""Declare facts of a program: what its conversions carry besides the facts that are shipped."""

from __future__ import annotations

from typing import Any

from app.audit.record import record
from app.core.errors import Finding
from app.core.instants import write_instant
from app.partners.errors import ProgramRefused
from app.partners.mapping import catalogue_of, check_declared
from app.partners.repository import program_named
from app.rulelang.declared import MAX_DECLARED
from app.runtime import Context
from app.store.models import Program


def declare_facts(ctx: Context, *, program: str, facts: dict[str, Any]) -> Program:
    """Add facts to a program. One that it has already can be declared once more, but not otherwise.

    Rules and stored conversions rely on what a fact is, so none is ever changed or taken away.
    """
    row = program_named(ctx.session, program, lock=True)
    findings = check_declared(facts, catalogue_of(row, ctx.catalogue), "/facts")
    new = {name: entry for name, entry in facts.items() if name not in row.facts}
    if len(row.facts) + len(new) > MAX_DECLARED:
        message = (
            f"{program} would have {len(row.facts) + len(new)} facts of its own; at most {MAX_DECLARED} are allowed"
        )
        findings.append(Finding("too_many_members", message, "/facts"))
    if findings:
        raise ProgramRefused(f"The facts are refused. {findings[0].pointer}: {findings[0].message}.", findings)
    if new:
        row.facts = {**row.facts, **new}
        row.facts_declared_at = {**row.facts_declared_at, **dict.fromkeys(new, write_instant(ctx.now()))}
        summary = f"{program} declares {', '.join(sorted(new))}"
        record(ctx, "program.facts_declared", program, summary, after={"facts": new})
        ctx.session.flush()
    return row
