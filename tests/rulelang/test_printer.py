"""Rules in English, as finance and approvers read them: one golden sentence for everything the language has."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from app.rulelang.ast import Eligibility, Payout
from app.rulelang.operators import OPERATORS
from app.rulelang.printer import (
    body_lines,
    condition_text,
    expectation,
    formula_text,
    limit_text,
    value_text,
    value_words,
)
from tests.builders.conditions import condition, leaf
from tests.builders.terms import data, rule_set

STEPS = 'steps: [{up_to: "10", unit: "5", flat: "2"}, {up_to: "20.5", unit: "0", flat: "9"}, {up_to: null, unit: "4"}]'
FINGERPRINT = sha256(b'["S0","S1","S2","S3","S4","S5","S6","S7","S8","S9","S10","S11"]').hexdigest()


@pytest.mark.parametrize(
    ("short", "sentence"),
    [
        (
            {"any_item": "items", "where": {"all": [["category", "eq", "music"], ["price", "gte", "5"]]}},
            "any item of items has (category is music and price is at least 5.00)",
        ),
        (
            {"every_item": "items", "where": ["quantity", "gt", 1], "if_missing": "match"},
            "every item of items has (quantity is above 1) (or it is missing)",
        ),
        (
            {"no_item": "items", "where": ["on_sale", "eq", True, "no_match"], "if_missing": "no_match"},
            "no item of items has (on_sale is true) (and it is there)",
        ),
    ],
)
def test_what_is_said_of_items(short: Any, sentence: str) -> None:
    assert condition_text(condition(short)) == sentence


def test_no_two_lists_of_items_read_alike() -> None:
    one = ({"sku": "a", "price": Decimal("5.0")}, {"sku": "b"})
    assert value_text(one) == '[{"price": "5.00", "sku": "a"}, {"sku": "b"}]'
    assert value_text(tuple(reversed(one))) != value_text(one)
    assert value_text(({"sku": 'a", "sku": "b'},)) != value_text(({"sku": "a"}, {"sku": "b"}))


@pytest.mark.parametrize(
    ("short", "sentence", "expected"),
    [
        (["country", "eq", "US"], "country is US", "= US"),
        (["country", "neq", "US", "match"], "country is not US (or is missing)", "≠ US"),
        (["country", "neq", "US", "no_match"], "country is not US (and is there)", "≠ US"),
        (["order_value", "lt", "5"], "order_value is below 5.00", "< 5.00"),
        (["order_value", "lte", "5.5"], "order_value is at most 5.50", "≤ 5.50"),
        (["order_value", "gt", "0.125"], "order_value is above 0.125", "> 0.125"),
        (["quantity", "gte", 3], "quantity is at least 3", "≥ 3"),
        (["hour", "between", [9, 17]], "hour is between 9 and 17", "between 9 and 17"),
        (["country", "in", ["US", "CA"]], "country is one of US, CA", "in US, CA"),
        (["country", "in", ["US"], "match"], "country is one of US (or is missing)", "in US"),
        (
            ["country", "not_in", ["US", "CA"], "no_match"],
            "country is none of US, CA (and is there)",
            "not in US, CA",
        ),
        (["coupon_code", "exists"], "coupon_code is there", "is there"),
        (["coupon_code", "missing"], "coupon_code is missing", "is missing"),
        (["is_trial", "eq", False, "no_match"], "is_trial is false", "= false"),
        (
            ["signup_on", "lte", "1997-07-02", "match"],
            "signup_on is not after 1997-07-02 (or is missing)",
            "≤ 1997-07-02",
        ),
        (["signup_on", "gt", "1997-07-02"], "signup_on is after 1997-07-02", "> 1997-07-02"),
        (["signup_on", "gte", "1997-07-02"], "signup_on is not before 1997-07-02", "≥ 1997-07-02"),
        (
            ["first_seen_at", "lt", "1997-07-02T10:00:00-04:00"],
            "first_seen_at is before 1997-07-02T14:00:00Z",
            "< 1997-07-02T14:00:00Z",
        ),
        (["sku", "starts_with", "CD-"], "sku starts with CD-", "starts with CD-"),
        (["sku", "contains", "a b"], 'sku contains "a b"', 'contains "a b"'),
        (["skus", "contains", "A", "match"], "skus contains A (or is missing)", "contains A"),
        (["skus", "contains_any", ["A", "B"]], "skus contains one of A, B", "contains one of A, B"),
        (["skus", "contains_all", ["A", "B"]], "skus contains all of A, B", "contains all of A, B"),
        (["skus", "is_empty", None, "match"], "skus is empty (or is missing)", "is empty"),
        (["session_length", "lt", "PT90M"], "session_length is shorter than PT1H30M", "< PT1H30M"),
        (["session_length", "gte", "P1W"], "session_length is at least P7D", "≥ P7D"),
        (
            ["tax", "neq", {"fact": "shipping"}, "no_match"],
            "tax is not the fact shipping (and both are there)",
            "≠ fact shipping (absent)",
        ),
        (
            ["signup_on", "lt", {"fact": "local_date"}],
            "signup_on is before the fact local_date",
            "< fact local_date (absent)",
        ),
        (["tax", "lt", {"fact": "shipping"}], "tax is below the fact shipping", "< fact shipping (absent)"),
        (
            ["country", "neq", {"fact": "region"}, "match"],
            "country is not the fact region (or either is missing)",
            "≠ fact region (absent)",
        ),
        (["coupon_code", "eq", ""], 'coupon_code is ""', '= ""'),
        (["coupon_code", "in", ["A, B", "absent"]], 'coupon_code is one of "A, B", "absent"', 'in "A, B", "absent"'),
        (
            ["sku", "in", [f"S{n}" for n in range(12)]],
            f"sku is one of S0, S1, S2, S3, S4, S5, S6, S7, S8, S9 … (12 in all, fingerprint {FINGERPRINT[:8]})",
            "in S0, S1, S2, S3, S4, S5, S6, S7, S8, S9 … (12 in all)",
        ),
    ],
)
def test_a_comparison(short: list[Any], sentence: str, expected: str) -> None:
    assert condition_text(condition(short)) == sentence
    assert expectation(leaf(*short), {}) == expected


def test_no_two_lists_of_values_read_alike() -> None:
    texts = [["a, b"], ["a", "b"], ['a", "b'], ["a", 'b"'], [f"S{n}" for n in range(11)], [*"0123456789", "x"]]
    texts += [[*texts[-1][:-1], "y"], ["\\"], ["\\\\"], ['"'], ['"'], [""], ["absent"]]
    distinct = [list(members) for members in dict.fromkeys(map(tuple, texts))]
    assert len({condition_text(leaf("sku", "in", members)) for members in distinct}) == len(distinct)


def test_every_operator_has_a_sentence_above() -> None:
    assert len({operator.words for operator in OPERATORS.values()}) == len(OPERATORS)


@pytest.mark.parametrize(
    ("short", "sentence"),
    [
        ({"always": True}, "always"),
        ({"not": ["hour", "eq", 3]}, "not (hour is 3)"),
        ({"all": [["hour", "eq", 3], ["month", "eq", 7]]}, "hour is 3 and month is 7"),
        ({"any": [["hour", "eq", 3], ["month", "eq", 7]]}, "hour is 3 or month is 7"),
        (
            {
                "all": [
                    ["hour", "eq", 3],
                    {"any": [["month", "eq", 7], {"not": {"all": [["month", "eq", 8], ["hour", "eq", 1]]}}]},
                ]
            },
            "hour is 3 and (month is 7 or not (month is 8 and hour is 1))",
        ),
    ],
)
def test_a_group_is_unambiguous(short: Any, sentence: str) -> None:
    assert condition_text(condition(short)) == sentence


def tiers(by: str, window: str, rate: str = "per_unit", mode: str = "graduated", steps: str = STEPS) -> str:
    return f"{{tiers: {{mode: {mode}, by: {by}, window: {window}, rate: {rate}, {steps}}}}}"


ONE = 'steps: [{up_to: null, unit: "5"}]'


@pytest.mark.parametrize(
    ("formula", "phrase"),
    [
        ('{flat: "5"}', "a flat 5.00"),
        ('{flat: "0.125"}', "a flat 0.125"),
        ('{percent: "2.50", of: order_value}', "2.5 % of order_value"),
        ('{per_unit: "0.1", of: quantity}', "0.10 per unit of quantity"),
        ('{cpm: "12", of: quantity}', "12.00 per thousand of quantity"),
        ("{amount: shipping}", "the amount of shipping"),
        (
            '{package: {size: "10", amount: "100", free: "200"}, of: quantity}',
            "100.00 per begun package of 10 in quantity after 200 free",
        ),
        (
            '{package: {size: "0.5", amount: "1", round: down}, of: quantity}',
            "1.00 per full package of 0.5 in quantity",
        ),
        ('{sum: [{flat: "1"}, {percent: "3", of: tax}]}', "a flat 1.00 plus 3 % of tax"),
        ('{least: [{flat: "1"}, {percent: "3", of: tax}]}', "the least of a flat 1.00, 3 % of tax"),
        ('{greatest: [{flat: "1"}, {amount: tax}]}', "the greatest of a flat 1.00, the amount of tax"),
        ('{clamp: {percent: "8", of: order_value}, max: "15"}', "8 % of order_value, at most 15.00"),
        ('{clamp: {percent: "8", of: order_value}, min: "1"}', "8 % of order_value, at least 1.00"),
        (
            '{clamp: {sum: [{flat: "1"}, {amount: tax}]}, min: "1", max: "15"}',
            "(a flat 1.00 plus the amount of tax), at least 1.00 and at most 15.00",
        ),
        (
            '{least: [{greatest: [{flat: "1"}, {amount: tax}]}, {flat: "9"}]}',
            "the least of (the greatest of a flat 1.00, the amount of tax), a flat 9.00",
        ),
        (
            tiers("{count: true}", "month"),
            "graduated by conversions of a month: 5.00 each and 2.00 once up to 10, 9.00 once up to 20.5, 4.00 each beyond",
        ),
        (
            tiers("{sum: order_value}", "event", "percent", "volume"),
            "volume by order_value: 5 % and 2.00 once up to 10, 9.00 once up to 20.5, 4 % beyond",
        ),
        (
            tiers("{sum: quantity}", "event", steps=ONE + ", flat_at_zero: true"),
            "graduated by quantity: 5.00 each for all; the first step counts for zero too",
        ),
        (
            tiers("{sum: quantity}", "month", steps=ONE + ", crossing: whole_at_old"),
            "graduated by quantity of a month: 5.00 each for all; what crosses is paid whole at the step it begins in",
        ),
        (
            "{per_item: items, where: {fact: category, op: eq, value: music}, times: quantity, then: {percent: '5', of: price}}",
            "5 % of price, quantity times, for each item of items with (category is music)",
        ),
        (
            "{sum: [{per_item: items, then: {flat: '1'}}, {flat: '2'}]}",
            "(a flat 1.00 for each item of items) plus a flat 2.00",
        ),
    ],
)
def test_a_formula(formula: str, phrase: str) -> None:
    body = rule_set("payout", {"rules": [], "otherwise": data(formula)}).body
    assert isinstance(body, Payout)
    assert formula_text(body.otherwise) == phrase  # type: ignore[arg-type]


def test_a_payout_is_one_sentence_a_line() -> None:
    body = rule_set(
        "payout",
        """
        hit: unique
        rules:
          - {id: first, name: First orders, when: {fact: customer_order_number, op: eq, value: 1}, then: {flat: "5"}}
          - {id: big, when: {fact: order_value, op: gt, value: "100"}, then: {percent: "5", of: order_value}}
        otherwise: {hold: LOOK}
        bonuses: [{id: ctv, when: {fact: device_type, op: eq, value: ctv}, then: {flat: "0.5"}}]
        limits: [{id: cap, measure: amount, per: contract, window: month, max: "1500", over: partial}]
        """,
    ).body
    assert body_lines(body) == [
        "first (First orders): pay a flat 5.00 when customer_order_number is 1",
        "big: pay 5 % of order_value when order_value is above 100.00",
        "where several match, payment is held",
        "otherwise: hold as LOOK",
        "bonus ctv: add a flat 0.50 when device_type is ctv",
        "limit cap: at most 1500.00 per contract and month; the line that would go beyond is cut to what is left",
    ]


CUT = "the line that would go beyond is cut to what is left"


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("measure: amount, per: contract, window: contract_year, max: '5', over: partial", f"at most 5.00 per contract and contract year; {CUT}"),
        ("measure: amount, per: contract, window: contract, max: '5', over: partial", f"at most 5.00 per contract in all; {CUT}"),
        ("measure: amount, per: contract, window: event, max: '5', over: partial", f"at most 5.00 per conversion; {CUT}"),
        ("measure: amount, per: partner, window: day, max: '5', over: hold", "at most 5.00 per partner and day, over all its contracts in this currency; a conversion that would go beyond is held"),
        ("measure: count, per: customer, window: week, max: '1', over: reject", "at most 1 paid conversion per customer and week; a conversion that would go beyond is ineligible"),
        ("measure: count, per: customer, window: contract, max: '2', over: zero", "at most 2 paid conversions per customer in all; a conversion that would go beyond pays nothing"),
        ("measure: count, per: contract, window: month, max: '9', over: {fallback: {percent: '1', of: tax}}", "at most 9 paid conversions per contract and month; what would go beyond is paid 1 % of tax instead"),
    ],
)  # fmt: skip
def test_a_limit(limit: str, words: str) -> None:
    body = rule_set("payout", f"{{limits: [{{id: cap, {limit}}}]}}").body
    assert isinstance(body, Payout)
    assert limit_text(body.limits[0]) == words


@pytest.mark.parametrize(
    ("hit", "line"),
    [("first", "where several match, the first of them pays"), ("sum", "where several match, each of them pays")],
)
def test_what_several_hits_mean_is_said_when_there_can_be_several(hit: str, line: str) -> None:
    rule = {"when": {"always": True}, "then": {"flat": "1"}}
    two = rule_set("payout", {"hit": hit, "rules": [{"id": "a", **rule}, {"id": "b", **rule}]}).body
    one = rule_set("payout", {"hit": hit, "rules": [{"id": "a", **rule}]}).body
    assert body_lines(two)[2:] == [line, "otherwise: pay a flat 0.00"]
    assert body_lines(one)[1:] == ["otherwise: pay a flat 0.00"]


def test_eligibility_and_attribution() -> None:
    body = rule_set(
        "eligibility",
        """
        rules:
          - {id: minimum, name: At least five, when: {fact: order_value, op: gte, value: "5"}, then: accept}
          - {id: trial, when: {fact: is_trial, op: eq, value: true}, then: {hold: TRIAL}}
        otherwise: {reject: BELOW_MINIMUM}
        """,
    ).body
    assert isinstance(body, Eligibility)
    assert body_lines(body) == [
        "minimum (At least five): accept when order_value is at least 5.00",
        "trial: hold as TRIAL when is_trial is true",
        "otherwise: reject as BELOW_MINIMUM",
    ]
    accepted, refused = (rule_set("attribution", {"claims": word}).body for word in ("accept", "refuse"))
    assert body_lines(accepted) == ["a claim without a qualifying touch is accepted"]
    assert body_lines(refused) == ["a claim without a qualifying touch is refused"]
    window = "{claims: refuse, qualify: [{id: view, name: A day, when: {fact: touch.age, op: lt, value: P1D}}]}"
    assert body_lines(rule_set("attribution", window).body) == [
        "view (A day): a touch counts when touch.age is shorter than P1D",
        "a claim without a qualifying touch is refused",
    ]


@pytest.mark.parametrize(
    ("value", "record", "words"),
    [
        (None, "absent", "absent"),
        (True, "true", "true"),
        (5, "5", "5"),
        (Decimal("5"), "5.00", "5.00"),
        (Decimal("-0.1250"), "-0.125", "-0.125"),
        (Decimal("1E+3"), "1000.00", "1000.00"),
        (date(1997, 7, 2), "1997-07-02", "1997-07-02"),
        (datetime(1997, 7, 2, 14, 0, 0, 5, tzinfo=UTC), "1997-07-02T14:00:00.000005Z", "1997-07-02T14:00:00.000005Z"),
        ("US-NY", "US-NY", "US-NY"),
        ("日本", "日本", "日本"),
        ("", "", '""'),
        ("two words", "two words", '"two words"'),
        ("absent", "absent", '"absent"'),
        ((), "[]", "[]"),
        (("a", "b"), '["a", "b"]', '["a", "b"]'),
        (("a, b",), '["a, b"]', '["a, b"]'),
        (('a", "b',), r'["a\", \"b"]', r'["a\", \"b"]'),
        (("é",), '["é"]', '["é"]'),
        (
            tuple("abcdefghijk"),
            '["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]',
            '["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", … (11 in all)]',
        ),
    ],
)
def test_values_as_records_keep_them_and_as_sentences_say_them(value: Any, record: str, words: str) -> None:
    assert value_text(value) == record
    assert value_words(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("US\u202e)", '"US\\u202e)"'),
        ("\ufeffx", '"\\ufeffx"'),
        ("a\u00a0b", '"a\\u00a0b"'),
        (("a\u2028", "é日"), '["a\\u2028", "é日"]'),
    ],
)
def test_characters_that_cannot_be_seen_are_written_out(value: Any, words: str) -> None:
    """Those that turn round the order of reading would make a rule read as another one than it is."""
    assert value_words(value) == words
