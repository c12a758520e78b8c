"""Random rules and facts: durable, the normal form and the reference give one answer. TERMLINE_VERDICTS says how many."""

from __future__ import annotations

import os
from random import Random

from app.adapters.durable_matcher import DurableMatcher
from app.engine.reference import ReferenceMatcher
from app.engine.reference import is_true as is_true_by_reference
from app.rulelang.compiler import normal_form, predicate
from tests.builders.random_rules import random_condition, random_facts, random_set

VERDICTS = int(os.environ.get("TERMLINE_VERDICTS", "20000"))
SEED = int(os.environ.get("TERMLINE_SEED", "19970702"))


def test_durable_decides_as_the_reference_does() -> None:
    random, durable, reference = Random(SEED), DurableMatcher(), ReferenceMatcher()
    left, true = VERDICTS, 0
    while left > 0:
        conditions = random_set(random)
        for _ in range(20):
            facts = random_facts(random)
            expected = reference.matched(conditions, facts)
            assert durable.matched(conditions, facts) == expected, (conditions, facts)
            left -= len(conditions.rules)
            true += len(expected)
    durable.close()
    assert 0.2 < true / VERDICTS < 0.8, "the generator is one-sided and proves little"


def test_large_sets_decide_as_the_reference_does() -> None:
    random, durable, reference = Random(SEED), DurableMatcher(), ReferenceMatcher()
    for _ in range(5):
        conditions = random_set(random, most_rules=200)
        for _ in range(20):
            facts = random_facts(random)
            assert durable.matched(conditions, facts) == reference.matched(conditions, facts), (conditions, facts)
    durable.close()


def test_the_normal_form_means_what_the_condition_means() -> None:
    random = Random(SEED)
    for _ in range(2000):
        condition = random_condition(random, depth=4)
        is_true, is_false = predicate(normal_form(condition)), predicate(normal_form(condition, negated=True))
        for _ in range(5):
            facts = random_facts(random)
            expected = is_true_by_reference(condition, facts)
            assert is_true(facts) is expected, (condition, facts)
            assert is_false(facts) is not expected, (condition, facts)
