"""One statement for a set of rules: a row for each set of facts, and in it whether each rule is true."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from app.bulk.conditions import Scope, condition_sql
from app.bulk.fact_table import ROW, FactTable
from app.engine.matcher import RuleConditions
from app.rulelang.compiler import normal_form


def rule_columns(conditions: RuleConditions, table: FactTable) -> list[exp.Expr]:
    """Return the condition of each rule as a column, in the order of the rules; `r0` is the first."""
    scope = Scope(table.columns)
    return [
        exp.alias_(condition_sql(normal_form(when), scope), f"r{at}", copy=False)
        for at, (_, when) in enumerate(conditions.rules)
    ]


def verdicts(conditions: RuleConditions, table: FactTable, source: exp.Expr) -> exp.Select:
    """Return the query of the number of each row of a source, and of the rules that are true of it."""
    return select([exp.column(ROW), *rule_columns(conditions, table)], source)


def select(columns: Sequence[exp.Expr], source: exp.Expr) -> exp.Select:
    """Return a query of columns; a copy of thousands of tests would take longer than to make them."""
    query: exp.Select = exp.Select().select(*columns, copy=False).from_(source, copy=False)
    return query
