"""Which operator a type has, which values, and what a negative test of an optional fact must say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.core.errors import Finding
from app.core.json_text import JsonFloat
from app.rulelang.ast import Eligibility, Leaf
from app.rulelang.facts import TYPES, Fact, typed_value
from app.rulelang.operators import OPERATORS
from app.rulelang.ruleset import check_rules

# One fact of each type, and two values of it in order.
EXAMPLES: dict[str, tuple[str, Any, Any]] = {
    "text": ("country", "CA", "US"),
    "enum": ("device_type", "ctv", "mobile"),
    "integer": ("quantity", 1, 2),
    "decimal": ("discount", "1.50", "2"),
    "boolean": ("is_trial", False, True),
    "date": ("signup_on", "1997-07-02", "1997-07-03"),
    "duration": ("session_length", "PT59M", "PT1H"),
    "text_list": ("skus", "CD-1", "CD-2"),
    "enum_list": ("fulfilment_methods", "delivery", "pickup"),
    "records": ("items", "", ""),  # compared with nothing
    "instant": ("first_seen_at", "1997-07-02T10:00:00-04:00", "1997-07-02T14:00:01Z"),
}
ARTICLE = {"sku": "CD-1", "quantity": 2, "price": "11.77"}
# The table of operators and types, written out: a change of the language shows here.
TABLE = """
                 text enum integer decimal boolean date instant duration text_list enum_list records
    eq           x    x    x       x       x       x    x       x        .         .         .
    neq          x    x    x       x       x       x    x       x        .         .         .
    lt           .    .    x       x       .       x    x       x        .         .         .
    lte          .    .    x       x       .       x    x       x        .         .         .
    gt           .    .    x       x       .       x    x       x        .         .         .
    gte          .    .    x       x       .       x    x       x        .         .         .
    between      .    .    x       x       .       x    x       x        .         .         .
    in           x    x    x       x       .       x    x       x        .         .         .
    not_in       x    x    x       x       .       x    x       x        .         .         .
    starts_with  x    .    .       .       .       .    .       .        .         .         .
    contains     x    .    .       .       .       .    .       .        x         x         .
    contains_any .    .    .       .       .       .    .       .        x         x         .
    contains_all .    .    .       .       .       .    .       .        x         x         .
    is_empty     .    .    .       .       .       .    .       .        x         x         x
    exists       x    x    x       x       x       x    x       x        x         x         x
    missing      x    x    x       x       x       x    x       x        x         x         x
