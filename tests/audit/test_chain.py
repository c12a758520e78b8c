"""Events are chained when their unit of work ends, and the database lets nobody change what is chained."""

from __future__ import annotations

import hashlib
import itertools
import json

import pytest
import rfc8785
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.audit.chain import event_body
from app.audit.record import record
from app.audit.repository import current_head, walked
from app.audit.verification import verify_chain
from app.runtime import Context, Runtime
from app.scenarios.scratch import scratch_database
from app.store.session import session_on
from tests.builders.trail import events


def test_an_event_is_one_canonical_text_and_its_hash_follows_the_one_before(runtime: Runtime) -> None:
    with runtime.work("ann", "request-1") as ctx:
        before = current_head(ctx.session)
        record(ctx, "partner.renamed", "acme", "Acmé renamed", before={"name": "a"}, after={"name": "b"}, reason="typo")
    with runtime.work("ben") as ctx:
        (event,) = events(ctx, action="partner.renamed")
        head = current_head(ctx.session)
        at = ctx.now
    body = event.body.encode()
    # By the letter of RFC 8785: no blanks, keys in order, and UTF-8 as it is.
    assert body.startswith(b'{"action":"partner.renamed","actor":"ann","after":{"name":"b"},"at":"')
    assert (
        f'"reason":"typo","request":"request-1","seq":{event.seq},"subject":"acme","summary":"Acmé renamed"}}'
        in event.body
    )
    assert event.hash == hashlib.sha256(b"termline/audit/1\x00" + before.hash + body).digest()
    assert (head.seq, head.hash) == (event.seq, event.hash) == (before.seq + 1, event.hash)
    assert event.at <= at()


def test_a_place_is_put_where_the_canonical_form_has_it() -> None:
    traps = ['"seq":0', '\\"seq":0', ',"seq":0,"subject":"', "\\", '"', "", "ü\n"]
    for trap, seq in itertools.product(traps, (1, 10, 2**53 - 1)):
        for nested in (None, {"seq": 0}, {trap: [{"seq": 0, "subject": trap}]}):
            event = {"action": trap, "after": nested, "before": nested, "subject": trap, "summary": trap}
            assert event_body(seq, event) == rfc8785.dumps({**event, "seq": seq})


def test_the_first_event_follows_the_hash_of_the_installation(database: Engine) -> None:
    with scratch_database(database) as empty:
        head = current_head(session_on(empty))
    assert head.seq == 0
    assert head.hash == hashlib.sha256(b"termline/audit/1/genesis\x00" + head.installation.encode()).digest()


def test_events_of_one_unit_of_work_keep_their_order_actors_and_instants(runtime: Runtime) -> None:
    with runtime.work("ann") as ctx:
        record(ctx, "first.done", "x", "first")
        record(ctx.acting_as("ben"), "second.done", "x", "second")
        record(ctx, "third.done", "x", "third")
        now = ctx.now()
    with runtime.work("zoe") as ctx:
        found = events(ctx, subject="x")
    assert [(event.action, event.actor, event.at) for event in found] == [
        ("first.done", "ann", now),
        ("second.done", "ben", now),
        ("third.done", "ann", now),
    ]
    assert [event.seq for event in found] == list(range(found[0].seq, found[0].seq + 3))


def test_what_is_taken_back_leaves_no_event_and_no_gap(runtime: Runtime) -> None:
    def do(subject: str, *, fail: bool) -> None:
        with runtime.work("ann") as ctx:
            record(ctx, "thing.done", subject, "done")
            if fail:
                raise RuntimeError

    do("kept", fail=False)
    with pytest.raises(RuntimeError):
        do("lost", fail=True)
    with runtime.work("ann") as ctx:
        nested = ctx.session.begin_nested()
        record(ctx, "thing.done", "lost", "done")
        nested.rollback()
    do("kept", fail=False)
    with runtime.work("ann") as ctx:
        found = events(ctx, action="thing.done")
        assert [event.subject for event in found] == ["kept", "kept"]
        assert found[1].seq == found[0].seq + 1
        assert verify_chain(walked(ctx.session)).is_whole


def test_an_event_says_what_was_when_it_was_noted(ctx: Context) -> None:
    terms = {"rates": ["1"]}
    record(ctx, "terms.noted", "x", "noted", after=terms)
    terms["rates"].append("2")
    (event,) = events(ctx, action="terms.noted")
    assert event.after == {"rates": ["1"]}


