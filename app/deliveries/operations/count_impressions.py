"""Count impression logs into deliveries: the bodies that `receive_deliveries` takes. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.bulk.impression_files import LogRunner, open_log, read_logs
from app.bulk.impressions import ImpressionTable, count_impressions
from app.contracts.mapping import timezone_of
from app.contracts.repository import contracts_of_program
from app.deliveries.impression_mapping import check_columns, program_of, read_log_mapping
from app.partners.mapping import catalogue_of
from app.partners.repository import program_named
from app.runtime import Context


@dataclass(frozen=True, slots=True)
class CountedLogs:
    """How many impressions logs hold, and the deliveries that they come to, in order of contract, day and placement."""

    impressions: int
    bodies: Iterator[dict[str, Any]]


def count_logs(
    ctx: Context, paths: Sequence[Path], mapping: Any, *, memory: str, spill: Path, revision: int = 1
) -> CountedLogs:
    """Read logs as a mapping says and count them. A row that cannot be read refuses all of them: a day that lacks some of
    its impressions looks like a whole one. `memory` is what the engine may take, such as "2GB"; beyond it spills."""
    program = program_named(ctx.session, program_of(mapping))
    catalogue = catalogue_of(program, ctx.catalogue)
    read = read_log_mapping(mapping, catalogue)
    zones = {row.id: timezone_of(row) for row in contracts_of_program(ctx.session, program.id)}
    runner = LogRunner(paths, memory=memory, spill=spill)
    logs = [open_log(runner, path) for path in paths]
    for log in logs:
        if log.columns is not None:
            check_columns(read, log.columns, str(log.path))
    table = ImpressionTable(catalogue, read.parts.facts)
    impressions = read_logs(runner, table, read.parts, logs)

    def bodies() -> Iterator[dict[str, Any]]:
        for one in count_impressions(runner, table, zones, now=ctx.now()):
            yield {
                "contract": one.contract,
                "delivered_on": one.delivered_on.isoformat(),
                "placement": one.placement,
                "source": read.source,
                "revision": revision,
                "facts": dict(one.raw),
            }
        runner.close()

    return CountedLogs(impressions, bodies())
