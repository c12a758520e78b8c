"""The one suite that says what conditions mean, run by every engine. The cases are in `cases/*.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.adapters.durable_matcher import DurableMatcher
from app.engine.matcher import Matcher
from app.engine.reference import ReferenceMatcher
from tests.builders.conditions import condition, facts, one_rule

CASES = Path(__file__).parent / "cases"
ENGINES = {"reference": ReferenceMatcher, "durable": DurableMatcher}


def cases() -> Iterator[Any]:
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


@pytest.mark.parametrize(("when", "given", "verdict"), list(cases()))
def test_case(matcher: Matcher, when: Any, given: Any, verdict: bool) -> None:
    found = matcher.matched(one_rule(condition(when)), facts(given))
    assert found == (frozenset("r") if verdict else frozenset())
