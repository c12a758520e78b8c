"""Record exchange rates, each of one day. What waits for one, or was decided at another, is decided again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from app.audit.record import record
from app.contracts.linked_programs import lock_linked
from app.core.currency import minor_digits
from app.core.errors import Finding
from app.core.money import canonical
from app.rates.errors import RateDiffers, RateRefused
from app.rates.repository import newest_rate, programs_paid_in, unsettle_converted
from app.runtime import Context
from app.store.models import ExchangeRate

# Where a day begins first, it has begun so much earlier than in UTC.
FIRST_ZONE = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class NewRate:
    """What one unit of `source` was worth in `target` on a day, who said so, and why it is another one than before."""

    source: str
    target: str
    day: date
    rate: Decimal
    said_by: str
    reason: str | None = None

    @property
    def name(self) -> str:
        return f"{self.source}/{self.target}/{self.day.isoformat()}"


def record_rate(ctx: Context, new: NewRate) -> ExchangeRate:
    """Record one rate, and return the one that counts."""
    return record_rates(ctx, [new])[0][0]


def record_rates(ctx: Context, given: Sequence[NewRate]) -> list[tuple[ExchangeRate, bool]]:
    """Record rates, all of them or none, and return those that count, each with whether it is a new one.

    What is known as it is given is left as it is; a rate that differs from the one there is takes its place if it says
    why. Programs that pay in the currency are locked as for settling: nobody decides at the old rate while this is done.
    """
    findings = [finding for index, new in enumerate(given) for finding in _wrong(ctx, new, index, len(given))]
    if findings:
        raise RateRefused(f"The rate is refused. {findings[0].pointer}: {findings[0].message}.", findings)
    lock_linked(ctx.session, programs_paid_in(ctx.session, {new.target for new in given}))
    recorded = [_recorded(ctx, new) for new in given]
    fresh = [new for new, (_, is_new) in zip(given, recorded, strict=True) if is_new]
    for pair in sorted({(new.source, new.target) for new in fresh}):
        unsettle_converted(ctx.session, *pair, [new.day for new in fresh if (new.source, new.target) == pair])
    return recorded


def _wrong(ctx: Context, new: NewRate, index: int, count: int) -> Iterator[Finding]:
    at = f"/{index}" if count > 1 else ""
    for key, currency in (("from", new.source), ("to", new.target)):
        if minor_digits(currency) is None:
            message = f"{currency!r} is no ISO 4217 currency one can pay in"
            yield Finding("unknown_currency", message, f"{at}/{key}", "such as USD")
    if new.source == new.target:
        yield Finding(
            "wrong_value", f"{new.target} is always worth 1 {new.target}", f"{at}/to", "name another currency"
        )
    if new.rate <= 0:
        yield Finding("wrong_value", f"a rate is more than zero; found {canonical(new.rate)}", f"{at}/rate")
    if new.day > (ctx.now() + FIRST_ZONE).date():
        yield Finding(
            "future_time", f"{new.day.isoformat()} is not here yet", f"{at}/day", "record it when it is known"
        )


def _recorded(ctx: Context, new: NewRate) -> tuple[ExchangeRate, bool]:
    """Return the rate that counts now, and whether it is a new one."""
    known = newest_rate(ctx.session, new.source, new.target, new.day)
    if known is not None and (known.rate, known.said_by) == (new.rate, new.said_by):
        return known, False
    if known is not None and new.reason is None:
        raise RateDiffers(
            f"{new.name} is {canonical(known.rate)} by {known.said_by} already. To correct it, say why: reason.",
            [Finding("rate_differs", f"{canonical(known.rate)} is recorded", "/rate", "give a reason to correct it")],
        )
    row = ExchangeRate(
        source=new.source,
        target=new.target,
        day=new.day,
        number=1 if known is None else known.number + 1,
        rate=new.rate,
        said_by=new.said_by,
        reason=new.reason,
        recorded_by=ctx.actor,
        # Whoever waited for another one may have begun before that was recorded.
        recorded_at=ctx.now() if known is None else max(ctx.now(), known.recorded_at),
    )
    ctx.session.add(row)
    ctx.session.flush()
    before = None if known is None else {"rate": canonical(known.rate), "source": known.said_by}
    after = {"rate": canonical(new.rate), "source": new.said_by}
    summary = f"{new.name} recorded: {canonical(new.rate)} by {new.said_by}"
    record(ctx, "exchange_rate.recorded", new.name, summary, before=before, after=after, reason=new.reason)
    return row, True
