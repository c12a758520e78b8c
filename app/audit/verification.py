"""Holding a chain of events against its hashes, its head and signed checkpoints. Where the rows come from is not known
here, nor is more than one of them kept.

A break is reported where it is found. What follows a break is tied to the hash that stands there as well as to the one
that should stand there, so that one change is one break; where neither fits, the event is reported as `unlinked`: with
a wrong event before it, nobody can tell whether it was changed itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import Literal, NamedTuple, cast

import orjson

from app.audit.chain import EVENT, event_hash, genesis

Kind = Literal[
    "changed",
    "unlinked",
    "missing",
    "inserted",
    "out_of_order",
    "cut",
    "head_differs",
    "checkpoint_differs",
    "bad_signature",
]
MAX_LISTED = 1_000
STRIDE = 1_000
MAX_PLACE = 2**63 - 1
_POSTGRES_EPOCH, _MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_COLUMNS = ("actor", "action", "subject")


# An event as it is stored: its place, body and hash, and what the database made from the body, which is the instant, as
# microseconds since 2000, actor, action and subject. A bare tuple: a million of them are made in a few seconds.
Row = tuple[int, bytes, bytes, int, bytes, bytes, bytes]


class Head(NamedTuple):
    """Where the chain ends, and whose it is."""

    installation: str
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """What a checkpoint says: at this place stood this hash."""

    installation: str
    seq: int
    hash: bytes
    at: str


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the chain is not what it was."""

    kind: Kind
    seq: int
    message: str
    expected: str | None = None
    found: str | None = None


@dataclass(slots=True)
class Verified:
    """What a walk along the chain found. Of the breaks it lists the first thousand, and counts the rest."""

    events: int = 0
    seq: int = 0
    hash: bytes = b""
    installation: str | None = None
    breaks: list[Break] = field(default_factory=list)
    count: int = 0

    @property
    def is_whole(self) -> bool:
        """Nothing is wrong anywhere."""
        return self.count == 0

    def add(self, found: Break) -> None:
        """Note a break."""
        self.count += 1
        if len(self.breaks) < MAX_LISTED:
            self.breaks.append(found)


def verify_chain(
    stored: Iterable[Row | Head], marks: Sequence[Mark] = (), progress: Callable[[int], None] = lambda count: None
) -> Verified:
    """Walk along a chain, its head first and its events in order of their place, and return what is wrong with it."""
    rows = iter(stored)
    first = next(rows, None)
    if first is None or isinstance(first, Head):
        return _Walk(first, marks, progress).along(cast(Iterator[Row], rows))
    return _Walk(None, marks, progress).along(cast(Iterator[Row], chain((first,), rows)))


