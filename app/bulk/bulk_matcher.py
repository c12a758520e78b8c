"""The bulk engine behind the matcher port: rules as SQL, run on DuckDB. What a rule means is `engine/reference.py`'s."""

from __future__ import annotations

from collections.abc import Sequence

from app.bulk.duckdb_engine import open_engine, true_rules
from app.bulk.fact_table import FactTable
from app.engine.matcher import Facts, RuleConditions
from app.rulelang.ast import facts_of
from app.rulelang.facts import Catalogue


class BulkMatcher:
    """Decides thousands of sets of facts in one statement. One set takes it milliseconds, most of them to plan."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._connection = open_engine()

    def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
        """Return the ids of the rules that are true. EngineFault if the engine cannot be trusted this time."""
        return self.matched_each(conditions, [facts])[0]

    def matched_each(self, conditions: RuleConditions, many: Sequence[Facts]) -> list[frozenset[str]]:
        """Return for each set of facts the ids of the rules that are true, in the order of the facts."""
        wanted = {fact for _, when in conditions.rules for fact in facts_of(when)}
        return true_rules(self._connection, conditions, FactTable(self._catalogue, wanted), many)

    def close(self) -> None:
        """Give back the engine's memory. The matcher cannot be used again."""
        self._connection.close()
