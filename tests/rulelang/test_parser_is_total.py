"""Whatever JSON comes in, the answer is findings: nothing is raised, nothing takes long, nothing is half accepted."""

from __future__ import annotations

import copy
import json
import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.adapters.fact_files import shipped_catalogue
from app.core.json_text import JsonFloat, parse_json
from app.rulelang.diagnostics import CODES, Findings
from app.rulelang.printer import body_lines
from app.rulelang.reader import Reader
from app.rulelang.ruleset import check_rules
from tests.builders.bodies import VALID, places

WORDS = re.findall(
    r"\w+",
    """kind rules otherwise when then id all any not fact op value if_missing always flat percent of tiers steps up_to
    sum least clamp min max limits bonuses hold reject accept eligibility payout order_value in between count
    any_item every_item no_item where items price""",
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.sampled_from(["1.5", "-0.0", "1e400"]).map(JsonFloat),
    st.text(max_size=8),
    st.sampled_from([*WORDS, "5", "0.01", "US", "\ud800", "\x00", "9" * 40]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), inner, max_size=5),
    ),
    max_leaves=20,
)
QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Return a valid body in which one to three parts are replaced, renamed or taken out."""
    body: Any = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(body)))
        if not path:
            continue
        parent = body
        for key in path[:-1]:
            parent = parent[key]
        action = draw(st.sampled_from(["replace", "take out", "rename"]))
        if action == "replace":
            parent[path[-1]] = draw(JSON)
        elif action == "take out":
            del parent[path[-1]]
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(WORDS))] = parent.pop(path[-1])
    return body


def check(body: Any) -> None:
    before = copy.deepcopy(body)
    start = time.process_time()
    rules, found = check_rules(body, shipped_catalogue())
    elapsed = time.process_time() - start
    if elapsed > 0.05:  # a collection of garbage may fall into the first one
        start = time.process_time()
        check_rules(body, shipped_catalogue())
        elapsed = time.process_time() - start
    assert elapsed <= 0.05
    assert body == before
    assert {finding.code for finding in found} <= CODES.keys()
    assert (rules is None) == any(finding.severity == "error" for finding in found)
    if rules is not None:
        assert all(line.isprintable() for line in body_lines(rules.body))
        assert len(rules.hash) == 64


def test_the_valid_ones_are_valid() -> None:
    for body in VALID:
        assert check_rules(body, shipped_catalogue())[1] == []


@QUICK
@given(JSON)
def test_any_json(body: Any) -> None:
    check(body)


@QUICK
@given(st.sampled_from(["eligibility", "attribution", "payout"]), JSON, JSON)
def test_any_json_in_the_shape_of_a_body(kind: str, first: Any, second: Any) -> None:
    check(
        {"kind": kind, "rules": [first, {"id": "a", "when": first, "then": second}], "otherwise": second, "hit": first}
    )


@QUICK
@given(mutated())
def test_a_valid_body_with_something_wrong(body: Any) -> None:
    check(body)


def test_a_body_that_is_nested_without_end() -> None:
    # Deeper than JSON text is read, as data that did not come as text may be.
    condition = json.loads('{"not":' * 900 + "{}" + "}" * 900)
    formula = json.loads('{"clamp":' * 900 + "{}" + "}" * 900)
    rule = {"id": "a", "when": condition, "then": formula}
    payout = next(body for body in VALID if body["kind"] == "payout")
    _, found = check_rules({**payout, "rules": [rule], "otherwise": formula}, shipped_catalogue())
    assert [finding.code for finding in found if finding.code != "bad_clamp"] == ["too_deep"] * 3


def test_what_json_text_says_is_what_is_checked() -> None:
    body = parse_json(json.dumps(VALID[0]).replace('"5"', "5.00"))
    assert [finding.code for finding in check_rules(body, shipped_catalogue())[1]] == ["float_refused"]


def test_a_part_that_was_not_read_without_a_finding_is_a_fault_and_never_taken_for_a_rule() -> None:
    findings = Findings()
    reader = Reader(findings)
    reader.must_explain(5, "")
    with pytest.raises(AssertionError, match="nothing says why"):
        reader.must_explain(5, None)
    findings.add("wrong_type", "", "found")
    reader.must_explain(5, None)


def test_every_scalar_of_a_valid_body_replaced_by_another_is_refused_or_read() -> None:
    for body in VALID:
        for path in places(body)[1:]:
            for other in (None, False, True, 0, 5, "", "x", "5", [], {}, [{}], {"x": 1}, JsonFloat("1.5")):
                changed = copy.deepcopy(body)
                parent = changed
                for key in path[:-1]:
                    parent = parent[key]
                parent[path[-1]] = other
                rules, found = check_rules(changed, shipped_catalogue())
                assert (rules is None) == any(finding.severity == "error" for finding in found), (path, other)
