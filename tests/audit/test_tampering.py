"""Whatever is done to a chain of events is found, and where it was done; and nothing is found where nothing was."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from app.audit.repository import walked
from app.audit.verification import Mark, Verified, verify_chain
from app.core.instants import parse_instant
from app.engine.reference import ReferenceMatcher
from app.partners.operations.create_partner import create_partner
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from tests.builders.agreements import agreed, percent, rules, shop
from tests.builders.tamperings import EPOCH, WAYS, Tampered, Trail, tampered

RUNS, IN_THE_TABLE = 1_000, 40
TODAY = parse_instant("1997-03-15T12:00:00Z")


@pytest.fixture(scope="module")
def house(database: Engine, catalogue: Catalogue) -> Iterator[Runtime]:
    """A few hundred events by operations of the product, in a transaction that is taken back in the end."""
    with database.connect() as connection, connection.begin() as transaction:
        runtime = Runtime(connection, ReferenceMatcher(), catalogue, lambda: TODAY or EPOCH)
        with runtime.work("ann") as ctx:
            shop(ctx, *[f"partner-{number}" for number in range(40)])
            agreed(ctx, "partner-0", "1997-04-01", rules=rules(percent("5")))
        for number in range(150):
            with runtime.work(f"ann {number % 7}", f"request-{number}") as ctx:
                create_partner(ctx, id=f"later-{number}", name=f'"Später" \\ Nº {number}, Ltd.')
        yield runtime
        transaction.rollback()


@pytest.fixture(scope="module")
def trail(house: Runtime) -> Trail:
    with house.work("ann") as ctx:
        head, *rows = walked(ctx.session)
    return Trail(head, tuple(rows))  # type: ignore[arg-type]


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.config.getoption("--seed") or 20261125)


def marks_of(trail: Trail, *places: int) -> list[Mark]:
    """What checkpoints of a trail say that were made at some places."""
    return [Mark(trail.head.installation, seq, trail.hash_at(seq), f"day {seq}") for seq in places]


def assert_found(trail: Trail, case: Tampered, found: Verified, with_checkpoint: Verified) -> None:
    """Without a checkpoint if one can, and at the place where it was done."""
    case_of = (case.how, case.first, [(each.kind, each.seq) for each in with_checkpoint.breaks][:5])
    assert not with_checkpoint.is_whole, case_of
    if case.needs_checkpoint:
        assert found.is_whole, (case_of, found.breaks[:3])
        assert {each.kind for each in with_checkpoint.breaks} <= {"cut", "checkpoint_differs"}, case_of
        assert min(each.seq for each in with_checkpoint.breaks) >= case.first, case_of
    else:
        assert found.breaks[0].seq == case.first, (case_of, found.breaks[:3])


def test_the_untouched_chain_is_whole(trail: Trail) -> None:
    assert len(trail.rows) > 200
    found = verify_chain(trail.stored, marks_of(trail, 0, 1, 100, len(trail.rows)))
    assert found.is_whole, found.breaks[:3]
    assert (found.events, found.seq, found.hash) == (len(trail.rows), trail.head.seq, trail.head.hash)


def test_every_beginning_of_a_chain_is_whole(trail: Trail) -> None:
    for last in range(0, len(trail.rows), 7):
        head = trail.head._replace(seq=last, hash=trail.hash_at(last))
        assert verify_chain([head, *trail.rows[:last]], marks_of(trail, last // 2, last)).is_whole


def test_every_tampering_is_found_where_it_was_done(
    trail: Trail, rng: random.Random, request: pytest.FixtureRequest
) -> None:
    last, seen = len(trail.rows), Counter[str]()
    for _ in range(request.config.getoption("--runs") or RUNS):
        case = tampered(trail, rng)
        seen[case.how] += 1
        marks = marks_of(trail, 0, rng.randint(1, last), last)
        assert_found(trail, case, verify_chain(case.trail.stored), verify_chain(case.trail.stored, marks))
    assert set(seen) == {way.__name__ for way in WAYS}


def test_a_cut_tail_with_its_head_shows_only_against_a_checkpoint_that_knows_it(trail: Trail) -> None:
    last = len(trail.rows)
    head = trail.head._replace(seq=last - 3, hash=trail.hash_at(last - 3))
    cut = [head, *trail.rows[: last - 3]]
    assert verify_chain(cut).is_whole
    assert verify_chain(cut, marks_of(trail, last - 3)).is_whole
    (found,) = verify_chain(cut, marks_of(trail, last - 3, last - 2)).breaks
    assert (found.kind, found.seq, found.expected) == ("cut", last - 2, f"seq {last - 2}")


def test_a_rewritten_trail_lies_between_the_checkpoint_that_fits_and_the_one_that_does_not(trail: Trail) -> None:
    rewritten = next(
        case
        for case in (tampered(trail, random.Random(seed)) for seed in range(10_000))
        if case.how == "tail_rewritten_and_head_moved" and 60 < case.first < 90
    )
    found = verify_chain(rewritten.trail.stored, marks_of(trail, 30, 60, 90, 120)).breaks
    assert [(each.kind, each.seq) for each in found] == [("checkpoint_differs", 90), ("checkpoint_differs", 120)]


def test_a_checkpoint_of_another_installation_does_not_fit(trail: Trail) -> None:
    (mark,) = marks_of(trail, 5)
    foreign = Mark("another", mark.seq, mark.hash, mark.at)
    assert [each.kind for each in verify_chain(trail.stored, [foreign]).breaks] == ["checkpoint_differs"]


def test_one_change_is_one_break(trail: Trail) -> None:
    rows = list(trail.rows)
    rows[49] = (*rows[49][:2], bytes(32), *rows[49][3:])
    assert [(each.kind, each.seq) for each in verify_chain([trail.head, *rows]).breaks] == [("changed", 50)]
    rows[99] = (rows[99][0], rows[99][1].replace(b"Partner", b"Pardner"), *rows[99][2:])
    assert rows[99] != trail.rows[99]
    assert [each.seq for each in verify_chain([trail.head, *rows]).breaks] == [50, 100]


def test_a_trail_without_a_head_is_not_whole(trail: Trail) -> None:
    assert [each.kind for each in verify_chain(trail.rows).breaks] == ["head_differs"]
    assert [each.kind for each in verify_chain([]).breaks] == ["head_differs"]


def test_breaks_beyond_the_thousandth_are_counted(trail: Trail) -> None:
    rows = [(seq, row[1] + b" ", *row[2:]) for seq in range(1, len(trail.rows) * 8) for row in trail.rows[:1]]
    found = verify_chain([trail.head, *rows])
    assert len(found.breaks) == 1_000
    assert found.count > len(rows)


def test_tamperings_in_the_table_are_found(house: Runtime, trail: Trail, rng: random.Random) -> None:
    connection = house.bind
    assert isinstance(connection, Connection)
    for _ in range(IN_THE_TABLE):
        case = tampered(trail, rng)
        marks = marks_of(trail, len(trail.rows))
        savepoint = connection.begin_nested()
        write_as_owner(connection, case.trail)
        with house.work("ann") as ctx:
            found, with_checkpoint = verify_chain(walked(ctx.session)), verify_chain(walked(ctx.session), marks)
        savepoint.rollback()
        assert_found(trail, case, found, with_checkpoint)
    with house.work("ann") as ctx:
        assert verify_chain(walked(ctx.session), marks_of(trail, len(trail.rows))).is_whole


def write_as_owner(connection: Connection, trail: Trail) -> None:
    """Leave a trail in the tables as their owner can, once nothing holds it back."""
    for statement in (
        "ALTER TABLE audit_events DISABLE TRIGGER USER",
        "ALTER TABLE audit_head DISABLE TRIGGER USER",
        "ALTER TABLE audit_events DROP CONSTRAINT pk_audit_events",
        "ALTER TABLE audit_events DROP CONSTRAINT ck_audit_events_seq",
        *[
            f"ALTER TABLE audit_events ALTER {name} DROP EXPRESSION"
            for name in ("seq", "at", "actor", "action", "subject")
        ],
        "DELETE FROM audit_events",
    ):
        connection.execute(text(statement))
    connection.execute(
        text("UPDATE audit_head SET installation = :installation, seq = :seq, hash = :hash"), trail.head._asdict()
    )
    add = "INSERT INTO audit_events (seq, body, hash, at, actor, action, subject) VALUES (:0, :1, :2, :3, :4, :5, :6)"
    rows = [
        {
            **{str(place): value for place, value in enumerate(row)},
            "1": row[1].decode(),
            "3": EPOCH + timedelta(microseconds=row[3]),
            **{str(place): row[place].decode() for place in (4, 5, 6)},  # type: ignore[union-attr]
        }
        for row in trail.rows
    ]
    if rows:
        connection.execute(text(add), rows)
