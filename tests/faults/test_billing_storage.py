"""Billing while the database goes away, or its disk is full: nothing is lost, nothing doubled, and it goes on by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.conversions.operations.receive_conversions import store_conversions
from tests.faults.months import booked, orders, queue_posting, queue_run, runtime_on, stage, state_of
from tests.faults.server import OwnServer, own_server
from tests.faults.workers import Workers, until, until_done, workers_on

MONTH, ORDERS = "2020-03", 90
KEPT_FREE = 200_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 MB, which a database of ours fits on."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def receive(server: OwnServer) -> None:
    stage(server.engine)
    with runtime_on(server.engine).work("ann") as ctx:
        assert {each.status for each in store_conversions(ctx, orders(MONTH, ORDERS))} == {"accepted"}


def what_one_books(tmp_path: Path) -> bytes:
    """Bill the same month where nothing goes wrong."""
    (tmp_path / "calm").mkdir()
    with (
        own_server(tmp_path / "calm" / "home") as server,
        workers_on(server.engine, tmp_path / "calm", lease_s=1) as some,
    ):
        receive(server)
        bill(server, some)
        return booked(server.engine, MONTH)


def bill(server: OwnServer, workers: Workers) -> None:
    run = queue_run(server.engine, MONTH)
    workers.start()
    until_done(server.engine)
    queue_posting(server.engine, run)
    until_done(server.engine)
    assert state_of(server.engine, run) == "posted"


def test_the_database_may_go_away_while_a_month_is_billed(tmp_path: Path) -> None:
    with own_server(tmp_path / "home") as server, workers_on(server.engine, tmp_path, lease_s=1) as workers:
        receive(server)
        run = queue_run(server.engine, MONTH)
        worker = workers.start()
        until(lambda: worker.said("job.started"))
        for how in (signal.SIGINT, signal.SIGQUIT):
            server.stop(how)
            server.start()
            until(lambda: len(worker.said("job.started")) > len(worker.said("job.tried_again_later")))
        until_done(server.engine)
        assert state_of(server.engine, run) == "ready"
        queue_posting(server.engine, run)
        server.stop(signal.SIGQUIT)
        server.start()
        until_done(server.engine)
        assert state_of(server.engine, run) == "posted"
        assert booked(server.engine, MONTH) == what_one_books(tmp_path)
        assert workers.faults() == []


def test_a_month_is_billed_when_a_full_disk_has_room_again(tmp_path: Path, small_disk: Path) -> None:
    with own_server(small_disk / "home") as server, workers_on(server.engine, tmp_path, lease_s=1) as workers:
        receive(server)
        run = queue_run(server.engine, MONTH)
        ballast = small_disk / "ballast"
        free = os.statvfs(small_disk)
        with ballast.open("wb") as file:
            file.write(b"\0" * (free.f_bavail * free.f_bsize - KEPT_FREE))
        assert is_full(server)
        worker = workers.start()
        until(lambda: worker.said("job.tried_again_later") or worker.said("database.lost"), 20)
        time.sleep(1)
        ballast.unlink()
        if not is_alive(server):
            server.start()
        until_done(server.engine)
        assert state_of(server.engine, run) == "ready"
        queue_posting(server.engine, run)
        until_done(server.engine)
        assert state_of(server.engine, run) == "posted"
        assert booked(server.engine, MONTH) == what_one_books(tmp_path)


def is_full(server: OwnServer) -> bool:
    """Tell whether a few megabytes are too much for the database."""
    try:
        with server.engine.begin() as connection:
            connection.execute(
                text("CREATE TABLE much AS SELECT repeat(md5(n::text), 50) FROM generate_series(1, 20000) n")
            )
    except DBAPIError:
        return True
    return False


def is_alive(server: OwnServer) -> bool:
    try:
        with server.engine.connect() as connection:
            return connection.scalar(text("SELECT true")) or False
    except DBAPIError:
        return False
