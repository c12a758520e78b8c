"""Rate the conversions in files under the contracts of a program, in bulk, and keep nothing: what they would come to."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.bulk.choice import SettlingEngine
from app.bulk.opened import fresh_folder, opened_runner
from app.bulk.order_files import Orders, OrdersRefused, kept_one_by_one
from app.bulk.parquet_orders import kept_from_parquet
from app.bulk.pipeline.run import Run, each_decided, run
from app.bulk.pipeline.statements import Total, statements
from app.conversions.book import ContractBook, contract_book
from app.conversions.envelope import read_conversion
from app.conversions.in_bulk import world_of
from app.conversions.operations.explain_decision import Explanation, explain_preview
from app.conversions.operations.preview_decision import Preview
from app.core.json_text import MalformedJson, parse_json
from app.engine.decision import Decision
from app.engine.factsheet import Conversion
from app.partners.repository import program_named
from app.rulelang.facts import Catalogue
from app.runtime import Context

PARQUET, LINES = (".parquet",), (".ndjson", ".jsonl")


@dataclass(frozen=True, slots=True)
class Rated:
    """Conversions of files, decided by an engine that still holds them."""

    ctx: Context
    book: ContractBook
    orders: Orders
    found: Run

    def totals(self) -> Iterator[Total]:
        """Yield what contracts pay by month."""
        return statements(self.found)

    def decisions(self) -> Iterator[tuple[Conversion, dict[str | None, Decision]]]:
        """Yield the conversions in order, each with its decisions by partner."""
        return each_decided(self.found, self.orders.each())

    def explained(self, conversions: Sequence[str]) -> Iterator[Explanation]:
        """Yield the decisions on some conversions with their traces, made on demand by the reference engine. OrdersRefused
        where there is none of a name."""
        numbers = self.orders.numbers(conversions)
        unknown = [name for name in conversions if name not in numbers]
        if unknown:
            raise OrdersRefused(f"There is no conversion {unknown[0]!r} in these files.")
        only = sorted(numbers.values())
        for one, decisions in each_decided(self.found, self.orders.each(only), only):
            before = {made.contract: made.before for made in decisions.values() if made.contract is not None}
            preview = Preview(decisions, self.book.case_of(one), before, self.ctx.now())
            yield from (explain_preview(preview, partner) for partner in preview.leading)


@contextmanager
def rate_files(
    ctx: Context,
    program: str,
    conversions: Sequence[Path],
    touches: Sequence[Path] = (),
    *,
    engine: SettlingEngine = "duckdb",
    in_full: bool = True,
) -> Iterator[Rated]:
    """Give the conversions of files, decided under the contracts as they are known now. Files are NDJSON (the bodies of
    POST /v1/conversions, touches in them) or Parquet (a column a fact, touches in files of their own). They are the whole
    of it: what is stored counts for no tier and no limit. Without `in_full` there are totals alone, sooner.

    OrdersRefused where a row cannot be read; NotInBulk where the terms are not held in bulk.
    """
    book = contract_book(ctx, program_named(ctx.session, program))
    settling = ctx.settling
    with fresh_folder(settling.spill) as folder:
        orders = _kept(book, conversions, touches, folder, settling.memory)
        with opened_runner(engine, settling.memory, settling.spill, reached=[folder]) as runner:
            world = world_of(book)
            orders.attach(runner, world)
            yield Rated(ctx, book, orders, run(world, runner, everybody=in_full))


def _kept(
    book: ContractBook, conversions: Sequence[Path], touches: Sequence[Path], folder: Path, memory: str
) -> Orders:
    program = book.program.id
    kinds = {Path(path.stem).suffix if path.suffix == ".gz" else path.suffix for path in conversions}
    if kinds <= set(PARQUET):
        return kept_from_parquet(program, book.catalogue, conversions, touches, folder, memory)
    if not kinds <= set(LINES):
        known = ", ".join((*PARQUET, *LINES))
        raise OrdersRefused(f"Conversions are in files {known}, all of one kind; NDJSON may be packed, .gz.")
    if touches:
        raise OrdersRefused("In NDJSON touches stand in their conversions; --touches is for Parquet.")
    return kept_one_by_one(program, book.catalogue, _Lines(program, book.catalogue, conversions), folder)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The conversions in lines of files, read anew each time they are gone through."""

    program: str
    catalogue: Catalogue
    paths: Sequence[Path]

    def __iter__(self) -> Iterator[Conversion]:
        for path in self.paths:
            try:
                with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                    for number, line in enumerate(file, start=1):
                        if not line.isspace():
                            yield self._read(line, f"{path}:{number}")
            except (OSError, EOFError, zlib.error) as error:
                raise OrdersRefused(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error

    def _read(self, line: bytes, where: str) -> Conversion:
        try:
            body = parse_json(line)
        except MalformedJson as error:
            raise OrdersRefused(f"{where}: not JSON: {error}. Nothing was rated.") from error
        read = read_conversion(body, self.catalogue, self.program)
        if isinstance(read, list):
            raise OrdersRefused(f"{where}{read[0].pointer or '/'}: {read[0].message}. Nothing was rated.", read)
        if read.program != self.program:
            raise OrdersRefused(f"{where}: a conversion of {read.program!r}, not of {self.program!r}.")
        return Conversion(
            read.id,
            read.program,
            read.event_at,
            read.partner,
            read.facts,
            touches=read.touches,
            received_at=read.received_at,
        )
