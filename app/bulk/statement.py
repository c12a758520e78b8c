"""One statement for a set of rules: a row for each set of facts, and in it which rules are true."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from sqlglot import exp

from app.bulk.conditions import Scope, condition_sql
from app.bulk.fact_table import ROW, FactTable
from app.engine.matcher import RuleConditions
from app.rulelang.ast import Condition
from app.rulelang.compiler import normal_form

MASK = 62
"""How many rules share a column of verdicts, a bit each, so that it is a positive 64-bit number."""


def verdicts(conditions: RuleConditions, table: FactTable, source: exp.Expr) -> exp.Select:
    """Return the query of the number of each row of a source, and of the rules that are true of it.

    A column for each rule would take twice the time: most of it goes into writing columns that say no.
    """
    scope = Scope(table.columns)
    shares = [conditions.rules[start : start + MASK] for start in range(0, len(conditions.rules), MASK)]
    masks = [exp.alias_(_mask(share, scope), f"true_{at}", copy=False) for at, share in enumerate(shares)]
    query: exp.Select = exp.Select().select(exp.column(ROW), *masks, copy=False).from_(source, copy=False)
    return query


def true_of(conditions: RuleConditions, masks: Sequence[int]) -> frozenset[str]:
    """Return the ids of the rules whose bits are set."""
    return frozenset(
        conditions.rules[at * MASK + bit][0]
        for at, mask in enumerate(masks)
        for bit in range(mask.bit_length())
        if mask >> bit & 1
    )


def _mask(share: Sequence[tuple[str, Condition]], scope: Scope) -> exp.Expr:
    bits = [_bit(condition_sql(normal_form(when), scope), at) for at, (_, when) in enumerate(share)]
    return exp.cast(
        exp.Paren(this=reduce(lambda left, right: exp.BitwiseOr(this=left, expression=right), bits)), "bigint"
    )


def _bit(condition: exp.Expr, at: int) -> exp.Expr:
    true, false = exp.Literal.number(1 << at), exp.Literal.number(0)
    return exp.Case(ifs=[exp.If(this=condition, true=true)], default=false)
