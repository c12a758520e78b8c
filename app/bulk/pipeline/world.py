"""What a run decides under: the contracts of one program, each with its history, and the program's models. Nothing of the
conversions is here, and no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from app.core.instants import micros
from app.engine.attribution import ProgramModel
from app.engine.exchange import Exchange
from app.engine.terms import NoTerms, Terms, TermsHistory
from app.rulelang.facts import Catalogue

FIRST, LAST = -(2**61), 2**61
"""Before and after every instant, in microseconds."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The time in which one contract has the same terms, or has none, in microseconds; half-open."""

    partner: str
    since: int
    until: int
    terms: Terms | NoTerms


@dataclass(frozen=True)
class World:
    """A program's contracts by partner, each as it was known, and its models with the instant each starts at."""

    program: str
    currency: str
    catalogue: Catalogue
    histories: Mapping[str, TermsHistory]
    models: Sequence[tuple[datetime, ProgramModel]] = field(
        default_factory=lambda: [(datetime.min.replace(tzinfo=UTC), ProgramModel())]
    )
    # Why a partner without a contract has none.
    without: Callable[[str], NoTerms] = lambda partner: NoTerms("UNKNOWN_PARTNER", f"there is no partner {partner!r}")
    # The rates that are recorded; without them money in another currency than the contract's is refused.
    exchange: Exchange | None = None

    @cached_property
    def pieces(self) -> list[Piece]:
        """Every contract's time, cut where its terms change."""
        return [piece for partner in sorted(self.histories) for piece in _pieces(partner, self.histories[partner])]

    @cached_property
    def terms(self) -> list[Terms]:
        """All terms that are ever in force, each once; their places are what tables call them by."""
        found = {id(piece.terms): piece.terms for piece in self.pieces if isinstance(piece.terms, Terms)}
        return list(found.values())

    @cached_property
    def number_of(self) -> dict[int, int]:
        """The place of terms in `terms`, by identity: two of one content are two."""
        return {id(terms): number for number, terms in enumerate(self.terms)}

    def terms_at(self, partner: str, at: datetime) -> Terms | NoTerms:
        """Return the terms of a partner in force at an instant, or why there are none."""
        history = self.histories.get(partner)
        return self.without(partner) if history is None else history.at(at)

    def model_at(self, at: datetime) -> ProgramModel:
        """Return the model in force at an instant."""
        found = self.models[0][1]
        for since, model in self.models:
            if since <= at:
                found = model
        return found


def _pieces(partner: str, history: TermsHistory) -> Iterator[Piece]:
    """Yield the pieces of a contract: terms change only where a version or one of its rules starts."""
    starts = {span.since for span in history.spans}
    for span in history.spans:
        starts |= {rule.since for rules in history.rule_spans(span.version).values() for rule in rules}
    edges = sorted(starts)
    if not edges:
        return
    yield Piece(partner, FIRST, _micros(edges[0]), history.at(datetime.min.replace(tzinfo=UTC)))
    for since, until in zip(edges, [*edges[1:], None], strict=True):
        yield Piece(partner, _micros(since), LAST if until is None else _micros(until), history.at(since))


def _micros(instant: datetime) -> int:
    return micros(instant)
