"""Who is credited before any model is asked: the owner of an exclusive coupon, a preferred partner. How touches share
the credit otherwise is `sharing.py`'s."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.instants import parse_date, start_of_day
from app.engine.factsheet import Conversion
from app.rulelang.diagnostics import described
from app.rulelang.reader import Reader

MAX_OVERRIDES, MAX_CODES, MAX_CODE = 100, 1000, 128


@dataclass(frozen=True, slots=True)
class Override:
    """All the credit to one partner, inside a time if it has one: for a coupon that is its own, or, without codes,
    wherever a touch of its counts."""

    id: str
    partner: str
    codes: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether it is in force at an instant: from its start on, and before its end."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def redeemed(conversion: Conversion) -> list[str]:
    """Return the coupons that a conversion redeemed."""
    one, many = conversion.facts.get("coupon_code"), conversion.facts.get("coupon_codes")
    found = [one, *(many if isinstance(many, tuple) else ())]
    return [code for code in found if isinstance(code, str)]


def coupon_owners(conversion: Conversion, overrides: Sequence[Override]) -> list[str]:
    """Return the partners whose own coupons a conversion redeemed: it concerns them, though they may have no touch."""
    codes = redeemed(conversion)
    return [
        each.partner for each in overrides if each.is_in_force(conversion.event_at) and set(codes) & set(each.codes)
    ]


def overriding(
    conversion: Conversion, overrides: Sequence[Override], touching: Collection[str], able: Collection[str]
) -> Override | None:
    """Return the first override that applies. `touching` are the partners with a touch that counts, `able` those that
    can be credited."""
    codes = set(redeemed(conversion))
    for each in overrides:
        applies = codes & set(each.codes) if each.codes else each.partner in touching
        if applies and each.partner in able and each.is_in_force(conversion.event_at):
            return each
    return None


def read_override(reader: Reader, data: Any, at: str, timezone: ZoneInfo) -> Override | None:
    """Read an override; its dates are local, and mean the first instant of their day."""
    kind = "preferred_partner" if isinstance(data, dict) and "preferred_partner" in data else "exclusive_coupon"
    given = reader.object(data, at, ("id", kind), ("from", "until"), "an override")
    if given is None:
        return None
    identifier = reader.identifier(given["id"], at + "/id")
    since, until = (_start_of(reader, given, key, at, timezone) for key in ("from", "until"))
    if since is not None and until is not None and until <= since:
        reader.findings.add("empty_range", at + "/until", "until is not after from, so it never applies")
    codes: tuple[str, ...] = ()
    owner = given[kind]
    if kind == "exclusive_coupon":
        coupon = reader.object(owner, f"{at}/{kind}", ("codes", "partner"), (), "an exclusive coupon")
        if coupon is None:
            return None
        codes = read_codes(reader, coupon["codes"], f"{at}/{kind}/codes")
        partner = reader.identifier(coupon["partner"], f"{at}/{kind}/partner")
    else:
        partner = reader.identifier(owner, f"{at}/{kind}")
    return Override(identifier or "", partner or "", codes, since, until)


def read_codes(reader: Reader, data: Any, at: str) -> tuple[str, ...]:
    """Read one or more texts, such as coupons."""
    if data == []:
        reader.findings.add("wrong_type", at, "expected at least one; found an empty list")
    found: list[str] = reader.items(
        data, at, lambda code, here: _text(reader, code, here), most=MAX_CODES, code="too_many_members"
    )
    return tuple(found)


def _text(reader: Reader, data: Any, at: str) -> str | None:
    if isinstance(data, str) and 0 < len(data) <= MAX_CODE and data.isprintable():
        return data
    message = f"expected 1 to {MAX_CODE} printable characters, found {described(data)}"
    reader.findings.add("wrong_type", at, message)
    return None


def _start_of(reader: Reader, given: dict[str, Any], key: str, at: str, timezone: ZoneInfo) -> datetime | None:
    if key not in given:
        return None
    day = parse_date(given[key]) if isinstance(given[key], str) else None
    if day is None:
        message = f"expected a date, found {described(given[key])}"
        reader.findings.add("value_not_of_type", f"{at}/{key}", message, "for example '2026-07-01'")
        return None
    return start_of_day(day, timezone)
