"""`termline rate`"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson
from rich.table import Table

from app.bulk.choice import SettlingEngine
from app.cli.import_ import sink
from app.cli.terminal import actor, as_json, counted, out, print_json, progress, refusals_shown, runtime
from app.conversions.operations.rate_files import Rated, rate_files
from app.core.rounding import shown
from app.engine.decision import digest_of

_file = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("conversions", metavar="FILE...", nargs=-1, required=True, type=_file)
@click.option("--program", required=True, help="The program under whose contracts they are rated.")
@click.option(
    "--touches", multiple=True, type=_file, help="Parquet: the touches of these conversions. May be repeated."
)
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="Both come to the same cent; spark is for those who outgrow one machine, and an extra of the installation.",
)
@click.option("--memory", help="What the engine may take, such as 3GB; what does not fit is put on disk.")
@click.option(
    "--decisions",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write every decision to this file as NDJSON, - for standard output.",
)
@click.option("--explain", "explained", multiple=True, metavar="ID", help="Explain this conversion. May be repeated.")
@as_json
@refusals_shown
def rate(
    conversions: tuple[Path, ...],
    program: str,
    touches: tuple[Path, ...],
    engine: SettlingEngine,
    memory: str | None,
    decisions: Path | None,
    explained: tuple[str, ...],
    is_json: bool,
) -> None:
    """Rate the conversions in each FILE under a program's contracts as they stand, by the million, and store nothing: what
    would they come to?

    A FILE is NDJSON (lines as POST /v1/conversions takes them, may be .gz), or Parquet with the columns id, event_at, and
    where there are any partner, received_at and facts by their names; touches are then in files of their own with conversion,
    id, partner, type, at. The files are the whole of it: what is stored counts for no tier and no limit.
    """
    with runtime() as opened, opened.work(actor()) as ctx:
        if memory is not None:
            ctx = replace(ctx, settling=replace(ctx.settling, memory=memory))
        in_full = decisions is not None or bool(explained)
        with rate_files(ctx, program, conversions, touches, engine=engine, in_full=in_full) as rated:
            totals = [_total(rated, each) for each in rated.totals()]
            if decisions is not None:
                _write(rated, decisions)
            explanations = list(rated.explained(explained)) if explained else []
            count = rated.orders.count
    if is_json:
        print_json({"conversions": count, "totals": totals, "explained": [each.as_dict() for each in explanations]})
        return
    table = Table("contract", "month", "lines", "amount")
    for each in totals:
        table.add_row(each["contract"], each["period"], f"{each['lines']:,}", f"{each['amount']} {each['currency']}")
    if decisions is None or str(decisions) != "-":
        click.echo(f"{counted(count, 'conversion')} rated, nothing stored.")
        out.print(table)
    for explanation in explanations:
        click.echo("\n" + "\n".join(explanation.words))
        click.echo(f"Digest {explanation.decision['digest']}.")


def _total(rated: Rated, total: Any) -> dict[str, Any]:
    contract = rated.book.histories[total.partner].contract
    return {
        "contract": contract.id,
        "period": f"{total.month:%Y-%m}",
        "lines": total.lines,
        "amount": shown(total.amount, contract.currency),
        "currency": contract.currency,
    }


def _write(rated: Rated, output: Path) -> None:
    """Write the decisions on each conversion, by partner, as they would be kept, each with its digest."""
    with sink(output) as file, progress("conversions", rated.orders.count) as advance:
        for _, decisions in rated.decisions():
            for partner in sorted(decisions, key=lambda name: name or ""):
                record = decisions[partner].as_dict()
                line = {"partner": partner, **record, "digest": digest_of(record)}
                file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            advance(1)
