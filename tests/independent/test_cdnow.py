"""The independent CDNOW figures hold: a second calculation agrees, and the files are what they claim to be.

The second calculation shares only the contract terms with the first: whole cents instead of decimals, window
functions instead of running counts. What the product makes of these orders is not tested here.
"""

import ast
import csv
import gzip
import hashlib
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from . import cdnow

DATA = Path(__file__).parents[2] / "fixtures" / "data"
FULL = DATA / "orders_cdnow.csv.gz"
SAMPLE = DATA / "orders_cdnow_sample.csv"
DATA_FILES = [SAMPLE.name, FULL.name, "expected_cdnow_sample.csv", "expected_cdnow_full.csv"]
LAST_SAMPLE_CUSTOMER = 5000

BOTH = pytest.mark.parametrize("path", [SAMPLE, FULL], ids=["sample", "full"])

# (2 x cents x permille + 1000) / 2000 in whole numbers is cents x permille / 1000, halves up. The least of an
# order's own amount and what its predecessors left of 150,000 cents is what a monthly maximum leaves it.
SECOND_OPINION = """
WITH claimed AS (
    SELECT id, day, substr(day, 1, 7) AS month, cents, customer % 3 AS partner,
           row_number() OVER (PARTITION BY customer ORDER BY day, id) AS of_customer
    FROM orders
), judged AS (
    SELECT *, CASE WHEN partner = 0 AND cents < 500 THEN 'ineligible'
                   WHEN partner = 1 AND cents = 0 THEN 'ineligible'
                   WHEN partner = 2 AND month >= '1998-01' THEN 'no_contract'
                   ELSE 'rated' END AS outcome
    FROM claimed
), counted AS (
    SELECT *, row_number() OVER (PARTITION BY partner, month, outcome ORDER BY day, id) AS of_month
    FROM judged
), priced AS (
    SELECT *, CASE
        WHEN outcome <> 'rated' THEN NULL
        WHEN partner = 0 AND month < '1997-07' AND of_customer = 1 THEN (2 * cents * 80 + 1000) / 2000
        WHEN partner = 0 AND month < '1997-07' THEN (2 * cents * 30 + 1000) / 2000
        WHEN partner = 0 AND of_customer = 1 THEN min(1500, (2 * cents * 100 + 1000) / 2000)
        WHEN partner = 0 THEN (2 * cents * 25 + 1000) / 2000
        WHEN partner = 1 AND month < '1997-04' THEN 200
        WHEN partner = 1 THEN 100 + 50 * (of_month > 200) + 50 * (of_month > 500)
        ELSE (2 * cents * 50 + 1000) / 2000 END AS uncapped
    FROM counted
), summed AS (
    SELECT *, sum(uncapped) OVER (PARTITION BY partner, month ORDER BY day, id
                                  ROWS UNBOUNDED PRECEDING) AS so_far
    FROM priced
)
SELECT id, outcome, CASE WHEN partner < 2 THEN uncapped
                         ELSE max(0, min(uncapped, 150000 - (so_far - uncapped))) END AS paid,
       CASE partner WHEN 0 THEN 'acme' WHEN 1 THEN 'globex' ELSE 'initech' END AS contract, month
FROM summed
"""


@pytest.fixture(scope="module")
def orders():
    return {path: cdnow.expected(path) for path in (SAMPLE, FULL)}


@BOTH
def test_a_second_calculation_in_whole_cents_pays_every_order_the_same(path, orders):
    first = {order["id"]: (order["outcome"], order["amount"]) for order in orders[path]}
    second = {
        order: (outcome, None if paid is None else Decimal(paid) / 100)
        for order, outcome, paid, _, _ in second_opinion(path)
    }
    assert first == second


@BOTH
def test_a_second_calculation_in_whole_cents_totals_every_statement_the_same(path, orders):
    first = {
        (row["contract"], row["period"]): (row["eligible"], row["lines"], row["total"])
        for row in cdnow.statements(orders[path])
    }
    second = {}
    for _, outcome, paid, contract, month in second_opinion(path):
        if outcome == "rated":
            eligible, lines, total = second.get((contract, month), (0, 0, 0))
            second[contract, month] = eligible + 1, lines + (paid > 0), total + Decimal(paid) / 100
    assert first == second


def second_opinion(path):
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE orders (id TEXT, customer INTEGER, day TEXT, cents INTEGER)")
        database.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            (
                (f"cdnow-{n:06}", int(customer), day, int(value.replace(".", "")))
                for n, (customer, day, _, value) in enumerate(csv.reader(text(path).splitlines()[1:]), start=1)
            ),
        )
        return database.execute(SECOND_OPINION).fetchall()


def text(path):
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("ascii")


@pytest.mark.parametrize(
    ("path", "expectation"),
    [(SAMPLE, "expected_cdnow_sample.csv"), (FULL, "expected_cdnow_full.csv")],
    ids=["sample", "full"],
)
def test_committed_statements_are_what_the_calculation_says(path, expectation, orders):
    assert (DATA / expectation).read_text() == cdnow.as_csv(cdnow.statements(orders[path]))


def test_full_file_is_the_published_data_set(orders):
    full = orders[FULL]
    assert len(full) == 69_659
    assert len({order["customer_id"] for order in full}) == 23_570
    assert sum(order["order_value"] for order in full) == Decimal("2500315.63")


def test_sample_is_every_order_of_the_first_customers_under_the_same_numbers(orders):
    def is_early(line):
        return int(line.split(",")[0]) <= LAST_SAMPLE_CUSTOMER

    heading, *lines = text(FULL).splitlines(keepends=True)
    assert text(SAMPLE) == heading + "".join(filter(is_early, lines))
    assert orders[SAMPLE] == cdnow.expected(FULL, customers_through=LAST_SAMPLE_CUSTOMER)


def test_values_have_exactly_two_decimals_so_that_whole_cents_are_exact():
    assert all(line[-3] == "." for line in text(FULL).splitlines()[1:])


@pytest.mark.parametrize("name", DATA_FILES)
def test_data_files_have_the_digests_their_readme_gives(name):
    assert f"{hashlib.sha256((DATA / name).read_bytes()).hexdigest()}  {name}" in (DATA / "README.md").read_text()


def test_unpacked_full_file_has_the_digest_its_readme_gives():
    assert hashlib.sha256(text(FULL).encode()).hexdigest() in (DATA / "README.md").read_text()


def test_the_calculation_imports_only_the_standard_library():
    tree = ast.parse(Path(cdnow.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {
        "argparse",
        "collections",
        "csv",
        "datetime",
        "decimal",
        "gzip",
        "json",
        "sys",
        "zoneinfo",
    }
