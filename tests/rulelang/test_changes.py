"""What changed between two bodies: the sentences finance reads, and data from which the new body can be made."""

from __future__ import annotations

import copy
import json
from collections import Counter
from decimal import Decimal
from itertools import combinations, pairwise, permutations
from random import Random
from typing import Any

import pytest

from app.rulelang.ast import Body, Limit
from app.rulelang.bindings import Bindings, read_list
from app.rulelang.change import Change
from app.rulelang.changes import body_changes, loosened_limits
from app.rulelang.facts import Catalogue
from app.rulelang.order_changes import order_changes
from app.rulelang.ruleset import check_rules, rules_from, with_kind
from app.rulelang.writer import write_body
from tests.builders.mutations import Mutations
from tests.builders.random_bodies import SMALL, USUAL, Bodies
from tests.builders.terms import data

BASE = """
"on": conversion
hit: first
rules:
  - {id: vip, when: {all: [{fact: coupon_code, op: eq, value: VIP}, {fact: order_value, op: gte, value: "5"}]}, then: {flat: "9"}}
  - {id: base, when: {fact: order_value, op: gte, value: "5"}, then: {percent: "6", of: order_value}}
otherwise: {flat: "0"}
limits: [{id: cap, measure: amount, per: contract, window: month, max: "1500", over: partial}]
"""


def body(kind: str, given: str | dict[str, Any], catalogue: Catalogue, bindings: Bindings | None = None) -> Body:
    """Return a checked body of YAML or data."""
    raw = data(given) if isinstance(given, str) else given
    return rules_from(with_kind(kind, raw), catalogue, bindings=bindings or Bindings()).body


def edited(text: str, old: str, new: str) -> str:
    """Return a text with one place changed, which has to be there."""
    assert old in text, old
    return text.replace(old, new, 1)


