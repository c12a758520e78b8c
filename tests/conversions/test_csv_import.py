"""CSV rows as conversions: a mapping is refused as a whole before the first row, a row is refused by its number."""

from __future__ import annotations

import csv
import gzip
import io
from typing import Any

import orjson
import pytest

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import parse_yaml, read_yaml
from app.conversions.csv_import import CsvMapping, MappingRefused, RowRefused, conversions_from, read_mapping
from app.conversions.envelope import Incoming, read_conversion
from app.core.instants import parse_instant, write_instant
from app.core.resources import shipped

COLUMNS = ["order no", "customer", "day", "at", "units", "value", "new", "a/b"]
MAPPING = """
program: cdnow
id: "o-{order no}"
event_at: {column: day, at: "12:00", timezone: America/New_York}
partner: {column: customer, modulo: 2, values: [acme, globex]}
facts:
  order_id: "o-{order no:06}"
  order_value: {column: value}
  quantity: {column: units}
  is_new_customer: {column: new}
"""
ROW = {
    "order no": "7",
    "customer": "3",
    "day": "1997-07-02",
    "at": "",
    "units": "2",
    "value": "12.50",
    "new": "true",
    "a/b": "x",
}


def mapping(text: str = MAPPING, **replaced: Any) -> CsvMapping:
    """Return the mapping of a YAML text, with some of its parts replaced."""
    return read_mapping(parse_yaml(text, shipped("mapping.yaml")).data | replaced, COLUMNS, shipped_catalogue())


def converted(read: CsvMapping, **cells: str) -> dict[str, Any]:
    """Return the one row, with some cells replaced, as a conversion."""
    (body,) = conversions_from(read, [ROW | cells])
    if isinstance(body, RowRefused):
        raise body
    return body


def refused(read: CsvMapping, **cells: str) -> tuple[str, str]:
    """Return message and pointer of the refusal of the one row."""
    with pytest.raises(RowRefused) as caught:
        converted(read, **cells)
    (finding,) = caught.value.findings
    return caught.value.message, finding.pointer


def test_the_shipped_mapping_makes_the_shipped_conversions_to_the_byte() -> None:
    rows = csv.DictReader(
        io.StringIO(shipped("fixtures", "data", "orders_cdnow_sample.csv").read_text("utf-8")), strict=True
    )
    data = read_yaml(shipped("fixtures", "data", "cdnow_mapping.yaml")).data
    read = read_mapping(data, rows.fieldnames or [], shipped_catalogue())
    written = b"".join(orjson.dumps(body) + b"\n" for body in conversions_from(read, rows))
    assert written == gzip.decompress(shipped("fixtures", "data", "orders_cdnow_sample.ndjson.gz").read_bytes())


def test_a_row_becomes_the_body_of_a_conversion() -> None:
    assert converted(mapping()) == {
        "id": "o-7",
        "program": "cdnow",
        "event_at": "1997-07-02T12:00:00-04:00",
        "partner": "globex",
        "facts": {"order_id": "o-000007", "order_value": "12.50", "quantity": 2, "is_new_customer": True},
    }


def test_every_body_can_be_taken_in() -> None:
    assert isinstance(read_conversion(converted(mapping()), shipped_catalogue()), Incoming)


def test_an_empty_value_is_an_absent_fact() -> None:
    body = converted(mapping(facts={"order_id": "{order no}", "sku": "s-{a/b:04}", "quantity": {"column": "units"}}), **{"units": "", "a/b": ""})  # fmt: skip
    assert body["facts"] == {"order_id": "7"}


def test_an_empty_partner_is_no_partner() -> None:
    assert "partner" not in converted(mapping(partner={"column": "customer"}), customer="")
    assert "partner" not in converted(mapping(partner=None))
    assert converted(mapping(partner={"column": "customer"}))["partner"] == "3"
    assert converted(mapping(partner={"value": "acme"}), customer="")["partner"] == "acme"


