"""The port every rules engine stands behind: which rules of a set are true for one set of facts."""

from __future__ import annotations

from collections.abc import Mapping
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
