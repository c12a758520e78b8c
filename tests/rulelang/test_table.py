"""Rules as a table, and that neither table nor sentences read alike for rules that differ."""

from __future__ import annotations

import copy
from collections import defaultdict
from dataclasses import replace
from random import Random
from typing import Any

from app.adapters.fact_files import shipped_catalogue
from app.rulelang.ast import Attribution, Body, Eligibility
from app.rulelang.compiler import normal_form
from app.rulelang.printer import body_lines
from app.rulelang.ruleset import check_rules
from app.rulelang.table import blocks, markdown, table_of
from tests.builders.bodies import places
from tests.builders.random_bodies import USUAL, corpus
from tests.builders.terms import rule_set

BODY = """
hit: first
rules:
  - id: large
    name: Large orders
    when:
      all:
        - {fact: order_value, op: gte, value: "200"}
        - {fact: country, op: in, value: [US, CA]}
        - {any: [{fact: hour, op: lt, value: 9}, {not: {fact: hour, op: lte, value: 17}}]}
    then: {percent: "6", of: order_value}
  - {id: rest, when: {all: [{fact: order_value, op: gt, value: "5"}, {fact: order_value, op: lt, value: "200"}]}, then: {flat: "1"}}
  - {id: gift, when: {fact: coupon_code, op: neq, value: "a|b", if_missing: match}, then: {flat: "0.5"}}
otherwise: {hold: LOOK}
bonuses: [{id: ctv, when: {fact: tax, op: lt, value: {fact: shipping}}, then: {flat: "0.5"}}]
limits: [{id: cap, measure: amount, per: contract, window: month, max: "1500", over: partial}]
"""


def test_a_payout_as_a_table() -> None:
    table = table_of(rule_set("payout", BODY).body)
    assert table.columns == ("rule", "order_value", "country", "coupon_code", "tax", "also", "then")
    assert table.rows == (
        ("large (Large orders)", "≥ 200.00", "in US, CA", "–", "–", "(hour is below 9 or not (hour is at most 17))", "6 % of order_value"),
        ("rest", "> 5.00 and < 200.00", "–", "–", "–", "–", "a flat 1.00"),
        ("gift", "–", "–", '≠ "a|b" (or is missing)', "–", "–", "a flat 0.50"),
        ("several match", "–", "–", "–", "–", "–", "the first of them pays"),
        ("otherwise", "–", "–", "–", "–", "–", "hold as LOOK"),
        ("bonus ctv", "–", "–", "–", "< fact shipping", "–", "add a flat 0.50"),
        ("limit cap", "–", "–", "–", "–", "–", "at most 1500.00 per contract and month; the line that would go beyond is cut to what is left"),
    )  # fmt: skip


def test_a_table_as_markdown_and_rule_by_rule() -> None:
    table = table_of(rule_set("payout", BODY).body)
    lines = markdown(table)
    assert len({len(line) for line in lines}) == 1
    assert '≠ "a\\|b"' in lines[4]
    assert blocks(table)[5:9] == [
        "rest",
        "  order_value  > 5.00 and < 200.00",
        "  then         a flat 1.00",
        "gift",
    ]


def test_the_other_kinds_as_tables() -> None:
    always = {"rules": [{"id": "a", "when": {"always": True}, "then": "accept"}], "otherwise": {"reject": "NO"}}
    assert table_of(rule_set("eligibility", always).body).as_dict() == {
        "columns": ["rule", "then"],
        "rows": [["a", "accept"], ["otherwise", "reject as NO"]],
    }
    assert table_of(rule_set("attribution", {"claims": "refuse"}).body).rows[0][1] == "refused"
    window = table_of(
        rule_set(
            "attribution", "{claims: accept, qualify: [{id: a, when: {fact: touch.age, op: lt, value: P1D}}]}"
        ).body
    )
    assert window.columns == ("rule", "touch.age", "then")
    assert window.rows == (
        ("a", "< P1D", "the touch counts"),
        ("a claim without a qualifying touch", "–", "accepted"),
    )


def meaning(body: Body) -> Any:
    """Return a body with its conditions in normal form, so that those that mean the same are the same."""
    if isinstance(body, Attribution):
        return body.claims, [(rule.id, rule.name, normal_form(rule.when)) for rule in body.qualify]
    rules = [(rule.id, rule.name, normal_form(rule.when), rule.then) for rule in body.rules]
    if isinstance(body, Eligibility):
        return rules, body.otherwise
    hit = body.hit if len(rules) > 1 else "first"
    bonuses = [(rule.id, rule.name, normal_form(rule.when), rule.then) for rule in body.bonuses]
    return replace(body, hit=hit, rules=(), bonuses=()), rules, bonuses


TURNED = [
    ("all", "any"),
    ("any_item", "every_item", "no_item"),
    ("percent", "per_unit", "cpm"),
    ("sum", "least", "greatest"),
    ("reject", "hold"),
    ("min", "max"),
]


def mutated(random: Random, body: Any, pools: dict[Any, list[Any]]) -> Any:
    """Return a body with one part taken out, renamed or replaced by what stands there in other bodies."""
    changed = copy.deepcopy(body)
    path = random.choice(places(changed)[1:])
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    key, drawn = path[-1], random.random()
    group = next((words for words in TURNED if key in words), ())
    if drawn < 0.2:
        del parent[key]
    elif group and drawn < 0.6:
        word = random.choice([word for word in group if word != key])
        parent[word] = parent.pop(key)
    else:
        parent[key] = random.choice(pools[key if isinstance(key, str) else path[-2]])
    return changed


def parts_by_key(bodies: list[Any]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for body in bodies:
        for path in places(body)[1:]:
            part = body
            for key in path:
                part = part[key]
            found[path[-1] if isinstance(path[-1], str) else path[-2]].append(part)
    return found


def test_rules_that_differ_in_one_thing_read_differently() -> None:
    random, bodies, told_apart = Random(7), corpus(7, 400, USUAL), 0
    pools = parts_by_key(bodies)
    for body in bodies * 8:
        other = mutated(random, body, pools)
        one, two = check_rules(body, shipped_catalogue())[0], check_rules(other, shipped_catalogue())[0]
        assert one is not None
        if two is None or meaning(one.body) == meaning(two.body):
            continue
        told_apart += 1
        assert body_lines(one.body) != body_lines(two.body), (body, other)
        assert table_of(one.body) != table_of(two.body), (body, other)
        assert markdown(table_of(one.body)) != markdown(table_of(two.body)), (body, other)
    assert told_apart > 800


def test_no_two_of_many_rules_read_alike() -> None:
    seen: dict[Any, Any] = {}
    for body in corpus(13, 1000):
        rules = check_rules(body, shipped_catalogue())[0]
        assert rules is not None
        meant = meaning(rules.body)
        for text in (tuple(body_lines(rules.body)), table_of(rules.body)):
            assert seen.setdefault((rules.kind, text), meant) == meant
