"""The one suite that says what conditions mean, run by every engine. The cases are in `cases/*.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.adapters.durable_matcher import DurableMatcher
from app.bulk.bulk_matcher import BulkMatcher
from app.bulk.spark_matcher import SparkMatcher
from app.engine.matcher import Matcher
from app.engine.reference import ReferenceMatcher
from tests.builders.conditions import catalogue, condition, facts, one_rule, rules

CASES = Path(__file__).parent / "cases"
ENGINES: dict[str, Callable[[], Matcher]] = {
    "reference": ReferenceMatcher,
    "durable": DurableMatcher,
    "bulk": lambda: BulkMatcher(catalogue()),
}


@cache
def cases() -> tuple[Any, ...]:
    return tuple(_cases())


def _cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            assert entry.keys() <= {"rule", "when", "matches", "does_not"}, entry["rule"]
            for verdict, key in ((True, "matches"), (False, "does_not")):
                for sentence, given in entry.get(key, {}).items():
                    says = f"{entry['rule']}: {sentence} {'matches' if verdict else 'does not'}"
                    yield pytest.param(entry["when"], given, verdict, id=f"{path.stem}: {says}")


@pytest.fixture(scope="module", params=ENGINES)
def matcher(request: pytest.FixtureRequest) -> Matcher:
    return ENGINES[request.param]()


@pytest.mark.parametrize(("when", "given", "verdict"), cases())
def test_case(matcher: Matcher, when: Any, given: Any, verdict: bool) -> None:
    found = matcher.matched(one_rule(condition(when)), facts(given))
    assert found == (frozenset("r") if verdict else frozenset())


def cases_that_fail_in_bulk(matcher: BulkMatcher | SparkMatcher) -> list[str]:
    """Return the cases that fail when all rules are decided on the facts of all cases, in one statement."""
    played = [(str(case.id), *case.values) for case in cases()]
    conditions = rules({repr(when): condition(when) for _, when, _, _ in played})
    found = matcher.matched_each(conditions, [facts(given) for _, _, given, _ in played])
    return [
        name
        for (name, when, _, verdict), true in zip(played, found, strict=True)
        if (repr(when) in true) is not verdict
    ]


def test_all_cases_in_one_statement() -> None:
    assert cases_that_fail_in_bulk(BulkMatcher(catalogue())) == []
