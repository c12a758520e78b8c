"""The JSON Schema of rule bodies takes whatever the check takes, and refuses the rest but for what it cannot say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema_rs import Draft202012Validator as FastValidator

from app.adapters.fact_files import shipped_catalogue
from app.adapters.pack_files import pack_names, shipped_pack
from app.adapters.yaml_files import read_yaml
from app.core.errors import Finding, pointer_of
from app.core.json_text import JsonFloat, parse_json
from app.rulelang.ast import KINDS
from app.rulelang.bindings import NOTHING, Bindings
from app.rulelang.diagnostics import CODES
from app.rulelang.operators import OPERATORS
from app.rulelang.packs import Filled, filled
from app.rulelang.ruleset import check_rules, with_kind
from app.rulelang.schema import HALF_SAID, UNSAID, rules_schema
from tests.builders.bodies import VALID
from tests.builders.defects import CASES, THEN, WHEN, eligibility, payout, tiers
from tests.builders.mutations import Mutations
from tests.builders.random_bodies import LARGE, SMALL, USUAL, Bodies, Size
from tests.builders.rules_schema import FILE, written
from tests.builders.terms import data

ROOT = Path(__file__).parents[2]
SCHEMA = rules_schema(shipped_catalogue())
CLOSED = rules_schema(shipped_catalogue(), closed=True)
OPEN, STRICT, BARE = (FastValidator(schema) for schema in (SCHEMA, CLOSED, rules_schema()))
# Deep enough for groups within what is asked of items, and small enough for a change to hit them.
NARROW = Size(rules=1, depth=3, members=2, values=3, formulas=2)
# Where the schema leaves to the check what it says elsewhere of the same code.
LEFT = {
    "wrong_type": "/value/param$",
    "bad_steps": "/steps/[0-9]+/up_to$",
    "bad_clamp": "",
    "duplicate_id": "/id$",
    "bad_identifier": "/name$",
    "float_refused": "/value(/[0-9]+)?$",
    "value_not_of_type": "/value(/[0-9]+|/param)?$",
    "not_a_member": "/value(/[0-9]+|/param|/list)?$",
    "too_many_leaves": "/when$",
}
# When the facts are closed, these are said as well.
SAID_OF_FACTS = {"unknown_fact", "not_a_number"}
# At these the check stops: what else is wrong in that place it never reads, and the schema may see it.
STOPS = {"too_deep", "not_records", "operator_not_for_type"}


def plain(part: Any) -> Any:
    """Return data as an editor reads it: a number with a point is a number."""
    if isinstance(part, JsonFloat):
        return float(part.text)
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    return [plain(value) for value in part] if isinstance(part, list) else part


def errors(body: Any, bindings: Bindings = NOTHING) -> list[Finding]:
    return [found for found in check_rules(body, shipped_catalogue(), "", bindings)[1] if found.severity == "error"]


def is_left(finding: Finding) -> bool:
    """Tell whether a defect is one that the schema need not see."""
    pattern = LEFT.get(finding.code)
    return finding.code in UNSAID or (pattern is not None and re.search(pattern, finding.pointer) is not None)


def agree(body: Any, bindings: Bindings = NOTHING) -> list[Finding]:
    """Hold the schemas against the check; return what the check finds."""
    found, shown = errors(body, bindings), plain(body)
    if OPEN.is_valid(shown):
        assert all(is_left(finding) for finding in found), (body, found)
    else:
        assert {finding.code for finding in found} - (UNSAID - STOPS), (body, found, list(OPEN.iter_errors(shown))[:3])
    if STRICT.is_valid(shown):
        assert all(is_left(finding) and finding.code not in SAID_OF_FACTS for finding in found), (body, found)
    else:
        assert {finding.code for finding in found} - (UNSAID - SAID_OF_FACTS - STOPS), (body, found)
    return found


def test_the_file_is_written_and_valid_itself() -> None:
    assert FILE.read_text("utf-8") == written(), "python -m tests.builders.rules_schema"
    for schema in (SCHEMA, CLOSED, rules_schema()):
        Draft202012Validator.check_schema(schema)


def test_what_is_not_said_are_diagnostics() -> None:
    assert CODES.keys() >= UNSAID | HALF_SAID.keys()
    assert not UNSAID & HALF_SAID.keys()
    assert LEFT.keys() == HALF_SAID.keys()


@pytest.mark.parametrize(("size", "count"), [(SMALL, 400), (USUAL, 1000), (LARGE, 30)])
def test_every_body_that_the_check_takes_is_valid(size: Size, count: int) -> None:
    drawn = Bodies(Random(5), size, bound=True)
    bodies = [drawn.body() for _ in range(count)]
    assert drawn.params
    assert drawn.lists
    for body in bodies:
        assert errors(body, drawn.bindings) == []
        assert OPEN.is_valid(body)
        assert STRICT.is_valid(body)
        assert BARE.is_valid(body)


def test_the_valid_ones_are_valid() -> None:
    assert [body for body in VALID if not (OPEN.is_valid(body) and STRICT.is_valid(body))] == []


def mutated(seed: int, count: int) -> Iterator[tuple[Any, Bindings]]:
    drawn = Bodies(Random(seed), NARROW, bound=True)
    bodies = [*VALID, *(drawn.body() for _ in range(400))]
    mutations = Mutations(Random(seed), bodies)
    for number in range(count):
        yield mutations.of(bodies[number % len(bodies)]), drawn.bindings


def test_schema_and_check_agree_on_bodies_with_defects() -> None:
    seen: Counter[str] = Counter()
    for body, bindings in mutated(7, 16_000):
        found = agree(body, bindings)
        seen.update({finding.code for finding in found} or {"none"})
    assert seen["none"] > 300
    assert len(seen) > 25, seen


@pytest.mark.slow
def test_they_agree_on_many_more() -> None:
    for seed in range(100, 130):
        for body, bindings in mutated(seed, 10_000):
            agree(body, bindings)


def defects() -> Iterator[Any]:
    for code, cases in CASES.items():
        for number, (body, *_) in enumerate(cases):
            yield pytest.param(code, data(body), id=f"{code}-{number}")


@pytest.mark.parametrize(("code", "body"), list(defects()))
def test_every_defect_is_refused_or_of_a_code_that_is_not_said(code: str, body: Any) -> None:
    found = agree(body)
    assert not OPEN.is_valid(plain(body)) or all(is_left(finding) for finding in found)
    assert OPEN.is_valid(plain(body)) == Draft202012Validator(SCHEMA).is_valid(plain(body))


def documents() -> Iterator[Any]:
    """Yield what is in all files of fixtures, stories and data."""
    for file in sorted((ROOT / "fixtures").rglob("*")):
        if file.suffix == ".yaml":
            yield read_yaml(file).data
        elif file.suffix == ".json":
            yield parse_json(file.read_bytes())


def test_every_body_in_fixtures_is_valid() -> None:
    bodies = [body for document in documents() for body in bodies_in(document)]
    assert len(bodies) > 20
    for body in bodies:
        assert not list(OPEN.iter_errors(plain(body))), body


def bodies_in(part: Any) -> Iterator[Any]:
    """Yield the rule bodies in a document: those with a kind, and those that stand under the name of one."""
    if isinstance(part, dict):
        if part.get("kind") in KINDS:
            yield part
        for key, inner in part.items():
            # A program's attribution says by which model, and is no rule body.
            if key in KINDS and isinstance(inner, dict) and "model" not in inner:
                yield with_kind(key, inner)
            else:
                yield from bodies_in(inner)
    elif isinstance(part, list):
        yield from (body for inner in part for body in bodies_in(inner))


def test_every_formula_in_fixtures_is_valid() -> None:
    formulas = FastValidator({"$ref": "#/$defs/formula", "$defs": SCHEMA["$defs"]})
    found = [formula for document in documents() for formula in formulas_in(document)]
    assert len(found) > 20
    for formula in found:
        assert not list(formulas.iter_errors(plain(formula))), formula
    assert not formulas.is_valid({"flat": 5})


def formulas_in(part: Any) -> Iterator[Any]:
    """Yield what stands under the key of a formula to be priced."""
    if isinstance(part, dict):
        yield from (inner for key, inner in part.items() if key == "formula" and isinstance(inner, dict))
        yield from (formula for inner in part.values() for formula in formulas_in(inner))
    elif isinstance(part, list):
        yield from (formula for inner in part for formula in formulas_in(inner))


def best(body: Any) -> tuple[str, str]:
    """Return the place and the words of the defect that an editor would show first."""
    error = best_match(Draft202012Validator(SCHEMA).iter_errors(plain(body)))
    assert error is not None
    return pointer_of(*error.absolute_path), error.message


@pytest.mark.parametrize(("code", "body"), list(defects()))
def test_a_defect_that_is_refused_is_shown_where_the_check_shows_it(code: str, body: Any) -> None:
    found = errors(body)
    if len(found) == 1 and not OPEN.is_valid(plain(body)):
        at = found[0].pointer
        assert best(body)[0] == (at.rpartition("/")[0] if code == "unknown_key" else at)


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        (eligibility("{fac: country, op: eq, value: US}"), WHEN, "'fact' is a required property"),
        (eligibility("{fact: country, op: eq, valeu: US}"), WHEN, "'value' is a required property"),
        (eligibility("{fact: country, op: eq}"), WHEN, "'value' is a required property"),
        (eligibility("{fact: hour, op: '>=', value: 5}"), f"{WHEN}/op", "'>=' is not one of ['eq', 'neq', 'lt'"),
        (eligibility("{fact: order_value, op: gte, value: 50.5}"), f"{WHEN}/value", "50.5 is not of type 'string'"),
        (eligibility("{fact: country, op: in, value: US}"), f"{WHEN}/value", "'US' is not of type 'array'"),
        (eligibility("{fact: hour, op: between, value: [1, 2, 3]}"), f"{WHEN}/value", "[1, 2, 3] is too long"),
        (eligibility("{al: [{always: true}]}"), WHEN, "'al' is not one of ['fact', 'op', 'all', 'any'"),
        (eligibility("{all: [{always: true}, {not: {fact: sku}}]}"), f"{WHEN}/all/1/not", "'op' is a required"),
        (eligibility("{any_item: items, were: {always: true}}"), WHEN, "'where' is a required property"),
        (eligibility("{always: true}").replace("accept, rules", "reject, rules"), THEN, "'accept' was expected"),
        (payout("{flat: 5}"), f"{THEN}/flat", "5 is not of type 'string'"),
        (payout("{flat: '5 USD'}"), f"{THEN}/flat", "'5 USD' does not match"),
        (payout("{percent: '5'}"), THEN, "'of' is a required property"),
        (payout("{sum: [{flat: '1'}, {precent: '1', of: tax}]}"), f"{THEN}/sum/1", "'precent' is not one of ['flat',"),
        (payout("{flat: '1'}, hits: sum"), "", "'hits' was unexpected"),
        (tiers("[{up_to: '5', unit: 1}, {up_to: null, unit: '1'}]"), f"{THEN}/tiers/steps/0/unit", "1 is not of type"),
        ("{kind: payouts}", "/kind", "'payouts' is not one of ['eligibility', 'attribution', 'payout']"),
    ],
)
def test_a_typical_mistake_is_shown_where_it_is(body: str, pointer: str, says: str) -> None:
    at, message = best(data(body))
    assert (at, says in message) == (pointer, True), (at, message)


def described_parts(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield every property of every object that the schema names."""
    if isinstance(part, dict):
        if part.get("additionalProperties") is False:
            yield from part["properties"].items()
        for inner in part.values():
            yield from described_parts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from described_parts(inner)


