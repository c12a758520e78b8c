"""Count impression logs into deliveries: the bodies that `receive_deliveries` takes. Nothing is stored here, and no unit of work
is open while logs are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.bulk.impression_files import LogRunner, open_log, read_logs
from app.bulk.impressions import Counted, ImpressionTable, count_impressions
from app.contracts.mapping import timezone_of
from app.contracts.repository import contracts_of_program
from app.deliveries.impression_mapping import LogMapping, check_columns, program_of, read_log_mapping
from app.partners.mapping import catalogue_of
from app.partners.repository import program_named
from app.rulelang.facts import Catalogue
from app.runtime import Context


@dataclass(frozen=True, slots=True)
class LogProgram:
    """What has to be known to count a program's impressions: the mapping of the logs, facts, zones by contract, and now."""

    mapping: LogMapping
    catalogue: Catalogue
    zones: Mapping[str, ZoneInfo]
    now: datetime


@dataclass(frozen=True, slots=True)
class CountedLogs:
    """How many impressions logs hold, and the deliveries that they come to, in order of contract, day and placement."""

    impressions: int
    bodies: Iterator[dict[str, Any]]


def program_of_logs(ctx: Context, mapping: Any) -> LogProgram:
    """Return what has to be known to count logs as a mapping says, which is refused where it does not fit."""
    program = program_named(ctx.session, program_of(mapping))
    catalogue = catalogue_of(program, ctx.catalogue)
    zones = {row.id: timezone_of(row) for row in contracts_of_program(ctx.session, program.id)}
    return LogProgram(read_log_mapping(mapping, catalogue), catalogue, zones, ctx.now())


@contextmanager
def counted_logs(
    known: LogProgram, paths: Sequence[Path], *, memory: str, spill: Path, revision: int = 1
) -> Iterator[CountedLogs]:
    """Read logs and count them. A row that cannot be read refuses all of them: a day that lacks some of its impressions
    looks like a whole one. `memory` is what the engine may take, such as "2GB"; what is beyond it goes to `spill`."""
    runner = LogRunner(paths, memory=memory, spill=spill)
    try:
        logs = [open_log(runner, path) for path in paths]
        for log in logs:
            if log.columns is not None:
                check_columns(known.mapping, log.columns, str(log.path))
        table = ImpressionTable(known.catalogue, known.mapping.parts.facts)
        impressions = read_logs(runner, table, known.mapping.parts, logs)
        counts = count_impressions(runner, table, known.zones, now=known.now)
        yield CountedLogs(impressions, (_body(one, known.mapping.source, revision) for one in counts))
    finally:
        runner.close()


def _body(one: Counted, source: str, revision: int) -> dict[str, Any]:
    return {
        "contract": one.contract,
        "delivered_on": one.delivered_on.isoformat(),
        "placement": one.placement,
        "source": source,
        "revision": revision,
        "facts": dict(one.raw),
    }
