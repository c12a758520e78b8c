"""A database server of a test's own that can be stopped, crashed and started again while others use it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Engine

from app.adapters.embedded_postgres import ServerHandle, acquire
from app.store.migrate import migrate
from app.store.session import engine_for
from tests.faults.adding import make_tables
from tests.faults.workers import until


class OwnServer:
    """An embedded server, held by this process alone."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._handle = acquire(home)
        self.engine = engine_for(self._handle.url)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT as an administrator does, SIGQUIT as if the power were cut."""
        number = int((self.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(number, how)
        until(lambda: not _is_alive(number))

    def start(self) -> None:
        """Start it again where it was."""
        self._handle, before = acquire(self.home), self._handle
        before.release()

    def end(self) -> None:
        """Let go of it for good."""
        self.engine.dispose()
        handle: ServerHandle = self._handle
        handle.release()


@contextmanager
def own_server(home: Path) -> Iterator[OwnServer]:
    """Give a server whose database is migrated and has the tables that the adding job adds to."""
    server = OwnServer(home)
    try:
        _prepare(server.engine)
        yield server
    finally:
        server.end()


def _prepare(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
    make_tables(engine)


def _is_alive(number: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(number, 0)
        return True
    return False
