"""A job that adds the rows 1 to n of a list in chunks: whatever happens to its workers, each row is to be there once.

Nothing but the lease keeps two workers apart: no row is locked and no constraint refuses a second one.
"""

from __future__ import annotations

import time

from sqlalchemy import Engine, text

from app.core.errors import AppError
from app.jobs.enqueue import enqueue
from app.jobs.task import JobArgs, Lease, Task, Unleased
from app.runtime import Runtime
from app.store.unit_of_work import unit_of_work

CHUNK = 5
TABLES = (
    "CREATE TABLE added (list text NOT NULL, number int NOT NULL, by_worker int NOT NULL)",
    "CREATE TABLE added_so_far (list text PRIMARY KEY, up_to int NOT NULL, total int NOT NULL)",
    "GRANT ALL ON added, added_so_far TO termline_app",
)


class NotToday(AppError):
    """What a room refuses."""

    code = "not_today"
    kind = "conflict"


def add(runtime: Runtime, args: JobArgs, lease: Lease) -> None:
    """Add rows, a chunk in each unit of work, beginning where the last unit that was committed ended."""
    while True:
        with lease.work(runtime, "adder") as ctx:
            row = ctx.session.execute(
                text("SELECT up_to, total FROM added_so_far WHERE list = :list"), {"list": args["list"]}
            ).one()
            if row.up_to >= row.total:
                return
            numbers = [{"list": args["list"], "n": row.up_to + n + 1} for n in range(CHUNK)]
            ctx.session.execute(text("INSERT INTO added VALUES (:list, :n, pg_backend_pid())"), numbers)
            time.sleep(args.get("pause", 0))
            values = {"list": args["list"], "up_to": row.up_to + CHUNK}
            ctx.session.execute(text("UPDATE added_so_far SET up_to = :up_to WHERE list = :list"), values)


def add_without_a_lease(runtime: Runtime, args: JobArgs, lease: Lease) -> None:
    """The same, from a room that forgot about the lease: what the harness has to find out."""
    add(runtime, args, Unleased())


def refuse(runtime: Runtime, args: JobArgs, lease: Lease) -> None:
    """Refuse, and leave behind how often."""
    _count(runtime, lease, args["list"])
    raise NotToday("The month is closed.")


def fall(runtime: Runtime, args: JobArgs, lease: Lease) -> None:
    """Fail as nobody foresaw, with something in the text that nobody should read."""
    _count(runtime, lease, args["list"])
    raise KeyError("a customer's name")


def collide(runtime: Runtime, args: JobArgs, lease: Lease) -> None:
    """Have the database refuse as it does when two transactions cannot both be, until it was tried `times` times."""
    if _count(runtime, lease, args["list"]) >= args["times"]:
        return
    with lease.work(runtime, "adder") as ctx:
        ctx.session.execute(text("DO $$ BEGIN RAISE 'two at once' USING ERRCODE = 'serialization_failure'; END $$"))


ADDING = (
    Task("tests.add", add, attempts=10_000),
    Task("tests.add_without_a_lease", add_without_a_lease, attempts=10_000),
    Task("tests.refuse", refuse),
    Task("tests.fall", fall),
    Task("tests.collide", collide, attempts=2),
    Task("tests.add_once_at_most", add, attempts=1),
)


def make_tables(engine: Engine) -> None:
    """Make the tables that the job adds to."""
    with engine.begin() as connection:
        for statement in TABLES:
            connection.execute(text(statement))


def queue_lists(
    engine: Engine, lists: int, total: int, *, task: str = "tests.add", pause: float = 0.0, name: str = "list"
) -> None:
    """Queue jobs, each with the list it is for, in the transaction that makes the list."""
    for number in range(lists):
        with unit_of_work(engine) as session:
            values = {"list": f"{name}-{number}", "total": total}
            session.execute(text("INSERT INTO added_so_far VALUES (:list, 0, :total)"), values)
            enqueue(session, task, {"list": values["list"], "pause": pause})


def wrong_lists(engine: Engine) -> dict[str, str]:
    """Return each list that does not have every number from 1 to its total exactly once, with what it has."""
    query = (
        "SELECT list, total, coalesce(array_agg(number ORDER BY number) FILTER (WHERE number IS NOT NULL), '{}')"
        " FROM added_so_far LEFT JOIN added USING (list) GROUP BY list, total"
    )
    with engine.connect() as connection:
        found = connection.execute(text(query)).all()
    assert found
    return {name: f"{numbers}" for name, total, numbers in found if numbers != list(range(1, total + 1))}


def _count(runtime: Runtime, lease: Lease, name: str) -> int:
    with lease.work(runtime, "adder") as ctx:
        query = text("UPDATE added_so_far SET up_to = up_to + 1 WHERE list = :list RETURNING up_to")
        return int(ctx.session.execute(query, {"list": name}).scalar_one())
