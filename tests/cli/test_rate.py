"""`termline rate`: files in, what they come to out, as if they had been stored and settled; and nothing is stored."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from app.adapters.yaml_files import read_yaml
from app.bulk.spark_engine import has_java
from app.cli import group
from app.conversions.operations.explain_decision import explain_decision
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.settle_program import settle_program
from app.core.resources import shipped
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.scenarios.setting import agree, create_agreement, create_stage
from app.store.migrate import migrate
from app.store.session import engine_for
from tests.builders.cdnow import SAMPLE

Termline = Callable[..., Result]
ORDERS = shipped("fixtures", "data", "orders_cdnow_sample.ndjson.gz")
EXPECTED = shipped("fixtures", "data", "expected_cdnow_sample.csv")
# The partners of the other story have the same names.
STORY = json.dumps(read_yaml(shipped("fixtures") / "attribution" / "position_based.yaml").data)
SHOP = json.loads(STORY.replace('"acme', '"ares').replace('"bolt', '"boreas').replace('"cato', '"ceres'))
CONVERSIONS: list[dict[str, Any]] = [{"program": "shop", **step["convert"]} for step in SHOP["steps"]]


@pytest.fixture(scope="module")
def agreed(fresh_database: str, catalogue: Catalogue) -> str:
    """A database with the contracts of a shop, and those of the CDNOW story."""
    engine = engine_for(fresh_database)
    with engine.begin() as connection:
        migrate(connection)
    with Runtime(engine, ReferenceMatcher(), catalogue).work("tester") as ctx:
        for story in (SHOP, read_yaml(SAMPLE).data):
            create_stage(ctx, story["program"])
            for contract in story["contracts"]:
                create_agreement(ctx, story["program"]["id"], contract, set())
                for version in contract["versions"]:
                    agree(ctx, contract["id"], version)
    engine.dispose()
    return fresh_database


@pytest.fixture
def termline(agreed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Termline:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(group, ["rate", *arguments], env={"DATABASE_URL": agreed})


def test_the_orders_of_a_file_come_to_what_was_worked_out_without_the_product(
    termline: Termline, tmp_path: Path
) -> None:
    """As NDJSON, and as Parquet in two files with columns of types of their own."""
    with EXPECTED.open(newline="") as file:
        expected = [(row["contract"], row["period"], int(row["lines"]), row["total"]) for row in csv.DictReader(file)]
    _orders_as_parquet(tmp_path)
    for files in ([str(ORDERS)], ["one.parquet", "two.parquet"]):
        result = termline(*files, "--program", "cdnow", "--memory", "500MB", "--json")
        assert result.exit_code == 0, result.output
        totals = json.loads(result.stdout)["totals"]
        assert sorted((each["contract"], each["period"], each["lines"], each["amount"]) for each in totals) == sorted(
            expected
        )


def _orders_as_parquet(folder: Path) -> None:
    with gzip.open(ORDERS, "rt") as file:
        bodies = [json.loads(line) for line in file]
    facts = sorted({name for body in bodies for name in body["facts"]})
    values = ", ".join(f"json_extract_string(body, '$.facts.{name}') AS {name}" for name in facts)
    with duckdb.connect() as made:
        made.execute("CREATE TABLE lines AS SELECT unnest(?::JSON[]) AS body", [[json.dumps(body) for body in bodies]])
        made.execute(
            f"CREATE TABLE orders AS SELECT body ->> 'id' AS id, (body ->> 'event_at')::TIMESTAMPTZ AS event_at, "
            f"body ->> 'partner' AS partner, {values} FROM lines"
        )
        made.execute("ALTER TABLE orders ALTER order_value TYPE DECIMAL(12, 2)")
        made.execute(f"COPY (FROM orders LIMIT 3000) TO '{folder}/one.parquet'")
        made.execute(f"COPY (FROM orders OFFSET 3000) TO '{folder}/two.parquet'")


def test_decisions_and_their_explanations_are_those_of_conversions_that_are_stored(
    termline: Termline, agreed: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    (tmp_path / "orders.ndjson").write_text("\n".join(map(json.dumps, CONVERSIONS)))
    _shop_as_parquet(tmp_path)
    files = [["orders.ndjson"], ["orders.parquet", "--touches", "touches.parquet"]]
    if has_java():
        files.append([*files[1], "--engine", "spark", "--memory", "1GB"])
    wanted = ("--program", "shop", "--decisions", "out.ndjson", "--explain", "three", "--explain", "two", "--json")
    found = []
    for given in files:
        result = termline(*given, *wanted)
        assert result.exit_code == 0, result.output
        lines = (tmp_path / "out.ndjson").read_text().splitlines()
        said = {(each["conversion"], each["partner"]): each["digest"] for each in map(json.loads, lines)}
        found.append((said, json.loads(result.stdout)["explained"]))
    engine = engine_for(agreed)
    with Runtime(engine, ReferenceMatcher(), catalogue).work("tester") as ctx:
        assert ctx.session.execute(text("SELECT count(*) FROM conversions")).scalar() == 0
        receive_conversions(ctx, CONVERSIONS)
        settle_program(ctx, "shop")
        rows = ctx.session.execute(text("SELECT id, conversion_id, partner, digest FROM decisions")).all()
        stored = {(row.conversion_id, row.partner): row for row in rows}
        for said, explained in found:
            assert said == {key: row.digest for key, row in stored.items()}
            assert sorted(each["amount"] for each in explained) == ["2.00", "4.00", "4.00", "5.00", "5.00"]
            for each in explained:
                partner = next(
                    k[1] for k, row in stored.items() if row.digest == each["digest"] and k[0] == each["conversion"]
                )
                known = explain_decision(ctx, stored[each["conversion"], partner].id)
                assert each["trace"] == json.loads(json.dumps(known.trace, default=str))
    engine.dispose()


def _shop_as_parquet(folder: Path) -> None:
    with duckdb.connect() as made:
        made.execute("CREATE TABLE orders (id TEXT, event_at TEXT, order_value DECIMAL(30, 9))")
        made.execute('CREATE TABLE touches (conversion TEXT, id TEXT, partner TEXT, type TEXT, "at" TIMESTAMPTZ)')
        for one in CONVERSIONS:
            made.execute(
                "INSERT INTO orders VALUES (?, ?, ?)", [one["id"], one["event_at"], one["facts"]["order_value"]]
            )
            for touch in one["touches"]:
                seen = [one["id"], *(touch[name] for name in ("id", "partner", "type", "at"))]
                made.execute("INSERT INTO touches VALUES (?, ?, ?, ?, ?)", seen)
        made.execute(f"COPY orders TO '{folder}/orders.parquet'")
        made.execute(f"COPY touches TO '{folder}/touches.parquet'")


@pytest.mark.parametrize(
    ("orders", "touches", "said"),
    [
        ("SELECT 'a' id, now() event_at, 1.5::DOUBLE order_value", None, "order_value is decimal and takes a DECIMAL"),
        ("SELECT 'a' id, now() event_at, 1.2345678::DECIMAL(9,7) order_value", None, "row 1: order_value is decimal, exactly; found '1.2345678'"),
        ("SELECT 'a' id, now()::TIMESTAMP event_at", None, "event_at is an instant with a zone; the column is TIMESTAMP"),
        ("SELECT 'a' id, NULL::TIMESTAMPTZ event_at", None, "row 1: event_at is missing"),
        ("SELECT unnest(['a', 'b', 'a']) id, now() event_at", None, "The conversion 'a' stands there 2 times"),
        ("SELECT 'a' id, now() event_at, 'x' colour", None, "there is no fact 'colour'"),
        ("SELECT 'a' id", None, "has no column event_at; it needs id, event_at"),
        ("SELECT 'a' id, now() event_at, chr(7) country", None, "row 1: country is text, exactly"),
        (
            "SELECT 'a' id, now() event_at",
            "SELECT 'b' conversion, 't' id, 'acme' partner, 'click' \"type\", now() \"at\"",
            "row 1: there is no conversion 'b'",
        ),
        (
            "SELECT 'a' id, now() event_at",
            "SELECT 'a' conversion, 't' id, 'acme' partner, 'hover' \"type\", now() \"at\"",
            "row 1: type is click or view; found 'hover'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_exactly_is_named_and_nothing_rated(
    termline: Termline, tmp_path: Path, orders: str, touches: str | None, said: str
) -> None:
    with duckdb.connect() as made:
        made.execute(f"COPY ({orders}) TO '{tmp_path}/orders.parquet'")
        if touches:
            made.execute(f"COPY ({touches}) TO '{tmp_path}/touches.parquet'")
    more = ("--touches", "touches.parquet") if touches else ()
    result = termline("orders.parquet", *more, "--program", "shop")
    assert result.exit_code == 2, result.output
    assert said in result.stderr, result.stderr


def test_a_line_that_cannot_be_read_is_named(termline: Termline, tmp_path: Path) -> None:
    lines = [json.dumps(CONVERSIONS[0]), "", '{"id": "x", "event_at": "2027-03-01T00:00:00", "facts": {}}']
    (tmp_path / "orders.ndjson").write_text("\n".join(lines))
    result = termline("orders.ndjson", "--program", "shop")
    assert result.exit_code == 2, result.output
    assert "orders.ndjson:3/event_at" in result.stderr, result.stderr
    result = termline("orders.csv", "--program", "shop")
    assert result.exit_code == 2, result.output
    assert ".parquet, .ndjson" in result.stderr


def test_people_are_shown_a_table_and_the_words_of_an_explanation(termline: Termline, tmp_path: Path) -> None:
    (tmp_path / "orders.ndjson").write_text("\n".join(map(json.dumps, CONVERSIONS)))
    result = termline("orders.ndjson", "--program", "shop", "--explain", "three")
    assert result.exit_code == 0, result.output
    for said in ("4 conversions rated, nothing stored.", "1997-07", "Digest "):
        assert said in result.stdout
    unknown = termline("orders.ndjson", "--program", "shop", "--explain", "nobody")
    assert unknown.exit_code == 2, unknown.output
    assert "There is no conversion 'nobody'" in unknown.stderr