def test_every_key_says_what_it_means() -> None:
    keys = list(described_parts(SCHEMA))
    assert len(keys) > 60
    for key, about in keys:
        named = SCHEMA["$defs"][about["$ref"].rpartition("/")[2]] if "$ref" in about else {}
        assert about.get("description") or named.get("description") or key == "kind", key


def test_facts_operators_and_words_are_explained_beside_each() -> None:
    parts = SCHEMA["$defs"]
    facts = {entry.get("const"): entry["description"] for entry in parts["fact"]["anyOf"]}
    assert facts.keys() == {*shipped_catalogue().names(), None}
    assert facts["order_value"].startswith("what the customer paid for the order, in its currency")
    operators = dict(zip(parts["operator"]["enum"], parts["operator"]["enumDescriptions"], strict=True))
    assert operators.keys() == OPERATORS.keys()
    assert operators["between"].startswith("is between\n\nbetween takes a list of two values")
    assert "price" in [entry.get("const") for entry in parts["field"]["anyOf"]]
    assert "country" not in [entry.get("const") for entry in parts["number_fact"]["anyOf"]]


def test_examples_are_valid() -> None:
    body = data(payout("{flat: '0'}"))
    for formula in SCHEMA["$defs"]["formula"]["examples"]:
        assert errors({**body, "otherwise": formula}) == []
    for rule in SCHEMA["$defs"]["payout_rule"]["examples"]:
        assert errors({**body, "rules": [rule]}) == []
    for condition in SCHEMA["$defs"]["condition"]["examples"]:
        assert errors({**body, "rules": [{"id": "a", "when": condition, "then": {"flat": "1"}}]}) == []


