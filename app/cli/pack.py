"""`termline pack list`, `show`, `use` and `test`"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table

from app.adapters.fact_files import shipped_catalogue
from app.adapters.pack_files import pack_names, pack_tests, shipped_pack
from app.assembly import matcher_for, opened_database
from app.cli.files import FileRefused
from app.cli.terminal import actor, as_json, counted, out, print_json, progress, refusals_shown, runtime
from app.contracts.describe import version_data
from app.contracts.known import known_version
from app.contracts.operations.use_pack import FromPack, use_pack
from app.rulelang.bindings import member_texts
from app.rulelang.packs import Filled, Pack, Parameter, filled, in_words, value_of_text
from app.runtime import Runtime
from app.scenarios.outcome import Outcome
from app.scenarios.pack_tests import pack_stories
from app.scenarios.run_scenario import run_scenario
from app.scenarios.scratch import scratch_database, taken_back
from app.settings import settings_from


@click.group()
def pack() -> None:
    """Packs: rules for one sort of partner, with parameters, to start a contract from."""


@pack.command("list")
@as_json
@refusals_shown
def list_packs(is_json: bool) -> None:
    """List the packs. Needs no database."""
    found = [shipped_pack(name) for name in pack_names()]
    if is_json:
        print_json([{"name": each.name, "title": each.title, "description": each.description} for each in found])
        return
    for each in found:
        click.echo(f"{each.name:<22}{each.title}")


@pack.command()
@click.argument("name")
@as_json
@refusals_shown
def show(name: str, is_json: bool) -> None:
    """Show the pack NAME: when to use it, its parameters, and its rules in words. Needs no database.

    The rules are shown with the defaults, and with the examples of parameters that have none.
    """
    one = shipped_pack(name)
    sample = filled(one, one.examples)
    assert isinstance(sample, Filled), sample
    words = in_words(sample, one.catalogue, one.lists)
    if is_json:
        print_json(_pack_data(one, words))
        return
    click.echo(f"{one.name}: {one.title}\n\n{click.wrap_text(one.description, 100)}\n")
    out.print(_parameter_table(one))
    for fact, entry in one.facts.items():
        click.echo(f"The program has to declare the fact {fact} ({entry['type']}): {entry['meaning']}.")
    for each in one.lists.values():
        members = ", ".join(member_texts(each))
        meaning = one.list_meanings[each.name]
        click.echo(f"The list {each.name} ({each.type}) has to be there: {meaning}, such as {members}.")
    click.echo("\nThe rules, with defaults, and examples where there is none:")
    _echo_rules(words)


def _pack_data(one: Pack, words: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "description": one.description,
        "parameters": {each.name: _parameter_data(each) for each in one.parameters.values()},
        "facts": one.facts,
        "lists": {
            each.name: {"type": each.type, "meaning": one.list_meanings[each.name], "example": member_texts(each)}
            for each in one.lists.values()
        },
        "rules": one.rules,
        "in_words": words,
    }


def _parameter_data(parameter: Parameter) -> dict[str, Any]:
    ends = {"min": parameter.min, "max": parameter.max}
    return {
        "type": parameter.type,
        "meaning": parameter.meaning,
        "required": parameter.default is None,
        "default": parameter.default,
        "example": parameter.example,
        **{end: None if value is None else str(value) for end, value in ends.items()},
    }


def _parameter_table(one: Pack) -> Table:
    table = Table("parameter", "type", "default", "meaning")
    for column in table.columns[:2]:
        column.no_wrap = True
    for each in one.parameters.values():
        is_required = each.default is None
        default = f"required, such as {_value_text(each.example)}" if is_required else _value_text(each.default)
        ends = [f"at least {each.min}"] if each.min else []
        ends += [f"at most {each.max}"] if each.max is not None else []
        table.add_row(each.name, each.type, default, "; ".join([each.meaning, *ends]))
    return table


def _value_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _echo_rules(words: Mapping[str, list[str]]) -> None:
    for kind, lines in words.items():
        click.echo(kind)
        for line in lines:
            click.echo(f"  {line}")


@pack.command()
@click.argument("name")
@click.option("--contract", required=True, help="The contract to draft a version of.")
@click.option(
    "--from",
    "effective_from",
    required=True,
    metavar="DATE",
    help="When the terms start: a local date of the contract, or an instant with an offset.",
)
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="The value of a parameter; once for each. A list has commas between its members.",
)
@click.option("--backdated", help="How a start in the past is meant: restate or prospective.")
@click.option("--dry-run", is_flag=True, help="Say what would be drafted, and write nothing.")
@as_json
@refusals_shown
def use(
    name: str,
    contract: str,
    effective_from: str,
    given: tuple[str, ...],
    backdated: str | None,
    dry_run: bool,
    is_json: bool,
) -> None:
    """Draft a version of a contract with the rules of the pack NAME.

    It is an ordinary draft: nothing is paid by it until it is submitted and somebody else approves it. A later change
    of the pack does not change it.
    """
    one = shipped_pack(name)
    values = _values(one, given)
    with runtime() as opened, opened.work(actor()) as ctx:
        nested = ctx.session.begin_nested()
        drafted = use_pack(
            ctx, pack=one, contract=contract, effective_from=effective_from, values=values, backdated=backdated
        )
        said = version_data(known_version(ctx, contract, drafted.version.number, ctx.now()))
        nested.rollback() if dry_run else nested.commit()
    if is_json:
        print_json({"pack": name, "dry_run": dry_run, "values": drafted.values, "in_words": drafted.in_words} | said)
    else:
        _show_draft(one, drafted, said, dry_run)


def _values(one: Pack, given: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for setting in given:
        name, equals, text = setting.partition("=")
        if not equals:
            raise FileRefused(f"--set {setting} has no value. Write --set NAME=VALUE.")
        if name in values:
            raise FileRefused(f"--set {name} stands twice. Keep one of the two; a list has commas between its members.")
        parameter = one.parameters.get(name)
        values[name] = text if parameter is None else value_of_text(parameter, text)
    return values


def _show_draft(one: Pack, drafted: FromPack, said: Mapping[str, Any], dry_run: bool) -> None:
    which = f"version {said['number']} of {said['contract']}, from {said['effective_from']}"
    click.echo(f"{'Would draft' if dry_run else 'Drafted'} {which}, with the rules of the pack {one.name}:")
    _echo_rules(drafted.in_words)
    if dry_run:
        click.echo("Nothing was written.")
        return
    address = f"/v1/contracts/{said['contract']}/versions/{said['number']}"
    click.echo(f"Submit it with POST {address}/submit; somebody else approves it with POST {address}/approve.")


@pack.command()
@click.argument("names", nargs=-1)
@as_json
@refusals_shown
def test(names: tuple[str, ...], is_json: bool) -> None:
    """Run the tests beside the packs NAMES, or beside all packs.

    Each case runs as a scenario on an empty database of which nothing stays. Prints what differs from what the case
    expects; exit status 1 if anything does, 2 if a file is malformed.
    """
    settings, is_good = settings_from(), True
    cases = {name: pack_stories(shipped_pack(name), pack_tests(name)) for name in names or pack_names()}
    with opened_database(settings) as database, scratch_database(database) as connection:
        opened = Runtime(connection, matcher_for(settings), shipped_catalogue())
        for name, stories in cases.items():
            outcomes = []
            with progress(name, len(stories)) as advance:
                for story in stories:
                    with taken_back(connection):
                        outcomes.append(run_scenario(opened, story))
                    advance(1)
            _show_outcomes(name, outcomes, is_json)
            is_good = is_good and all(outcome.ok for outcome in outcomes)
    sys.exit(0 if is_good else 1)


def _show_outcomes(name: str, outcomes: list[Outcome], is_json: bool) -> None:
    if is_json:
        for outcome in outcomes:
            print_json({"pack": name, "case": outcome.scenario, "ok": outcome.ok, "diff": outcome.diff})
        return
    bad = [outcome for outcome in outcomes if not outcome.ok]
    mark = click.style("DIFFERS", fg="red") if bad else click.style("ok", fg="green")
    differing = f", {len(bad)} differ{'s' * (len(bad) == 1)}" if bad else ""
    click.echo(f"{mark}  {name}: {counted(len(outcomes), 'case')}{differing}")
    for outcome in bad:
        click.echo(f"    {outcome.scenario}")
        for line in outcome.diff:
            click.echo(f"      {line}")