class _Walk:
    def __init__(self, head: Head | None, marks: Sequence[Mark], progress: Callable[[int], None]) -> None:
        self.head = head
        self.progress = progress
        self.found = Verified(installation=None if head is None else head.installation)
        # Hashes that the next event may follow: the one that stands before it and, after a break, the one that should.
        self.tips: tuple[bytes, ...] = () if head is None else (genesis(head.installation),)
        self.waiting: dict[int, list[Mark]] = {}
        for mark in marks:
            self._expect(mark)

    def along(self, rows: Iterator[Row]) -> Verified:
        if self.head is None:
            self.found.add(Break("head_differs", 0, "the head of the chain is missing"))
        self._hold_against_marks(0)
        due, walked, last = 1, 0, MAX_PLACE if self.head is None else self.head.seq
        for row in rows:
            seq, body, stored = row[0], row[1], row[2]
            walked += 1
            if not walked % STRIDE:
                self.progress(STRIDE)
            if seq != due:
                self.found.add(_misplaced(seq, due))
                if seq < due:  # the place is taken; whichever of the two is the right one, the next may follow it
                    self.tips = (stored, *self.tips)[:3]
                    continue
                self.tips = ()
            due = seq + 1
            if seq > last:
                self.found.add(Break("inserted", seq, f"{seq} and what follows lie beyond the head, {last}"))
                last = MAX_PLACE
            wrong = _at_odds(row)
            if len(self.tips) == 1 and sha256(EVENT + self.tips[0] + body).digest() == stored:
                self.tips = (stored,)
            else:
                wrong = self._unlike(seq, body, stored, wrong)
            if wrong is not None:
                self.found.add(wrong)
            if seq in self.waiting:
                self._hold_against_marks(seq)
        self.progress(walked % STRIDE)
        self._end(walked, due - 1)
        return self.found

    def _unlike(self, seq: int, body: bytes, stored: bytes, wrong: Break | None) -> Break | None:
        """Tie an event to what stands before it where that is not as simple as it should be."""
        right = [event_hash(tip, body) for tip in self.tips]
        if not right or stored in right:
            self.tips = (stored,)
            return wrong
        follows_break = len(right) > 1
        self.tips = (stored, right[-1])
        return wrong or _broken(seq, right[0], stored, follows_break=follows_break)

    def _end(self, events: int, last: int) -> None:
        found, head = self.found, self.head
        found.events, found.seq, found.hash = events, last, self.tips[0] if self.tips else b""
        if head is not None and last < head.seq:
            lost = f"{last + 1} to {head.seq} are" if head.seq > last + 1 else f"{head.seq} is"
            message = f"the tail is cut: {lost} missing"
            found.add(Break("cut", last + 1, message, f"head {head.seq}", f"last {last}"))
        elif head is not None and last == head.seq and self.tips and head.hash not in self.tips:
            message = f"the head says that {last} has another hash: it or the events before it were rewritten"
            found.add(Break("head_differs", last, message, head.hash.hex(), self.tips[0].hex()))
        for seq, marks in sorted(self.waiting.items()):
            for mark in marks:
                found.add(_unreached(mark, seq, last))

    def _expect(self, mark: Mark) -> None:
        if self.head is not None and mark.installation != self.head.installation:
            message = f"the checkpoint of {mark.at} belongs to another installation"
            self.found.add(Break("checkpoint_differs", mark.seq, message, mark.installation, self.head.installation))
        else:
            self.waiting.setdefault(mark.seq, []).append(mark)

    def _hold_against_marks(self, seq: int) -> None:
        for mark in self.waiting.pop(seq, ()):
            if mark.hash not in self.tips:
                message = f"the checkpoint of {mark.at} does not fit: {seq} or events before it were rewritten since"
                stands = self.tips[0].hex() if self.tips else None
                self.found.add(Break("checkpoint_differs", seq, message, mark.hash.hex(), stands))


def _misplaced(seq: int, due: int) -> Break:
    if seq < due:
        return Break("inserted", seq, f"there is an event {seq} too many", f"seq {due}", f"seq {seq}")
    lost = f"{due} is" if seq == due + 1 else f"{due} to {seq - 1} are"
    return Break("missing", due, f"{lost} missing; {seq} can be tied to nothing", f"seq {due}", f"seq {seq}")


def _broken(seq: int, right: bytes, stored: bytes, *, follows_break: bool) -> Break:
    if follows_break:
        message = f"{seq} does not follow the event before it, which is wrong itself"
        return Break("unlinked", seq, message, right.hex(), stored.hex())
    return Break("changed", seq, f"{seq} was changed: its body and its hash differ", right.hex(), stored.hex())


def _at_odds(row: Row) -> Break | None:
    """Hold what stands in an event's columns against its body: what is looked for must be what is hashed."""
    seq, body, _, at, actor, action, subject = row
    try:
        said = orjson.loads(body)
        if (
            said["seq"] == seq
            and said["actor"].encode() == actor
            and said["action"].encode() == action
            and said["subject"].encode() == subject
            and (datetime.fromisoformat(said["at"]) - _POSTGRES_EPOCH) // _MICROSECOND == at
        ):
            return None
        if said["seq"] != seq:
            message = f"the event {said['seq']} stands at the place of {seq}"
            return Break("out_of_order", seq, message, f"seq {seq}", f"seq {said['seq']}")
        columns = zip(_COLUMNS, row[4:], strict=True)
        odd = [name for name, held in columns if said[name].encode() != held] or ["at"]
        return Break("changed", seq, f"{seq} was changed: its column {odd[0]} does not say what its body says")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return Break("changed", seq, f"{seq} was changed: its body is no event")


def _unreached(mark: Mark, seq: int, last: int) -> Break:
    """Say that a checkpoint speaks of an event that is not there."""
    if seq > last:
        message = f"the tail is cut: the checkpoint of {mark.at} knows the event {seq}"
        return Break("cut", last + 1, message, f"seq {seq}", f"last {last}")
    message = f"the event {seq} that the checkpoint of {mark.at} speaks of is missing"
    return Break("checkpoint_differs", seq, message, mark.hash.hex())
