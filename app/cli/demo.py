"""`termline demo`"""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from app.adapters.yaml_files import read_yaml
from app.billing.operations.bill_at_once import bill_at_once
from app.billing.repository import totals
from app.cli.terminal import as_json, err, out, print_json, progress, refusals_shown, runtime
from app.conversions.operations.explain_decision import explain_decision, find_decision
from app.core.resources import shipped
from app.core.rounding import shown
from app.runtime import Context, Runtime
from app.scenarios.run_scenario import run_scenario
from app.scenarios.story import Story, read_story
from app.store.models import Program

STORY = shipped("fixtures", "contracts", "cdnow_sample.yaml")
EXPLAINED = "cdnow-008739"


@click.command()
@as_json
@refusals_shown
def demo(is_json: bool) -> None:
    """Run a year and a half of a real music shop's orders through three partner contracts.

    Keeps them in the database, so that the other commands can look at them; running it again adds nothing.
    """
    story = read_story(read_yaml(STORY))
    with runtime() as opened:
        _load(opened, story)
        with opened.work("demo") as ctx:
            found = [
                {
                    "contract": total.statement.contract_id,
                    "period": total.statement.period,
                    "total": shown(total.amount, total.statement.currency),
                    "lines": total.lines,
                }
                for total in totals(ctx.session)
            ]
            words = explain_decision(ctx, find_decision(ctx, EXPLAINED, "cdnow").id).words
    if is_json:
        print_json({"statements": found, "explained": {"conversion": EXPLAINED, "in_words": words}})
    else:
        _show(found, words)


def _load(runtime_: Runtime, story: Story) -> None:
    """Run the story, or, where it was run before, bill its months again: that posts nothing."""
    with runtime_.work("demo") as ctx:
        is_there = ctx.session.get(Program, "cdnow") is not None
    if not is_there:
        err.print(f"{story.name}.")
        with progress("orders decided") as advance:
            run_scenario(runtime_, story, advance, full=False)
        return
    err.print("The orders are in the database already; billing every month again.")
    with runtime_.work("demo") as ctx, progress("statements") as advance:
        posted = sum(_bill_again(ctx, step.given, advance) for step in story.steps if step.verb == "bill")
    err.print(f"{posted} lines posted.")


def _bill_again(ctx: Context, given: dict[str, Any], advance: Any) -> int:
    advance(1)
    return bill_at_once(ctx, contract=given["contract"], period=given["period"], poster="demo's finance").lines


def _show(found: list[dict[str, Any]], words: list[str]) -> None:
    contracts = sorted({statement["contract"] for statement in found})
    by_key = {(statement["contract"], statement["period"]): statement["total"] for statement in found}
    table = Table("month", *contracts, title="Statements in USD")
    for column in table.columns[1:]:
        column.justify = "right"
    for period in sorted({statement["period"] for statement in found}):
        table.add_row(period, *(by_key.get((contract, period), "–") for contract in contracts))
    out.print(table)
    click.echo(f"\nWhy {EXPLAINED} pays what it pays:")
    for sentence in words:
        click.echo(f"  {sentence}")