@pytest.mark.parametrize(
    ("rule", "is_valid"),
    [
        ({"all": [{"always": True}] * 62}, True),
        ({"all": [{"always": True}] * 63}, False),
        ({"fact": "sku", "op": "in", "value": ["a"] * 10_000}, True),
        ({"fact": "sku", "op": "in", "value": ["a"] * 10_001}, False),
    ],
)
def test_limits_of_conditions_are_those_of_the_check(rule: Any, is_valid: bool) -> None:
    body = {
        "kind": "eligibility",
        "rules": [{"id": "a", "when": rule, "then": "accept"}],
        "otherwise": "accept",
    }
    assert OPEN.is_valid(body) is is_valid
    assert (errors(body) == []) is is_valid


def test_limits_of_bodies_are_those_of_the_check() -> None:
    def sized(rules: int, limits: int, parts: int, steps: int) -> dict[str, Any]:
        cap = {"measure": "amount", "per": "contract", "window": "month", "max": "5", "over": "partial"}
        ends = [{"up_to": str(number + 1), "unit": "1"} for number in range(steps - 1)]
        table = {"mode": "graduated", "by": {"count": True}, "window": "event", "rate": "per_unit"}
        tiers = {"tiers": {**table, "steps": [*ends, {"up_to": None, "unit": "1"}]}}
        return {
            "kind": "payout",
            "on": "conversion",
            "hit": "first",
            "rules": [{"id": f"r{number}", "when": {"always": True}, "then": tiers} for number in range(rules)],
            "otherwise": {"sum": [{"flat": "1"}] * parts},
            "limits": [{"id": f"l{number}", **cap} for number in range(limits)],
        }

    assert agree(sized(200, 20, 50, 200)) == []
    for wrong in ((201, 20, 50, 2), (1, 21, 50, 2), (1, 20, 51, 2), (1, 20, 50, 201)):
        assert len(agree(sized(*wrong))) == 1
        assert not OPEN.is_valid(sized(*wrong))


@pytest.mark.parametrize("name", pack_names())
def test_every_pack_that_is_filled_is_valid(name: str) -> None:
    found = filled(shipped_pack(name), shipped_pack(name).examples)
    assert isinstance(found, Filled), found
    for body in found.rules.values():
        assert OPEN.is_valid(body), body
