"""A matcher that has another one check its answers. Where they differ, nobody is right and nothing is decided."""

from __future__ import annotations

import zlib
from typing import Literal, get_args

from app.core.canonical import content_hash
from app.engine.matcher import EngineFault, Facts, Matcher, RuleConditions

Mode = Literal["always", "sample", "off"]


class VerifyingMatcher:
    """Answers with `primary`, and compares with `reference` always, never, or for one in `one_in` sets of facts.

    Which facts are sampled is decided by the facts and rules alone, so that a replay checks what the first run checked.
    """

    def __init__(self, primary: Matcher, reference: Matcher, mode: Mode = "always", *, one_in: int = 100) -> None:
        if mode not in get_args(Mode):
            raise ValueError(f"verify is {mode!r}; expected always, sample or off")
        self._primary = primary
        self._reference = reference
        self._mode = mode
        self._one_in = one_in

    def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
        """Return the ids of the rules that are true. EngineFault if the two engines disagree."""
        answer = self._primary.matched(conditions, facts)
        if self._mode == "always" or (self._mode == "sample" and self._is_sampled(conditions, facts)):
            self._verify(answer, conditions, facts)
        return answer

    def _is_sampled(self, conditions: RuleConditions, facts: Facts) -> bool:
        text = conditions.hash + repr(sorted(_strings(facts).items()))
        return zlib.crc32(text.encode("utf-8", "surrogatepass")) % self._one_in == 0

    def _verify(self, answer: frozenset[str], conditions: RuleConditions, facts: Facts) -> None:
        expected = self._reference.matched(conditions, facts)
        if answer != expected:
            raise EngineFault(
                "two engines disagree on which rules are true; nothing was decided. Keep the facts, replay them with "
                "verify: always, and report the difference",
                ruleset=conditions.hash,
                facts=content_hash(_strings(facts)),
                answer=sorted(answer),
                reference=sorted(expected),
            )


def _strings(facts: Facts) -> dict[str, str]:
    return {name: str(value) for name, value in facts.items()}
