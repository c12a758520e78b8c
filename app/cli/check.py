"""`termline check`"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from app.adapters.fact_files import shipped_catalogue
from app.cli.files import read_json
from app.cli.terminal import as_json, out, print_json, refusals_shown
from app.rulelang.printer import body_lines
from app.rulelang.ruleset import check_rules
from app.rulelang.table import Table, blocks, markdown, table_of


@click.command()
@click.argument("rules", type=click.Path(path_type=Path))
@click.option("--table", "is_table", is_flag=True, help="Say the rules as a decision table, in Markdown.")
@as_json
@refusals_shown
def check(rules: Path, is_table: bool, is_json: bool) -> None:
    """Check a rule body in the file RULES: say it in English or as a table, or everything that is wrong with it.

    Exit status 2 if there is an error. Needs no database.
    """
    rule_set, findings = check_rules(read_json(rules), shipped_catalogue())
    words = [] if rule_set is None else body_lines(rule_set.body)
    table = None if rule_set is None else table_of(rule_set.body)
    if is_json:
        found = [finding.as_dict() for finding in findings]
        hashed = None if rule_set is None else rule_set.hash
        shown = None if table is None else table.as_dict()
        print_json({"ok": rule_set is not None, "hash": hashed, "findings": found, "in_words": words, "table": shown})
    else:
        for finding in findings:
            hint = f" ({finding.hint})" if finding.hint else ""
            click.echo(f"{finding.severity} {finding.code} at {finding.pointer or '/'}: {finding.message}{hint}")
        if rule_set is not None and table is not None:
            click.echo("\n".join(_fitting(table) if is_table else words))
            click.echo(f"hash {rule_set.hash}")
    sys.exit(0 if rule_set is not None else 2)


def _fitting(table: Table) -> list[str]:
    """Return a table as Markdown, or rule by rule where a terminal is too narrow for it."""
    lines = markdown(table)
    return blocks(table) if out.is_terminal and max(map(len, lines)) > out.width else lines
