"""Tamperings with a chain of audit events, as somebody could make them who owns the database: each with the place of the
first thing that is wrong, and whether only a checkpoint that was kept elsewhere can show it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.audit.chain import event_body, event_hash, genesis
from app.audit.verification import Head, Row

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Trail:
    """A head and rows in order of their place."""

    head: Head
    rows: tuple[Row, ...]

    @property
    def stored(self) -> list[Row | Head]:
        return [self.head, *self.rows]

    def hash_at(self, seq: int) -> bytes:
        return self.rows[seq - 1][2] if seq else genesis(self.head.installation)

    def with_rows(self, rows: Sequence[Row], head: Head | None = None) -> Trail:
        """The same trail with other rows; they lie in order of their place, as an index gives them."""
        return Trail(head or self.head, tuple(sorted(rows, key=lambda row: row[0])))


@dataclass(frozen=True)
class Tampered:
    """A trail that was tampered with."""

    how: str
    trail: Trail
    first: int
    needs_checkpoint: bool = False


def made(body: bytes, hashed: bytes, instead: Row | None = None) -> Row:
    """Return a row with the columns that the database makes of a body; of one that is no JSON it makes none."""
    try:
        said = json.loads(body)
        at = datetime.fromisoformat(said["at"])
        texts = [said[name].encode() for name in ("actor", "action", "subject")]
        return (int(said["seq"]), body, hashed, (at - EPOCH) // timedelta(microseconds=1), *texts)  # type: ignore[return-value]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        assert instead is not None
        return (instead[0], body, hashed, *instead[3:])


def content(row: Row) -> dict[str, Any]:
    """An event without its place."""
    return {name: value for name, value in json.loads(row[1]).items() if name != "seq"}


def moved(row: Row, seq: int) -> Row:
    """An event given another place in its body, its hash as it was."""
    return made(event_body(seq, content(row)), row[2])


def rechained(trail: Trail, start: int, events: Sequence[dict[str, Any]]) -> list[Row]:
    """Rows that follow the event `start` with right hashes."""
    rows, previous = [], trail.hash_at(start)
    for seq, event in enumerate(events, start=start + 1):
        body = event_body(seq, event)
        previous = event_hash(previous, body)
        rows.append(made(body, previous))
    return rows


def tampered(trail: Trail, rng: random.Random) -> Tampered:
    """Tamper with a trail in one of all ways."""
    way = rng.choice(WAYS)
    return replace(way(trail, rng), how=way.__name__)


def _place(trail: Trail, rng: random.Random) -> int:
    """A place; the ends are as likely as all between."""
    last = len(trail.rows)
    return rng.choice([1, last, *[rng.randint(1, last) for _ in range(6)]])


def _replaced(trail: Trail, seq: int, row: Row, first: int | None = None) -> Tampered:
    rows = [*trail.rows[: seq - 1], row, *trail.rows[seq:]]
    return Tampered("", trail.with_rows(rows), min(seq, row[0]) if first is None else first)


def other_field(trail: Trail, rng: random.Random) -> Tampered:
    """Another value in one field of a body."""
    seq = _place(trail, rng)
    row = trail.rows[seq - 1]
    event = content(row)
    field = rng.choice(sorted(event))
    event[field] = (
        {"forged": "1"} if field in ("before", "after") else "1999-01-01T00:00:00Z" if field == "at" else "forged"
    )
    return _replaced(trail, seq, made(event_body(seq, event), row[2]))


def field_dropped(trail: Trail, rng: random.Random) -> Tampered:
    """A field that nothing is made of is gone from a body."""
    seq = _place(trail, rng)
    event = content(trail.rows[seq - 1])
    del event[rng.choice(["summary", "reason", "before", "after"])]
    return _replaced(trail, seq, made(event_body(seq, event), trail.rows[seq - 1][2]))


def one_character(trail: Trail, rng: random.Random) -> Tampered:
    """One character of a body: changed, dropped or doubled, be it still JSON or not."""
    seq = _place(trail, rng)
    row = trail.rows[seq - 1]
    text = row[1].decode()
    at = rng.randrange(len(text))
    other = rng.choice([letter for letter in '0aZ" \\}\n' if letter != text[at]])
    changed = rng.choice([text[:at] + other + text[at + 1 :], text[:at] + text[at + 1 :], text[: at + 1] + text[at:]])
    if changed == text:  # one of two equal neighbours was dropped, or the like
        changed = text + " "
    new = made(changed.encode(), row[2], row)
    return _replaced(trail, seq, new)


def other_hash(trail: Trail, rng: random.Random) -> Tampered:
    """One bit of a hash, or the hash of another event."""
    seq = _place(trail, rng)
    row = trail.rows[seq - 1]
    flipped = bytearray(row[2])
    flipped[rng.randrange(32)] ^= 1 << rng.randrange(8)
    other = trail.rows[seq % len(trail.rows)][2]
    return _replaced(trail, seq, (*row[:2], rng.choice([bytes(flipped), other]), *row[3:]))


def body_with_its_own_hash(trail: Trail, rng: random.Random) -> Tampered:
    """Another body with the hash that it should have; what follows is left."""
    seq = _place(trail, rng)
    (row,) = rechained(trail, seq - 1, [{**content(trail.rows[seq - 1]), "actor": "forged"}])
    # The event fits what is before it, but the next one, or the head, does not fit it.
    return _replaced(trail, seq, row, min(seq + 1, len(trail.rows)))


def column_at_odds(trail: Trail, rng: random.Random) -> Tampered:
    """A column that is made from the body no longer, and says something else."""
    seq = _place(trail, rng)
    row = list(trail.rows[seq - 1])
    column = rng.randint(3, 6)
    row[column] = row[column] + 1 if column == 3 else b"forged"  # type: ignore[operator]
    return _replaced(trail, seq, tuple(row))  # type: ignore[arg-type]


def place_changed(trail: Trail, rng: random.Random) -> Tampered:
    """The place of a row, beside its body or in it."""
    seq, last = _place(trail, rng), len(trail.rows)
    other = rng.choice(
        [place for place in (0, 1, seq + 1, last, last + 1, last + 9, rng.randint(1, last)) if place != seq]
    )
    row = trail.rows[seq - 1]
    return _replaced(trail, seq, rng.choice([moved(row, other), (other, *row[1:])]))


def run_deleted(trail: Trail, rng: random.Random) -> Tampered:
    """One event or a run of them is gone; at the end, that is a cut tail."""
    seq = _place(trail, rng)
    end = min(len(trail.rows), seq + rng.choice([0, 0, 1, 5, 50]))
    return Tampered("", trail.with_rows([*trail.rows[: seq - 1], *trail.rows[end:]]), seq)


def deleted_and_closed_up(trail: Trail, rng: random.Random) -> Tampered:
    """One event is gone and the later ones moved up, their hashes as they were."""
    seq = rng.randint(1, len(trail.rows) - 1)
    rest = [moved(row, row[0] - 1) for row in trail.rows[seq:]]
    head = trail.head._replace(seq=trail.head.seq - 1)
    return Tampered("", trail.with_rows([*trail.rows[: seq - 1], *rest], head), seq)


def tail_cut_and_head_moved(trail: Trail, rng: random.Random) -> Tampered:
    """The tail is gone, and the head says that this is the end."""
    last = rng.randint(0, len(trail.rows) - 1)
    head = trail.head._replace(seq=last, hash=trail.hash_at(last))
    return Tampered("", trail.with_rows(trail.rows[:last], head), last + 1, needs_checkpoint=True)


def copy_inserted(trail: Trail, rng: random.Random) -> Tampered:
    """An event is there twice: at its own place, or at another one with the later ones moved down."""
    seq, last = _place(trail, rng), len(trail.rows)
    if rng.random() < 0.3:
        return Tampered("", trail.with_rows([*trail.rows, trail.rows[seq - 1]]), seq)
    at = rng.randint(1, last + 1)
    rest = [moved(row, row[0] + 1) for row in trail.rows[at - 1 :]]
    copied = moved(trail.rows[seq - 1], at)
    # A copy at the place of its original is what was there; the next one is one too many.
    return Tampered("", trail.with_rows([*trail.rows[: at - 1], copied, *rest]), at + (seq == at))


def forgery_inserted(trail: Trail, rng: random.Random) -> Tampered:
    """A forged event with the hash it should have: beside the one of its place, or with the later ones moved down."""
    at = rng.randint(1, len(trail.rows) + 1)
    model = trail.rows[rng.randrange(len(trail.rows))]
    (forged,) = rechained(trail, at - 1, [{**content(model), "actor": "forged"}])
    before, after = trail.rows[: at - 1], trail.rows[at - 1 :]
    beside = [*before, forged, *after] if rng.random() < 0.5 else [*before, *after[:1], forged, *after[1:]]
    if rng.random() < 0.5:
        return Tampered("", trail.with_rows(beside), at)
    rest = [moved(row, row[0] + 1) for row in after]
    # The forgery fits; what follows, or the end, does not.
    return Tampered("", trail.with_rows([*before, forged, *rest]), at + 1 if rest else at)


def two_swapped(trail: Trail, rng: random.Random) -> Tampered:
    """Two events, neighbours or far apart, in each other's place: in their bodies as well, or in their rows only."""
    one = rng.randint(1, len(trail.rows) - 1)
    other = one + 1 if rng.random() < 0.5 else rng.randint(one + 1, len(trail.rows))
    rows = list(trail.rows)
    first, second = rows[one - 1], rows[other - 1]
    if rng.random() < 0.5:
        rows[one - 1], rows[other - 1] = moved(second, one), moved(first, other)
    else:
        rows[one - 1], rows[other - 1] = (one, *second[1:]), (other, *first[1:])
    return Tampered("", trail.with_rows(rows), one)


