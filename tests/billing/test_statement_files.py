"""Statements as CSV, Parquet and a page: the same lines and the same money, whatever is in their names."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from sqlalchemy import Engine

from app.billing.document import Document
from app.billing.formats.columns import COLUMNS
from app.billing.formats.csv_text import FORMULA_STARTS, as_sent, csv_text, defused, statement_csv
from app.billing.formats.page import statement_page
from app.billing.formats.parquet import statement_parquet
from app.billing.operations.get_document import get_document
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from tests.billing.statements import HOSTILE, NAME, hostile_statement
from tests.web.billing import billed
from tests.web.bodies import conversion, set_up
from tests.web.client import ApiClient

FILES = ("csv", "parquet", "page")


@pytest.fixture(scope="module")
def document(database: Engine, catalogue: Catalogue) -> Document:
    """The document itself needs no database, so that one does for all tests."""
    with database.connect() as connection, connection.begin() as transaction:
        with Runtime(bind=connection, matcher=ReferenceMatcher(), catalogue=catalogue).work("tester") as ctx:
            hostile_statement(ctx)
            document = get_document(ctx, contract="acme", period="1997-07")
        transaction.rollback()
    return document


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_csv_says_the_same_when_it_is_read_back(document: Document) -> None:
    text = statement_csv(document)
    rows = parsed(text)
    assert [as_sent(row["conversion"]) for row in rows[:9]] == list(HOSTILE)
    assert [row["amount"] for row in rows[:9]] == [amount for _, amount in HOSTILE.values()]
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("9.00")  # 2 % of 450.01, each line rounded
    assert {as_sent(row["partner_name"]) for row in rows} == {"=" + NAME}
    assert rows[0]["event_at"] == "1997-07-02T02:00:00Z"
    assert (rows[0]["local_date"], rows[0]["amount_precise"]) == ("1997-07-01", "0.25025")
    corrections = rows[9:]
    assert {row["kind"] for row in corrections} == {"correction"}
    assert {row["corrects"] for row in corrections} == {row["line"] for row in rows[:9]}
    assert corrections[0]["amount"] == "-0.05"
    assert {row["rule_version"].partition("/")[0] for row in rows} == {"acme"}
    assert (rows[0]["contract_version"], corrections[0]["contract_version"]) == ("1", "2")
    assert text.count("\r\n") == 19
    assert text.replace("\r\n", "").isprintable() or "\u202e" in text


def test_no_text_of_a_csv_is_a_formula_and_no_figure_is_text(document: Document) -> None:
    """Read as a spreadsheet does that splits at any of the usual separators."""
    texts = {column.name for column in COLUMNS if column.kind == "text"}
    for row in parsed(statement_csv(document)):
        assert not [name for name in texts if row[name].startswith(FORMULA_STARTS)]
        Decimal(row["amount"])
    assert ',"\'=HYPERLINK(""http://evil"")",' in statement_csv(document)
    assert ',-0.05,"USD",' in statement_csv(document)


@pytest.mark.parametrize(
    "text", ["", "'", "''", "=", "\t=1", "\r=1", "\n=1", "a=1", "＝1", "-1", '"', 'a"b', "a,b;c", "é\r\n"]
)
def test_text_comes_out_of_a_csv_as_it_went_in(text: str) -> None:
    (row,) = list(csv.reader(io.StringIO(csv_text(["a"], [[text]]), newline=""), strict=True))[1:]
    assert as_sent(row[0]) == text
    assert defused(text) in (text, f"'{text}")


def read_parquet(data: bytes) -> Any:
    return pyarrow.parquet.read_table(io.BytesIO(data))


def test_parquet_keeps_money_exact_and_instants_with_their_zone(document: Document) -> None:
    table = read_parquet(statement_parquet(document))
    types = {field.name: field.type for field in table.schema}
    assert types["amount"] == pyarrow.decimal128(38, 4)
    assert types["amount_precise"] == pyarrow.decimal128(38, 18)
    assert types["event_at"] == types["posted_at"] == pyarrow.timestamp("us", tz="UTC")
    assert types["local_date"] == pyarrow.date32()
    rows = table.to_pylist()
    assert [row["conversion"] for row in rows[:9]] == list(HOSTILE)
    assert [row["amount"] for row in rows[:9]] == [Decimal(amount) for _, amount in HOSTILE.values()]
    assert sum(row["amount"] for row in rows) == Decimal("9.00")
    assert rows[0]["amount_precise"] == Decimal("0.25025")
    assert rows[0]["event_at"] == datetime(1997, 7, 2, 2, tzinfo=UTC)
    assert rows[0]["local_date"] == date(1997, 7, 1)
    assert rows[0]["delivered_on"] is None
    assert {row["partner_name"] for row in rows} == {"=" + NAME}


def test_a_figure_too_long_for_a_decimal_is_never_rounded(document: Document) -> None:
    long = Decimal("0.1234567890123456789")
    line = replace(document.lines[0], amount_precise=long)
    (row,) = read_parquet(statement_parquet(replace(document, lines=[line]))).to_pylist()
    assert (row["amount_precise"], row["amount_precise_text"]) == (None, str(long))


def test_the_same_statement_is_the_same_file(document: Document) -> None:
    for write in (statement_csv, statement_parquet, statement_page):
        assert write(document) == write(document)


def test_a_statement_without_lines_is_a_file_as_well(document: Document) -> None:
    empty = replace(document, lines=[])
    assert parsed(statement_csv(empty)) == []
    assert read_parquet(statement_parquet(empty)).num_rows == 0
    assert "nothing was posted" in statement_page(empty)


class Page(HTMLParser):
    """What a browser makes of a page: its elements, its text, and its table cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.said.append(data.strip())


