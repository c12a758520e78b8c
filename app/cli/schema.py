"""`termline schema`"""

from __future__ import annotations

import json

import click

from app.adapters.fact_files import shipped_catalogue
from app.cli.terminal import refusals_shown
from app.rulelang.schema import rules_schema


@click.command()
@click.option("--closed", "is_closed", is_flag=True, help="Refuse facts that are not shipped: no program declares any.")
@refusals_shown
def schema(is_closed: bool) -> None:
    """Print the JSON Schema of rule bodies, for editors.

    A running server has it at /schemas/rules.json. Needs no database.
    """
    click.echo(json.dumps(rules_schema(shipped_catalogue(), closed=is_closed), indent=1, ensure_ascii=False))