def tail_rewritten(trail: Trail, rng: random.Random) -> Tampered:
    """From one event on, everything has new and right hashes; the head is left."""
    seq = _place(trail, rng)
    return Tampered("", trail.with_rows(_rewritten(trail, seq)), len(trail.rows))


def tail_rewritten_and_head_moved(trail: Trail, rng: random.Random) -> Tampered:
    """From one event on, everything has new and right hashes, and the head as well."""
    seq = _place(trail, rng)
    rows = _rewritten(trail, seq)
    head = trail.head._replace(hash=rows[-1][2])
    return Tampered("", trail.with_rows(rows, head), seq, needs_checkpoint=True)


def _rewritten(trail: Trail, seq: int) -> list[Row]:
    events = [content(row) for row in trail.rows[seq - 1 :]]
    events[0]["summary"] = "forged"
    return [*trail.rows[: seq - 1], *rechained(trail, seq - 1, events)]


def head_changed(trail: Trail, rng: random.Random) -> Tampered:
    """The head has another hash, lies further on, or belongs to somebody else."""
    head, last = trail.head, len(trail.rows)
    return rng.choice(
        [
            Tampered("", Trail(head._replace(hash=bytes(32)), trail.rows), last),
            Tampered("", Trail(head._replace(seq=last + 1), trail.rows), last + 1),
            Tampered("", Trail(head._replace(seq=last - 1), trail.rows), last),
            Tampered("", Trail(head._replace(installation="another"), trail.rows), 1),
        ]
    )


WAYS: tuple[Callable[[Trail, random.Random], Tampered], ...] = (
    other_field,
    other_field,
    field_dropped,
    one_character,
    one_character,
    other_hash,
    body_with_its_own_hash,
    column_at_odds,
    place_changed,
    run_deleted,
    run_deleted,
    deleted_and_closed_up,
    tail_cut_and_head_moved,
    copy_inserted,
    forgery_inserted,
    two_swapped,
    tail_rewritten,
    tail_rewritten_and_head_moved,
    head_changed,
)
