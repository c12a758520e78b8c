"""Settling a program in bulk: all of its conversions go into an engine of the pipeline, and its decisions are written by the
code that writes them one by one. Where bulk does not hold the program it says so before anything is written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from app.bulk.choice import SettlingEngine
from app.bulk.opened import opened_runner
from app.bulk.pipeline.run import Run, each_decided, load_conversions, run
from app.bulk.pipeline.world import World
from app.conversions.book import ContractBook
from app.conversions.errors import ConversionsLost
from app.conversions.mapping import engine_conversion
from app.conversions.repository import Pending, conversion_ids, is_unsettled, pending_of
from app.conversions.writing import Decided, Writer
from app.engine.factsheet import Conversion
from app.engine.terms import NoTerms
from app.runtime import Context

PAGE = 5_000


def settle_in_bulk(ctx: Context, engine: SettlingEngine, book: ContractBook, writer: Writer) -> None:
    """Decide every conversion of a program, whose lock is held, and keep what is new or different. NotInBulk before anything
    is written, where bulk does not hold all of it."""
    world, conversions = world_of(book), _Conversions(ctx, book, writer)
    with opened_runner(engine, ctx.settling.memory, ctx.settling.spill) as runner:
        load_conversions(runner, world, conversions)
        decided = conversions.decided(run(world, runner))
        while page := list(islice(decided, PAGE)):
            writer.write(page)
    if is_unsettled(ctx.session, [book.program.id]):
        raise ConversionsLost(f"Conversions of {book.program.id} that wait for a decision cannot be read.")


def world_of(book: ContractBook) -> World:
    """Return what bulk decides under: a program's contracts and models, as they are known now."""

    def without(partner: str) -> NoTerms:
        found = book.contract_of(partner)
        assert isinstance(found, NoTerms)
        return found

    models = [(span.since, span.version.model) for span in book.models.spans]
    return World(book.program.id, book.program.currency, book.catalogue, book.histories, models, without, book.exchange)


class _Conversions:
    """The conversions of a program in order of their ids, read page by page whenever they are gone through."""

    def __init__(self, ctx: Context, book: ContractBook, writer: Writer) -> None:
        self.ctx = ctx
        self.book = book
        self.writer = writer

    def __iter__(self) -> Iterator[Conversion]:
        for one in self._pending(with_decisions=False):
            yield self._typed(one)

    def decided(self, found: Run) -> Iterator[Decided]:
        """Yield all of them once more, each with the decisions of a run and those that are stored."""
        waiting: deque[Pending] = deque()

        def beside() -> Iterator[Conversion]:
            for one in self._pending(with_decisions=True):
                waiting.append(one)
                yield self._typed(one)

        for conversion, decisions in each_decided(found, beside()):
            yield waiting.popleft(), conversion, decisions

    def _pending(self, *, with_decisions: bool) -> Iterator[Pending]:
        program, last = self.book.program.id, ""
        while ids := conversion_ids(self.ctx.session, program, last, PAGE):
            last = ids[-1]
            page = {one.id: one for one in pending_of(self.ctx.session, program, ids, with_decisions=with_decisions)}
            yield from (page[name] for name in ids)
            if self.writer.progress is not None:
                self.writer.progress(0)  # so that it is heard when a run is asked to stop

    def _typed(self, one: Pending) -> Conversion:
        return engine_conversion(
            one.program,
            one.id,
            one.event_at,
            one.partner,
            one.facts,
            None,
            self.book.catalogue,
            one.touches,
            one.reversals,
            received_at=one.received_at,
        )
