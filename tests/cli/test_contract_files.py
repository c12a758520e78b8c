"""`termline export` and `termline apply`: what they print, ask, write and leave with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text as sql

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.cli import group
from app.cli.apply import MAX_BYTES
from app.engine.reference import ReferenceMatcher
from app.runtime import Runtime
from app.store.migrate import migrate
from app.store.session import engine_for
from tests.builders.documents import all_approved, written
from tests.contract_files.test_plan import TEXT

Termline = Callable[..., Result]


@pytest.fixture(scope="module")
def process(fresh_database: str) -> Iterator[Runtime]:
    engine = engine_for(fresh_database)
    with engine.begin() as connection:
        migrate(connection)
    yield Runtime(engine, ReferenceMatcher(), shipped_catalogue())
    engine.dispose()


@pytest.fixture
def termline(fresh_database: str, process: Runtime) -> Termline:
    def run(*arguments: str | Path, says: str | None = None) -> Result:
        environment = {"DATABASE_URL": fresh_database, "TERMLINE_ENGINE": "reference", "COLUMNS": "100"}
        return CliRunner().invoke(group, [str(each) for each in arguments], env=environment, input=says)

    return run


def of_contract(name: str) -> str:
    return (
        TEXT.replace("{id: acme}", f"{{id: {name}}}").replace("codes", f"{name}_codes").replace(": shop", f": {name}")
    )


def test_a_file_is_planned_asked_about_applied_and_exported_again(
    termline: Termline, process: Runtime, tmp_path: Path
) -> None:
    file, out = tmp_path / "acme.yaml", tmp_path / "out.yaml"
    file.write_text(of_contract("acme"))

    planned = termline("apply", file, "--plan")
    assert planned.exit_code == 1
    assert "│ 2031-01-01 │         │ amendment       │ is drafted" in planned.stdout
    assert "contract acme" in planned.stdout
    assert termline("export", "acme").exit_code == 2  # nothing was written

    declined = termline("apply", file, says="n\n")
    assert declined.exit_code == 1
    assert "Draft and submit this?" in declined.stderr
    assert termline("export", "acme").exit_code == 2

    done = termline("apply", file, says="y\n")
    assert done.exit_code == 0, done.stderr
    assert "Submitted 2 versions: acme/1, acme/2. Next: somebody else approves it." in done.stdout
    assert [state for _, _, state in written(process, "acme")] == ["submitted", "submitted"]

    shown = termline("export", "acme")
    assert "Not all of it is approved: version 1, 2." in shown.stderr
    all_approved(process, "acme")
    shown = termline("export", "acme")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert termline("export", "acme", "--output", out).stdout == ""
    assert out.read_text() == shown.stdout
    again = termline("apply", out, "--plan")
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, "Nothing to do.")

    out.write_text(shown.stdout.replace('percent: "6"', 'percent: "7"'))
    changed = termline("apply", out, "--yes", "--draft-only")
    assert (
        "  - payout: otherwise: pay 6 % of order_value\n  + payout: otherwise: pay 7 % of order_value" in changed.stdout
    )
    assert written(process, "acme")[2:] == [(3, "amendment", "draft")]
    assert termline("export", "acme", "--approved").stdout == shown.stdout


def test_as_json(termline: Termline, tmp_path: Path) -> None:
    file = tmp_path / "globex.yaml"
    file.write_text(of_contract("globex"))
    planned = termline("apply", file, "--plan", "--json")
    found = json.loads(planned.stdout)
    assert planned.exit_code == 1
    assert [version["action"] for version in found["versions"]] == ["draft", "draft"]
    done = json.loads(termline("apply", file, "--yes", "--json").stdout)
    assert (done["changes"], done["written"]) == (True, ["globex/1", "globex/2"])
    again = termline("apply", file, "--yes", "--json")
    assert (again.exit_code, json.loads(again.stdout)["written"]) == (0, [])
    data = json.loads(termline("export", "globex", "--json").stdout)
    file.write_text(termline("export", "globex").stdout)
    assert data == read_yaml(file).data
    # With its microseconds: at the beginning of this second nothing of it was there yet.
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    known = termline("export", "globex", "--as-of", now).stdout.splitlines()
    assert known[2] == f"# As it was known at {now}."
    assert "\n".join([*known[:2], *known[3:], ""]) == file.read_text()


def test_several_files_are_applied_together_or_not_at_all(termline: Termline, tmp_path: Path) -> None:
    good, bad = tmp_path / "initech.yaml", tmp_path / "bad.yaml"
    good.write_text(of_contract("initech"))
    bad.write_text(of_contract("hooli").replace("coupon_code", "cupon_code"))
    refused = termline("apply", good, bad, "--yes")
    assert refused.exit_code == 2
    assert f"{bad}:11: /versions/0/rules/eligibility/rules/0/when/fact: there is no fact 'cupon_code'" in refused.stderr
    assert termline("export", "initech").exit_code == 2
    bad.write_text(of_contract("hooli"))
    assert termline("apply", good, bad, "--yes").exit_code == 0
    twice = termline("apply", good, good, "--yes")
    assert (twice.exit_code, "is about the contract initech" in twice.stderr) == (2, True)


def test_hostile_files_are_refused_with_their_line(termline: Termline, process: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True))
    with process.work("counter") as ctx:
        before = ctx.session.scalar(sql("SELECT count(*) FROM audit_events"))
    for said, line in (
        ("x" * (MAX_BYTES + 1), 1),
        ("# " + "x" * 10_000_000, 1),
        (of_contract("evil").replace("format: 1", "format: 1\nevil: 5"), 2),
        (of_contract("evil").replace('"6"', "6.5"), 20),
        (of_contract("evil").replace("2031", "2030"), 15),
        (bomb, 1),
    ):
        file.write_text(said)
        refused = termline("apply", file, "--yes")
        assert (refused.exit_code, refused.stdout) == (2, ""), refused.stderr
        assert refused.stderr.startswith(f"{file}:{line}: ")
    with process.work("counter") as ctx:
        assert ctx.session.scalar(sql("SELECT count(*) FROM audit_events")) == before


def test_a_folder_that_is_not_there_is_named(termline: Termline, tmp_path: Path) -> None:
    assert termline("apply", tmp_path / "acme.yaml").exit_code == 2
    nowhere = tmp_path / "nowhere" / "acme.yaml"
    refused = termline("export", "acme", "--output", nowhere)
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        2,
        f"{nowhere} cannot be written: No such file or directory.",
    )
