"""`termline serve`"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from app.assembly import ensure_schema, opened_database
from app.cli.terminal import refusals_shown
from app.settings import Settings, settings_from


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Threads in each worker.")
@click.option("--jobs/--no-jobs", "has_jobs", help="Run a worker for background jobs beside the server.")
@refusals_shown
def serve(host: str, port: int, workers: int, threads: int, has_jobs: bool) -> None:
    """Serve the API, with its documentation at /docs. An empty database is migrated first."""
    settings = settings_from()
    with opened_database(settings) as engine:
        ensure_schema(engine)
        url = engine.url.render_as_string(hide_password=False)
        engine.dispose()  # workers make connections of their own; none may cross the fork
        with _worker_beside(url) if has_jobs else nullcontext():
            _Server(replace(settings, database_url=url), f"{host}:{port}", workers, threads).run()


@contextmanager
def _worker_beside(url: str) -> Iterator[None]:
    """Run a worker in a process of its own, which ends when this one does, however that ends."""
    worker = subprocess.Popen(
        [sys.executable, "-c", "from app.cli import main; main()", "worker", "--with-parent", str(os.getpid())],
        env={**os.environ, "DATABASE_URL": url},
    )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with our application. The master holds the embedded server; workers only connect to it."""

    def __init__(self, settings: Settings, bind: str, workers: int, threads: int) -> None:
        self._settings = settings
        self._options = {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "timeout": 120,
            "proc_name": "termline",
            "control_socket_disable": True,  # it would lie in the home folder of whoever starts the server
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from app.factory import served_app

        return served_app(self._settings)
