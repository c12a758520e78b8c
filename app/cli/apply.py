"""`termline apply`"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from app.adapters.yaml_files import read_yaml
from app.cli.files import FileRefused
from app.cli.terminal import actor, as_json, counted, out, print_json, refusals_shown, runtime
from app.contract_files.operations.apply_documents import Applied, FromFile, apply_documents
from app.contract_files.plan import NO_CHANGE, Plan, plan_data
from app.contract_files.reading import read_document
from app.contracts.drafting import BACKDATED
from app.runtime import Runtime

MAX_BYTES = 5_000_000
_COLOURS = {"same": "dim", "not in the file": "yellow", "replace": "red", "edit": "yellow"}
_SAID = {
    "same": "nothing to do",
    "create": "is created",
    "extend": "is extended",
    "draft": "is drafted",
    "edit": "the draft is edited",
    "replace": "a new draft, to take its place",
    "add rules": "rules are added to it",
    "not in the file": "not in the file; stays",
}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--plan", "only_plan", is_flag=True, help="Only say what would change; exit status 1 if anything would.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--draft-only", is_flag=True, help="Draft, and do not submit yet.")
@click.option("--backdated", type=click.Choice(BACKDATED), help="How changes with a start in the past are meant.")
@as_json
@refusals_shown
def apply(
    files: tuple[Path, ...], only_plan: bool, yes: bool, draft_only: bool, backdated: str | None, is_json: bool
) -> None:
    """Draft and submit what the contracts' documents FILES say and the database does not.

    Shows the plan first and asks. Programs, partners, lists and contracts that are missing are created; frames never
    change, nothing that is there is taken away, and approval stays with people. All or nothing, for all files.
    """
    read = _read(files)
    with runtime() as opened:
        plans = [one.plan for one in _tried(opened, read, backdated, not draft_only)]
        changes = any(plan.changes for plan in plans)
        for plan in [] if is_json else plans:
            _show(plan)
        applied: Sequence[Applied] = [Applied(plan, ()) for plan in plans]
        if changes and not only_plan:
            if not yes:
                what = "Draft this?" if draft_only else "Draft and submit this?"
                click.confirm(what, abort=True, err=True)
            with opened.work(actor()) as ctx:
                applied = apply_documents(ctx, files=read, backdated=backdated, submit=not draft_only, shown=plans)
    for one in applied:
        if is_json:
            print_json(plan_data(one.plan) | {"written": list(one.written)})
        elif one.written:
            _say_written(one, draft_only)
    if not changes and not is_json:
        click.echo("Nothing to do.")
    sys.exit(1 if changes and only_plan else 0)


def _read(paths: Sequence[Path]) -> list[FromFile]:
    found: dict[str, FromFile] = {}
    for path in paths:
        if path.stat().st_size > MAX_BYTES:
            raise FileRefused(
                f"{path}:1: the file has more than {MAX_BYTES:,} bytes, which no contract's document has."
            )
        source = read_yaml(path)
        document = read_document(source)
        if document.id in found:
            raise FileRefused(f"{path} is about the contract {document.id}, as {found[document.id].source.path} is.")
        found[document.id] = FromFile(source, document)
    return list(found.values())


def _tried(opened: Runtime, files: Sequence[FromFile], backdated: str | None, submit: bool) -> list[Applied]:
    """Return what would be done, or raise what would be refused: it is done, and taken back."""
    with opened.work(actor()) as ctx:
        nested = ctx.session.begin_nested()
        tried = apply_documents(ctx, files=files, backdated=backdated, submit=submit)
        nested.rollback()
    return tried


def _show(plan: Plan) -> None:
    table = Table("start", "version", "what", "plan", title=f"Contract {plan.contract}", title_justify="left")
    for part in plan.parts:
        if part.action != "same":
            note = f" ({part.note})" if part.note else ""
            table.add_row("", "", f"{part.what} {part.name}", _coloured(part.action, note))
    for version in plan.versions:
        number = "" if version.number is None else f"{version.number}, {version.state}"
        table.add_row(version.start, number, version.said.kind, _coloured(version.action))
    out.print(table)
    for version in plan.versions:
        if version.diff and version.action not in NO_CHANGE:
            click.echo(f"{version.said.kind} from {version.start}:")
            for line in version.diff:
                click.echo(f"  {click.style(line, fg='red' if line.startswith('-') else 'green')}")
    for note in plan.notes:
        click.echo(note)


def _coloured(action: str, note: str = "") -> Text:
    return Text(_SAID[action] + note, style=_COLOURS.get(action, "green"))


def _say_written(applied: Applied, draft_only: bool) -> None:
    did = "Drafted" if draft_only else "Submitted"
    then = "submit it, then somebody else approves it" if draft_only else "somebody else approves it"
    click.echo(f"{did} {counted(len(applied.written), 'version')}: {', '.join(applied.written)}. Next: {then}.")
