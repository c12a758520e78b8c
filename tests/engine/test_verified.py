"""Two engines that check each other: agreement passes, a difference is a fault that can be traced to its facts."""

from __future__ import annotations

import pytest

from app.core.canonical import content_hash
from app.engine.matcher import EngineFault, Facts, RuleConditions
from app.engine.reference import ReferenceMatcher
from app.engine.verified import VerifyingMatcher
from tests.builders.conditions import condition, facts, rules

CONDITIONS = rules({"us": condition(["country", "eq", "US"]), "large": condition(["quantity", "gt", 5])})
GIVEN = facts({"country": "US", "quantity": 7})


class Fixed:
    """An engine with one answer, that counts its questions."""

    def __init__(self, *answer: str) -> None:
        self.answer = frozenset(answer)
        self.asked = 0

    def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
        self.asked += 1
        return self.answer


def test_an_agreed_answer_is_given() -> None:
    assert VerifyingMatcher(Fixed("us", "large"), ReferenceMatcher()).matched(CONDITIONS, GIVEN) == {"us", "large"}


@pytest.mark.parametrize("answer", [(), ("us",), ("us", "large", "more")])
def test_a_disagreement_is_a_fault_that_says_where_to_look(answer: tuple[str, ...]) -> None:
    with pytest.raises(EngineFault, match="disagree") as caught:
        VerifyingMatcher(Fixed(*answer), ReferenceMatcher()).matched(CONDITIONS, GIVEN)
    assert caught.value.details == {
        "ruleset": CONDITIONS.hash,
        "facts": content_hash({"country": "US", "quantity": "7"}),
        "answer": sorted(answer),
        "reference": ["large", "us"],
    }


def test_a_fault_of_either_engine_is_a_fault() -> None:
    class Faulty:
        def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
            raise EngineFault("broken")

    for verifying in (VerifyingMatcher(Faulty(), Fixed("us")), VerifyingMatcher(Fixed("us"), Faulty())):
        with pytest.raises(EngineFault, match="broken"):
            verifying.matched(CONDITIONS, GIVEN)


def test_off_never_asks_the_reference() -> None:
    reference = Fixed("else")
    assert VerifyingMatcher(Fixed("us"), reference, "off").matched(CONDITIONS, GIVEN) == {"us"}
    assert reference.asked == 0


def test_a_sample_is_about_one_in_so_many_and_always_the_same() -> None:
    def sampled() -> list[int]:
        reference = Fixed("us")
        verifying = VerifyingMatcher(Fixed("us"), reference, "sample", one_in=10)
        counts = []
        for number in range(2000):
            verifying.matched(CONDITIONS, {"quantity": number})
            counts.append(reference.asked)
        return counts

    assert sampled() == sampled()
    assert 140 < sampled()[-1] < 260


def test_a_disagreement_in_the_sample_fails_closed() -> None:
    verifying = VerifyingMatcher(Fixed("us"), Fixed("large"), "sample", one_in=1)
    with pytest.raises(EngineFault):
        verifying.matched(CONDITIONS, GIVEN)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="always, sample or off"):
        VerifyingMatcher(Fixed(), Fixed(), "sometimes")  # type: ignore[arg-type]
