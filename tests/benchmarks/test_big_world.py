"""A small one of the large worlds: the SQL written by hand, the product's own engine and a naive calculation pay the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from app.engine.reference import ReferenceMatcher
from tests.benchmarks.big_bulk import FilesRunner, attach, bill_in_bulk, statements_of, world_of
from tests.benchmarks.big_online import conversions_of, decide_each, rows_of
from tests.benchmarks.big_oracle import Paid, worked_out
from tests.benchmarks.big_terms import histories, versions_in
from tests.benchmarks.big_world import World, files, make
from tests.benchmarks.hand_written import bill, open_world, statements

WORLD = World(conversions=10_000, contracts=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("world")
    make(found, WORLD)
    return found


@pytest.fixture(scope="module")
def paid(folder: Path) -> list[Paid]:
    return worked_out(*rows_of(folder), WORLD.versions())


@pytest.fixture(scope="module")
def billed(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_world(folder) as connection:
        bill(connection)
        yield connection


def test_hand_written_sql_pays_each_line_as_worked_out(billed: duckdb.DuckDBPyConnection, paid: list[Paid]) -> None:
    lines = billed.execute("SELECT id, contract, month, due, paid FROM lines ORDER BY id").fetchall()
    assert lines == sorted(map(tuple, paid))


def test_its_statements_are_the_sums_of_the_lines(billed: duckdb.DuckDBPyConnection, paid: list[Paid]) -> None:
    cents: Counter[tuple[str, str]] = Counter()
    for line in paid:
        cents[line.contract, line.month] += line.paid
    rows = billed.execute("SELECT contract, month, paid FROM statements").fetchall()
    assert {(contract, month): sum_ for contract, month, sum_ in rows} == dict(cents)


def test_the_product_pays_the_same_lines(folder: Path, paid: list[Paid]) -> None:
    decided = decide_each(conversions_of(*rows_of(folder)), histories(list(WORLD.versions())), ReferenceMatcher())
    lines = {
        (decision.conversion, decision.contract): int(line.amount * 100)
        for decisions in decided
        for decision in decisions.values()
        for line in decision.lines
    }
    assert lines == {(line.conversion, line.contract): line.paid for line in paid}


def test_its_terms_are_read_back(folder: Path) -> None:
    assert versions_in(folder) == list(WORLD.versions())


def test_the_bulk_engine_comes_to_the_same_statements(folder: Path, billed: duckdb.DuckDBPyConnection) -> None:
    world, runner = world_of(WORLD.versions()), FilesRunner(folder, "1GB")
    attach(runner, world, folder)
    bill_in_bulk(runner, world)
    found = statements_of(runner)
    runner.close()
    assert sorted(found) == sorted(billed.execute("FROM statements").fetchall())


def test_the_world_has_what_makes_it_hard(billed: duckdb.DuckDBPyConnection, paid: list[Paid]) -> None:
    def count(query: str) -> int:
        (found,) = billed.execute(f"SELECT count(*) FROM {query}").fetchone() or (0,)
        return int(found)

    cut = sum(0 < line.paid < line.due for line in paid)
    assert cut > 20, "caps that leave a part"
    assert sum(not line.paid for line in paid) > 100, "caps that leave nothing"
    assert count("(SELECT order_id FROM conversions GROUP BY 1 HAVING count(*) > 1 AND order_id IS NOT NULL)") > 20
    assert count("(SELECT contract, month FROM lines GROUP BY ALL HAVING count(DISTINCT version) > 1)") > 20
    assert count("terms WHERE is_termination") > 0
    assert count("touches JOIN conversions USING (row_number) WHERE touched_at > event_at") > 20
    same_instant = "touches AS a JOIN touches AS b USING (row_number, touched_at) WHERE a.id < b.id"
    assert count(same_instant) > 20, "touches at one instant"
    in_window = "touches JOIN conversions USING (row_number) JOIN terms ON contract = partner"
    assert count(f"{in_window} WHERE event_at - touched_at = click_window AND touches.type = 'click'") > 20
    assert count("months JOIN conversions ON event_at = since") > 0, "an event at the start of a month"
    assert count("months JOIN conversions ON event_at = until - 1") > 0, "and one at its end"


def test_a_world_is_the_same_for_a_seed(folder: Path, tmp_path: Path) -> None:
    make(tmp_path, WORLD)
    for name, file in files(tmp_path).items():
        assert file.read_bytes() == files(folder)[name].read_bytes(), name
    make(tmp_path, World(WORLD.conversions, WORLD.contracts, seed=2))
    assert files(tmp_path)["touches"].read_bytes() != files(folder)["touches"].read_bytes()


# Each is a mistake that somebody could make in the SQL.
FAULTS = {
    "a window has both its ends": ("event_at - touched_at < CASE", "event_at - touched_at <= CASE"),
    "a touch after the event counts": ("touched_at <= event_at", "true"),
    "the view goes before the click": ("row(-touched_at, type, id)", "row(-touched_at, type = 'click', id)"),
    "the higher id goes first": ("arg_min(piece, row(-touched_at, type, id))", "arg_max(piece, row(touched_at, type = 'click', id))"),
    "the first touch is credited": ("row(-touched_at", "row(touched_at"),
    "an order is counted as its last conversion": ("PARTITION BY order_id ORDER BY event_at, id", "PARTITION BY order_id ORDER BY event_at DESC, id"),
    "orders without a number are one": ("WHERE order_id IS NOT NULL", ""),
    "an absent country is in every list": ("list_contains(countries, country)", "coalesce(list_contains(countries, country), true)"),
    "the least value is too little": ("order_value >= least_value", "order_value > least_value"),
    "who may be new is new": ("NOT new_only OR is_new_customer", "NOT new_only OR is_new_customer IS DISTINCT FROM false"),
    "versions start a moment late": ("event_at >= since AND event_at < until", "event_at > since AND event_at <= until"),
    "months are those of New York": ("months.timezone = spans.timezone", "months.timezone = 'America/New_York'"),
    "half a cent is lost": ("(2 * precise + 100000000) // 200000000", "(2 * precise + 99999999) // 200000000"),
    "tiers begin anew with each version": ("(PARTITION BY contract, month ORDER BY event_at, id ROWS", "(PARTITION BY contract, month, version ORDER BY event_at, id ROWS"),
    "caps begin anew with each version": ("cap - before - (held - due)", "cap - (held - due)"),
    "equal instants go in any order": ("PARTITION BY contract, month ORDER BY event_at, id ROWS", "PARTITION BY contract, month ORDER BY event_at, id DESC ROWS"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_line_is_wrong_when(fault: str, folder: Path, paid: list[Paid]) -> None:
    right, wrong = FAULTS[fault]
    with open_world(folder) as connection:
        assert any(right in statement for statement in statements())
        for statement in statements():
            connection.execute(statement.replace(right, wrong))
        lines = connection.execute("SELECT id, contract, month, due, paid FROM lines ORDER BY id").fetchall()
    assert lines != sorted(map(tuple, paid)), f"no line shows that {fault}"
