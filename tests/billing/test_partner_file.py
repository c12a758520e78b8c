"""What is read of a partner's own file, and what is refused, and how kindly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.errors import PartnerFileRefused
from app.billing.partner_file import Columns, TheirRow, read_partner_file

COLUMNS = Columns("id", "amount")


@pytest.mark.parametrize(
    "text",
    [
        "id,amount\no1,8.00\n",
        "id,amount\r\no1,8.00",
        'note,amount,id\n"a,\nb",8.00,o1\n',
        "\ufeffid,amount\no1,8.00\n\n",
    ],
)
def test_a_file_is_read(text: str) -> None:
    """With the mark that spreadsheets put before UTF-8, with any line ends, with more columns, with blank lines."""
    assert read_partner_file(text.encode(), COLUMNS) == [TheirRow(1, "o1", Decimal("8.00"), None)]


def test_a_currency_is_read_where_there_is_one() -> None:
    (row,) = read_partner_file(b"id,amount,currency\no1,8,EUR\n", COLUMNS)
    assert (row.amount, row.currency) == (Decimal(8), "EUR")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id;amount\no1;8,00\n", "not separated by commas"),
        (b"id\tamount\no1\t8.00\n", "not separated by commas"),
        (b"id,amount\no1,8,00\n", "decimal comma"),
        (b'id,amount\no1,"8,00"\n', "write a point"),
        (b'id,amount\no1,"1.234,56"\n', "write a point"),
        (b'id,amount\no1,"1,234.56"\n', "without a currency or separators"),
        (b"id,amount\no1,$8.00\n", "without a currency"),
        (b"id,amount\no1,1e3\n", "no number"),
        (b"id,amount\no1,NaN\n", "no number"),
        (b"id,amount\no1, 8.00\n", "no number"),
        ("id,amount\no1,８.00\n".encode(), "no number"),
        ("id,amount\no1,١\n".encode(), "no number"),
        (b"id,amount\no1,\n", "no number"),
        (b"id,amount\n,8.00\n", "no id"),
        (b"id,amount,currency\no1,8.00,\n", "no currency"),
        (b"id,amount\no1\n", "1 columns, the header has 2"),
        (b"order,amount\no1,8.00\n", "no column 'id'"),
        (b"id,amount,id\no1,8.00,o2\n", "twice"),
        (b"", "no column 'id'"),
        (b'id,amount\n"o1,8.00\n', "row 1 is not CSV"),
        ("id,amount\no1,8.00\n".encode("utf-16"), "UTF-16"),
        (b"id,amount\no\xff,8.00\n", "not UTF-8 at byte 11"),
        (b"id,amount\no\x00,8.00\n", "NUL"),
        (b"id,amount\no1," + b"9" * 100_000 + b"\n", "no number"),
    ],
)
def test_what_could_be_misread_is_refused_kindly(data: bytes, said: str) -> None:
    with pytest.raises(PartnerFileRefused) as refused:
        read_partner_file(data, COLUMNS)
    assert said in refused.value.message
    assert len(refused.value.message) < 2_000


def test_all_rows_that_are_wrong_are_named() -> None:
    with pytest.raises(PartnerFileRefused) as refused:
        read_partner_file(b"id,amount\n" + b"a,x\n" * 30, COLUMNS)
    assert [finding.pointer for finding in refused.value.findings] == [f"/{number}" for number in range(30)]
    assert "20 more rows" in refused.value.message


@given(st.binary(max_size=300))
def test_nothing_but_a_refusal_comes_of_any_bytes(data: bytes) -> None:
    for given_data in (data, b"id,amount\n" + data):
        try:
            rows = read_partner_file(given_data, COLUMNS)
        except PartnerFileRefused:
            continue
        assert all(row.id for row in rows)
