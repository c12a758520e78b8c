"""The contracts of a large world: their versions as numbers, and the same as rule bodies of the product.

Each has four versions, most of which start in mid-month: who is eligible, which touches count, a percentage in graduated
monthly tiers, and a monthly cap. A few contracts start late, and a few are suspended by a version without terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from app.adapters.fact_files import shipped_catalogue
from app.core.instants import micros, start_of_day
from app.core.money import canonical
from app.engine.terms import Contract, ContractVersion, RuleVersion, TermsHistory
from app.rulelang.ruleset import RuleSet, rules_from

PROGRAM, CURRENCY = "shop", "USD"
ZONES = ("America/New_York", "America/New_York", "America/New_York", "Europe/Berlin")
COUNTRIES = ("US", "CA", "MX", "GB", "DE", "FR", "JP", "BR")
FIRST_DAY, LATE_DAY, END = date(2026, 1, 1), date(2026, 1, 20), date(2026, 7, 1)
# Months, mid-months, and days on which clocks change: New York on 8 March, Berlin on 29 March.
_CHANGES = (date(2026, 3, 8), date(2026, 3, 9), date(2026, 3, 29))
START_DAYS = tuple(sorted({date(2026, month, day) for month in range(2, 7) for day in (1, 11, 20)} | {*_CHANGES}))
KNOWN_AT = datetime(2025, 1, 1, tzinfo=UTC)
MILLIONTHS, HUNDREDTHS = 10**6, 100
DAY, HOUR = 86_400_000_000, 3_600_000_000


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a contract, in whole numbers: money of orders in millionths, of payment in cents, rates in
    hundredths of a percent, times in microseconds."""

    contract: str
    timezone: str
    version: int
    since: int
    is_termination: bool
    countries: tuple[str, ...]
    least_value: int
    new_only: bool
    click_window: int
    view_window: int
    up_to_1: int
    up_to_2: int
    rate_1: int
    rate_2: int
    rate_3: int
    cap: int


def versions_of(contracts: int, orders_each: int, seed: int) -> Iterator[Version]:
    """Yield the versions of so many contracts; tiers and caps are such that about `orders_each` orders a month reach them."""
    for number in range(contracts):
        random = Random(seed * 1_000_003 + number)
        zone = ZONES[number % len(ZONES)]
        starts = [LATE_DAY if number % 20 == 3 else FIRST_DAY, *sorted(random.sample(START_DAYS, 3))]
        for version, starts_on in enumerate(starts, start=1):
            since = micros(start_of_day(starts_on, ZoneInfo(zone)))
            suspended = version == 3 and number % 20 == 7
            yield _version(random, f"p{number:05}", zone, version, since, suspended, orders_each)


