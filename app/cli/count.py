"""`termline count`"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson

from app.adapters.yaml_files import read_yaml
from app.cli.import_ import sink
from app.cli.terminal import actor, as_json, counted, print_json, progress, refusals_shown, runtime
from app.deliveries.operations.count_impressions import CountedLogs, counted_logs, program_of_logs
from app.deliveries.operations.receive_deliveries import receive_deliveries
from app.runtime import Runtime

MEMORY = "2GB"
AT_ONCE = 20_000


@click.command()
@click.argument("logs", metavar="LOG...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--mapping", required=True, type=click.Path(path_type=Path), help="YAML: which column becomes what.")
@click.option(
    "--revision",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Which count of these days it is: a higher one replaces what was counted before.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write NDJSON (bodies of POST /v1/deliveries) to this file, - for standard output, and store nothing.",
)
@as_json
@refusals_shown
def count(logs: tuple[Path, ...], mapping: Path, revision: int, output: Path | None, is_json: bool) -> None:
    """Count the impressions in each LOG (CSV, NDJSON or Parquet, one row each) into deliveries by contract, local day of the
    contract's zone, and placement: into the database, or with --output as NDJSON.

    A row that cannot be read is named with its line, and nothing is counted then: a day that lacks some of its
    impressions looks like a whole one.
    """
    data = read_yaml(mapping).data
    with runtime() as opened, tempfile.TemporaryDirectory(prefix="termline-") as spill:
        with opened.work(actor()) as ctx:
            known = program_of_logs(ctx, data)
        with counted_logs(known, logs, memory=MEMORY, spill=Path(spill), revision=revision) as found:
            counts = _store(opened, found) if output is None else _write(found, output)
    if is_json:
        print_json({"impressions": found.impressions, **counts})
    elif output is None or str(output) != "-":
        statuses = ", ".join(f"{number:,} {status}" for status, number in counts.items())
        click.echo(f"{counted(found.impressions, 'impression')} counted. Deliveries: {statuses}.")
    sys.exit(2 if counts.get("refused") else 0)


def _write(found: CountedLogs, output: Path) -> dict[str, int]:
    written = 0
    with sink(output) as file, progress("deliveries") as advance:
        for body in found.bodies:
            file.write(orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE))
            written += 1
            advance(1)
    return {"written": written}


def _store(opened: Runtime, found: CountedLogs) -> dict[str, int]:
    statuses: Counter[str] = Counter()
    with opened.work(actor()) as ctx, progress("deliveries") as advance:
        for bodies in _portions(found.bodies):
            for body, receipt in zip(bodies, receive_deliveries(ctx, bodies), strict=True):
                statuses[receipt.status] += 1
                if receipt.problem is not None:
                    where = f"{body['contract']}, {body['delivered_on']}, {body['placement']!r}"
                    click.echo(f"{where}: {receipt.problem.message}", err=True)
            advance(len(bodies))
    return {status: statuses[status] for status in ("accepted", "superseded", "duplicate", "refused")}


def _portions(bodies: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while portion := list(islice(bodies, AT_ONCE)):
        yield portion
