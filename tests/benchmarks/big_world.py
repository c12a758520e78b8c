"""Large worlds: conversions with their touches, and contracts with their versions, as Parquet files. The same for a seed.

    python -m tests.benchmarks.big_world FOLDER [--conversions N] [--contracts C] [--seed S]

Orders come about in the order of time, from January to June of 2026; one in a hundred is an order that was sent before
under another id, one in sixteen says its day only. A conversion has up to six touches, three on average, of any partners; some are after the event, some
at the same instant, some exactly as old as a window is long. Rows are made inside DuckDB. Money is in millionths and
time in microseconds of UTC, as bulk holds them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import orjson

from app.core.instants import micros, start_of_day
from app.core.period import next_month
from tests.benchmarks.big_terms import COUNTRIES, DAY, END, FIRST_DAY, START_DAYS, ZONES, Version, versions_of

SECOND, SEED = 1_000_000, 20260101
MONTHS = tuple(date(2026, month, 1) for month in range(1, 8))
# About every fifth conversion is paid for, over six months.
PAID_EACH = 30


@dataclass(frozen=True, slots=True)
class World:
    """How large a world is, and its seed."""

    conversions: int
    contracts: int = 1_000
    seed: int = SEED

    def versions(self) -> Iterator[Version]:
        """Yield the versions of its contracts."""
        return versions_of(self.contracts, self.conversions // (self.contracts * PAID_EACH), self.seed)


def files(folder: Path) -> dict[str, Path]:
    """Return the files of a world in a folder by the tables they hold."""
    return {name: folder / f"{name}.parquet" for name in ("conversions", "touches", "terms", "months")}


def make(folder: Path, world: World, memory: str = "2GB") -> None:
    """Write the files of a world."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"memory_limit": memory, "temp_directory": str(folder / "spilled")}) as connection:
        queries = {
            "conversions": _conversions(world),
            "touches": _touches(world),
            "terms": "SELECT unnest(from_json(?::JSON, '[" + _TERMS + "]'), max_depth := 2)",
            "months": "SELECT unnest(from_json(?::JSON, '[" + _MONTHS + "]'), max_depth := 2)",
        }
        rows = {"terms": [asdict(each) for each in world.versions()], "months": list(_months())}
        for name, file in files(folder).items():
            given = [orjson.dumps(rows[name]).decode()] if name in rows else []
            connection.execute(f"COPY ({queries[name]}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)", given)


_TERMS = orjson.dumps(
    {
        "contract": "VARCHAR",
        "timezone": "VARCHAR",
        "version": "BIGINT",
        "since": "BIGINT",
        "is_termination": "BOOLEAN",
        "countries": ["VARCHAR"],
        "least_value": "BIGINT",
        "new_only": "BOOLEAN",
        **dict.fromkeys(
            ("click_window", "view_window", "up_to_1", "up_to_2", "rate_1", "rate_2", "rate_3", "cap"), "BIGINT"
        ),
    }
).decode()
_MONTHS = orjson.dumps({"timezone": "VARCHAR", "month": "VARCHAR", "since": "BIGINT", "until": "BIGINT"}).decode()


def _months() -> Iterator[dict[str, object]]:
    for zone in sorted(set(ZONES)):
        for first in MONTHS:
            ends = (micros(start_of_day(day, ZoneInfo(zone))) for day in (first, next_month(first)))
            yield {"timezone": zone, "month": f"{first:%Y-%m}", **dict(zip(("since", "until"), ends, strict=True))}


def _conversions(world: World) -> str:
    """Return the query of conversions. An id does not say when it came: neither is in the order of the other."""
    first, last = (micros(start_of_day(day, ZoneInfo(ZONES[0]))) for day in (FIRST_DAY, END))
    edges = sorted(
        {micros(start_of_day(day, ZoneInfo(zone))) for zone in ZONES for day in (*START_DAYS, *MONTHS[1:-1])}
    )
    seconds = (last - first) // SECOND
    at = f"{first} + least(greatest(i * {seconds} // {world.conversions} + h // 8 % {4 * 86400} - {2 * 86400}, 0), {seconds - 1}) * {SECOND}"
    earlier = "CASE WHEN h // 64 % 100 = 0 THEN greatest(i - 1 - h // 8192 % 1000, 0) ELSE i END"
    return f"""
        SELECT i AS row_number,
               'c' || lpad((i * 2654435761 % 4294967296)::VARCHAR, 10, '0') AS id,
               CASE WHEN g % 997 = 0 THEN {list(edges)}[1 + g // 997 % {len(edges)}] - g // 99991 % 2 WHEN g // 128 % 16 = 0 THEN ({at}) // {DAY} * {DAY} ELSE {at} END AS event_at,
               CASE WHEN h % 200 > 0 THEN 'o' || lpad(({earlier})::VARCHAR, 9, '0') END AS order_id,
               CASE WHEN g // 32 % 50 > 0 THEN {list(COUNTRIES)}[1 + g // 1024 % {len(COUNTRIES)}] END AS country,
               CASE WHEN g // 2097152 % 8 = 0 THEN h // 1048576 % 40 * 5000000 + 5000000 ELSE (100 + h // 1048576 % 40000) * 10000 END AS order_value,
               CASE WHEN g // 65536 % 20 > 0 THEN g // 4194304 % 2 = 0 END AS is_new_customer
        FROM (SELECT i, (hash(i, {world.seed}) // 4)::BIGINT AS h, (hash(i, {world.seed}, 1) // 4)::BIGINT AS g
              FROM range({world.conversions}) AS made(i))"""


def _touches(world: World) -> str:
    """Return the query of touches. One in forty has the time of the one before it."""
    windows = [days * DAY for days in (7, 14, 30)] + [DAY, DAY // 24, 3 * DAY]
    age = f"CASE WHEN a % 50 = 0 THEN {windows}[1 + a // 64 % {len(windows)}] WHEN a % 50 = 1 THEN -(a // 64 % 3600) * {SECOND} ELSE least(a // 64 % {35 * 86400}, a // 67108864 % {35 * 86400}) * {SECOND} END"
    contract = f"least(h // 8 % {world.contracts}, g // 8 % {world.contracts})"
    return f"""
        SELECT row_number, 't' || (h // 1024 % 1000000000)::VARCHAR || '-' || j AS id,
               'p' || lpad(({contract})::VARCHAR, 5, '0') AS partner,
               CASE WHEN g // 1048576 % 5 < 2 THEN 'click' ELSE 'view' END AS type,
               event_at - ({age}) AS touched_at
        FROM (SELECT row_number, event_at, j, (hash(row_number, j, {world.seed}) // 4)::BIGINT AS h,
                     (hash(row_number, j, {world.seed}, 1) // 4)::BIGINT AS g,
                     (hash(row_number, CASE WHEN hash(row_number, j, {world.seed}, 2) % 40 = 0 THEN greatest(j - 1, 0) ELSE j END, {world.seed}, 3) // 4)::BIGINT AS a
              FROM (SELECT row_number, event_at, unnest(range((hash(row_number, {world.seed}, 2) % 7)::BIGINT)) AS j
                    FROM ({_conversions(world)})))"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="python -m tests.benchmarks.big_world")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--conversions", type=int, default=5_000_000)
    parser.add_argument("--contracts", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args(arguments)
    make(given.folder, World(given.conversions, given.contracts, given.seed))


if __name__ == "__main__":
    main()