def _version(
    random: Random, contract: str, zone: str, version: int, since: int, suspended: bool, orders_each: int
) -> Version:
    monthly = max(orders_each, 4) * 200
    rates = sorted(random.sample(range(250, 1500, 25), 3))
    return Version(
        contract=contract,
        timezone=zone,
        version=version,
        since=since,
        is_termination=suspended,
        countries=tuple(sorted(random.sample(COUNTRIES, random.randint(3, 6)))),
        least_value=random.randrange(5, 60, 5) * MILLIONTHS,
        new_only=random.random() < 0.3,
        click_window=random.choice((7, 14, 30)) * DAY,
        view_window=random.choice((1, 24, 72)) * HOUR,
        up_to_1=random.randrange(monthly // 6, monthly // 2) * MILLIONTHS,
        up_to_2=random.randrange(monthly // 2, monthly) * MILLIONTHS + 500_000,
        rate_1=rates[0],
        rate_2=rates[1],
        rate_3=rates[2],
        cap=random.randrange(monthly // 20, monthly // 5) * 100 + random.randrange(100),
    )


def versions_in(folder: Path) -> list[Version]:
    """Return the versions of the contracts of a world in a folder."""
    names = ", ".join(each.name for each in fields(Version))
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT {names} FROM '{folder / 'terms.parquet'}' ORDER BY contract, version"
        ).fetchall()
    found = (Version(*row) for row in rows)
    return [replace(each, countries=tuple(each.countries)) for each in found]


def bodies_of(version: Version) -> dict[str, dict[str, Any]]:
    """Return a version as rule bodies, by kind."""
    wanted: list[dict[str, Any]] = [
        {"fact": "country", "op": "in", "value": list(version.countries)},
        {"fact": "order_value", "op": "gte", "value": _decimal(version.least_value, MILLIONTHS)},
    ]
    if version.new_only:
        wanted.append({"fact": "is_new_customer", "op": "eq", "value": True})
    return {
        "eligibility": {
            "kind": "eligibility",
            "rules": [{"id": "wanted", "when": {"all": wanted}, "then": "accept"}],
            "otherwise": {"reject": "NOT_WANTED"},
        },
        "attribution": {
            "kind": "attribution",
            "qualify": [
                _touches("click", f"P{version.click_window // DAY}D"),
                _touches("view", f"PT{version.view_window // HOUR}H"),
            ],
            "claims": "refuse",
        },
        "payout": {
            "kind": "payout",
            "on": "conversion",
            "hit": "first",
            "rules": [{"id": "share", "when": {"always": True}, "then": {"tiers": _tiers(version)}}],
            "otherwise": {"hold": "NO_RULE"},
            "limits": [_cap(version)],
        },
    }


def _touches(kind: str, window: str) -> dict[str, Any]:
    of_kind = {"fact": "touch.type", "op": "eq", "value": kind}
    return {"id": kind, "when": {"all": [of_kind, {"fact": "touch.age", "op": "lt", "value": window}]}}


def _tiers(version: Version) -> dict[str, Any]:
    ends = (_decimal(version.up_to_1, MILLIONTHS), _decimal(version.up_to_2, MILLIONTHS), None)
    rates = (_decimal(rate, HUNDREDTHS) for rate in (version.rate_1, version.rate_2, version.rate_3))
    return {
        "mode": "graduated",
        "by": {"sum": "order_value"},
        "window": "month",
        "rate": "percent",
        "steps": [{"up_to": end, "unit": rate} for end, rate in zip(ends, rates, strict=True)],
    }


def _cap(version: Version) -> dict[str, Any]:
    most = _decimal(version.cap, 100)
    return {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": most, "over": "partial"}


def histories(versions: Iterator[Version] | list[Version]) -> Mapping[str, TermsHistory]:
    """Return the contracts as the product knows them, by partner."""
    by_contract: dict[str, list[Version]] = {}
    for version in versions:
        by_contract.setdefault(version.contract, []).append(version)
    return {contract: _history(contract, found) for contract, found in by_contract.items()}


def _history(contract: str, versions: list[Version]) -> TermsHistory:
    zone = ZoneInfo(versions[0].timezone)
    party = Contract(id=contract, program=PROGRAM, partner=contract, currency=CURRENCY, timezone=zone)
    return TermsHistory(party, [_contract_version(each) for each in versions], datetime(2030, 1, 1, tzinfo=UTC))


def _contract_version(version: Version) -> ContractVersion:
    starts = datetime.fromtimestamp(version.since // MILLIONTHS, UTC)
    rules: tuple[RuleVersion, ...] = ()
    if not version.is_termination:
        rules = tuple(
            RuleVersion(f"{version.contract}-{kind}-{version.version}", 1, checked, starts, KNOWN_AT)
            for kind, checked in _checked(version).items()
        )
    return ContractVersion(
        version.version, starts, KNOWN_AT, is_termination=version.is_termination, rule_versions=rules
    )


def _checked(version: Version) -> dict[str, RuleSet]:
    return {kind: rules_from(body, shipped_catalogue()) for kind, body in bodies_of(version).items()}


def _decimal(whole: int, scale: int) -> str:
    return canonical(Decimal(whole) / scale)
