"""`termline check`"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from app.analysis.analyse import analyse
from app.analysis.difference import Difference, difference
from app.analysis.findings import Analysed, blocking
from app.analysis.shown import difference_data
from app.cli.files import read_json
from app.cli.rule_values import ReadWith, read_with
from app.cli.terminal import as_json, out, print_json, refusals_shown
from app.rulelang.ast import PLACES
from app.rulelang.printer import body_lines
from app.rulelang.ruleset import RuleSet, check_rules, rules_from, with_kind
from app.rulelang.table import Table, blocks, markdown, table_of


@dataclass(frozen=True, slots=True)
class _Checked:
    """One rule body of a file: where it stands in it, the rules if they can be read, and what was found."""

    at: str
    rules: RuleSet | None
    findings: list[Analysed]


@click.command()
@click.argument("rules", type=click.Path(path_type=Path))
@click.option(
    "--against", type=click.Path(path_type=Path), help="Compare with the rules in this file, as the old ones."
)
@click.option("--table", "is_table", is_flag=True, help="Say the rules as a decision table, in Markdown.")
@click.option("--facts", type=click.Path(path_type=Path), help="Facts a program declares: {name: {type, meaning, …}}.")
@click.option("--params", type=click.Path(path_type=Path), help="Values of parameters: {name: value}.")
@click.option("--lists", type=click.Path(path_type=Path), help="Named lists: {name: {type, members}}.")
@as_json
@refusals_shown
def check(
    rules: Path,
    against: Path | None,
    is_table: bool,
    is_json: bool,
    facts: Path | None,
    params: Path | None,
    lists: Path | None,
) -> None:
    """Check the rules in the file RULES: say them in English or as a table, and everything that is wrong with them.

    The file holds one rule body, or bodies by kind: {"eligibility": …, "payout": …}. What is found in rules that can be
    read comes with an example conversion. Exit status 2 if there is an error. Needs no database.
    """
    read = read_with(facts, params, lists)
    checked = [_checked(body, at, read) for at, body in _bodies(read_json(rules))]
    findings = [finding for each in checked for finding in each.findings]
    compared = _compared(checked, against, read) if against else {}
    is_ok = not blocking(findings)
    if is_json:
        print_json(_data(checked, findings, is_ok) | ({"compared": _compared_data(compared)} if against else {}))
    else:
        for line in (*_finding_lines(findings), *_words(checked, is_table), *_compared_lines(compared)):
            click.echo(line)
    sys.exit(0 if is_ok else 2)


def _bodies(data: Any) -> list[tuple[str, Any]]:
    """Return the bodies of a file, each with the pointer to it."""
    if isinstance(data, dict) and data and set(data) <= set(PLACES):
        return [(f"/{kind}", with_kind(kind, body)) for kind, body in data.items()]
    return [("", data)]


def _checked(body: Any, at: str, read: ReadWith) -> _Checked:
    rules, findings = check_rules(body, read.catalogue, bindings=read.bindings)
    found = [Analysed(finding) for finding in findings] + (analyse(rules, read.catalogue) if rules else [])
    return _Checked(at, rules, [analysed.at(at) for analysed in found])


def _compared(checked: list[_Checked], old: Path, read: ReadWith) -> dict[str, Difference]:
    """Return the difference of each body that both files have, by its pointer."""
    before = {at: rules_from(body, read.catalogue, at, read.bindings) for at, body in _bodies(read_json(old))}
    pairs = {each.at: (before[each.at], each.rules) for each in checked if each.rules and each.at in before}
    return {at: difference(*pair, read.catalogue) for at, pair in pairs.items()}


def _data(checked: list[_Checked], findings: list[Analysed], is_ok: bool) -> dict[str, Any]:
    hashes = {each.at[1:]: each.rules and each.rules.hash for each in checked}
    found = [analysed.as_dict() for analysed in findings]
    words = [line for each in checked if each.rules for line in body_lines(each.rules.body)]
    tables = {each.at[1:]: each.rules and table_of(each.rules.body).as_dict() for each in checked}
    shown = {"in_words": words, "table": _single(tables)}
    return {"ok": is_ok, "hash": _single(hashes), "findings": found, **shown}


def _single(by_kind: dict[str, Any]) -> Any:
    """Return what there is by kind, or by itself where the file holds one body."""
    return by_kind.get("", by_kind)


def _finding_lines(findings: list[Analysed]) -> Iterator[str]:
    for analysed in findings:
        finding, witness = analysed.finding, analysed.witness
        hint = f" ({finding.hint})" if finding.hint else ""
        yield f"{finding.severity} {finding.code} at {finding.pointer or '/'}: {finding.message}{hint}"
        if witness is not None:
            yield f"  for example: {witness.says}"
            if witness.conversion is not None:
                yield f"  {_line(witness.conversion.as_dict())}"


def _words(checked: list[_Checked], is_table: bool) -> Iterator[str]:
    for each in checked:
        if each.rules is not None:
            body = each.rules.body
            yield from _fitting(table_of(body)) if is_table else body_lines(body)
            yield f"hash {each.rules.hash}"


def _fitting(table: Table) -> list[str]:
    """Return a table as Markdown, or rule by rule where a terminal is too narrow for it."""
    lines = markdown(table)
    return blocks(table) if out.is_terminal and max(map(len, lines)) > out.width else lines


def _compared_lines(compared: dict[str, Difference]) -> Iterator[str]:
    for at, found in compared.items():
        shown = difference_data(found)
        yield f"compared{at and f' {at[1:]}'}: {found.says}"
        if "conversion" in shown:
            yield f"  {_line({key: shown[key] for key in ('conversion', 'already') if key in shown})}"


def _compared_data(compared: dict[str, Difference]) -> Any:
    by_kind = {at[1:]: difference_data(found) for at, found in compared.items()}
    return _single(by_kind)


def _line(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)
