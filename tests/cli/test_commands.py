"""The commands, as a person runs them: what they print, what they leave with, and what they do not leave behind."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from app.cli import group
from app.core.resources import shipped
from app.engine.reference import ReferenceMatcher
from app.partners.operations.declare_facts import declare_facts
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.store.session import engine_for
from tests.builders.agreements import shop

Termline = Callable[..., subprocess.CompletedProcess[str]]
PAYOUT = {
    "kind": "payout",
    "on": "conversion",
    "hit": "first",
    "rules": [
        {
            "id": "first",
            "when": {"fact": "customer_order_number", "op": "eq", "value": 1},
            "then": {"percent": "8", "of": "order_value"},
        }
    ],
    "otherwise": {"flat": "2.00"},
}


@pytest.fixture
def termline(fresh_database: str, tmp_path: Path) -> Termline:
    """Run the command in an empty folder on the module's database."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from app.cli import main; main()", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "DATABASE_URL": fresh_database,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_every_command_has_help_for_people() -> None:
    for name, command in group.commands.items():
        assert command.help, name
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert getattr(parameter, "help", None) or parameter.name in ("port", "is_json"), (
                    f"{name} {parameter.name}"
                )


def test_migrate_says_what_it_did_and_then_that_there_is_nothing_to_do(termline: Termline) -> None:
    assert termline("migrate").stdout.startswith("Applied 2026_11_23_first_tables")
    assert termline("migrate").stdout.startswith("Nothing to do")
    assert json.loads(termline("migrate", "--json").stdout)["applied"] == []


