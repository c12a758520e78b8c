"""What every question of one analysis shares: the facts, the zone that examples are told in, and the steps that are left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from app.analysis.questions import Budget, Key, Questions
from app.rulelang.ast import Condition
from app.rulelang.facts import Catalogue


@dataclass(frozen=True, slots=True)
class Setting:
    """One analysis. What is found holds in every time zone; `timezone` is that of its examples."""

    catalogue: Catalogue
    timezone: ZoneInfo
    budget: Budget = field(default_factory=Budget)

    def questions(self, conditions: Mapping[Key, Condition], also_read: frozenset[str] = frozenset()) -> Questions:
        """Return questions about conditions; `also_read` are facts that are calculated with."""
        return Questions(conditions, self.catalogue, self.timezone, self.budget, also_read)
