"""Values that do not stand in the rule: parameters of the contract version, and named lists."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.core.errors import Finding
from app.core.json_text import JsonFloat
from app.rulelang.ast import Eligibility, Leaf, Source
from app.rulelang.bindings import MAX_MEMBERS, Bindings, NamedList, member_texts, read_list
from app.rulelang.facts import Catalogue
from app.rulelang.printer import body_lines
from app.rulelang.ruleset import RuleSet, check_rules

WHEN = "/rules/0/when"


def named(name: str, type_: str, *members: Any) -> NamedList:
    found = read_list(name, type_, list(members))
    assert isinstance(found, NamedList), found
    return found


def check(when: Any, lists: tuple[NamedList, ...] = (), **params: Any) -> tuple[RuleSet | None, list[Finding]]:
    body = {"kind": "eligibility", "rules": [{"id": "a", "when": when, "then": "accept"}], "otherwise": "accept"}
    bindings = Bindings(params, {each.name: each for each in lists})
    return check_rules(body, shipped_catalogue(), bindings=bindings)


def leaf_of(found: tuple[RuleSet | None, list[Finding]]) -> Leaf:
    rules, findings = found
    assert rules is not None, findings
    assert isinstance(rules.body, Eligibility)
    leaf = rules.body.rules[0].when
    assert isinstance(leaf, Leaf)
    return leaf


def defect(found: tuple[RuleSet | None, list[Finding]]) -> tuple[str, str, str]:
    rules, (finding,) = found
    assert rules is None
    return finding.code, finding.pointer, finding.message


# -------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("when", "given", "expected"),
    [
        ({"fact": "order_value", "op": "gte"}, "12.50", (Decimal("12.50"),)),
        ({"fact": "country", "op": "eq"}, "US", ("US",)),
        ({"fact": "country", "op": "in"}, ["US", "CA"], ("US", "CA")),
        ({"fact": "hour", "op": "between"}, [9, 17], (9, 17)),
        ({"fact": "skus", "op": "contains_all"}, ["A"], ("A",)),
        ({"fact": "signup_on", "op": "lt"}, "2024-02-29", (date(2024, 2, 29),)),
        ({"fact": "is_trial", "op": "eq"}, False, (False,)),
    ],
)
def test_a_parameter_is_typed_like_a_value_that_stands_in_the_rule(when: Any, given: Any, expected: Any) -> None:
    leaf = leaf_of(check({**when, "value": {"param": "p"}}, p=given))
    assert leaf.expected == expected
    assert leaf.source == Source("param", "p")
    assert leaf.expected == leaf_of(check({**when, "value": given})).expected


def test_a_parameter_that_does_not_fit_is_named() -> None:
    at = WHEN + "/value/param"
    minimum = {"fact": "order_value", "op": "gte", "value": {"param": "minimum"}}
    assert defect(check(minimum, minimum="x"))[:2] == ("value_not_of_type", at)
    assert defect(check(minimum, minimum=JsonFloat("5.0")))[:2] == ("float_refused", at)
    assert defect(check(minimum, minimum=["5"]))[:2] == ("value_not_of_type", at)
    countries = {"fact": "country", "op": "in", "value": {"param": "countries"}}
    assert defect(check(countries, countries="US")) == (
        "wrong_type",
        at,
        "in wants a list of 1 to 10,000; the parameter 'countries' is 'US'",
    )
    assert defect(check(countries, countries=[]))[2].endswith("is a list of 0")
    assert defect(check(countries, countries=["US", 5]))[:2] == ("value_not_of_type", at)
    hours = {"fact": "hour", "op": "between", "value": {"param": "hours"}}
    assert defect(check(hours, hours=[1]))[2] == "between wants a list of 2; the parameter 'hours' is a list of 1"
    assert defect(check(hours, hours=[5, 1])) == ("empty_range", at, "5 is above 1, so this is never true")


def test_a_misspelt_parameter_gets_a_hint() -> None:
    _, (finding,) = check({"fact": "order_value", "op": "gte", "value": {"param": "minimun"}}, minimum="5")
    assert (finding.code, finding.hint) == ("unknown_param", "did you mean 'minimum'?")


def test_a_rule_says_where_its_values_come_from() -> None:
    lists = (named("vip", "text", "A", "B"),)
    when = {
        "all": [
            {"fact": "order_value", "op": "gte", "value": {"param": "minimum"}},
            {"fact": "coupon_code", "op": "not_in", "value": {"list": "vip"}, "if_missing": "match"},
        ]
    }
    rules, _ = check(when, lists, minimum="5")
    assert rules is not None
    assert body_lines(rules.body)[0] == (
        "a: accept when order_value is at least 5.00 (parameter minimum) and "
        "coupon_code is none of A, B (list vip) (or is missing)"
    )
    assert rules.sources == {Source("param", "minimum"), Source("list", "vip")}


# ------------------------------------------------------------------- lists


def test_a_list_is_its_values_each_once_whatever_the_order() -> None:
    assert named("l", "text", "b", "a", "b", "e\u0301").members == ("a", "b", "é")
    assert named("l", "decimal", "2", "1.50", "1.5").members == (Decimal("1.5"), Decimal(2))
    assert named("l", "text", "b", "a").hash == named("other", "text", "a", "b", "a").hash
    assert named("l", "text", "1").hash != named("l", "integer", 1).hash
    assert named("l", "text", "a", "b").hash != named("l", "text", "a, b").hash


@pytest.mark.parametrize(
    ("type_", "members"),
    [
        ("text", ["a", ""]),
        ("integer", [-5, "9007199254740993"]),
        ("decimal", ["0.000001", "-4611686018427.387903"]),
        ("date", ["2024-02-29"]),
    ],
)
def test_what_is_kept_of_a_list_reads_as_the_same_list(type_: str, members: list[Any]) -> None:
    found = named("l", type_, *members)
    assert named("l", type_, *member_texts(found)) == found


def test_a_list_holds_up_to_ten_thousand() -> None:
    assert len(named("l", "integer", *range(MAX_MEMBERS)).members) == MAX_MEMBERS
    for members in (list(range(MAX_MEMBERS + 1)), [], "abc", None, {"a": 1}):
        found = read_list("l", "integer", members)
        assert isinstance(found, list)
        assert found[0].pointer == "/members"
        assert "1 to 10,000 members" in found[0].message


def test_every_member_that_does_not_fit_is_named() -> None:
    found = read_list("l", "date", ["2024-02-29", "2024-02-30", 5])
    assert isinstance(found, list)
    assert [(each.code, each.pointer) for each in found] == [
        ("value_not_of_type", "/members/1"),
        ("value_not_of_type", "/members/2"),
    ]
    (wrong,) = read_list("l", "txt", ["a"])  # type: ignore[misc]
    assert (wrong.pointer, wrong.hint) == ("/type", "did you mean 'text'?")


@pytest.mark.parametrize(
    ("fact", "op", "list_type", "members"),
    [
        ("country", "in", "text", ["US"]),
        ("device_type", "in", "text", ["ctv", "mobile"]),
        ("skus", "contains_any", "text", ["A"]),
        ("fulfilment_methods", "contains_all", "text", ["pickup"]),
        ("quantity", "in", "integer", [1]),
        ("order_value", "not_in", "decimal", ["9.99"]),
        ("signup_on", "in", "date", ["2024-12-24"]),
    ],
)
def test_a_list_fits_facts_of_its_type(fact: str, op: str, list_type: str, members: list[Any]) -> None:
    given = named("l", list_type, *members)
    negative = {"if_missing": "match"} if op == "not_in" and fact != "order_value" else {}
    assert (
        leaf_of(check({"fact": fact, "op": op, "value": {"list": "l"}, **negative}, (given,))).expected == given.members
    )


def test_a_list_of_another_type_is_refused() -> None:
    at = WHEN + "/value/list"
    texts = (named("l", "text", "US", "5"),)
    assert defect(check({"fact": "quantity", "op": "in", "value": {"list": "l"}}, texts)) == (
        "list_not_for_fact",
        at,
        "the list 'l' holds text; quantity is integer",
    )
    assert defect(check({"fact": "device_type", "op": "in", "value": {"list": "l"}}, texts)) == (
        "not_a_member",
        at,
        "the list 'l' holds '5', which device_type never is",
    )


# --------------------------------------------------------------- the key


def test_rules_with_other_values_or_types_have_another_key_and_the_same_hash() -> None:
    when = {
        "all": [
            {"fact": "country", "op": "in", "value": {"list": "l"}},
            {"fact": "tax", "op": "gt", "value": {"param": "p"}},
        ]
    }
    one, more = named("l", "text", "US"), named("l", "text", "US", "CA")
    found = [check(when, (one,), p="5")[0], check(when, (more,), p="5")[0], check(when, (one,), p="6")[0]]
    assert len({rules.key for rules in found if rules}) == 3
    assert len({rules.hash for rules in found if rules}) == 1
    assert check(when, (one,), p="5", q="unused")[0] == found[0]
    wide = Catalogue(
        {fact.name: replace(fact, type="text") if fact.name == "sku" else fact for fact in shipped_catalogue()}
    )
    enum = Catalogue(
        {fact.name: replace(fact, type="enum", values=("5",)) if fact.name == "sku" else fact for fact in wide}
    )
    body = {
        "kind": "eligibility",
        "otherwise": "accept",
        "rules": [{"id": "a", "then": "accept", "when": {"fact": "sku", "op": "eq", "value": "5"}}],
    }
    as_text, as_enum = check_rules(body, wide)[0], check_rules(body, enum)[0]
    assert as_text is not None
    assert as_enum is not None
    assert (as_text.key == as_enum.key, as_text.hash == as_enum.hash) == (False, True)


def test_a_list_that_is_named_in_too_many_places_is_refused() -> None:
    """A body of 20 KB would stand for two million members, which an engine holds each by itself."""
    vips = named("vips", "text", *(f"v{n}" for n in range(MAX_MEMBERS)))
    raw = [f"v{n}" for n in range(MAX_MEMBERS)]
    for value in ({"list": "vips"}, {"param": "raw"}):
        leaf = {"fact": "coupon_code", "op": "in", "value": value}
        for places, codes in ((100, []), (101, ["too_many_members"]), (200, ["too_many_members"])):
            rules = [{"id": f"r{n}", "when": leaf, "then": "accept"} for n in range(places)]
            body = {"kind": "eligibility", "rules": rules, "otherwise": "accept"}
            _, found = check_rules(body, shipped_catalogue(), bindings=Bindings({"raw": raw}, {"vips": vips}))
            assert [(finding.code, finding.pointer[:10]) for finding in found] == [
                (code, "/rules/100") for code in codes
            ]


def test_a_parameter_that_is_named_often_is_read_once() -> None:
    leaf = {"fact": "order_value", "op": "in", "value": {"param": "raw"}}
    raw = [*map(str, range(MAX_MEMBERS - 1)), "x"]
    start = time.process_time()
    _, found = check({"any": [leaf] * 50}, raw=raw)
    assert time.process_time() - start < 0.3  # read each time it takes a second
    assert [finding.pointer for finding in found] == [f"{WHEN}/any/{n}/value/param" for n in range(50)]


def test_of_a_list_that_is_all_wrong_the_first_hundred_defects_are_named() -> None:
    found = read_list("l", "date", ["x"] * 10_000)
    assert isinstance(found, list)
    assert [each.pointer for each in found[:100]] == [f"/members/{at}" for at in range(100)]
    (last,) = found[100:]
    assert (last.code, last.pointer) == ("too_many_findings", "/members/100")
    exactly = read_list("l", "date", ["x"] * 100 + ["2024-02-29"] * 5)
    assert isinstance(exactly, list)
    assert {each.code for each in exactly} == {"value_not_of_type"}