BOTH = '{all: [{fact: coupon_code, op: eq, value: VIP}, {fact: order_value, op: gte, value: "5"}]}'
EITHER = '{any: [{fact: coupon_code, op: eq, value: VIP}, {fact: order_value, op: gte, value: "5"}]}'
LAST = '{id: base, when: {fact: order_value, op: gte, value: "5"}, then: {percent: "6", of: order_value}}'
NEW = '{id: new, when: {always: true}, then: {flat: "2"}}'
CAP = '{id: cap, measure: amount, per: contract, window: month, max: "1500", over: partial}'
TIERS = """
{tiers: {mode: graduated, by: {count: true}, window: month, rate: per_unit, steps: [{up_to: "10", unit: "4"}, {up_to: null, unit: "5"}]}}
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('percent: "6"', 'percent: "7"', ["base: pays 7 % of order_value instead of 6 % of order_value"]),
        ('{flat: "9"}', '{amount: tax}', ["vip: pays the amount of tax instead of a flat 9.00"]),
        ('value: "5"}, then', 'value: "10"}, then', ["base: order_value is at least 10.00 instead of 5.00"]),
        ("op: eq, value: VIP", "op: in, value: [VIP, GOLD]", ["vip: coupon_code is one of VIP, GOLD instead of coupon_code is VIP"]),
        ("{fact: coupon_code, op: eq, value: VIP}, ", "", ["vip: no longer needs coupon_code is VIP"]),
        (BOTH, EITHER, ["vip: coupon_code is VIP or order_value is at least 5.00 instead of coupon_code is VIP and order_value is at least 5.00"]),
        (
            '{fact: order_value, op: gte, value: "5"}]}',
            '{fact: order_value, op: gte, value: "5"}, {fact: country, op: eq, value: US}]}',
            ["vip: now also needs country is US"],
        ),
        (
            '{fact: order_value, op: gte, value: "5"}]}',
            '{fact: order_value, op: lt, value: "5"}, {any: [{fact: country, op: eq, value: US}, {fact: plan, op: exists}]}]}',
            [
                "vip: order_value is below 5.00 instead of order_value is at least 5.00; "
                "now also needs (country is US or plan is there)"
            ],
        ),
        (
            '{fact: coupon_code, op: eq, value: VIP}, {fact: order_value, op: gte, value: "5"}',
            '{fact: order_value, op: gte, value: "5"}, {fact: coupon_code, op: eq, value: VIP}',
            ["vip: the same in another order or grouping, which decides nothing"],
        ),
        ("{id: vip,", "{id: vip, name: Friends,", ["vip: is called Friends"]),
        (f"- {LAST}", f"- {LAST}\n  - {NEW}", ["new is new: a flat 2.00 when always"]),
        (
            f"- {LAST}",
            f"- {NEW}\n  - {LAST}",
            ["new is new: a flat 2.00 when always; it comes before base"],
        ),
        (f"  - {LAST}", "", ["base is gone: 6 % of order_value when order_value is at least 5.00"]),
        ('otherwise: {flat: "0"}', 'otherwise: {flat: "1"}', ["otherwise: pay a flat 1.00 instead of a flat 0.00"]),
        ('otherwise: {flat: "0"}', "otherwise: {hold: LOOK}", ["otherwise: hold as LOOK instead of pay a flat 0.00"]),
        ("hit: first", "hit: sum", ["where several match, each of them pays; before, the first of them pays"]),
        ('max: "1500"', 'max: "2000"', ["limit cap is raised from 1500.00 to 2000.00 per contract and month"]),
        ('max: "1500"', 'max: "99.5"', ["limit cap is lowered from 1500.00 to 99.50 per contract and month"]),
        (
            f"limits: [{CAP}]",
            "",
            ["limit cap is gone: at most 1500.00 per contract and month; the line that would go beyond is cut to what is left"],
        ),
        (
            "limits:",
            "bonuses: [{id: extra, name: Summer, when: {always: true}, then: {flat: '3'}}]\nlimits:",
            ["bonus extra (Summer) is new: a flat 3.00 when always"],
        ),
        ("limits:", "counters: restart\nlimits:", ["tier counters begin anew with these terms"]),
        (
            'then: {percent: "6", of: order_value}',
            f"then: {TIERS.strip()}",
            ["base: pays graduated by conversions of a month: 4.00 each up to 10, 5.00 each beyond instead of 6 % of order_value"],
        ),
    ],
)  # fmt: skip
def test_what_changed_in_a_payout_is_said(catalogue: Catalogue, old: str, new: str, says: list[str]) -> None:
    before, after = (body("payout", text, catalogue) for text in (BASE, edited(BASE, old, new)))
    assert [change.says for change in body_changes(before, after)] == says


def test_a_rule_that_moved_is_named_where_the_first_one_pays(catalogue: Catalogue) -> None:
    before = data(BASE)
    after = {**before, "rules": before["rules"][::-1]}
    (moved,) = body_changes(*(body("payout", each, catalogue) for each in (before, after)))
    assert (moved.change, moved.says) == ("moved", "base now comes before vip")
    several = [{**each, "hit": "sum"} for each in (before, after)]
    (moved,) = body_changes(*(body("payout", each, catalogue) for each in several))
    assert moved.says == "the rules stand in another order, which decides nothing"


def test_of_a_tier_table_only_the_steps_are_named_that_pay_otherwise(catalogue: Catalogue) -> None:
    before = edited(BASE, '{percent: "6", of: order_value}', TIERS.strip())
    after = edited(before, 'unit: "4"', 'unit: "4.50", flat: "1"')
    (change,) = body_changes(*(body("payout", each, catalogue) for each in (before, after)))
    assert change.says == "base: the step up to 10 pays 4.50 each and 1.00 once instead of 4.00 each"


def test_what_is_said_inside_a_group_names_the_group(catalogue: Catalogue) -> None:
    before = """
    rules:
      - id: a
        when: {all: [{fact: order_value, op: gte, value: "5"}, {any: [{fact: country, op: eq, value: US}, {fact: country, op: eq, value: CA}]}]}
        then: accept
      - {id: b, when: {not: {all: [{fact: country, op: eq, value: US, if_missing: match}]}}, then: {reject: ABROAD}}
    otherwise: {hold: LOOK}
    """
    after = edited(
        before, "{fact: country, op: eq, value: CA}]", "{fact: country, op: eq, value: CA}, {fact: plan, op: exists}]"
    )
    after = edited(after, "if_missing: match}]", "if_missing: match}, {fact: plan, op: exists}]")
    after = edited(after, "{hold: LOOK}", "accept")
    assert [
        change.says for change in body_changes(*(body("eligibility", each, catalogue) for each in (before, after)))
    ] == [
        'a: within "country is US or country is CA": now also takes plan is there',
        'b: within "not (country is US (or is missing))": now also needs plan is there',
        "otherwise: accept instead of hold as LOOK",
    ]


def test_claims(catalogue: Catalogue) -> None:
    accept, refuse = ({"kind": "attribution", "claims": word} for word in ("accept", "refuse"))
    (change,) = body_changes(body("attribution", accept, catalogue), body("attribution", refuse, catalogue))
    assert change.says == "a claim without a qualifying touch is refused instead of accepted"


QUALIFY = """
qualify:
  - {id: clicks, when: {all: [{fact: touch.type, op: eq, value: click}, {fact: touch.age, op: lt, value: P30D}]}}
  - {id: views, when: {fact: touch.age, op: lt, value: P1D}}
