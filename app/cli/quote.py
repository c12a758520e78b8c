"""`termline quote`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from app.cli.files import FileRefused, read_json
from app.cli.terminal import as_json, print_json, refusals_shown
from app.engine.quote import Quote
from app.engine.quote import quote as price


@click.command()
@click.argument("cases", type=click.Path(path_type=Path))
@click.option("--steps", is_flag=True, help="Show how each amount was calculated.")
@as_json
@refusals_shown
def quote(cases: Path, steps: bool, is_json: bool) -> None:
    """Price the formulas in the file CASES, a list of {"id", "formula", "facts", "before"?, "currency"?}.

    Prints one line of JSON for each: {"id", "amount", "amount_precise"}, or {"id", "error"}. Exit status 2 if a case
    cannot be priced. Needs no database.
    """
    data = read_json(cases)
    if not isinstance(data, list):
        raise FileRefused(f'{cases} holds no list of cases. Write [{{"id": …, "formula": …, "facts": …}}].')
    failed = False
    first: dict[str, int] = {}
    for index, case in enumerate(data):
        identifier = case.get("id") if isinstance(case, dict) else None
        earlier = index if identifier is None else first.setdefault(repr(identifier), index)
        if earlier == index:
            line = _priced(case, f"/{index}", steps)
        else:
            line = {"id": identifier, "error": f"/{index}/id: the case /{earlier} has the id {identifier!r} already"}
        failed = failed or "error" in line
        print_json(line)
    sys.exit(2 if failed else 0)


def _priced(case: Any, at: str, steps: bool) -> dict[str, Any]:
    named = {"id": case.get("id") if isinstance(case, dict) else None}
    priced = price(case, at)
    if isinstance(priced, Quote):
        return {**named, **priced.as_dict(), **({"steps": list(priced.steps)} if steps else {})}
    return {**named, "error": "; ".join(f"{f.pointer}: {f.message}" for f in priced)}
