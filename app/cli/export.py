"""`termline export`"""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from app.cli.files import FileRefused
from app.cli.terminal import actor, as_json, refusals_shown, runtime
from app.contract_files.document import document_data, document_text
from app.contract_files.operations.export_contract import export_contract


@click.command()
@click.argument("contract")
@click.option("--as-of", help="As it was known at this time: a local date or an instant with an offset. Default: now.")
@click.option("--approved", is_flag=True, help="Leave out what is drafted or submitted and not approved yet.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@as_json
@refusals_shown
def export(contract: str, as_of: str | None, approved: bool, output: Path | None, is_json: bool) -> None:
    """Write CONTRACT with all its versions as one YAML document, which `termline apply` reads.

    It says what was agreed, the lists and facts its rules use among it, and not who wrote or approved it. The same
    contract is the same document, byte by byte.
    """
    with runtime() as opened, opened.work(actor()) as ctx:
        found = export_contract(ctx, contract=contract, as_of=as_of, only_approved=approved)
    waiting = [str(one.number) for one in found.stated if one.state != "approved" or one.added]
    if waiting:
        click.echo(f"Not all of it is approved: version {', '.join(waiting)}. --approved leaves that out.", err=True)
    if is_json:
        text = orjson.dumps(document_data(found.document)).decode() + "\n"
    else:
        text = document_text(found.document, found.as_of if as_of else None)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise FileRefused(f"{path} cannot be written: {error.strerror}.") from error
