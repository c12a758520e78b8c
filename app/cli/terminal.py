"""What commands share: opening the runtime, showing refusals, progress, JSON."""

from __future__ import annotations

import getpass
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.assembly import opened_runtime
from app.core.errors import AppError, Kind
from app.runtime import Runtime
from app.settings import settings_from

P = ParamSpec("P")
R = TypeVar("R")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON, one document or one line each.")

SECONDS_BETWEEN_LINES = 2.0
_STATUS: dict[Kind, int] = {"fault": 3, "unavailable": 3}


def refusals_shown(command: Callable[P, R]) -> Callable[P, R]:
    """Make a command show an AppError as text, with every finding, and leave with its status; a fault leaves with 3."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except AppError as error:
            show_refusal(error)
            sys.exit(_STATUS.get(error.kind, 2))
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own: a wrong option, or a reader that went away
        except Exception as error:
            show_fault(error)
            sys.exit(3)

    return wrapped


def show_refusal(error: AppError) -> None:
    """Print what was refused and why, to standard error."""
    click.echo(error.message, err=True)
    for finding in error.findings if len(error.findings) > 1 and "\n" not in error.message else ():
        hint = f" ({finding.hint})" if finding.hint else ""
        click.echo(
            f"  {finding.severity} {finding.code} at {finding.pointer or '/'}: {finding.message}{hint}", err=True
        )


def show_fault(error: Exception, where: str = "") -> None:
    """Print to standard error what nobody foresaw, and where in the code it happened."""
    click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    click.echo(f"{where}A fault of ours: {type(error).__name__}: {error}", err=True)


@contextmanager
def runtime() -> Iterator[Runtime]:
    """Give the runtime that the environment asks for."""
    with opened_runtime(settings_from()) as opened:
        yield opened


def actor() -> str:
    """Return who acts on the command line, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def counted(count: int, thing: str) -> str:
    """Return a count with its thing: "1 line", "2 lines"."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def print_json(data: Any) -> None:
    """Print one line of JSON."""
    click.echo(orjson.dumps(data))


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show on standard error how long work goes on; the given function advances it.

    A terminal gets a bar. A log gets a line every few seconds, and none for work that is done before the first.
    """
    if not err.is_terminal:
        yield _logged(what, total)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


def _logged(what: str, total: int | None) -> Callable[[int], None]:
    done, said_at = 0, time.monotonic()

    def advance(count: int) -> None:
        nonlocal done, said_at
        done += count
        if time.monotonic() - said_at >= SECONDS_BETWEEN_LINES:
            said_at = time.monotonic()
            click.echo(f"{what}: {done:,}" + (f" of {total:,}" if total else ""), err=True)

    return advance
