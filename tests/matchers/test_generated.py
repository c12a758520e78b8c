"""Random catalogues, rules and facts: the reference, durable and bulk give one answer, and the normal form gives it too.

pytest tests/matchers --runs 5000000          # that many verdicts
pytest tests/matchers --seed 5 --runs 1       # the one round of this seed
"""

from __future__ import annotations

from random import Random

import pytest

from app.adapters.durable_matcher import DurableMatcher
from app.bulk import conditions as bulk_conditions
from app.engine.reference import ReferenceMatcher
from app.engine.reference import is_true as is_true_by_reference
from app.rulelang.compiler import normal_form, predicate
from tests.builders.engine_rounds import play
from tests.builders.random_rules import random_condition, random_facts, random_set

VERDICTS = 100_000
SEED = 19970702


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--seed") or SEED)


def test_three_engines_give_one_answer(
    seed: int, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = int(request.config.getoption("--runs") or VERDICTS)
    report = play(seed, wanted, stop_at=100)
    with capsys.disabled():
        print(f"\nfrom seed {seed}: {report.line()}")
    assert report.disagreements == 0, f"{report.line()}; the first of them:\n{report.first}"
    assert report.verdicts >= wanted
    assert 0.2 < report.true / report.verdicts < 0.8, "the generator is one-sided and proves little"


def test_lists_looked_up_in_rows_are_as_those_in_lambdas(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bulk has two ways to test the items of a list; here it takes the one for long lists wherever it can."""
    monkeypatch.setattr(bulk_conditions, "LONG", 0)
    monkeypatch.setattr(bulk_conditions, "FEW", 0)
    report = play(seed, 20_000)
    assert report.disagreements == 0, report.first


def test_large_sets_decide_as_the_reference_does(seed: int) -> None:
    random, durable, reference = Random(seed), DurableMatcher(), ReferenceMatcher()
    for _ in range(5):
        conditions = random_set(random, most_rules=200)
        for _ in range(20):
            facts = random_facts(random)
            assert durable.matched(conditions, facts) == reference.matched(conditions, facts), (conditions, facts)
    durable.close()


def test_the_normal_form_means_what_the_condition_means(seed: int) -> None:
    random = Random(seed)
    for _ in range(2000):
        condition = random_condition(random, depth=4)
        is_true, is_false = predicate(normal_form(condition)), predicate(normal_form(condition, negated=True))
        for _ in range(5):
            facts = random_facts(random)
            expected = is_true_by_reference(condition, facts)
            assert is_true(facts) is expected, (condition, facts)
            assert is_false(facts) is not expected, (condition, facts)