claims: accept
"""


def test_which_touches_count(catalogue: Catalogue) -> None:
    shorter = edited(edited(QUALIFY, "P30D", "P7D"), "{id: views", "{id: view")
    found = body_changes(body("attribution", QUALIFY, catalogue), body("attribution", shorter, catalogue))
    assert [(change.path, change.says) for change in found] == [
        ("/qualify/views", "views is gone: a touch counts when touch.age is shorter than P1D"),
        ("/qualify/clicks/when", "clicks: touch.age is shorter than P7D instead of P30D"),
        ("/qualify/view", "view is new: a touch counts when touch.age is shorter than P1D"),
    ]


def test_parameters_are_shown_by_name_and_value(catalogue: Catalogue) -> None:
    raw = edited(
        BASE,
        '{fact: order_value, op: gte, value: "5"}, then',
        "{fact: order_value, op: gte, value: {param: minimum}}, then",
    )
    before, after = (body("payout", raw, catalogue, Bindings({"minimum": value})) for value in ("5", "10"))
    (change,) = body_changes(before, after)
    assert change.says == "base: order_value is at least 10.00 (parameter minimum) instead of 5.00 (parameter minimum)"
    (part,) = change.parts
    assert (part.values, part.before["value"]) == (("5", "10"), {"param": "minimum"})
    (change,) = body_changes(body("payout", BASE, catalogue), before)  # the same value, from elsewhere
    assert change.says == "base: order_value is at least 5.00 (parameter minimum) instead of 5.00"


def test_members_that_a_list_has_gained_and_lost_are_named(catalogue: Catalogue) -> None:
    raw = edited(BASE, "op: eq, value: VIP", "op: in, value: {list: codes}")
    lists = [read_list("codes", "text", members) for members in (["A", "B"], ["B", "C", "D"])]
    before, after = (body("payout", raw, catalogue, Bindings({}, {"codes": each})) for each in lists)  # type: ignore[dict-item]
    (change,) = body_changes(before, after)
    assert change.says == "vip: coupon_code: the list codes has gained C, D and has lost A"
    assert change.parts[0].values == (["A", "B"], ["B", "C", "D"])
    lists = [read_list("codes", "text", [f"{letter}{number}" for number in range(200)]) for letter in "AB"]
    before, after = (body("payout", raw, catalogue, Bindings({}, {"codes": each})) for each in lists)  # type: ignore[dict-item]
    (change,) = body_changes(before, after)
    assert change.parts[0].values is None
    assert "… (200 in all)" in change.says


SECOND = CAP.replace("id: cap", "id: second")


@pytest.mark.parametrize(
    ("limits", "loosened"),
    [
        ([CAP], []),
        ([CAP.replace("1500", "1499.99")], []),
        ([CAP.replace("1500", "1500.01")], ["/limits/cap"]),
        ([], ["/limits/cap"]),
        ([SECOND], []),  # another name, the same limit
        ([SECOND.replace("1500", "1600")], ["/limits/cap"]),
        ([CAP.replace("1500", "2000"), SECOND], []),  # what is raised is held by the other one
        ([CAP.replace("partial", "zero")], []),  # pays less than what is left
        ([CAP.replace("partial", "reject"), CAP.replace("id: cap", "id: more").replace("1500", "1")], []),
        ([CAP.replace("partial", "{fallback: {flat: '1'}}")], ["/limits/cap"]),  # pays beyond it
        ([CAP.replace("per: contract", "per: customer")], ["/limits/cap"]),  # each customer has as much
        ([CAP.replace("per: contract", "per: partner")], ["/limits/cap"]),  # another limit, whatever it lets through
        ([CAP.replace("month", "week")], ["/limits/cap"]),
        ([CAP.replace("amount", "count").replace("partial", "zero")], ["/limits/cap"]),
    ],
)
def test_limits_that_let_more_through_are_found(catalogue: Catalogue, limits: list[str], loosened: list[str]) -> None:
    after = edited(BASE, f"[{CAP}]", f"[{', '.join(limits)}]")
    bodies = [body("payout", each, catalogue) for each in (BASE, after)]
    assert [change.path for change in loosened_limits(*bodies)] == loosened
    assert loosened_limits(bodies[0], None) == loosened_limits(None, bodies[1]) == []


@pytest.mark.parametrize(
    ("before", "after", "loosens"),
    [
        ("zero", "partial", True),
        ("reject", "hold", False),
        ("hold", "zero", False),
        ("{fallback: {flat: '1'}}", "partial", False),
        (
            "{fallback: {flat: '1'}}",
            "{fallback: {flat: '0.5'}}",
            True,
        ),  # which pays less no comparison of rules can tell
    ],
)
def test_what_becomes_of_more_may_let_more_be_paid(
    catalogue: Catalogue, before: str, after: str, loosens: bool
) -> None:
    bodies = [body("payout", edited(BASE, "partial", over), catalogue) for over in (before, after)]
    (change,) = body_changes(*bodies)
    assert (change.path, change.loosens) == ("/limits/cap", loosens)


def test_a_limit_on_conversions_is_raised_in_whole_numbers(catalogue: Catalogue) -> None:
    two = edited(BASE, CAP, "{id: cap, measure: count, per: customer, window: contract, max: '2', over: zero}")
    (change,) = body_changes(*(body("payout", each, catalogue) for each in (two, edited(two, "max: '2'", "max: '3'"))))
    assert change.says == "limit cap is raised from 2 to 3 per customer in all"


def applied(before: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what changes make of a body: taken out, changed, put in order, put in."""
    made = copy.deepcopy(before)
    lists: dict[str, list[Any]] = {part: made.pop(part, []) for part in ("qualify", "rules", "bonuses", "limits")}
    for change in changes:
        part, *rest = change["path"].lstrip("/").split("/")
        if part not in lists:
            made.pop(part, None)
            made |= {} if change["change"] == "removed" else {part: change["after"]}
        elif not rest:
            assert [one["id"] for one in lists[part]] == change["before"]
            lists[part].sort(key=lambda one: change["after"].index(one["id"]))
        elif change["change"] == "added" and len(rest) == 1:
            lists[part].insert(change["at"], change["after"])
        elif change["change"] == "removed" and len(rest) == 1:
            lists[part].remove(change["before"])
        else:
            (found,) = [one for one in lists[part] if one["id"] == rest[0]]
            if len(rest) == 1:
                found.update(change["after"])
            elif change["after"] is None:
                del found[rest[1]]
            else:
                found[rest[1]] = change["after"]
    always = ("rules",) if made.get("kind") in ("eligibility", "payout") else ()
    return made | {part: found for part, found in lists.items() if found or part in always}


