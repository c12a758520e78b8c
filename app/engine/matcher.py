"""The port every rules engine stands behind: which rules of a set are true for one set of facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from app.core.errors import AppError
from app.rulelang.ast import Condition, Value

Facts: TypeAlias = Mapping[str, Value]
"""Typed facts by name. An absent fact is not in the mapping."""


@dataclass(frozen=True, slots=True)
class RuleConditions:
    """The conditions of one immutable rule version, by rule id, named by the hash of its body."""

    hash: str
    rules: tuple[tuple[str, Condition], ...]


class Matcher(Protocol):
    """An engine. It has no state a caller could see: same conditions and facts, same answer."""

    def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
        """Return the ids of the rules that are true. EngineFault if the engine cannot be trusted this time."""
        ...


class EngineFault(AppError):
    """An engine failed, or two engines disagree. Nothing is decided; it is never "not eligible"."""

    code = "engine_fault"
    kind = "fault"


class Trial(Protocol):
    """Tries rules out on an engine before anybody depends on them, where they can do no harm."""

    def __call__(self, versions: Sequence[RuleConditions]) -> None:
        """Return if the engine runs them all. RulesNotRunnable if it does not, TrialNotRun if that is not known."""
        ...


def no_trial(versions: Sequence[RuleConditions]) -> None:
    """Try nothing out: for an engine that is plain Python and needs no trial, and for rules that ran before."""


class RulesNotRunnable(AppError):
    """The rules are well formed, but the online engine crashes on them, takes too much, or gives wrong answers."""

    code = "rules_not_runnable"
    kind = "conflict"


class TrialNotRun(AppError):
    """The machine is too busy to try the rules out."""

    code = "trial_not_run"
    kind = "unavailable"
