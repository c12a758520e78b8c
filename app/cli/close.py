"""`termline close`"""

from __future__ import annotations

import click

from app.billing.describe_run import closings_data
from app.billing.operations.close_period import close_period
from app.billing.run_repository import closings_of
from app.cli.bill import as_whom
from app.cli.terminal import actor, as_json, print_json, refusals_shown, runtime


@click.command()
@click.argument("program")
@click.argument("period", metavar="YYYY-MM")
@as_whom
@as_json
@refusals_shown
def close(program: str, period: str, whom: str | None, is_json: bool) -> None:
    """Close the books of a program up to and with a month that is over. It is never opened again."""
    with runtime() as opened, opened.work(whom or actor()) as ctx:
        close_period(ctx, program=program, period=period)
        shown = closings_data(program, closings_of(ctx.session, program, ctx.now()))
    if is_json:
        print_json(shown)
    else:
        click.echo(
            f"The books of {program} are closed up to {period}. Later corrections are booked in {shown['first_open']}."
        )
