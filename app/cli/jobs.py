"""`termline jobs list` and `retry`"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import get_args

import click
from rich.table import Table

from app.cli.terminal import actor, as_json, out, print_json, refusals_shown, runtime
from app.core.instants import write_instant
from app.jobs.repository import Job, State, queue_again
from app.jobs.repository import jobs as found_jobs

_SHOWN = ("queued", "running", "failed")


@click.group()
def jobs() -> None:
    """See what workers do, what waits for them and what failed; queue failed work again."""


@jobs.command("list")
@click.option("--state", type=click.Choice(get_args(State)), help="Only these; if not given, all that are not done.")
@as_json
@refusals_shown
def list_jobs(state: State | None, is_json: bool) -> None:
    """List the jobs, the newest first."""
    with runtime() as opened, opened.work(actor()) as ctx:
        listed = [job for job in found_jobs(ctx.session, state) if state is not None or job.state in _SHOWN]
    if is_json:
        for job in listed:
            print_json(asdict(job))
    elif listed:
        out.print(_table(listed))
    else:
        click.echo("No jobs.")


@jobs.command()
@click.argument("number", type=int)
@refusals_shown
def retry(number: int) -> None:
    """Queue a failed job once more."""
    with runtime() as opened, opened.work(actor()) as ctx:
        is_queued = queue_again(ctx.session, number, ctx.now())
    if not is_queued:
        click.echo(f"There is no failed job {number}; `termline jobs list --state failed` shows them.", err=True)
        sys.exit(2)
    click.echo(f"Job {number} is queued.")


def _table(listed: list[Job]) -> Table:
    table = Table(box=None, header_style="")
    for heading in ("job", "task", "state", "attempts", "worker", "since", "reason"):
        table.add_column(heading)
    for job in listed:
        since = job.failed_at if job.state == "failed" else job.started_at if job.state == "running" else job.not_before
        is_known = job.state in ("running", "failed")
        table.add_row(
            str(job.number),
            job.task,
            job.state,
            str(job.attempts),
            (job.worker or "") if is_known else "",
            write_instant(since) if since else "",
            (job.message or "") if job.state == "failed" else "",
        )
    return table