def test_a_page_shows_everything_and_runs_nothing(document: Document) -> None:
    text = statement_page(document)
    page = Page(text)
    assert page.elements <= {
        "html",
        "meta",
        "title",
        "style",
        "header",
        "h1",
        "h2",
        "dl",
        "dt",
        "dd",
        "bdi",
        "table",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "small",
        "br",
        "p",
    }
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert "url(" not in text
    assert "@import" not in text
    assert {NAME, "=" + NAME, *HOSTILE} <= set(page.said)
    assert {"1997-07-01", "0.25025", "0.25", "-0.05", "9.00"} <= set(page.said)
    corrected = document.lines[0]
    assert f"corrects {corrected.id}: 0.25, posted by acme/1997-07/1" in page.said
    # 10.01 and 20.00 are under 25.00: 0.25 + 0.50 - 0.05 - 0.10 = 0.60; the others 9.00 - 0.60.
    of_a_first = page.said.index("a-first")
    assert "0.60" in page.said[of_a_first : of_a_first + 12]
    assert "8.40" in page.said


def test_a_page_says_what_was_carried(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion())
    billed(client, {"contract": "acme", "period": "1997-07"})
    client.post("/v1/conversions/cdnow/o1/reversals", {"id": "r", "reason": "RETURN", "amount": "100.00"})
    billed(client, {"contract": "acme", "period": "1997-07"})
    said = Page(client.get("/v1/statements/acme/1997-07/page").text).said
    shown = client.get("/v1/statements/acme/1997-07").get_json()
    assert [line["in_words"] for line in shown["balance"]]
    assert {line["in_words"] for line in shown["balance"]} <= set(said)


def test_files_have_all_lines_where_json_has_a_page(client: ApiClient) -> None:
    set_up(client)
    for number in range(3):
        client.post("/v1/conversions", conversion(f"o{number}", "10.00"))
    billed(client, {"contract": "acme", "period": "1997-07"})
    assert len(client.get("/v1/statements/acme/1997-07?limit=1").get_json()["lines"]) == 1
    answers = {form: client.get(f"/v1/statements/acme/1997-07/{form}") for form in FILES}
    assert sum(Decimal(row["amount"]) for row in parsed(answers["csv"].text)) == Decimal("1.80")
    assert read_parquet(answers["parquet"].data).num_rows == 3
    assert answers["page"].text.count("<bdi>o") == 3
    assert answers["csv"].headers["Content-Disposition"] == 'attachment; filename="statement-acme-1997-07.csv"'
    assert "sandbox" in answers["page"].headers["Content-Security-Policy"]
    assert "script" not in answers["page"].headers["Content-Security-Policy"]


def test_a_partner_takes_its_own_files_and_no_others(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion())
    billed(client, {"contract": "acme", "period": "1997-07"})
    mine, other = client.as_("partner", "acme"), client.as_("partner", "zulu")
    for form in FILES:
        address = f"/v1/statements/acme/1997-07/{form}"
        assert mine.get(address).data == client.get(address).data
        assert other.get(address).status_code == 404
