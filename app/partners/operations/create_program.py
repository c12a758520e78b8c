"""Create a program."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from app.audit.record import record
from app.core.currency import minor_digits
from app.core.errors import Finding
from app.core.instants import zone
from app.engine.attribution.program_model import read_model
from app.partners.errors import ProgramExists, ProgramRefused
from app.partners.mapping import check_declared
from app.runtime import Context
from app.store.models import Program

UTC = ZoneInfo("UTC")


def create_program(
    ctx: Context,
    *,
    id: str,
    currency: str,
    timezone: str,
    name: str | None = None,
    attribution: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
) -> Program:
    """Create a program with an ISO 4217 currency and an IANA time zone; refuse unknown ones and a taken id.

    `facts` declares what its conversions carry besides the facts that are shipped.
    """
    attribution = attribution or {"model": "last_touch"}
    findings = check_money_and_zone(currency, timezone)
    findings += [finding.at("/attribution") for finding in read_model(attribution, zone(timezone) or UTC)[1]]
    if facts:
        findings += check_declared(facts, ctx.catalogue, "/facts")
    if findings:
        raise ProgramRefused(f"The program cannot be created: {findings[0].message}.", findings)
    if ctx.session.get(Program, id) is not None:
        raise ProgramExists(f"There is a program {id!r} already.")
    program = Program(
        id=id,
        name=name or id,
        currency=currency,
        timezone=timezone,
        attribution=attribution,
        facts=facts or {},
        facts_declared_at={},
        created_at=ctx.now(),
    )
    ctx.session.add(program)
    after = {"currency": currency, "timezone": timezone, "attribution": attribution, "facts": sorted(program.facts)}
    record(ctx, "program.created", id, f"Program {id} created in {currency}, {timezone}", after=after)
    ctx.session.flush()
    return program


def check_money_and_zone(currency: str, timezone: str) -> list[Finding]:
    """Return what is wrong with a currency and a time zone."""
    findings = []
    if minor_digits(currency) is None:
        findings.append(
            Finding(
                "unknown_currency", f"{currency!r} is no ISO 4217 currency one can pay in", "/currency", "such as USD"
            )
        )
    if zone(timezone) is None:
        findings.append(
            Finding("unknown_timezone", f"{timezone!r} is no IANA time zone", "/timezone", "such as America/New_York")
        )
    return findings
