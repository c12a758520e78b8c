"""Which running totals a run keeps, and which of them the terms of each contract read. A tally is a column; the totals of
a contract's counters are its parts by window.

A counter of tiers runs from some start on, and a version may begin it anew. The rows of a tally are told apart by a
generation then. Where conversions would have to count for two generations at once, the contract is left to the reference
engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from app.bulk.pipeline.world import FIRST, Piece, World
from app.core.instants import micros
from app.engine.counters import Counter
from app.engine.terms import Terms


@dataclass(frozen=True, slots=True)
class Tally:
    """What accumulates in a column; `mark` tells tables and limits of one contract apart that have a counter of their own."""

    measure: str
    window: str
    fact: str | None
    per: str
    mark: int


@dataclass(frozen=True)
class Tallies:
    """All tallies, and by terms (their number) which counter stands in which tally and of which generation that is."""

    columns: tuple[Tally, ...]
    reads: Mapping[int, Mapping[Counter, int]]
    generations: Mapping[int, Mapping[int, int]]
    # By terms: the marks of limits, by their ids; and the tallies of limits of the whole contract.
    marks: Mapping[int, Mapping[str, int]]
    of_limits: Mapping[int, tuple[int, ...]]
    # The terms whose contract has tallies of tiers.
    with_tiers: frozenset[int]
    # The partners with a contract whose counters go on over versions that count otherwise.
    in_turn: frozenset[str] = frozenset()

    def column(self, number: int, prefix: str = "before") -> str:
        """Return the name of a tally's column."""
        return f"{prefix}_{number}"

    def is_restarted(self, tally: int) -> bool:
        """Tell whether rows of one contract and window may belong to different generations."""
        return tally in self._restarted

    @cached_property
    def _restarted(self) -> frozenset[int]:
        return frozenset(at for found in self.generations.values() for at, generation in found.items() if generation)


def tallies_of(world: World) -> Tallies:
    """Return what is accumulated in a world."""
    numbers: dict[Tally, int] = {}
    reads: dict[int, dict[Counter, int]] = {}
    generations: dict[int, dict[int, int]] = {}
    marked: dict[int, dict[str, int]] = {}
    of_limits: dict[int, tuple[int, ...]] = {}
    with_tiers: set[int] = set()
    in_turn: set[str] = set()
    for partner, together in groupby(world.pieces, key=lambda piece: piece.partner):
        pieces = [piece for piece in together if _counts(piece.terms)]
        marks = _marks(pieces)
        counters = sorted({c for piece in pieces for c in _since(piece)}, key=lambda c: c.name)
        mine = [world.number_of[id(piece.terms)] for piece in pieces]
        of_fallbacks = {counter.limit: marks[counter] for counter in counters if counter.limit}
        marked |= dict.fromkeys(mine, of_fallbacks)
        with_tiers |= set(mine) if any(not c.is_of_limits for c in counters) else set()
        for counter in counters:
            tally = Tally(counter.measure, counter.window, counter.fact, counter.per, marks[counter])
            number = numbers.setdefault(tally, len(numbers))
            in_turn |= {partner} if _goes_on(counter, pieces) else set()
            for piece, generation in _generations(counter, pieces):
                of = world.number_of[id(piece.terms)]
                generations.setdefault(of, {})[number] = generation
                if counter in _since(piece):
                    reads.setdefault(of, {})[counter] = number
                if counter.is_of_limits:
                    of_limits[of] = tuple(sorted({*of_limits.get(of, ()), number}))
    return Tallies(tuple(numbers), reads, generations, marked, of_limits, frozenset(with_tiers), frozenset(in_turn))


def _counts(terms: object) -> bool:
    return isinstance(terms, Terms) and terms.pays_conversions


def _since(piece: Piece) -> Mapping[Counter, object]:
    assert isinstance(piece.terms, Terms)
    return piece.terms.counters_since


def _marks(pieces: list[Piece]) -> dict[Counter, int]:
    """Number the tables, and the limits with a fallback, of one contract in the order in which they appear."""
    named: dict[str, int] = {}
    found = {}
    for piece in pieces:
        for counter in sorted(_since(piece), key=lambda c: c.name):
            own = counter.table or counter.limit
            found[counter] = named.setdefault(own, len(named) + 1) if own else 0
    return found


def _goes_on(counter: Counter, pieces: list[Piece]) -> bool:
    """Tell whether conversions would have to count for two generations of a counter at once."""
    if counter.is_of_limits:
        return False
    starts = {piece.since: _start(counter, piece, pieces[0]) for piece in pieces}
    return any(
        (read := starts[later.since]) is not None and read <= piece.since and read != starts[piece.since]
        for at, piece in enumerate(pieces)
        if any(each.key == counter.key for each in _since(piece))
        for later in pieces[at + 1 :]
    )


def _generations(counter: Counter, pieces: list[Piece]) -> Iterator[tuple[Piece, int]]:
    """Yield the pieces that add to a counter or read it, each with its generation."""
    if counter.is_of_limits:
        yield from ((piece, 0) for piece in pieces)
        return
    starts = {piece.since: _start(counter, piece, pieces[0]) for piece in pieces}
    known = sorted({start for start in starts.values() if start is not None})
    for piece in pieces:
        start = starts[piece.since]
        if any(each.key == counter.key for each in _since(piece)):
            yield piece, -1 if start is None else known.index(start)


def _start(counter: Counter, piece: Piece, first: Piece) -> int | None:
    """Return from when on a counter runs for a piece; before the first conversion that counts it is always the same."""
    since = _since(piece).get(counter)
    if since is None:
        return None
    start = micros(since)  # type: ignore[arg-type]
    return FIRST if start <= first.since else start
