"""`termline replay`"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click
from sqlalchemy import Connection

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.assembly import matcher_for, opened_database
from app.bulk.choice import Settling
from app.cli.explain import show_explanations
from app.cli.files import FileRefused
from app.cli.terminal import as_json, print_json, progress, refusals_shown, show_fault, show_refusal
from app.conversions.operations.explain_decision import Explanation, explain_decision, find_decisions
from app.core.clock import frozen_at
from app.core.errors import AppError
from app.runtime import Runtime
from app.scenarios.outcome import Outcome
from app.scenarios.run_scenario import run_scenario
from app.scenarios.scratch import scratch_database, taken_back
from app.scenarios.story import read_story
from app.settings import Settings, settings_from

NOT_STORIES = ("data", "schema")
ENGINES = ("durable", "reference", "duckdb")
SEVERAL = {"both": ENGINES[:2], "all": ENGINES}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--engine",
    type=click.Choice([*ENGINES, "both", "all"]),
    default="durable",
    show_default=True,
    help="durable is checked by the reference engine at every decision; duckdb settles in bulk, and says why where it "
    "cannot. both runs every story on the first two, all on the three.",
)
@click.option(
    "--explain",
    "explained",
    multiple=True,
    metavar="NAME",
    help="Explain the decisions on this conversion, or on a day of deliveries (acme/2027-03-01), as they stand at the end.",
)
@as_json
@refusals_shown
def replay(paths: tuple[Path, ...], engine: str, explained: tuple[str, ...], is_json: bool) -> None:
    """Replay scenarios: files, or all *.yaml in folders (those named data and schema apart).

    Each runs under its own frozen clock on an empty database of which nothing stays. Prints what differs from what
    the scenario expects; exit status 1 if anything does, 2 if a file is malformed, 3 after a fault.
    """
    status = 0
    settings = settings_from()
    files = list(stories(paths))
    engines = SEVERAL.get(engine, (engine,))
    with opened_database(settings) as database, scratch_database(database) as connection:
        for name in engines:
            runtime = _runtime(connection, settings, name)
            for path in files:
                shown = name if len(engines) > 1 or name == "duckdb" else None
                status = max(status, _replay(runtime, path, shown, explained, is_json))
    sys.exit(status)


def _runtime(connection: Connection, settings: Settings, engine: str) -> Runtime:
    """Return what runs stories on an engine; in bulk, conversions are settled by it and all else is the reference's."""
    matcher = matcher_for(replace(settings, engine="durable" if engine == "durable" else "reference"))
    settling = Settling("duckdb" if engine == "duckdb" else "online")
    return Runtime(connection, matcher, shipped_catalogue(), settling=settling)


def stories(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the scenario files that paths name, in order. Raises FileRefused for a folder without any."""
    for path in paths:
        if path.is_file():
            yield path
        else:
            found = sorted(
                file
                for file in path.rglob("*.yaml")
                if file.is_file() and not set(file.relative_to(path).parts[:-1]) & set(NOT_STORIES)
            )
            if not found:
                apart = " and ".join(NOT_STORIES)
                raise FileRefused(f"{path} holds no scenario: no *.yaml, folders named {apart} apart.")
            yield from found


def _replay(runtime: Runtime, path: Path, engine: str | None, explained: tuple[str, ...], is_json: bool) -> int:
    refused: list[str] = []
    runtime = replace(runtime, settling=replace(runtime.settling, told=refused.append))
    try:
        story = read_story(read_yaml(path))
        with progress(path.name) as advance, taken_back(runtime.bind):  # type: ignore[arg-type]
            outcome = run_scenario(runtime, story, advance, full=is_json)
            explanations = _explanations(runtime, outcome, explained)
    except AppError as error:
        show_refusal(error)
        if is_json:
            print_json({"scenario": str(path), "ok": False, "diff": [error.message], "error": error.code})
        return 3 if error.kind in ("fault", "unavailable") else 2
    except Exception as error:
        # One story that trips over a fault of ours says nothing about the others: they are replayed.
        show_fault(error, f"{path}: ")
        if is_json:
            said = f"{type(error).__name__}: {error}"
            print_json({"scenario": str(path), "ok": False, "diff": [said], "error": "fault"})
        return 3
    if is_json:
        more = {"explanations": [each.as_kept() for each in explanations]} if explained else {}
        why = {"settled_online": list(dict.fromkeys(refused))} if refused else {}
        print_json(outcome.as_dict() | ({"engine": engine} if engine else {}) | why | more)
    else:
        _show(outcome, engine, dict.fromkeys(refused))
        show_explanations(explanations)
    return 0 if outcome.ok else 1


def _explanations(runtime: Runtime, outcome: Outcome, names: tuple[str, ...]) -> list[Explanation]:
    """Return why the decisions that are named came out as they did, as of the end of the story."""
    with replace(runtime, clock=frozen_at(outcome.ends_at)).work("replay") as ctx:
        return [explain_decision(ctx, found.id) for name in names for found in find_decisions(ctx, name)]


def _show(outcome: Outcome, engine: str | None, refused: Iterable[str]) -> None:
    mark = click.style("ok", fg="green") if outcome.ok else click.style("DIFFERS", fg="red")
    suffix = f" [{engine}]" if engine else ""
    click.echo(f"{mark}  {outcome.scenario}{suffix}")
    for why in refused:
        click.echo(f"    settled online: {why}")
    for line in outcome.diff:
        click.echo(f"    {line}")
    if outcome.diff:
        click.echo(f"    in {outcome.path}")