def test_rows_are_numbered_from_one_and_filled_up_with_zeros() -> None:
    read = mapping(id="r-{row}-{row:03}-{row:012}", partner=None)
    ids = [body["id"] for body in conversions_from(read, [ROW] * 3) if isinstance(body, dict)]
    assert ids == [f"r-{n}-00{n}-00000000000{n}" for n in (1, 2, 3)]


def test_a_bad_row_is_named_and_does_not_lose_the_others() -> None:
    found = list(conversions_from(mapping(), [ROW, ROW | {"units": "two"}, ROW]))
    assert [type(body) for body in found] == [dict, RowRefused, dict]
    assert str(found[1]) == "row 2: units is a whole number; found 'two'"


def test_a_row_that_could_not_be_read_keeps_its_place() -> None:
    unread = RowRefused("row 1: 2 columns")
    found = list(conversions_from(mapping(id="r-{row}"), [unread, ROW]))
    assert found[0] is unread
    assert isinstance(found[1], dict)
    assert found[1]["id"] == "r-2"


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-3", -3), ("007", 7), ("9007199254740991", 2**53 - 1), ("9007199254740992", "9007199254740992")])  # fmt: skip
def test_a_whole_number_is_one_in_json_as_long_as_json_can_hold_it(text: str, value: object) -> None:
    assert converted(mapping(), units=text)["facts"]["quantity"] == value


