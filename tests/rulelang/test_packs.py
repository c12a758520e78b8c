"""Packs: what is wrong with one, and what filling it gives or refuses."""

from __future__ import annotations

from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.adapters.pack_files import pack_names, shipped_pack
from app.core.errors import Finding
from app.rulelang.ast import KINDS
from app.rulelang.bindings import Bindings, params_named
from app.rulelang.diagnostics import Findings
from app.rulelang.packs import Filled, Pack, filled, in_words, read_pack, value_of_text
from app.rulelang.ruleset import check_rules
from tests.builders.terms import data

PACK = """
title: A share of the order
description: Pays a share of each order with a code.
parameters:
  codes: {type: text_list, meaning: the codes that pay, example: [A, B]}
  rate: {type: percent, meaning: the share, example: "5", min: "0", max: "50"}
  minimum: {type: money, meaning: the least order value, example: "9.50", default: "10.00"}
  orders: {type: integer, meaning: how many orders are in the first tier, example: 3, default: 3, min: "1"}
  last_day: {type: date, meaning: the last day that pays, example: "2026-12-31", default: "2026-12-31"}
rules:
  eligibility:
    rules:
      - {id: code, when: {fact: coupon_code, op: in, value: {param: codes}}, then: accept}
      - {id: minimum, when: {fact: order_value, op: lt, value: {param: minimum}}, then: {reject: LOW}}
      - {id: late, when: {fact: local_date, op: gt, value: {param: last_day}}, then: {reject: LATE}}
    otherwise: {reject: NO_CODE}
  attribution: {claims: accept}
  payout:
    on: conversion
    hit: first
    rules:
      - id: tiers
        when: {fact: country, op: eq, value: US}
        then:
          tiers:
            {mode: graduated, by: {count: true}, window: month, rate: per_unit,
             steps: [{up_to: {param: orders}, unit: {param: minimum}}, {up_to: null, unit: "1"}]}
    otherwise: {percent: {param: rate}, of: order_value}
"""


def read(text: str = PACK) -> tuple[Pack | None, list[Finding]]:
    findings = Findings()
    return read_pack("share", data(text), shipped_catalogue(), findings), findings.all


def pack(text: str = PACK) -> Pack:
    found, findings = read(text)
    assert found is not None, findings
    return found


def fill(**values: Any) -> Filled:
    found = filled(pack(), {"codes": ["A"], "rate": "5", **values})
    assert isinstance(found, Filled), found
    return found


def refused(**values: Any) -> dict[str, Finding]:
    found = filled(pack(), values)
    assert isinstance(found, list)
    return {finding.pointer: finding for finding in found}


def test_conditions_keep_their_parameters_and_formulas_get_the_values() -> None:
    found = fill(rate="2.5", minimum="12", orders=100)
    rules = found.rules["eligibility"]["rules"]
    assert [rule["when"]["value"] for rule in rules] == [
        {"param": "codes"},
        {"param": "minimum"},
        {"param": "last_day"},
    ]
    assert found.params == {"codes": ["A"], "minimum": "12", "last_day": "2026-12-31"}
    payout = found.rules["payout"]
    assert payout["otherwise"] == {"percent": "2.5", "of": "order_value"}
    assert payout["rules"][0]["then"]["tiers"]["steps"][0] == {"up_to": "100", "unit": "12"}
    assert params_named(payout) == frozenset()


def test_what_is_filled_is_plain_rules_without_findings() -> None:
    found = fill()
    for kind, body in found.rules.items():
        assert check_rules(body, shipped_catalogue(), bindings=Bindings(found.params))[1] == []
        assert body["kind"] == kind


def test_filling_leaves_the_pack_as_it_was() -> None:
    one = pack()
    assert filled(one, {"codes": ["A"], "rate": "5"}) != filled(one, {"codes": ["A"], "rate": "6"})
    assert one == pack()


def test_everything_wrong_with_the_values_is_said_at_once() -> None:
    found = refused(rat="5", codes=[], minimum="ten", orders=0, last_day="31.12.2026")
    assert {at: finding.code for at, finding in found.items()} == {
        "/rat": "unknown_param",
        "/codes": "empty_group",
        "/rate": "missing_key",
        "/minimum": "value_not_of_type",
        "/orders": "out_of_range",
        "/last_day": "value_not_of_type",
    }
    assert found["/rat"].hint == "did you mean 'rate'?"
    assert found["/rate"].message == "rate is needed: the share"
    assert found["/rate"].hint == "for example 5"
    assert found["/orders"].message == "orders is at least 1; found 0"
    assert found["/last_day"].hint == "for example 2026-12-31"


