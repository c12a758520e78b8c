"""Billing runs whose workers die, or are sixteen at once: what is booked is what one undisturbed worker books, to the byte."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, text

from app.billing.errors import RunElsewhere, RunOpenAlready
from app.billing.operations.compute_run import compute_run
from app.billing.operations.open_run import open_run
from app.billing.operations.post_run import ask_posting, post_or_fail
from app.billing.run_repository import run_named
from app.conversions.operations.receive_conversions import store_conversions
from tests.builders.own_database import own_database
from tests.faults.months import (
    booked,
    left_over,
    month_numbered,
    orders,
    queue_posting,
    queue_run,
    runtime_on,
    stage,
    state_of,
)
from tests.faults.worker_process import SPILLED
from tests.faults.workers import Workers, open_jobs, until, workers_on

COMPUTING = (
    "taken",
    "unit_begun",
    "said INSERT INTO decisions",
    "said INSERT INTO proposed_lines",
    "said INSERT INTO proposed_statements",
    "before_hold",
    "held",
    "committed",
    "done",
    "answered",
)
POSTING = (
    "taken",
    "said INSERT INTO postings",
    "said INSERT INTO statement_lines",
    "said INSERT INTO accrual_lines",
    "said DELETE FROM proposed_lines",
    "before_hold",
    "held",
    "committed",
    "done",
)
IN_BULK = ("said INSERT INTO decisions", "said DELETE FROM unsettled_conversions")
KILLS, SLOW_KILLS = 100, 2000
WORKERS, ROUNDS = 16, 6
ORDERS = 45


@pytest.fixture(scope="module")
def undisturbed(server_url: str) -> Iterator[Engine]:
    """A database in which one worker bills, and nothing goes wrong."""
    with own_database(server_url) as engine:
        stage(engine)
        yield engine


@pytest.fixture(scope="module")
def shaken(server_url: str) -> Iterator[Engine]:
    """A database in which things go wrong."""
    with own_database(server_url, pool_size=WORKERS) as engine:
        stage(engine)
        yield engine


@pytest.fixture
def dying(shaken: Engine, tmp_path: Path) -> Iterator[Workers]:
    """Workers on it, whose leases last for a second."""
    with workers_on(shaken, tmp_path, lease_s=1) as workers:
        yield workers


def receive(engine: Engine, month: str, name: str = "o") -> None:
    """Let the orders of a month arrive; nobody decides them yet."""
    with runtime_on(engine).work("ann") as ctx:
        assert {receipt.status for receipt in store_conversions(ctx, orders(month, ORDERS, name))} == {"accepted"}


def billed_alone(engine: Engine, month: str, name: str = "o") -> bytes:
    """Bill a month undisturbed and return what is booked."""
    receive(engine, month, name)
    runtime = runtime_on(engine)
    with runtime.work("ann") as ctx:
        run = open_run(ctx, program="shop", period=month).id
    assert compute_run(partial(runtime.work, "worker"), run) == "ready"
    with runtime.work("fay") as ctx:
        ask_posting(ctx, run=run)
    assert post_or_fail(partial(runtime.work, "worker"), run) == "posted"
    found = booked(engine, month)
    # Something of each kind is there to be doubled or lost.
    assert all(f"{name}/{month}" in found.decode() for name in ("acme", "bolt", "cord"))
    assert b"liabilities:accrued" in found
    return found


def through(workers: Workers, engine: Engine, points: tuple[str, ...]) -> None:
    """Let a worker die at each point, one after the other, and a last one finish what is left."""
    for point in points:
        worker = workers.start(at=point, once=True)
        worker.process.join(30)
        assert worker.process.exitcode == -9, point
    last = workers.start()
    until(lambda: open_jobs(engine) == 0)
    last.kill()


@pytest.mark.parametrize("number", range(len(COMPUTING)))
def test_a_worker_may_die_wherever_it_computes(
    undisturbed: Engine, shaken: Engine, dying: Workers, number: int
) -> None:
    month = month_numbered(number)
    receive(shaken, month)
    run = queue_run(shaken, month)
    through(dying, shaken, COMPUTING[number : number + 1])
    assert state_of(shaken, run) == "ready"
    queue_posting(shaken, run)
    through(dying, shaken, POSTING[number : number + 1])
    assert state_of(shaken, run) == "posted"
    assert booked(shaken, month) == billed_alone(undisturbed, month)
    assert left_over(shaken) == 0
    assert dying.faults() == []


def test_a_worker_may_die_in_the_middle_of_settling_in_bulk(
    undisturbed: Engine, shaken: Engine, dying: Workers, tmp_path: Path
) -> None:
    """While DuckDB is at work, while decisions are written, and behind that: none of them is kept, the next
    worker removes what the dead one spilled, and what is booked in the end is what one books who settles online."""
    month, spilled = month_numbered(11), tmp_path / SPILLED
    receive(shaken, month, "b")
    run = queue_run(shaken, month, "duckdb")
    loading = dying.start()
    until(lambda: spilled.exists() and any(spilled.iterdir()))
    loading.kill()
    for point in IN_BULK:
        worker = dying.start(at=point)
        worker.process.join(60)
        assert worker.process.exitcode == -9, point
        assert decided(shaken, f"b-{month}-%") == 0
        assert len(list(spilled.iterdir())) == 1
    last = dying.start()
    until(lambda: open_jobs(shaken) == 0)
    last.kill()
    assert list(spilled.iterdir()) == []
    assert (state_of(shaken, run), settled_by(shaken, run)) == ("ready", "duckdb")
    queue_posting(shaken, run)
    through(dying, shaken, POSTING[:1])
    assert booked(shaken, month) == billed_alone(undisturbed, month, "b")
    assert left_over(shaken) == 0


def decided(engine: Engine, like: str) -> int:
    """Return how many decisions there are on conversions that are named so."""
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM decisions WHERE conversion_id LIKE :like")
        return connection.scalar(query, {"like": like}) or 0


def settled_by(engine: Engine, run: str) -> str | None:
    """Return which engine settled what a run bills."""
    with runtime_on(engine).work("eve") as ctx:
        return run_named(ctx.session, run).settled_by


def test_workers_may_die_at_any_moment(
    undisturbed: Engine, shaken: Engine, dying: Workers, request: pytest.FixtureRequest
) -> None:
    kill_at_random(undisturbed, shaken, dying, KILLS, request.config.getoption("--seed") or 1)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_workers_may_die_at_any_moment_two_thousand_times(
    undisturbed: Engine, shaken: Engine, dying: Workers, request: pytest.FixtureRequest
) -> None:
    kill_at_random(undisturbed, shaken, dying, SLOW_KILLS, request.config.getoption("--seed") or 2)


def kill_at_random(undisturbed: Engine, shaken: Engine, workers: Workers, kills: int, seed: int) -> None:
    """Bill month after month while two workers are killed at random moments, until there were so many kills."""
    chance, killed, number = random.Random(seed), 0, 20
    running = [workers.start() for _ in range(2)]

    def until_no_job(patience_s: float = 60) -> None:
        nonlocal killed
        begun = time.monotonic()
        while open_jobs(shaken):
            assert time.monotonic() - begun < patience_s
            time.sleep(chance.uniform(0, 0.3))
            if killed < kills:
                running.pop(chance.randrange(2)).kill()
                running.append(workers.start())
                killed += 1

    while killed < kills:
        number += 1
        month, name = month_numbered(number), f"r{number}"
        receive(shaken, month, name)
        run = queue_run(shaken, month)
        until_no_job()
        queue_posting(shaken, run)
        until_no_job()
        assert state_of(shaken, run) == "posted", month
        assert booked(shaken, month) == billed_alone(undisturbed, month, name), month
    assert left_over(shaken) == 0
    assert workers.faults() == []
    found = sum(len(worker.said("job.found")) for worker in workers.all)
    print(f"seed {seed}: {killed} kills, {found} jobs taken over, {number - 20} months")
    assert found > kills / 20, "hardly any of the killed workers had a job"


def test_sixteen_at_once_book_what_one_books(
    undisturbed: Engine, shaken: Engine, request: pytest.FixtureRequest
) -> None:
    """All sixteen open, compute and post the same month at the same moment, in every round; `--runs` says how many."""
    rounds = request.config.getoption("--runs") or ROUNDS
    with ThreadPoolExecutor(WORKERS) as pool:
        for number in range(rounds):
            month, name = month_numbered(40 + number), f"s{number}"
            receive(shaken, month, name)
            barrier = Barrier(WORKERS)
            states = list(pool.map(partial(_bill, shaken, month, barrier), range(WORKERS)))
            assert states.count("posted") == WORKERS, (month, states)
            assert booked(shaken, month) == billed_alone(undisturbed, month, name), month


def _bill(engine: Engine, month: str, barrier: Barrier, worker: int) -> str:
    runtime = runtime_on(engine)
    barrier.wait()
    try:
        with runtime.work("ann") as ctx:
            run = open_run(ctx, program="shop", period=month).id
    except RunOpenAlready as refused:
        run = refused.details["run"]
    barrier.wait()
    compute_run(partial(runtime.work, "worker"), run)
    barrier.wait()
    with suppress(RunElsewhere), runtime.work("fay") as ctx:
        ask_posting(ctx, run=run)
    barrier.wait()
    return post_or_fail(partial(runtime.work, "worker"), run)