def test_data_that_has_no_canonical_form_is_a_fault_where_it_is_noted(ctx: Context) -> None:
    with pytest.raises(Exception, match="integer"):
        record(ctx, "thing.counted", "x", "counted", after={"count": 2**60})


def test_many_events_are_appended_in_parts(runtime: Runtime) -> None:
    with runtime.work("ann") as ctx:
        for number in range(2_500):
            record(ctx, "thing.done", f"x/{number}", "done")
    with runtime.work("ann") as ctx:
        found = verify_chain(walked(ctx.session))
        assert found.is_whole
        assert [event.subject for event in events(ctx, action="thing.done")] == [
            f"x/{number}" for number in range(2_500)
        ]


@pytest.fixture
def chained(runtime: Runtime, connection: Connection) -> Connection:
    """A connection that sees three events."""
    with runtime.work("ann") as ctx:
        for subject in ("x", "y", "z"):
            record(ctx, "thing.done", subject, "done")
    return connection


BODY = '{"action":"a","actor":"mallory","at":"1997-01-01T00:00:00Z","seq":%d,"subject":"s","summary":"t"}'


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE audit_events SET body = body || ' '", "only grows: UPDATE on audit_events"),
        ("UPDATE audit_events SET hash = hash WHERE false", "only grows: UPDATE on audit_events"),
        ("DELETE FROM audit_events WHERE seq = 1", "only grows: DELETE on audit_events"),
        ("TRUNCATE audit_events", "only grows: TRUNCATE on audit_events"),
        ("UPDATE audit_events SET seq = 9", "can only be updated to DEFAULT"),
        ("INSERT INTO audit_events (body, hash, actor) VALUES ('{}', '', 'ann')", "cannot insert a non-DEFAULT value"),
        ("UPDATE audit_head SET seq = seq + 1", "is not moved otherwise"),
        ("DELETE FROM audit_head", "only grows: DELETE on audit_head"),
        ("TRUNCATE audit_head", "only grows: TRUNCATE on audit_head"),
        (
            "INSERT INTO audit_head VALUES (2, 'x', 0, decode(repeat('00', 32), 'hex'))",
            "only grows: INSERT on audit_head",
        ),
    ],
)
def test_raw_sql_cannot_change_the_trail(chained: Connection, statement: str, refusal: str) -> None:
    with pytest.raises(DBAPIError, match=refusal), chained.begin_nested():
        chained.execute(text(statement))


@pytest.mark.parametrize(("ahead", "hashed"), [(1, "wrong"), (2, "right"), (0, "right"), (1, "of another")])
def test_raw_sql_cannot_add_what_does_not_continue_the_chain(chained: Connection, ahead: int, hashed: str) -> None:
    head = chained.execute(text("SELECT seq, hash FROM audit_head")).one()
    body = BODY % (head.seq + ahead)
    right = hashlib.sha256(b"termline/audit/1\x00" + head.hash + body.encode()).digest()
    added = {"right": right, "wrong": bytes(32), "of another": head.hash}[hashed]
    with pytest.raises(DBAPIError), chained.begin_nested():
        chained.execute(
            text("INSERT INTO audit_events (body, hash) VALUES (:body, :hash)"), {"body": body, "hash": added}
        )


def test_raw_sql_that_continues_the_chain_is_part_of_it(chained: Connection, runtime: Runtime) -> None:
    head = chained.execute(text("SELECT seq, hash FROM audit_head")).one()
    rows, previous = [], head.hash
    for seq in (head.seq + 1, head.seq + 2):
        body = BODY % seq
        previous = hashlib.sha256(b"termline/audit/1\x00" + previous + body.encode()).digest()
        rows.append((body, previous))
    add = text("INSERT INTO audit_events (body, hash) VALUES (:b2, :h2), (:b1, :h1)")  # in any order within a statement
    chained.execute(add, {"b1": rows[0][0], "h1": rows[0][1], "b2": rows[1][0], "h2": rows[1][1]})
    with runtime.work("ann") as ctx:
        assert current_head(ctx.session)[1:] == (head.seq + 2, previous)
        assert verify_chain(walked(ctx.session)).is_whole


def test_the_columns_say_what_the_body_says(chained: Connection) -> None:
    for row in chained.execute(text("SELECT * FROM audit_events")).mappings():
        said = json.loads(row["body"])
        assert [row[name] for name in ("seq", "actor", "action", "subject")] == [
            said[name] for name in ("seq", "actor", "action", "subject")
        ]
