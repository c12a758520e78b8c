"""The bulk engine behind the matcher port once more: the same statement as in `bulk_matcher.py`, run on Spark."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from app.bulk.fact_table import FactTable
from app.bulk.spark_engine import SparkRunner
from app.bulk.statement import true_of, verdicts
from app.engine.matcher import EngineFault, Facts, RuleConditions
from app.rulelang.ast import facts_of
from app.rulelang.facts import Catalogue

FACTS = "facts"


class SparkMatcher:
    """Decides millions of sets of facts in one statement. One set takes it a second, nearly all of it to begin."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.runner = SparkRunner()

    def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
        """Return the ids of the rules that are true. EngineFault if the engine cannot be trusted this time."""
        return self.matched_each(conditions, [facts])[0]

    def matched_each(self, conditions: RuleConditions, many: Sequence[Facts]) -> list[frozenset[str]]:
        """Return for each set of facts the ids of the rules that are true, in the order of the facts."""
        wanted = {fact for _, when in conditions.rules for fact in facts_of(when)}
        table = FactTable(self._catalogue, wanted)
        self.runner.load(FACTS, table.structure, (table.row(number, facts) for number, facts in enumerate(many)))
        decided = self.runner.run(verdicts(conditions, table, exp.to_table(FACTS)))
        self.runner.drop(FACTS)
        found = {number: true_of(conditions, masks) for number, *masks in decided}
        if found.keys() != set(range(len(many))):
            raise EngineFault("Spark did not decide all of the facts", given=len(many), decided=len(found))
        return [found[number] for number in range(len(many))]

    def close(self) -> None:
        """Give the tables up. The matcher cannot be used again."""
        self.runner.close()
