"""`termline import`"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import click
import orjson

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.cli.files import FileRefused
from app.cli.terminal import actor, as_json, print_json, progress, refusals_shown, runtime
from app.conversions.csv_import import RowRefused, conversions_from, read_mapping
from app.conversions.operations.receive_conversions import facts_of_claim, receive_conversions
from app.core.errors import AppError
from app.rulelang.facts import Catalogue


@click.command("import")
@click.argument("table", metavar="CSV", type=click.Path(path_type=Path))
@click.option("--mapping", required=True, type=click.Path(path_type=Path), help="YAML: which column becomes what.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write NDJSON (bodies of POST /v1/conversions) to this file, - for standard output, and store nothing.",
)
@as_json
@refusals_shown
def import_(table: Path, mapping: Path, output: Path | None, is_json: bool) -> None:
    """Import conversions from the file CSV (may be .gz): into the database, or with --output as NDJSON.

    A row that is refused does not lose the others; it is named on standard error, and the exit status is 2.
    """
    with _opened(table) as file:
        rows = csv.DictReader(file, strict=True)
        source = _Source(rows, table, _header(rows, table), read_yaml(mapping).data)
        counts = _store(source) if output is None else _write(source, output)
    if is_json:
        print_json(counts)
    elif output is None or str(output) != "-":
        click.echo(", ".join(f"{count:,} {status}" for status, count in counts.items()) + ".")
    sys.exit(2 if counts["refused"] else 0)


@dataclass(frozen=True, slots=True)
class _Source:
    """The rows of a file, and the mapping that says what they are."""

    rows: csv.DictReader[str]
    table: Path
    header: Sequence[str]
    mapping: Any

    def bodies(self, catalogue: Catalogue) -> Iterator[Any]:
        """Return the conversions, with facts of a catalogue."""
        read = read_mapping(self.mapping, self.header, catalogue)
        return conversions_from(read, _counted(self.rows, self.table))


def _header(rows: csv.DictReader[str], table: Path) -> Sequence[str]:
    with _damage_named(rows, table):
        return rows.fieldnames or []


def _counted(rows: csv.DictReader[str], table: Path) -> Iterator[dict[str, str] | RowRefused]:
    """Yield the rows; one with another number of columns than the header is yielded as its refusal."""
    number = 0
    while True:
        with _damage_named(rows, table):
            row = next(rows, None)
        if row is None:
            return
        number += 1
        wanted, found = len(rows.fieldnames or []), _columns(row)
        if found == wanted:
            yield row
        else:
            yield RowRefused(f"row {number}, {table}:{rows.line_num}: {found} columns, where the header has {wanted}")


def _columns(row: dict[Any, Any]) -> int:
    """Return how many columns a row had: DictReader keeps surplus ones under None, and fills missing ones with it."""
    surplus = row.get(None) or []
    return sum(value is not None for name, value in row.items() if name is not None) + len(surplus)


@contextmanager
def _damage_named(rows: csv.DictReader[str], table: Path) -> Iterator[None]:
    try:
        yield
    except (csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
        raise FileRefused(f"{table}:{rows.line_num + 1}: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text; save the file as CSV UTF-8"
    return str(error) if isinstance(error, csv.Error) else f"the file is damaged ({error})"


def _write(source: _Source, output: Path) -> dict[str, int]:
    """Write NDJSON. Which facts a program has declared is in the database, and not known here."""
    bodies = source.bodies(shipped_catalogue())
    counts = {"written": 0, "refused": 0}
    with sink(output) as file, progress("rows") as advance:
        for body in bodies:
            if isinstance(body, AppError):
                click.echo(body.message, err=True)
                counts["refused"] += 1
            else:
                file.write(orjson.dumps(body) + b"\n")
                counts["written"] += 1
            advance(1)
    return counts


def _store(source: _Source) -> dict[str, int]:
    counts = {"accepted": 0, "duplicate": 0, "refused": 0}
    with runtime() as opened, opened.work(actor()) as ctx, progress("decided") as advance:
        bodies = source.bodies(facts_of_claim(ctx, source.mapping, None))
        for number, receipt in enumerate(receive_conversions(ctx, bodies, progress=advance), start=1):
            counts[receipt.status] += 1
            if receipt.problem is not None:
                # What the row cannot be read as names the row already; what the conversion lacks does not.
                named = "" if isinstance(receipt.problem, RowRefused) else f"row {number}: "
                click.echo(f"{named}{receipt.problem.message}", err=True)
    return counts


@contextmanager
def sink(output: Path) -> Iterator[IO[bytes]]:
    """Give the file to write to: whole or not there at all, since half a file looks like a whole one."""
    if str(output) == "-":
        yield sys.stdout.buffer
        return
    part = output.with_name(output.name + ".part")
    try:
        with part.open("wb") as raw:
            if output.suffix == ".gz":
                # No time and no name in it: the same rows give the same bytes.
                with gzip.GzipFile("", "wb", 9, raw, 0) as packed:
                    yield cast(IO[bytes], packed)
            else:
                yield raw
        part.replace(output)
    except OSError as error:
        raise FileRefused(f"{output} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    try:
        raw: Any = gzip.GzipFile(path) if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}.") from error
    with io.TextIOWrapper(raw, "utf-8-sig", newline="") as text:
        yield text