"""


def leaf(fact: str, op: str, *values: Any, if_missing: str | None = None) -> dict[str, Any]:
    arity = OPERATORS[op].arity
    value = {} if arity == 0 else {"value": values[0] if arity == 1 else list(values)}
    return {"fact": fact, "op": op, **value, **({"if_missing": if_missing} if if_missing else {})}


def check(when: Any) -> tuple[Leaf | None, list[tuple[str, str]]]:
    body = {"kind": "eligibility", "rules": [{"id": "a", "when": when, "then": "accept"}], "otherwise": "accept"}
    rules, found = check_rules(body, shipped_catalogue())
    codes = [(finding.code, finding.pointer.removeprefix("/rules/0/when")) for finding in found]
    if rules is None:
        return None, codes
    assert isinstance(rules.body, Eligibility)
    return rules.body.rules[0].when, codes  # type: ignore[return-value]


def table() -> list[tuple[str, str, bool]]:
    header, *rows = TABLE.strip().splitlines()
    return [
        (op, kind, mark == "x")
        for op, *marks in map(str.split, rows)
        for kind, mark in zip(header.split(), marks, strict=True)
    ]


def test_the_table_is_the_whole_language() -> None:
    assert {op for op, _, _ in table()} == OPERATORS.keys()
    assert {kind for _, kind, _ in table()} == set(TYPES) == EXAMPLES.keys()


@pytest.mark.parametrize(("op", "kind", "fits"), table())
def test_an_operator_is_for_these_types(op: str, kind: str, fits: bool) -> None:
    fact, low, high = EXAMPLES[kind]
    found, codes = check(leaf(fact, op, low, high, if_missing="match" if op in ("neq", "not_in") else None))
    assert codes == ([] if fits else [("operator_not_for_type", "/op")])
    assert (found is not None) == fits


@pytest.mark.parametrize("op", ["neq", "not_in"])
@pytest.mark.parametrize("kind", ["text", "decimal", "date"])
def test_a_negative_operator_on_an_optional_fact_says_what_absence_means(op: str, kind: str) -> None:
    fact, value, _ = EXAMPLES[kind]
    assert check(leaf(fact, op, value))[1] == [("if_missing_required", "")]
    for word in ("match", "no_match"):
        found, codes = check(leaf(fact, op, value, if_missing=word))
        assert codes == []
        assert found is not None
        assert found.if_missing == word


@pytest.mark.parametrize("op", ["eq", "in"])
def test_so_does_anything_under_not_however_deep(op: str) -> None:
    inner = leaf("country", op, "US")
    assert check({"not": inner})[1] == [("if_missing_required", "/not")]
    assert check({"not": {"not": inner}})[1] == [("if_missing_required", "/not/not")]
    assert check({"not": {"any": [{"all": [inner]}]}})[1] == [("if_missing_required", "/not/any/0/all/0")]
    assert check({"not": {"all": [{**inner, "if_missing": "no_match"}]}})[1] == []
    assert check({"all": [{"not": {"always": True}}, inner]})[1] == []


def test_presence_and_required_facts_need_no_such_word() -> None:
    for op in ("exists", "missing"):
        assert check({"not": leaf("country", op)})[1] == []
        assert check(leaf("country", op, if_missing="match"))[1] == [("if_missing_useless", "/if_missing")]
    assert check(leaf("order_value", "neq", "5"))[1] == []
    assert check({"not": leaf("hour", "eq", 5)})[1] == []
    assert check(leaf("hour", "neq", 5, if_missing="match"))[1] == [("if_missing_useless", "/if_missing")]


@pytest.mark.parametrize("kind", ["integer", "decimal", "date", "instant", "duration"])
def test_between_wants_the_lower_value_first(kind: str) -> None:
    fact, low, high = EXAMPLES[kind]
    assert check(leaf(fact, "between", high, low))[1] == [("empty_range", "/value")]
    assert check(leaf(fact, "between", low, low))[1] == []


MOST = 2**62 - 1

ACCEPTED = {
    "text": [
        ("US", "US"),
        ("", ""),
        ("cafe\u0301", "café"),
        ("x" * 1024, "x" * 1024),
        ("5", "5"),
        ("naïve ☕", "naïve ☕"),
    ],
    "enum": [("ctv", "ctv")],
    "records": [
        ([], ()),
        ([ARTICLE], ({"sku": "CD-1", "quantity": 2, "price": Decimal("11.77")},)),
        ([{**ARTICLE, "brand": None}] * 2, ({"sku": "CD-1", "quantity": 2, "price": Decimal("11.77")},) * 2),
    ],
    "integer": [
        (0, 0),
        (-5, -5),
        ("5", 5),
        ("-0", 0),
        (2**53 - 1, 2**53 - 1),
        (str(2**53), 2**53),
        (str(MOST), MOST),
        (str(-MOST), -MOST),
    ],
    "decimal": [
        ("12.50", Decimal("12.5")),
        (7, Decimal(7)),
        ("-0.000001", Decimal("-0.000001")),
        ("1.1234560", Decimal("1.123456")),
        ("4611686018427.387903", Decimal("4611686018427.387903")),
    ],
    "boolean": [(True, True), (False, False)],
    "date": [("2024-02-29", date(2024, 2, 29)), ("0001-01-01", date(1, 1, 1))],
    "duration": [
        ("PT0S", timedelta(0)),
        ("P1W", timedelta(days=7)),
        ("P0W", timedelta(0)),
        ("P1DT2H3M4.000005S", timedelta(1, 7384, 5)),
        ("PT36H", timedelta(days=1, hours=12)),
        ("PT0.5S", timedelta(microseconds=500000)),
        ("P53375995D", timedelta(days=53375995)),
    ],
    "text_list": [([], ()), (["b", "", "b"], ("b", "", "b")), (["e\u0301"], ("é",)), (["x"] * 1000, ("x",) * 1000)],
    "enum_list": [([], ()), (["pickup", "digital"], ("pickup", "digital"))],
    "instant": [
        ("1997-07-02T10:00:00-04:00", datetime(1997, 7, 2, 14, tzinfo=UTC)),
        ("1997-07-02t14:00:00.000001z", datetime(1997, 7, 2, 14, 0, 0, 1, tzinfo=UTC)),
    ],
}
REFUSED = {
    "text": [5, True, "x" * 1025, "a\nb", "\x00", "\x7f", "\ud800", "\u0958" * 600, ["US"], JsonFloat("1.5")],
    "enum": ["CTV", "", "tv", 1, True, JsonFloat("1.5")],
    "integer": [True, "5.0", "", " 5", "٣", "1e3", 2**53, -(2**53), str(2**62), str(-(2**62)), "9" * 20, "+1", None],
    "decimal": [True, "1.1234567", "4611686018427.387904", "1e3", ".5", "5.", "NaN", "Infinity", "", "1,5", 2**53, "٣"],
    "boolean": ["true", 0, 1, "", None, JsonFloat("1.0")],
    "date": ["2023-02-29", "1997-7-2", "19970702", "1997-07-02T00:00:00Z", 19970702, "", "0000-01-01", "٢٠٢٤-01-01"],
    "duration": [
        *(
            "P",
            "PT",
            "P1DT",
            "P1",
            "1D",
            "P1Y",
            "P1M",
            "P1W1D",
            "PT1H1D",
            "PT1M1H",
            "pt1h",
            "PT1.5H",
            "PT1,5S",
            "PT.5S",
        ),
        *("PT1.S", "PT1.1234567S", "-PT1S", "P-1D", "+P1D", " P1D", "P1D ", "P٣D", "", 5, True, None, ["P1D"]),
        *("P53375996D", "P999999999W", "PT999999999999999S", "P1W\n"),
    ],
    "text_list": ["CD-1", ["x"] * 1001, ["x", 5], [None], [["x"]], ["x" * 1025], ["a\nb"], {"0": "x"}, 5, None],
    "enum_list": ["pickup", ["post"], ["Pickup"], [""], ["pickup", None], [True], {}],
    "records": [
        *({}, 5, None, "x", [5], [None], [[]], [{}], [{**ARTICLE, "colour": "red"}], [{**ARTICLE, "sku": None}]),
        *([{**ARTICLE, "price": 5.5}], [{**ARTICLE, "quantity": "x"}], [ARTICLE] * 1001, [{**ARTICLE, "sku": ["a"]}]),
        [{"sku": "a", "quantity": 1}],
    ],
    "instant": [
        "1997-07-02T10:00:00",
        "1997-07-02",
        "1997-07-02 10:00:00Z",
        "1997-07-02T10:00:00.1234567Z",
        "1997-07-02T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        5,
    ],
}


@pytest.mark.parametrize("kind", TYPES)
def test_values_of_a_type_are_read_and_all_others_refused(kind: str) -> None:
    fact = shipped_catalogue()[EXAMPLES[kind][0]]
    for raw, value in ACCEPTED[kind]:
        read = typed_value(fact, raw)
        assert (type(read), read) == (type(value), value), raw
    for raw in REFUSED[kind]:
        assert isinstance(typed_value(fact, raw), Finding), raw


def test_a_refusal_says_what_the_type_wants() -> None:
    catalogue = shipped_catalogue()

    def says(fact: str, raw: Any) -> tuple[str, str | None]:
        refused = typed_value(catalogue[fact], raw)
        assert isinstance(refused, Finding)
        return f"{refused.code}: {refused.message}", refused.hint

    assert says("order_value", "4611686018427.387904") == (
        'value_not_of_type: order_value is decimal (a string such as "12.50", below 4,611,686,018,427, '
        "at most 6 digits after the point); found '4611686018427.387904'",
        'for example "77.00"',
    )
    assert says("quantity", 2**53)[0].startswith(
        "value_not_of_type: quantity is integer (a whole number below 2^62; as"
    )
    assert says("order_value", JsonFloat("77.0")) == (
        "float_refused: order_value is 77.0, a number with a point or exponent, which computers store inexactly",
        'write it as a string: "77.0"',
    )
    assert says("quantity", JsonFloat("3.0"))[1] == "an integer has no point and no exponent"
    assert says("is_trial", JsonFloat("1.0"))[0] == "value_not_of_type: is_trial is boolean (true or false); found 1.0"
    assert says("skus", ["x"] * 1001) == (
        "value_not_of_type: skus is text_list (a list of at most 1,000 strings); found a list of 1,001",
        'for example ["CD-4711", "BK-12"]',
    )
    assert says("skus", ["x", 5])[0].startswith("value_not_of_type: a member of skus is text (a string of at most")
    assert says("device_type", "tv") == (
        "not_a_member: device_type is 'tv'",
        "did you mean 'ctv'? one of: ctv, desktop, mobile, tablet, other",
    )


def test_both_spellings_of_a_number_are_one_value() -> None:
    assert check(leaf("discount", "eq", "5.00"))[0] == check(leaf("discount", "eq", 5))[0]
    assert check(leaf("quantity", "in", "1", 2))[0] == check(leaf("quantity", "in", 1, "2"))[0]


@pytest.mark.parametrize("op", [op for op in OPERATORS if OPERATORS[op].arity != 0 and "date" in OPERATORS[op].types])
def test_values_of_another_type_are_refused_member_by_member(op: str) -> None:
    member = "" if OPERATORS[op].arity == 1 else "/0"
    for fact, wrong in (("quantity", "soon"), ("discount", "1.1234567"), ("signup_on", 5)):
        found, codes = check(leaf(fact, op, wrong, wrong, if_missing="match"))
        assert found is None
        assert codes[0] == ("value_not_of_type", "/value" + member)


def test_a_fact_without_an_example_is_refused_without_a_hint() -> None:
    refused = typed_value(Fact("plays", "integer", "how often"), "x")
    assert isinstance(refused, Finding)
    assert refused.hint is None


def test_a_comparison_of_two_facts_knows_its_type() -> None:
    found, codes = check(leaf("signup_on", "lt", {"fact": "local_date"}))
    assert codes == []
    assert found is not None
    assert (found.other_fact, found.expected, found.kind) == ("local_date", (), "date")


@pytest.mark.parametrize(("fact", "other"), [("order_value", "tax"), ("tax", "order_value"), ("tax", "shipping")])
def test_a_negative_comparison_of_two_facts_says_what_absence_means_unless_both_are_required(
    fact: str, other: str
) -> None:
    assert check(leaf(fact, "neq", {"fact": other}))[1] == [("if_missing_required", "")]
    assert check({"not": leaf(fact, "lt", {"fact": other})})[1] == [("if_missing_required", "/not")]
    assert check(leaf(fact, "neq", {"fact": other}, if_missing="no_match"))[1] == []
    assert check(leaf("hour", "neq", {"fact": "month"}))[1] == []
    assert check(leaf("hour", "eq", {"fact": "month"}, if_missing="match"))[1] == [
        ("if_missing_useless", "/if_missing")
    ]


def test_the_member_of_a_list_that_is_wrong_is_pointed_at() -> None:
    refused = typed_value(shipped_catalogue()["fulfilment_methods"], ["pickup", "post"])
    assert isinstance(refused, Finding)
    assert (refused.code, refused.pointer) == ("not_a_member", "/1")


def test_a_defect_in_an_item_is_named_where_it_stands() -> None:
    def says(*items: Any) -> tuple[str, str]:
        refused = typed_value(shipped_catalogue()["items"], list(items))
        assert isinstance(refused, Finding)
        return refused.pointer, refused.message

    assert says(ARTICLE, {**ARTICLE, "price": "x"})[0] == "/1/price"
    assert says({**ARTICLE, "colour": "red"}) == ("/0/colour", "an item of items has no field 'colour'")
    assert says({"sku": "a", "price": "1"}) == ("/0", "an item of items needs quantity")
    assert says(5) == ("/0", "an item of items is an object; found 5")


def test_what_is_said_of_an_item_is_checked_by_its_fields() -> None:
    inner = leaf("category", "neq", "music")
    assert check({"any_item": "items", "where": inner})[1] == [("if_missing_required", "/where")]
    assert check({"any_item": "items", "where": leaf("order_value", "gt", "5")})[1] == [("unknown_fact", "/where/fact")]
    assert check({"any_item": "items", "where": leaf("price", "gt", "x")})[1] == [("value_not_of_type", "/where/value")]
    assert check({"every_item": "items", "where": leaf("price", "gt", "5")})[1] == []
    assert check({"no_item": "items", "where": leaf("price", "gt", "5")})[1] == [("if_missing_required", "")]
    assert check({"no_item": "items", "where": leaf("price", "gt", "5"), "if_missing": "match"})[1] == []
    assert check({"not": {"any_item": "items", "where": leaf("price", "gt", "5")}})[1] == [
        ("if_missing_required", "/not")
    ]
