"""`termline run`"""

from __future__ import annotations

from typing import Any

import click

from app.billing.describe_run import brief_data, proposed_line_data
from app.billing.operations.cancel_run import cancel_run
from app.billing.operations.compute_run import compute_run
from app.billing.operations.post_run import ask_posting, post_or_fail
from app.billing.operations.reverse_run import reverse_run
from app.billing.run_repository import proposed_lines, run_named, runs_before
from app.billing.tasks import hand_over
from app.cli.bill import as_whom, reported, run_shown, show_run
from app.cli.terminal import actor, as_json, print_json, refusals_shown, runtime
from app.contracts.repository import contract_named
from app.runtime import Runtime


@click.group()
def run() -> None:
    """Look at billing runs, post them, cancel them, and take back what they posted."""


@run.command("list")
@click.option("--program", help="Over this program only, or contracts of it.")
@click.option("--period", help="Of this month only, YYYY-MM.")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1), help="So many of them at most.")
@as_json
@refusals_shown
def list_(program: str | None, period: str | None, last: int, is_json: bool) -> None:
    """List billing runs, the newest first."""
    with runtime() as opened, opened.work(actor()) as ctx:
        found = runs_before(ctx.session, None, last, program_id=program, period=period)
        rows = [brief_data(each) for each in found]
    if is_json:
        print_json(rows)
        return
    for each in rows:
        posted = f", posted by {each['posted_by']}" if each["posted_by"] else ""
        by = f", settled by {each['settled_by']}" if each["engine"] != "online" and each["settled_by"] else ""
        click.echo(
            f"{each['id']}  {each['contract'] or each['program']} {each['period']}: {each['state']}, "
            f"opened by {each['opened_by']}{by}{posted}"
        )


@run.command()
@click.argument("run_id", metavar="RUN")
@click.option("--lines", "with_lines", is_flag=True, help="Show each line that it proposes as well.")
@as_json
@refusals_shown
def show(run_id: str, with_lines: bool, is_json: bool) -> None:
    """Show a run: what it proposes, whether it ties out, and what can be done with it."""
    with runtime() as opened:
        shown = run_shown(opened, run_id)
        lines = _lines(opened, run_id) if with_lines else []
    if is_json:
        print_json({**shown, "lines": lines} if with_lines else shown)
        return
    show_run(shown)
    for line in lines:
        subject = line["conversion"] or line["delivered_on"]
        corrects = f", corrects {line['corrects']}" if line["corrects"] else ""
        click.echo(
            f"  {line['statement']} {line['kind']} {subject} {line['rule']}: {line['amount']} {line['currency']}{corrects}"
        )


@run.command()
@click.argument("run_id", metavar="RUN")
@as_whom
@as_json
@refusals_shown
def post(run_id: str, whom: str | None, is_json: bool) -> None:
    """Post what a run proposes. Whoever opened it cannot: say with --as who looked at it."""
    who = whom or actor()
    with runtime() as opened:
        with opened.work(who) as ctx:
            if run_named(ctx.session, run_id).state != "posting":
                hand_over(ctx, ask_posting(ctx, run=run_id))
        post_or_fail(lambda: opened.work(who), run_id)
        _show(opened, run_id, is_json)


@run.command()
@click.argument("run_id", metavar="RUN")
@as_whom
@as_json
@refusals_shown
def cancel(run_id: str, whom: str | None, is_json: bool) -> None:
    """Give a run up that is not posted."""
    with runtime() as opened:
        with opened.work(whom or actor()) as ctx:
            cancel_run(ctx, run=run_id)
        _show(opened, run_id, is_json)


@run.command()
@click.argument("run_id", metavar="RUN")
@as_whom
@as_json
@refusals_shown
def reverse(run_id: str, whom: str | None, is_json: bool) -> None:
    """Open and compute a run that takes back what another posted, line by line. It is posted like any other."""
    who = whom or actor()
    with runtime() as opened:
        with opened.work(who) as ctx:
            mirror = hand_over(ctx, reverse_run(ctx, run=run_id)).id
        with reported() as report:
            compute_run(lambda: opened.work(who), mirror, report)
        _show(opened, mirror, is_json)


def _show(opened: Runtime, run_id: str, is_json: bool) -> None:
    shown = run_shown(opened, run_id)
    if is_json:
        print_json(shown)
    else:
        show_run(shown)


def _lines(opened: Runtime, run_id: str) -> list[dict[str, Any]]:
    with opened.work(actor()) as ctx:
        return [
            proposed_line_data(line, contract_named(ctx.session, line.statement_id.rpartition("/")[0]).currency)
            for line in proposed_lines(ctx.session, run_named(ctx.session, run_id).id, None, None)
        ]
