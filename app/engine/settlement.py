"""When a conversion may be paid, and when what is paid for it is final: hold, lock and submission as a contract agrees them.
What is known at an instant is asked by others; here dates are resolved, in the contract's zone. Pure.

Every period is half-open. Two ways of counting, as people count:

- Locks that follow a month are dates: they happen at the first instant of a local day. Ten days after the end of March is
  10 April. The 31st of a shorter month is its last day.
- Days after the event end at the same local time of a later day; a local time that happens twice is meant the first time,
  and one that clocks skip is as long after midnight as it would have been (02:30 is 03:30 then).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from app.core.errors import Finding, pointer_of
from app.core.instants import start_of_day
from app.core.money import canonical
from app.core.period import EVER, first_day_of, month_from, next_month
from app.rulelang.diagnostics import Findings, described
from app.rulelang.reader import Reader

LockKind = Literal["month_end_days", "day_of_month", "event_days"]
FxDate = Literal["event", "lock", "fixed"]
AfterLock = Literal["keep", "release"]
LOCK_KINDS: tuple[LockKind, ...] = get_args(LockKind)
FX_DATES: tuple[FxDate, ...] = get_args(FxDate)
AFTER_LOCK: tuple[AfterLock, ...] = get_args(AfterLock)
MAX_DAYS = 3_660  # ten years
KEYS = ("hold_days", "lock", "submit_within_days", "fx", "after_lock")
_BOUNDS: dict[LockKind, tuple[int, int]] = {
    "month_end_days": (1, MAX_DAYS),
    "day_of_month": (1, 31),
    "event_days": (0, MAX_DAYS),
}


@dataclass(frozen=True, slots=True)
class Lock:
    """After which day a conversion is final: so many days after the end of its month or after it, or a day of the next
    month."""

    kind: LockKind
    number: int


@dataclass(frozen=True, slots=True)
class FxPolicy:
    """At the rate of which day orders in other currencies are converted; fixed rates are agreed by currency."""

    date: FxDate
    rates: Mapping[str, Decimal] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a contract version agrees about holding, locking and submitting; what it says nothing about does not apply."""

    hold_days: int | None = None
    lock: Lock | None = None
    submit_within_days: int | None = None
    fx: FxPolicy | None = None
    # Whether a reversal after the lock gives the room that it took in tiers and limits back.
    after_lock: AfterLock = "keep"


NOTHING_AGREED = Settlement()
SettlementData: TypeAlias = dict[str, Any]


def lock_at(settlement: Settlement, event_at: datetime, timezone: ZoneInfo) -> datetime | None:
    """Return the instant from which a conversion is final, or None where none is agreed."""
    lock = settlement.lock
    if lock is None:
        return None
    if lock.kind == "event_days":
        return days_after(event_at, lock.number, timezone)
    following = next_month(month_of_event(event_at, timezone))
    if lock.kind == "day_of_month":
        last = monthrange(following.year, following.month)[1]
        return start_of_day(following.replace(day=min(lock.number, last)), timezone)
    try:
        return start_of_day(following + timedelta(days=lock.number - 1), timezone)
    except OverflowError:
        return EVER.end


def held_until(settlement: Settlement, event_at: datetime, timezone: ZoneInfo) -> datetime | None:
    """Return the instant from which a conversion is not held any more, or None where nothing is held."""
    return None if settlement.hold_days is None else days_after(event_at, settlement.hold_days, timezone)


def submission_deadline(settlement: Settlement, event_at: datetime, timezone: ZoneInfo) -> datetime | None:
    """Return the first instant that is too late to receive a conversion, or None where none is."""
    within = settlement.submit_within_days
    return None if within is None else days_after(event_at, within, timezone)


def month_of_event(event_at: datetime, timezone: ZoneInfo) -> date:
    """Return the first day of the local month an event belongs to, as statements have it."""
    first = first_day_of("month", event_at.astimezone(timezone).date())
    return first if event_at < month_from(first, timezone).end else next_month(first)


