"""`termline jobs list` and `retry`"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import get_args

import click

from app.cli.terminal import actor, as_json, counted, print_json, refusals_shown, runtime
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
    else:
        click.echo("\n".join(map(_in_words, listed)) or "No jobs.")


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


def _in_words(job: Job) -> str:
    begun = f"{job.number}  {job.task}  {job.state}"
    if job.state == "running" and job.started_at:
        return f"{begun} on {job.worker} since {write_instant(job.started_at)}"
    if job.state == "failed":
        when = f" at {write_instant(job.failed_at)}" if job.failed_at else ""
        return f"{begun}{when} after {counted(job.attempts, 'attempt')}: {job.message or 'nobody said why'}"
    return f"{begun}, not before {write_instant(job.not_before)}" if job.not_before else begun
