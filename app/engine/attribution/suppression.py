"""Who is not credited whatever touches there are: a partner for its own purchases, and anybody where a code that earns
nobody anything was redeemed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.errors import pointer_of
from app.engine.attribution.overrides import MAX_OVERRIDES, read_codes, redeemed
from app.engine.factsheet import Conversion
from app.rulelang.reader import Reader

IDENTITY_KEYS = ("customer_id", "household_id", "device_id")


@dataclass(frozen=True, slots=True)
class Dropped:
    """Why a touch does not count: a code, and a sentence with what was compared."""

    code: str
    because: str


@dataclass(frozen=True, slots=True)
class OwnPurchases:
    """What a partner buys for itself is known by: identities, by the fact that has them."""

    partner: str
    identities: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Suppression:
    """Codes that earn nobody anything, and what partners buy for themselves."""

    codes: tuple[str, ...] = ()
    self_referral: tuple[OwnPurchases, ...] = ()


NOTHING_SUPPRESSED = Suppression()


def suppressed_code(conversion: Conversion, suppression: Suppression) -> Dropped | None:
    """Return why nobody is credited for a conversion, if a code was redeemed that earns nobody anything."""
    found = next((code for code in redeemed(conversion) if code in suppression.codes), None)
    return None if found is None else Dropped("CODE_SUPPRESSED", f"the code {found} was redeemed, which earns nobody")


def self_referral(conversion: Conversion, partner: str, suppression: Suppression) -> Dropped | None:
    """Return why a partner is not credited for a conversion, if it is its own."""
    for own in suppression.self_referral:
        if own.partner == partner:
            for key, values in own.identities.items():
                if conversion.facts.get(key) in values:
                    return Dropped("SELF_REFERRAL", f"{key} is one of the partner's own")
    return None


def read_suppression(reader: Reader, data: Any, at: str) -> Suppression:
    """Read what is suppressed."""
    given = reader.object(data, at, (), ("codes", "self_referral"), "suppress") or {}
    codes = read_codes(reader, given["codes"], f"{at}/codes") if "codes" in given else ()
    own: list[OwnPurchases] = reader.items(
        given.get("self_referral", []),
        f"{at}/self_referral",
        lambda one, here: _own_purchases(reader, one, here),
        most=MAX_OVERRIDES,
        code="too_many_members",
    )
    return Suppression(codes, tuple(own))


def _own_purchases(reader: Reader, data: Any, at: str) -> OwnPurchases | None:
    given = reader.object(data, at, ("partner",), IDENTITY_KEYS, "a partner's own identities")
    if given is None:
        return None
    partner = reader.identifier(given["partner"], f"{at}/partner")
    named = [key for key in IDENTITY_KEYS if key in given]
    if not named:
        reader.findings.add("missing_key", at, f"a partner's own identities need one of {', '.join(IDENTITY_KEYS)}")
    identities = {key: frozenset(read_codes(reader, given[key], at + pointer_of(key))) for key in named}
    return OwnPurchases(partner or "", identities)
