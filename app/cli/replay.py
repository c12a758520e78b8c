"""`termline replay`"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.assembly import matcher_for, opened_database
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
from app.settings import Engine, settings_from

NOT_STORIES = ("data", "schema")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--engine",
    type=click.Choice(["durable", "reference", "both"]),
    default="durable",
    show_default=True,
    help="durable is checked by the reference engine at every decision; both runs every story on each.",
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
    engines: list[Engine] = ["reference"] if engine == "reference" else ["durable"]
    engines += ["reference"] if engine == "both" else []
    with opened_database(settings) as database, scratch_database(database) as connection:
        for name in engines:
            matcher = matcher_for(replace(settings, engine=name))
            runtime = Runtime(connection, matcher, shipped_catalogue())
            for path in files:
                status = max(status, _replay(runtime, path, name if engine == "both" else None, explained, is_json))
    sys.exit(status)


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
        print_json(outcome.as_dict() | ({"engine": engine} if engine else {}) | more)
    else:
        _show(outcome, engine)
        show_explanations(explanations)
    return 0 if outcome.ok else 1


def _explanations(runtime: Runtime, outcome: Outcome, names: tuple[str, ...]) -> list[Explanation]:
    """Return why the decisions that are named came out as they did, as of the end of the story."""
    with replace(runtime, clock=frozen_at(outcome.ends_at)).work("replay") as ctx:
        return [explain_decision(ctx, found.id) for name in names for found in find_decisions(ctx, name)]


def _show(outcome: Outcome, engine: str | None) -> None:
    mark = click.style("ok", fg="green") if outcome.ok else click.style("DIFFERS", fg="red")
    suffix = f" [{engine}]" if engine else ""
    click.echo(f"{mark}  {outcome.scenario}{suffix}")
    for line in outcome.diff:
        click.echo(f"    {line}")
    if outcome.diff:
        click.echo(f"    in {outcome.path}")