def leaves(part: Any) -> Counter[str]:
    """Return the comparisons in a condition, in parts of one, or in anything."""
    if isinstance(part, list):
        return sum((leaves(one) for one in part), Counter())
    if not isinstance(part, dict):
        return Counter()
    if "op" in part:
        return Counter([json.dumps(part, sort_keys=True)])
    return sum((leaves(one) for one in part.values()), Counter())


def hold_complete(before: Body | None, after: Body | None) -> list[Change]:
    """Check that the data of a comparison, and what it says of conditions, leave nothing out."""
    found = body_changes(before, after)
    old, new = ({} if each is None else write_body(each) for each in (before, after))
    as_data = json.loads(json.dumps([change.as_dict() for change in found]))
    assert (applied(old, as_data) if after else {}) == new
    assert all(change.says and "None" not in change.says for change in found)
    for change in found:
        if change.path.endswith("/when") and change.change == "changed":
            gone, come = leaves(change.before) - leaves(change.after), leaves(change.after) - leaves(change.before)
            assert gone <= leaves([part.before for part in change.parts])
            assert come <= leaves([part.after for part in change.parts])
    return found


@pytest.mark.parametrize("seed", range(6))
def test_random_bodies_and_their_mutations(catalogue: Catalogue, seed: int, pytestconfig: pytest.Config) -> None:
    """Any two bodies of a kind: unrelated ones, and one that was edited."""
    random = Random(seed)
    drawn = [Bodies(random, size, catalogue) for size in (SMALL, USUAL)]
    bodies = [source.body() for source in drawn for _ in range(pytestconfig.getoption("--runs") or 40)]
    mutations = Mutations(random, bodies)
    checked = [rules.body for raw in bodies if (rules := check_rules(raw, catalogue)[0])]
    edits = 0
    for raw, before in zip(bodies, checked, strict=True):
        assert body_changes(before, before) == []
        hold_complete(None, before)
        hold_complete(before, None)
        for _ in range(12):
            after = check_rules(mutations.of(raw), catalogue)[0]
            if after is not None and type(after.body) is type(before):
                edits += 1
                found = hold_complete(before, after.body)
                assert bool(found) == (write_body(before) != write_body(after.body))
    for before, after in pairwise(checked):
        if type(before) is type(after):
            assert hold_complete(before, after) or before == after
    assert edits > len(checked) / 2


def test_bodies_of_two_kinds_are_not_compared(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        body_changes(body("payout", BASE, catalogue), body("attribution", {"claims": "accept"}, catalogue))


def test_as_few_rules_as_can_be_are_said_to_have_moved() -> None:
    """Without those that have moved, all others stand as before; fewer would not do."""
    old = ["a", "b", "c", "d", "e"]
    rows = {identifier: Limit(identifier, "amount", "contract", "month", Decimal(1), "partial") for identifier in old}
    for new in permutations(old):
        found = [*order_changes("rules", [*rows.values()], [rows[one] for one in new], is_order_counting=True)]
        said = found[0].says.split("; ") if found else []
        moved = {sentence[0] for sentence in said}
        assert len(moved) == len(said)
        assert [one for one in old if one not in moved] == [one for one in new if one not in moved]
        kept = len(old) - len(moved)
        assert not any(
            [one for one in old if one in few] == [one for one in new if one in few]
            for few in combinations(old, kept + 1)
        )