@pytest.mark.parametrize(
    ("cells", "said", "pointer"),
    [
        ({"units": "2.0"}, "row 1: units is a whole number; found '2.0'", "/units"),
        ({"units": "+2"}, "row 1: units is a whole number; found '+2'", "/units"),
        ({"units": "²"}, "row 1: units is a whole number; found '²'", "/units"),
        ({"units": "9" * 5000}, "row 1: units is a whole number; found '999", "/units"),
        ({"new": "yes"}, "row 1: new is true or false; found 'yes'", "/new"),
        ({"day": "7/2/1997"}, "row 1: day is a date YYYY-MM-DD; found '7/2/1997'", "/day"),
        ({"day": ""}, "row 1: day is a date YYYY-MM-DD; found ''", "/day"),
        ({"day": "1997-02-29"}, "row 1: day is a date YYYY-MM-DD; found '1997-02-29'", "/day"),
        ({"customer": "x"}, "row 1: customer is a whole number; found 'x'", "/customer"),
        ({"customer": ""}, "row 1: customer is a whole number; found ''", "/customer"),
        ({"customer": "-1"}, "row 1: customer is a whole number; found '-1'", "/customer"),
        ({"customer": "9" * 5000}, "row 1: customer is a whole number; found '999", "/customer"),
        ({"order no": ""}, "row 1: order no is not empty, since the id is made of it; found ''", "/order no"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named(cells: dict[str, str], said: str, pointer: str) -> None:
    message, at = refused(mapping(), **cells)
    assert message.startswith(said)
    assert at == pointer


def test_a_column_with_a_slash_is_escaped_in_the_pointer() -> None:
    assert refused(mapping(facts={"quantity": {"column": "a/b"}}))[1] == "/a~1b"


def test_a_bad_value_of_a_template_is_named_by_its_fact() -> None:
    read = mapping(facts={"quantity": "{units}{a/b}"})
    assert refused(read) == ("row 1: quantity is a whole number; found '2x'", "/quantity")


def test_a_column_of_instants_needs_an_offset() -> None:
    read = mapping(event_at={"column": "at"})
    assert converted(read, at="1997-07-02T10:00:00-04:00")["event_at"] == "1997-07-02T14:00:00Z"
    message, _ = refused(read, at="1997-07-02T10:00:00")
    assert message == "row 1: at is an instant with an offset; found '1997-07-02T10:00:00'"


@pytest.mark.parametrize(
    ("day", "at", "timezone", "event_at"),
    [
        ("1997-04-06", "01:59", "America/New_York", "1997-04-06T01:59:00-05:00"),
        (
            "1997-04-06",
            "02:00",
            "America/New_York",
            "1997-04-06T03:00:00-04:00",
        ),  # from 02:00 to 03:00 there was no time
        ("1997-04-06", "02:30", "America/New_York", "1997-04-06T03:30:00-04:00"),
        ("1997-04-06", "03:00", "America/New_York", "1997-04-06T03:00:00-04:00"),
        ("1997-10-26", "00:59", "America/New_York", "1997-10-26T00:59:00-04:00"),
        ("1997-10-26", "01:30", "America/New_York", "1997-10-26T01:30:00-04:00"),  # twice: the earlier
        ("1997-10-26", "02:00", "America/New_York", "1997-10-26T02:00:00-05:00"),
        ("2018-11-04", "00:00", "America/Sao_Paulo", "2018-11-04T01:00:00-02:00"),
        ("2011-12-29", "23:59", "Pacific/Apia", "2011-12-29T23:59:00-10:00"),
        ("2011-12-31", "00:00", "Pacific/Apia", "2011-12-31T00:00:00+14:00"),
        ("1880-01-01", "12:00", "America/New_York", "1880-01-01T16:56:02Z"),  # the offset was -04:56:02
    ],
)
def test_a_local_time_is_one_that_clocks_showed(day: str, at: str, timezone: str, event_at: str) -> None:
    read = mapping(event_at={"column": "day", "at": at, "timezone": timezone})
    written = converted(read, day=day)["event_at"]
    assert written == event_at
    assert parse_instant(written) is not None


def test_a_time_twice_and_a_time_in_a_gap_are_definite_instants() -> None:
    read = mapping(event_at={"column": "day", "at": "01:30", "timezone": "America/New_York"})
    instant = parse_instant(converted(read, day="1997-10-26")["event_at"])
    assert instant is not None
    assert write_instant(instant) == "1997-10-26T05:30:00Z"


@pytest.mark.parametrize(
    ("day", "at", "timezone"),
    [
        ("2011-12-30", "12:00", "Pacific/Apia"), ("1993-08-21", "00:00", "Pacific/Kwajalein"),
        ("0001-01-01", "08:00", "Asia/Tokyo"), ("9999-12-31", "12:00", "Etc/GMT+12"),
    ],
)  # fmt: skip
def test_a_day_that_did_not_exist_there_is_refused(day: str, at: str, timezone: str) -> None:
    read = mapping(event_at={"column": "day", "at": at, "timezone": timezone})
    assert refused(read, day=day) == (f"row 1: day is a day on which it was {at} there; found {day!r}", "/day")


@pytest.mark.parametrize(
    ("replaced", "pointer", "said"),
    [
        ({"program": 7}, "/program", "expected text, the id of the program; found 7"),
        ({"program": ""}, "/program", "expected text, the id of the program; found ''"),
        ({"programme": "x"}, "/programme", "unknown key 'programme'"),
        ({"id": "order"}, "/id", "every row would have the id 'order'"),
        ({"id": None}, "/id", "expected text such as"),
        ({"id": "{order_no}"}, "/id", "the CSV has no column 'order_no'"),
        ({"id": "{row:6}"}, "/id", "a brace that opens or closes no place: '{row:6}'"),
        ({"id": "{row}}"}, "/id", "a brace that opens or closes no place"),
        ({"id": "{row"}, "/id", "a brace that opens or closes no place"),
        ({"id": "{}{row}"}, "/id", "a brace that opens or closes no place"),
        ({"event_at": "day"}, "/event_at", "expected event_at, found 'day'"),
        ({"event_at": {"column": "date"}}, "/event_at/column", "the CSV has no column 'date'"),
        ({"event_at": {"column": ["day"]}}, "/event_at/column", "the CSV has no column"),
        ({"event_at": {"column": "day", "at": "12:00"}}, "/event_at/timezone", "no IANA time zone: null"),
        ({"event_at": {"column": "day", "timezone": "Asia/Tokyo"}}, "/event_at/at", "a date column needs the local time"),
        ({"event_at": {"column": "day", "at": "24:00", "timezone": "Asia/Tokyo"}}, "/event_at/at", "a date column needs"),
        ({"event_at": {"column": "day", "at": "12:00", "timezone": "EDT"}}, "/event_at/timezone", "no IANA time zone: 'EDT'"),
        ({"partner": "acme"}, "/partner", "expected partner, found 'acme'"),
        ({"partner": {"value": None}}, "/partner/value", "expected text, the id of the partner"),
        ({"partner": {"value": {}}}, "/partner/value", "expected text, the id of the partner"),
        ({"partner": {"column": "who"}}, "/partner/column", "the CSV has no column 'who'"),
        ({"partner": {"column": "customer", "modulo": 0, "values": []}}, "/partner", "modulo is a number n"),
        ({"partner": {"column": "customer", "modulo": True, "values": ["a"]}}, "/partner", "modulo is a number n"),
        ({"partner": {"column": "customer", "modulo": 2, "values": ["a"]}}, "/partner", "modulo is a number n"),
        ({"partner": {"column": "customer", "modulo": 1, "values": [7]}}, "/partner", "modulo is a number n"),
        ({"partner": {"column": "customer", "modulo": 1, "values": [""]}}, "/partner", "modulo is a number n"),
        ({"partner": {"column": "customer", "modulo": 1}}, "/partner", "modulo is a number n"),
        ({"partner": {"column": "customer", "values": ["a"]}}, "/partner", "modulo is a number n"),
        ({"facts": []}, "/facts", "expected facts, found a list"),
        ({"facts": {"order_valu": {"column": "value"}}}, "/facts/order_valu", "unknown key 'order_valu'"),
        ({"facts": {"local_date": {"column": "day"}}}, "/facts/local_date", "unknown key 'local_date'"),
        ({"facts": {"sku": {"column": "article"}}}, "/facts/sku/column", "the CSV has no column 'article'"),
        ({"facts": {"sku": {"columns": "value"}}}, "/facts/sku/columns", "unknown key 'columns'"),
        ({"facts": {"sku": "{article}"}}, "/facts/sku", "the CSV has no column 'article'"),
        ({"facts": {"sku": 7}}, "/facts/sku", "expected a fact's source, found 7"),
        ({"facts": {"sku": ""}}, "/facts/sku", "expected text such as"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_refused_where_it_stands(
    replaced: dict[str, Any], pointer: str, said: str
) -> None:
    with pytest.raises(MappingRefused) as caught:
        mapping(**replaced)
    assert pointer in [finding.pointer for finding in caught.value.findings]
    (message,) = [finding.message for finding in caught.value.findings if finding.pointer == pointer][:1]
    assert said in message
    assert caught.value.message.startswith("The mapping is refused. /")


def test_all_that_is_wrong_with_a_mapping_is_said_at_once() -> None:
    with pytest.raises(MappingRefused) as caught:
        mapping(id="x", event_at={"column": "a"}, facts={"sku": {"column": "b"}, "plan": "{c}"})
    assert [finding.pointer for finding in caught.value.findings] == [
        "/id", "/event_at/column", "/facts/sku/column", "/facts/plan",
    ]  # fmt: skip


@pytest.mark.parametrize("data", [None, [], "x", 7, {}, {"program": "cdnow"}])
def test_what_is_no_mapping_is_refused(data: Any) -> None:
    with pytest.raises(MappingRefused, match=r"The mapping is refused\. /: "):
        read_mapping(data, COLUMNS, shipped_catalogue())


def test_a_column_that_the_file_has_twice_is_refused_if_it_is_read() -> None:
    data = parse_yaml(MAPPING, shipped("mapping.yaml")).data
    with pytest.raises(MappingRefused, match="the CSV has 2 columns 'value'"):
        read_mapping(data, [*COLUMNS, "value"], shipped_catalogue())
    assert read_mapping(data, [*COLUMNS, "note", "note"], shipped_catalogue()).program == "cdnow"