@pytest.mark.parametrize(("rate", "is_refused"), [("50", False), ("50.000001", True), ("0", False), ("-0.01", True)])
def test_the_ends_of_a_range_are_in_it(rate: str, is_refused: bool) -> None:
    found = filled(pack(), {"codes": ["A"], "rate": rate})
    assert isinstance(found, list) is is_refused


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("codes", "A, B", ["A", "B"]), ("orders", "250", 250), ("rate", "0.000001", "0.000001"), ("minimum", "7", "7")],
)
def test_what_is_typed_becomes_a_value_of_the_type(name: str, text: str, value: Any) -> None:
    one = pack()
    typed = {"codes": ["A"], "rate": "5", name: value_of_text(one.parameters[name], text)}
    assert filled(one, typed) == filled(one, {**typed, name: value})
    assert isinstance(filled(one, typed), Filled)


@pytest.mark.parametrize(
    ("old", "new", "pointer", "code"),
    [
        ("title:", "titel:", "/titel", "unknown_key"),
        ("type: percent", "type: percentage", "/parameters/rate/type", "unknown_choice"),
        ('example: "5", ', "", "/parameters/rate", "missing_key"),
        ('example: "5"', "example: five", "/parameters/rate/example", "value_not_of_type"),
        ('example: "5"', 'example: "51"', "/parameters/rate/example", "out_of_range"),
        ("default: 3", "default: 0", "/parameters/orders/default", "out_of_range"),
        ('max: "50"', "max: 50", "/parameters/rate/max", "wrong_type"),
        ("meaning: the share", "meaning: ", "/parameters/rate/meaning", "wrong_type"),
        ("{param: rate}", '"5"', "/parameters/rate", "unknown_param"),
        ("{param: rate}", "{param: rates}", "/rules", "unknown_param"),
        ("  attribution: {claims: accept}\n", "", "/rules", "missing_key"),
    ],
)
def test_a_pack_that_is_wrong_says_where(old: str, new: str, pointer: str, code: str) -> None:
    assert PACK.count(old) == 1
    found, findings = read(PACK.replace(old, new))
    assert found is None
    assert (pointer, code) in [(finding.pointer, finding.code) for finding in findings]


def test_lists_and_facts_that_a_pack_needs_are_read_with_it() -> None:
    more = """
lists: {vip: {type: text, meaning: the best, example: [GOLD]}}
facts: {impressions: {type: integer, meaning: how often it was shown}}
"""
    one = pack(PACK + more)
    assert one.lists["vip"].members == ("GOLD",)
    assert one.catalogue["impressions"].type == "integer"
    _, findings = read(PACK + more.replace("[GOLD]", "[]").replace("integer", "whole"))
    assert [finding.pointer for finding in findings] == ["/facts/impressions/type", "/lists/vip/members"]


@pytest.mark.parametrize("name", pack_names())
class TestShipped:
    """Each pack that is shipped."""

    def test_examples_and_defaults_give_rules_without_findings(self, name: str) -> None:
        one = shipped_pack(name)
        for values in (one.examples, {each.name: each.example for each in one.parameters.values()}):
            found = filled(one, values)
            assert isinstance(found, Filled), found
            for body in found.rules.values():
                assert check_rules(body, one.catalogue, bindings=Bindings(found.params, one.lists))[1] == []
            assert list(in_words(found, one.catalogue, one.lists)) == list(KINDS)

    def test_what_is_negotiated_has_no_default(self, name: str) -> None:
        """Nobody should pay a rate that nobody agreed on."""
        payout = params_named(shipped_pack(name).rules["payout"]["otherwise"])
        rates = [each for each in shipped_pack(name).parameters.values() if each.name in payout]
        assert rates
        assert [each.name for each in rates if each.default is not None and each.type != "integer"] == []

    def test_no_number_is_without_a_lower_end(self, name: str) -> None:
        numbers = [one for one in shipped_pack(name).parameters.values() if one.type in ("money", "percent", "integer")]
        assert [one.name for one in numbers if one.min is None] == []


def test_all_archetypes_are_there() -> None:
    assert pack_names() == [
        "affiliate_cpa_tiers",
        "coupon_partner",
        "ctv_publisher_cpm",
        "influencer",
        "loyalty_cashback",
    ]
