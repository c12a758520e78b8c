"""`termline worker`"""

from __future__ import annotations

import os
import socket

import click

from app import log
from app.assembly import TASKS, opened_runtime
from app.cli.terminal import refusals_shown
from app.jobs.plan import Plan
from app.settings import settings_from


@click.command()
@click.option(
    "--concurrency", default=1, show_default=True, type=click.IntRange(1, 8), help="Jobs at once, in threads."
)
@click.option("--name", help="What it is called in lists and logs; its host and process if not given.")
@click.option("--once", "is_once", is_flag=True, help="End when no job is due.")
@click.option("--with-parent", type=int, hidden=True, help="End when this is no longer the parent process.")
@refusals_shown
def worker(concurrency: int, name: str | None, is_once: bool, with_parent: int | None) -> None:
    """Run background jobs until SIGTERM, which ends it after the present unit of work.

    Start as many as there are processors. What a worker was doing when it died is taken up by another one when it has been
    silent for TERMLINE_LEASE seconds. Each line it logs is one JSON object on standard error.
    """
    from app.jobs.worker import work  # the library takes a while to load, which other commands need not wait for

    log.configure()
    settings = settings_from()
    plan = Plan(name or f"{socket.gethostname()}:{os.getpid()}", settings.lease_s, concurrency, is_once)
    with opened_runtime(settings) as runtime:
        work(runtime, TASKS, plan, parent=with_parent)
