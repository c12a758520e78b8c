"""`termline bill`"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import click
from rich.table import Table

from app.billing.describe_run import run_data
from app.billing.operations.compute_run import Report, compute_run
from app.billing.operations.get_run import parts_of
from app.billing.operations.open_run import open_run
from app.billing.run_repository import run_named
from app.billing.tasks import hand_over
from app.bulk.choice import SettlingEngine
from app.cli.terminal import actor, as_json, counted, out, print_json, progress, refusals_shown, runtime
from app.runtime import Runtime
from app.store.models.billing import ENGINES

as_whom = click.option("--as", "whom", help="Who does it, for the audit trail. By default the user of this machine.")


@click.command()
@click.option("--contract", help="The contract to bill.")
@click.option("--program", help="The program to bill, with all its contracts.")
@click.option("--period", required=True, help="The month to bill, YYYY-MM, in each contract's time zone.")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    help="What decides orders that wait for a decision: one by one, or all of the program in bulk. By default what "
    "TERMLINE_BILLING_ENGINE says, else online.",
)
@as_whom
@as_json
@refusals_shown
def bill(
    contract: str | None,
    program: str | None,
    period: str,
    engine: SettlingEngine | None,
    whom: str | None,
    is_json: bool,
) -> None:
    """Compute what is missing from the statements of a month, to be looked at and posted by somebody else.

    Opens a billing run and computes it here. Nothing is posted before `termline run post`. Once everything is posted, a run
    proposes nothing.
    """
    who = whom or actor()
    with runtime() as opened:
        with opened.work(who) as ctx:
            asked = open_run(ctx, contract=contract, program=program, period=period, engine=engine)
            run = hand_over(ctx, asked).id
        with reported() as report:
            state = compute_run(lambda: opened.work(who), run, report)
        shown = run_shown(opened, run)
    if is_json:
        print_json(shown)
    else:
        show_run(shown)
    if state == "failed":
        sys.exit(1)


@contextmanager
def reported() -> Iterator[Report]:
    """Give what tells how far a run is, as a bar for each stage."""
    stage, done = "", 0
    with progress("billing") as advance:

        def report(now: str, at: int, total: int | None) -> None:
            nonlocal stage, done
            if now != stage:
                stage, done = now, 0
            # What settling tells is how much it did since; what comparing tells is how far it is.
            advance(at if now == "settling" else at - done)
            done = at

        yield report


def run_shown(opened: Runtime, run: str) -> dict[str, Any]:
    """Return a run as the API shows it."""
    with opened.work(actor()) as ctx:
        found = run_named(ctx.session, run)
        return run_data(found, *parts_of(ctx, found))


def show_run(run: dict[str, Any]) -> None:
    """Print a run for people: where it is, and its statements as a table."""
    over = run["contract"] or f"all contracts of {run['program']}"
    kind = f"takes back {run['reverses']}, " if run["reverses"] else ""
    click.echo(f"Run {run['id']}: {kind}{over}, {run['period']}: {run['state']}.")
    if run["settled_because"]:
        click.echo(f"Settled {run['settled_by']} and not by {run['engine']}: {run['settled_because']}.")
    elif run["settled_by"] not in (None, "online"):
        click.echo(f"Settled in bulk by {run['settled_by']}.")
    if run["fault"]:
        click.echo(run["fault"]["detail"], err=True)
    statements = run["statements"]
    if statements:
        table = Table("statement", "lines", "corrections", "amount", "waiting", "accrued")
        for column in table.columns[1:]:
            column.justify = "right"
        for each in statements:
            named = f"{each['contract']}/{each['period']}"
            amounts = (each["amount"], each["waiting"]["amount"], each["accrued"])
            amount, waiting, accrued = (f"{value} {each['currency']}" for value in amounts)
            table.add_row(named, f"{each['lines']:,}", f"{each['corrections']:,}", amount, waiting, accrued)
        out.print(table)
        _show_postings(statements)
    for each in statements:
        left = each["waiting"]
        if left["conversions"]:
            click.echo(
                f"{each['contract']}/{each['period']}: {counted(left['conversions'], 'conversion')} of {left['amount']} "
                f"{each['currency']} cannot be posted yet; the first can from {left['until']} on."
            )
    if not any(each["lines"] for each in statements) and run["state"] in ("ready", "posted"):
        click.echo("Nothing is missing: what should exist is posted.")
    click.echo(run["next"])


def _show_postings(statements: list[dict[str, Any]]) -> None:
    """Say where postings were booked where that is not their own month, and what was carried below zero."""
    for each in statements:
        posting = each["posting"]
        if posting is None:
            continue
        if posting["accounting_period"] != each["period"]:
            click.echo(f"{posting['id']} is booked in {posting['accounting_period']}: the books were closed before.")
        if any(Decimal(posting[key]) < 0 for key in ("brought_forward", "carried_forward")):
            click.echo(
                f"{posting['id']}: {posting['brought_forward']} brought forward, {posting['to_pay']} to pay, "
                f"{posting['carried_forward']} carried forward."
            )