def days_after(instant: datetime, days: int, timezone: ZoneInfo) -> datetime:
    """Return the same local time so many days later.

    >>> days_after(datetime(2026, 3, 1, 15, tzinfo=UTC), 10, ZoneInfo("America/New_York"))
    datetime.datetime(2026, 3, 11, 14, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        return (instant.astimezone(timezone) + timedelta(days=days)).replace(fold=0).astimezone(UTC)
    except OverflowError:
        return EVER.end


def read_settlement(data: Any, at: str = "/settlement") -> Settlement | list[Finding]:
    """Return settlement terms, or everything that is wrong with them."""
    findings = Findings()
    found = _Reading(findings).settlement(data, at)
    return list(findings.errors) if findings.errors or found is None else found


class _Reading:
    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.reader = Reader(findings)

    def settlement(self, data: Any, at: str) -> Settlement | None:
        given = self.reader.object(data, at, (), KEYS, "settlement terms")
        if given is None:
            return None
        hold = self.whole(given, "hold_days", at, 1, MAX_DAYS)
        within = self.whole(given, "submit_within_days", at, 1, MAX_DAYS)
        lock = self.lock(given["lock"], at + "/lock") if "lock" in given else None
        fx = self.fx(given["fx"], at + "/fx") if "fx" in given else None
        after = self.reader.word(given.get("after_lock", "keep"), at + "/after_lock", AFTER_LOCK)
        if lock is None and "after_lock" in given and not self.findings.errors:
            message = "after_lock says what becomes of tiers and limits after the lock; these terms have none"
            self.findings.add("missing_key", at + "/after_lock", message, "say when it locks: lock")
        if lock is None and fx is not None and fx.date == "lock" and not self.findings.errors:
            message = "the rate of the lock needs a lock; these terms have none"
            self.findings.add("missing_key", at + "/fx/date", message, "say when it locks: lock")
        return Settlement(hold, lock, within, fx, after or "keep")

    def lock(self, data: Any, at: str) -> Lock | None:
        given = self.reader.object(data, at, (), LOCK_KINDS, "a lock")
        if given is None:
            return None
        if len(given) != 1:
            message = f"a lock is one of {', '.join(LOCK_KINDS)}; found {len(given)} of them"
            self.findings.add("wrong_type", at, message, 'such as {"month_end_days": 10}')
            return None
        for kind in LOCK_KINDS:
            if kind in given:
                number = self.whole(given, kind, at, *_BOUNDS[kind])
                return None if number is None else Lock(kind, number)
        return None  # an unknown key, which is noted

    def fx(self, data: Any, at: str) -> FxPolicy | None:
        given = self.reader.object(data, at, ("date",), ("rates",), "the conversion of currencies")
        if given is None:
            return None
        day = self.reader.word(given["date"], at + "/date", FX_DATES)
        rates = self.rates(given["rates"], at + "/rates") if "rates" in given else {}
        if day == "fixed" and "rates" not in given:
            self.findings.add("missing_key", at, "fixed rates are given by currency: rates", 'such as {"EUR": "1.10"}')
        return None if day is None else FxPolicy(day, rates)

    def rates(self, data: Any, at: str) -> dict[str, Decimal]:
        if not isinstance(data, dict) or len(data) > 200:
            self.findings.add("wrong_type", at, f"expected up to 200 rates by currency; found {described(data)}")
            return {}
        found = {}
        for name, given in data.items():
            where = at + pointer_of(name)
            if not (len(name) == 3 and name.isascii() and name.isupper() and name.isalpha()):
                self.findings.add("wrong_type", where, f"{described(name)} is no currency", "such as EUR")
            rate = given if isinstance(given, Decimal) else self.reader.decimal(given, where, what="a rate")
            if rate is not None and rate <= 0:
                self.findings.add("out_of_range", where, f"a rate is more than zero; found {canonical(rate)}")
            elif rate is not None:
                found[name] = rate
        return found

    def whole(self, given: Mapping[str, Any], key: str, at: str, least: int, most: int) -> int | None:
        value = given.get(key)
        if key not in given or (type(value) is int and least <= value <= most):
            return value
        message = f"expected a whole number from {least} to {most:,}; found {described(value)}"
        self.findings.add("out_of_range", at + pointer_of(key), message)
        return None


def settlement_data(settlement: Settlement) -> SettlementData | None:
    """Return settlement terms in their one form as JSON data; None where nothing is agreed."""
    lock, fx = settlement.lock, settlement.fx
    rates = {} if fx is None else {name: canonical(rate) for name, rate in sorted(fx.rates.items())}
    said: SettlementData = {
        "hold_days": settlement.hold_days,
        "lock": lock and {lock.kind: lock.number},
        "submit_within_days": settlement.submit_within_days,
        "fx": fx and {"date": fx.date, **({"rates": rates} if rates else {})},
        "after_lock": None if settlement.after_lock == "keep" else settlement.after_lock,
    }
    return {key: value for key, value in said.items() if value is not None} or None


def settlement_from(data: SettlementData | None) -> Settlement:
    """Return settlement terms that were checked when they were drafted."""
    found = NOTHING_AGREED if data is None else read_settlement(data)
    assert isinstance(found, Settlement), found
    return found