def test_check_says_rules_in_english(termline: Termline, tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text(json.dumps(PAYOUT))
    done = termline("check", "rules.json")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == [
        "first: pay 8 % of order_value when customer_order_number is 1",
        "otherwise: pay a flat 2.00",
    ]


def test_check_says_rules_as_a_table(termline: Termline, tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text(json.dumps(PAYOUT))
    assert termline("check", "rules.json", "--table").stdout.splitlines()[:4] == [
        "| rule      | customer_order_number | then               |",
        "| --------- | --------------------- | ------------------ |",
        "| first     | = 1                   | 8 % of order_value |",
        "| otherwise | –                     | a flat 2.00        |",
    ]
    columns = json.loads(termline("check", "rules.json", "--json").stdout)["table"]["columns"]
    assert columns == ["rule", "customer_order_number", "then"]


def test_check_reports_every_defect_and_leaves_with_2(termline: Termline, tmp_path: Path) -> None:
    wrong = json.dumps(PAYOUT).replace("order_value", "order_valu").replace('"eq"', '"equals"').replace('"2.00"', "2.0")
    (tmp_path / "rules.json").write_text(wrong)
    done = termline("check", "rules.json")
    assert done.returncode == 2
    assert "error unknown_operator at /rules/0/when/op" in done.stdout
    assert "error float_refused at /otherwise/flat" in done.stdout
    found = json.loads(termline("check", "rules.json", "--json").stdout)
    assert found["ok"] is False
    pointers = {finding["pointer"] for finding in found["findings"]}
    assert pointers == {"/rules/0/when/op", "/rules/0/then/of", "/otherwise/flat"}


def test_schema_prints_what_editors_read(termline: Termline) -> None:
    done = termline("schema", DATABASE_URL="postgresql://nobody@nowhere.invalid/none")
    assert (done.returncode, done.stdout) == (0, shipped("rules", "schema", "rules.schema.json").read_text("utf-8"))
    foreign = json.loads(json.dumps(PAYOUT).replace("customer_order_number", "guest_tier"))
    assert Draft202012Validator(json.loads(done.stdout)).is_valid(foreign)
    closed = Draft202012Validator(json.loads(termline("schema", "--closed").stdout))
    assert closed.is_valid(PAYOUT)
    assert not closed.is_valid(foreign)


@pytest.mark.parametrize("text_", ["{", '{"a": 1, "a": 2}', "NaN", ""])
def test_a_file_that_is_not_json_leaves_with_2(termline: Termline, tmp_path: Path, text_: str) -> None:
    (tmp_path / "rules.json").write_text(text_)
    done = termline("check", "rules.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "rules.json is not JSON" in done.stderr


def test_quote_prints_a_line_a_case(termline: Termline, tmp_path: Path) -> None:
    cases = [
        {"id": "a", "formula": {"percent": "2.5", "of": "order_value"}, "facts": {"order_value": "10.01"}},
        {"id": "b", "formula": {"flat": "50.00"}, "facts": {}, "currency": "JPY"},
        {"id": "c", "formula": {"flat": 1}, "facts": {}},
    ]
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    done = termline("quote", "cases.json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0] == {"id": "a", "amount": "0.25", "amount_precise": "0.25025"}
    assert lines[1] == {"id": "b", "amount": "50", "amount_precise": "50"}
    assert lines[2]["error"].startswith("/2/formula/flat: ")
    assert done.returncode == 2


def test_import_makes_the_ndjson_that_is_shipped(termline: Termline, tmp_path: Path) -> None:
    data = shipped("fixtures", "data")
    table, mapping = data / "orders_cdnow_sample.csv", data / "cdnow_mapping.yaml"
    done = termline("import", str(table), "--mapping", str(mapping), "--output", "orders.ndjson.gz")
    assert done.stdout == "15,819 written, 0 refused.\n"
    assert (tmp_path / "orders.ndjson.gz").read_bytes() == (data / "orders_cdnow_sample.ndjson.gz").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["orders.ndjson.gz"]


def test_a_month_from_key_to_explanation(termline: Termline, tmp_path: Path) -> None:
    """Keys, then the demo's contract, then an import of two orders, a bill, and why."""
    assert json.loads(termline("key", "create", "--role", "ops", "--name", "ann", "--json").stdout)["key"].startswith(
        "tl_"
    )
    twice = termline("key", "create", "--role", "ops", "--name", "ann")
    assert (twice.returncode, twice.stdout) == (2, "")

    assert termline("demo").returncode == 0
    again = termline("demo", "--json")
    assert "0 lines posted" in again.stderr
    statements = {(s["contract"], s["period"]): s["total"] for s in json.loads(again.stdout)["statements"]}
    assert statements["initech", "1997-01"] == "1500.00"

    (tmp_path / "late.csv").write_text("id,day,who,value\nlate-1,1997-01-31,90,10.00\nlate-2,1997-13-01,90,10.00\n")
    (tmp_path / "late.yaml").write_text(
        'program: cdnow\nid: "{id}"\nevent_at: {column: day, at: "12:00", timezone: America/New_York}\n'
        "partner: {value: globex}\nfacts: {customer_id: {column: who}, order_value: {column: value}}\n"
    )
    imported = termline("import", "late.csv", "--mapping", "late.yaml")
    assert (imported.returncode, imported.stdout) == (2, "1 accepted, 0 duplicate, 1 refused.\n")
    assert "row 2: day is a date YYYY-MM-DD" in imported.stderr

    month = ("--contract", "globex", "--period", "1997-01")
    run = json.loads(termline("bill", *month, "--as", "ann", "--json").stdout)
    (statement,) = run["statements"]
    assert (run["state"], statement["lines"], statement["amount"]) == ("ready", 1, "2.00")
    assert "opened the run" in termline("run", "post", run["id"], "--as", "ann").stderr
    assert "late-1 otherwise: 2.00 USD" in termline("run", "show", run["id"], "--lines").stdout
    posted = json.loads(termline("run", "post", run["id"], "--as", "fay", "--json").stdout)
    assert (posted["state"], posted["statements"][0]["posting"]["id"]) == ("posted", "globex/1997-01/2")
    again = json.loads(termline("bill", *month, "--json").stdout)
    assert again["statements"][0]["lines"] == 0
    assert termline("run", "cancel", again["id"]).stdout.endswith("It is over. Open another.\n")
    back = json.loads(termline("run", "reverse", run["id"], "--json").stdout)
    assert back["statements"][0]["amount"] == "-2.00"
    assert termline("run", "list", "--last", "1").stdout.startswith(
        f"{back['id']}  globex 1997-01: ready, opened by cli"
    )
    assert termline("run", "cancel", back["id"]).returncode == 0
    assert termline("close", "cdnow", "1997-12").stdout == (
        "The books of cdnow are closed up to 1997-12. Later corrections are booked in 1998-01.\n"
    )
    explained = termline("explain", "late-1")
    assert "Line otherwise: 2 precisely, 2.00 USD paid." in explained.stdout
    terms = json.loads(termline("terms", "globex", "--at", "1997-04-01", "--json").stdout)
    assert terms["in_force"]["rules"]["payout"]["number"] == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("explain", "nothing-like-it"), "There is no decision and no conversion 'nothing-like-it'"),
        (("bill", "--contract", "hooli", "--period", "1997-01"), "There is no contract 'hooli'"),
        (("terms", "hooli"), "There is no contract 'hooli'"),
        (("import", "no.csv", "--mapping", "no.yaml"), "no.csv cannot be read"),
    ],
)
def test_what_is_not_there_is_said_and_leaves_with_2(termline: Termline, arguments: tuple[str, ...], says: str) -> None:
    done = termline(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_cannot_be_reached_says_what_to_do(termline: Termline) -> None:
    done = termline("migrate", DATABASE_URL="postgresql://nobody:hush@127.0.0.1:1/none")
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
    assert "unset DATABASE_URL" in done.stderr
    assert "hush" not in done.stderr


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///x", "DATABASE_URL starts with sqlite://, which is not PostgreSQL."),
        ("garbage", "DATABASE_URL is not the address of a database."),
        ("postgresql://h:notaport/x", "DATABASE_URL is not the address of a database."),
        ("postgresql://ann:hush:5432/x", "DATABASE_URL is not the address of a database."),
        ("postgresql://ann:hush@127.0.0.1:1/none?password=hush", "***@127.0.0.1:1/none) cannot be reached"),
        ("postgresql://ann:hush@127.0.0.1:1/none?no_such_option=1", "cannot be reached: "),
        ("postgresql://ann:hush@127.0.0.1:99999/none", "cannot be reached: "),
    ],
)
def test_an_address_of_no_database_is_said_without_its_password(termline: Termline, url: str, says: str) -> None:
    for command in (("migrate",), ("terms", "acme")):
        done = termline(*command, DATABASE_URL=url)
        assert (done.returncode, done.stdout) == (3, "")
        assert says in done.stderr
        assert "unset DATABASE_URL" in done.stderr
        assert not [word for word in ("hush", "Traceback", "embedded PostgreSQL is") if word in done.stderr]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "has 1 to 64 printable characters"),
        (" ", "has 1 to 64 printable characters"),
        ("ann\nbob", "has 1 to 64 printable characters"),
        ("a" * 65, "has 1 to 64 printable characters"),
        ("cli:ann", "would look like somebody at the command line"),
        ("CLI:ann", "would look like somebody at the command line"),
    ],
)
def test_a_key_has_a_name_one_can_read_and_trust(termline: Termline, name: str, says: str) -> None:
    done = termline("key", "create", "--role", "ops", "--name", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_shows_where_it_happened_and_leaves_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(sys.modules["app.cli.check"], "read_json", broken)
    result = CliRunner().invoke(group, ["check", "rules.json"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("Traceback")
    assert result.stderr.endswith("\nA fault of ours: ZeroDivisionError: by nought\n")


@pytest.mark.parametrize("leaving", [KeyboardInterrupt(), SystemExit(143), click.UsageError("no"), click.Abort()])
def test_what_is_no_fault_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch, leaving: BaseException) -> None:
    def left(*_: object) -> None:
        raise leaving

    monkeypatch.setattr(sys.modules["app.cli.check"], "read_json", left)
    result = CliRunner().invoke(group, ["check", "rules.json"])
    assert result.exit_code == {SystemExit: 143, click.UsageError: 2}.get(type(leaving), 1)
    assert "A fault of ours" not in result.output


def test_an_import_takes_the_facts_that_its_program_declares(
    termline: Termline, fresh_database: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    termline("migrate")
    engine = engine_for(fresh_database)
    with Runtime(engine, ReferenceMatcher(), catalogue).work("tester") as ctx:
        shop(ctx, "inn", program="inns")
        declare_facts(ctx, program="inns", facts={"nights": {"type": "integer", "meaning": "how many"}})
    engine.dispose()
    (tmp_path / "stays.yaml").write_text(MAPPING.replace("cdnow", "inns").replace("order_value", "nights"))
    (tmp_path / "stays.csv").write_bytes(HEADER + b"a,1997-01-31T12:00:00Z,3\nb,1997-01-31T12:00:00Z,three\n")
    imported = termline("import", "stays.csv", "--mapping", "stays.yaml")
    assert imported.stdout == "1 accepted, 0 duplicate, 1 refused.\n", imported.stderr
    assert "row 2: value is a whole number" in imported.stderr


MAPPING = 'program: cdnow\nid: "{id}"\nevent_at: {column: at}\nfacts: {order_value: {column: value}}\n'
HEADER = b"id,at,value\n"
ROW = b"a,1997-01-31T12:00:00Z,10.00\n"


def test_a_row_with_other_columns_is_refused_and_the_others_go_on(termline: Termline, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAPPING)
    (tmp_path / "rows.csv").write_bytes(HEADER + ROW + b"b,1\n\nc,1,2,3,4\nd,1,2\n" + ROW)
    done = termline("import", "rows.csv", "--mapping", "map.yaml", "--output", "out.ndjson")
    assert (done.returncode, done.stdout) == (2, "2 written, 3 refused.\n")
    assert done.stderr.splitlines() == [
        "row 2, rows.csv:3: 2 columns, where the header has 3",
        "row 3, rows.csv:5: 5 columns, where the header has 3",
        "row 4: at is an instant with an offset; found '1'",
    ]
    assert [json.loads(line)["id"] for line in (tmp_path / "out.ndjson").read_text().splitlines()] == ["a", "a"]
    stored = termline("import", "rows.csv", "--mapping", "map.yaml")
    assert stored.returncode == 2
    assert "row 4: at is" in stored.stderr
    assert "row 4: row 4" not in stored.stderr
    assert "row 2, rows.csv:3: 2 columns" in stored.stderr
    assert "row 2: " not in stored.stderr


@pytest.mark.parametrize(
    ("table", "content", "output", "says"),
    [
        ("rows.csv", HEADER + ROW, "nowhere/out.ndjson", "nowhere/out.ndjson cannot be written: No such file"),
        ("rows.csv", HEADER + ROW, "folder", "folder cannot be written: Is a directory"),
        ("rows.csv.gz", HEADER + ROW, "out.ndjson", "rows.csv.gz:1: the file is damaged"),
        ("rows.csv.gz", gzip.compress(HEADER + ROW, mtime=0)[:20], "out.ndjson", "rows.csv.gz:1: the file is damaged"),
        ("rows.csv.gz", gzip.compress(HEADER + ROW * 9, mtime=0)[:-8], "out.ndjson", "the file is damaged"),
        ("rows.csv.gz", gzip.compress(b"", mtime=0)[:10] + b"\xff" * 30, "out.ndjson", "the file is damaged"),
        ("rows.csv", b"id,at,v\xe4lue\n", "out.ndjson", "rows.csv:1: not UTF-8 text"),
        ("rows.csv", HEADER + ROW * 2000 + b"\xe4\n", "out.ndjson.gz", "not UTF-8 text"),
        ("rows.csv", HEADER + b'"a\n', "out.ndjson", "rows.csv:"),
        ("folder", b"", "out.ndjson", "folder cannot be read: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_leaves_nothing(
    termline: Termline, tmp_path: Path, table: str, content: bytes, output: str, says: str
) -> None:
    (tmp_path / "map.yaml").write_text(MAPPING)
    (tmp_path / "folder").mkdir()
    if table != "folder":
        (tmp_path / table).write_bytes(content)
    before = sorted(tmp_path.rglob("*"))
    done = termline("import", table, "--mapping", "map.yaml", "--output", output)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_setting_with_another_value_is_refused(termline: Termline) -> None:
    done = termline("terms", "acme", TERMLINE_ENGINE="drools")
    assert done.returncode == 2
    assert "TERMLINE_ENGINE is 'drools'; it is one of durable, reference" in done.stderr
