"""Fields read ids, times and money by the one rule of the product."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from marshmallow import ValidationError

from app.core.json_text import JsonFloat
from app.web import fields as f
from app.web.schema import Strict, findings_of


class Everything(Strict):
    """One field of each."""

    at = f.InstantField()
    start = f.LocalDateOrInstant()
    amount = f.DecimalString()
    period = f.MonthPeriod()
    flag = f.Flag()
    count = f.Whole(1, 10)
    body = f.Object()
    name = f.Name()
    word = f.Word(("restate", "prospective"))


def code_of(field: str, value: Any) -> str:
    """The code with which a value is refused."""
    with pytest.raises(ValidationError) as refused:
        Everything().load({field: value})
    (finding,) = findings_of(refused.value)
    assert finding.pointer == f"/{field}"
    return finding.code


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("at", "1997-07-02T10:00:00-04:00", datetime(1997, 7, 2, 14, tzinfo=UTC)),
        ("at", "1997-07-02T10:00:00.123456Z", datetime(1997, 7, 2, 10, 0, 0, 123456, tzinfo=UTC)),
        ("start", "1997-07-01", "1997-07-01"),
        ("start", "1997-07-01T00:00:00Z", "1997-07-01T00:00:00Z"),
        ("amount", "-12.50", Decimal("-12.50")),
        ("period", "1997-12", "1997-12"),
        ("flag", False, False),
        ("count", 10, 10),
        ("count", "10", 10),
        ("body", {"rate": JsonFloat("1.5")}, {"rate": JsonFloat("1.5")}),
        ("name", "A/7 ü", "A/7 ü"),
        ("word", "restate", "restate"),
    ],
)
def test_a_good_value_is_read(field: str, value: Any, read: Any) -> None:
    assert Everything().load({field: value}) == {field: read}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("at", "1997-07-02T10:00:00", "wrong_value"),
        ("at", "1997-07-02", "wrong_value"),
        ("at", 867834000, "wrong_value"),
        ("start", "1997-02-30", "wrong_value"),
        ("start", "1997-07-01T00:00:00", "wrong_value"),
        ("amount", JsonFloat("12.5"), "float_refused"),
        ("amount", 12, "wrong_type"),
        ("amount", "1e3", "bad_decimal"),
        ("amount", "1,50", "bad_decimal"),
        ("amount", "0.0000000001", "bad_decimal"),
        ("amount", "NaN", "bad_decimal"),
        ("period", "1997-13", "wrong_value"),
        ("period", "0000-01", "wrong_value"),
        ("flag", "true", "wrong_value"),
        ("flag", 1, "wrong_value"),
        ("count", True, "wrong_value"),
        ("count", JsonFloat("1.0"), "float_refused"),
        ("count", 11, "wrong_value"),
        ("body", [], "wrong_value"),
        ("name", "", "wrong_value"),
        ("name", "a\tb", "wrong_value"),
        ("word", "restated", "unknown_choice"),
        ("word", None, "wrong_value"),
    ],
)
def test_a_bad_value_is_refused(field: str, value: Any, code: str) -> None:
    assert code_of(field, value) == code


def test_values_are_written_in_one_form() -> None:
    written = Everything().dump(
        {"at": datetime(1997, 7, 2, 14, tzinfo=UTC), "amount": Decimal("12.50"), "word": "restate"}
    )
    assert written == {"at": "1997-07-02T14:00:00Z", "amount": "12.5", "word": "restate"}


PROBES = [
    "", "a", "acme", "A/7 ü", "x" * 64, "x" * 65, "x" * 128, "x" * 129, "x" * 200, "x" * 201, "two\nlines", "bell\x07", "del\x7f",
    "next\x85line", "no\xa0break", "1997-07", "1997-13", "0000-01", "0001-01", "0002-01", "9998-12", "9999-01", "1997-7", "12.50", "-1",
    "1.", ".5", "1" * 18, "1" * 19, "0.123456789", "0.1234567890", "-a", "a b", "ä", "\u2028", "😀", "1e3",
]  # fmt: skip
EXACT = (f.Text, f.MonthPeriod, f.Identifier, f.DecimalString)


@pytest.mark.parametrize("kind", [*EXACT, f.Name, f.LocalDateOrInstant, f.InstantField])
def test_the_document_says_what_a_field_reads(kind: type[f.Shaped]) -> None:
    """Never less than is read, and no more either where a pattern can say it. Which characters print, and in which years a
    day is an instant everywhere, none can."""
    field = kind()
    schema = {"type": "string", **field.metadata}
    assert {"pattern", "anyOf", "format"} & set(schema)
    for text in PROBES:
        try:
            field.deserialize(text)
            is_read = True
        except ValidationError:
            is_read = False
        fits = Draft202012Validator(schema).is_valid(text)
        assert fits or not is_read, text
        assert fits == is_read or kind not in EXACT, text
