"""The application in a process of its own, on a socket: `python -m tests.web.served DATABASE_URL` prints its port.

schemathesis 4.32 can probe without a key only over a connection, and a machine of two cores then uses both.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import Engine
from werkzeug.serving import WSGIRequestHandler, make_server

from app.adapters.fact_files import shipped_catalogue
from app.engine.reference import ReferenceMatcher
from app.factory import create_app
from app.runtime import Runtime
from app.store.session import engine_for
from app.web.rate import Rate

ROOT = Path(__file__).parents[2]
UNLIMITED = Rate(10**6, 10**6)


def runtime_on(engine: Engine) -> Runtime:
    """A process with the reference engine, each request in a transaction of its own."""
    return Runtime(bind=engine, matcher=ReferenceMatcher(), catalogue=shipped_catalogue())


@contextmanager
def served(engine: Engine, log: Path) -> Iterator[str]:
    """Serve the application on a database, and give its address. What goes wrong there is logged into a file."""
    url = engine.url.render_as_string(hide_password=False)
    with log.open("wb") as faults:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.served", url], cwd=ROOT, stdout=subprocess.PIPE, stderr=faults, text=True
        )
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


class Handler(WSGIRequestHandler):
    """Connections are kept open, or a run would use up the machine's ports."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True


def serve(url: str) -> None:
    """Serve until the process is ended."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    app = create_app(runtime_on(engine_for(url)), UNLIMITED)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1])
