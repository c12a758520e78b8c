"""SQLGlot trees as Spark runs them: the same trees, but for the few places in which Spark has no such words. What Spark
itself is asked is `spark_engine.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

DIALECT = "spark"
WIDE = "DECIMAL(38, 0)"


def spark_sql(tree: exp.Expr) -> str:
    """Return a tree as Spark SQL. The tree is left as it is."""
    whole = exp.Paren(this=tree.copy())
    for node in reversed(list(whole.walk())):  # what is inside is rewritten before what is around it
        rewritten = _REWRITES.get(type(node), _unchanged)(node)
        if rewritten is not node:
            node.replace(rewritten)
    written: str = whole.this.sql(DIALECT)
    return written


def _unchanged(node: exp.Expr) -> exp.Expr:
    return node


def _item_exists(node: exp.Expr) -> exp.Expr:
    """Spark reads no array of an outer row in a subquery; it looks long lists up in a hash table inside lambdas as well."""
    found = _rows_of_an_array(node.this)
    return node if found is None else exp.GT(this=exp.ArraySize(this=found), expression=exp.Literal.number(0))


def _different_items(node: exp.Expr) -> exp.Expr:
    """Likewise where the different items that are in a list are counted."""
    found = _rows_of_an_array(node.this)
    if found is None or not isinstance(node.this.expressions[0].this, exp.Distinct):
        return node
    return exp.ArraySize(this=exp.ArrayDistinct(this=found))


def _rows_of_an_array(query: exp.Expr) -> exp.Expr | None:
    """Return the items that a query over an array keeps, as an array; None for a query over anything else."""
    source, where = query.args.get("from_"), query.args.get("where")
    if source is None or where is None or not isinstance(source.this, exp.Unnest):
        return None
    unnest = source.this
    (item,) = unnest.args["alias"].columns
    return exp.ArrayFilter(this=unnest.expressions[0], expression=exp.Lambda(this=where.this, expressions=[item]))


def _wide_number(node: exp.Expr) -> exp.Expr:
    """Spark has no integer of 128 bits; its decimals of 38 digits are exact, and an error beyond."""
    return exp.DataType.build(WIDE) if node.this == exp.DType.INT128 else node


def _whole_quotient(node: exp.Expr) -> exp.Expr:
    """Spark's DIV makes 64 bits of whatever it divides, and says nothing where they do not hold it, ANSI or not. A cast
    does say so. Wide numbers are divided without a rest instead, which its decimal division does exactly."""
    left, right = node.this, node.expression
    if not _is_wide(node):
        return exp.IntDiv(this=_as(left, "BIGINT"), expression=_as(right, "BIGINT"))
    left, right = _as(left, WIDE), _as(right, WIDE)
    whole = exp.Sub(this=left, expression=exp.Mod(this=left.copy(), expression=right))
    return _as(exp.Div(this=exp.Paren(this=whole), expression=right.copy()), WIDE)


def _is_wide(node: exp.Expr) -> bool:
    return any(cast.this in (exp.DType.INT128, exp.DType.DECIMAL) for cast in node.find_all(exp.DataType))


def _as(value: exp.Expr, sql_type: str) -> exp.Expr:
    return exp.cast(value, sql_type, dialect=DIALECT)


def _structure(node: exp.Expr) -> exp.Expr:
    """What DuckDB calls a row is a structure, and the sum of a list is a fold."""
    if node.name.upper() == "LIST_SUM":
        return _folded_sum(node.expressions[0])
    return exp.Struct(expressions=node.expressions) if node.name.upper() == "ROW" else node


def _folded_sum(array: exp.Expr) -> exp.Expr:
    """Return the sum of an array of numbers, in the type that its members are cast to."""
    found = array.find(exp.Cast)
    kind = found.to.sql(DIALECT) if isinstance(array, exp.Transform) and found is not None else WIDE
    total, one = exp.to_identifier("total"), exp.to_identifier("one")
    added = exp.Add(this=exp.Column(this=total), expression=exp.Column(this=one))
    fold = exp.Lambda(this=_as(added, kind), expressions=[total.copy(), one.copy()])
    return exp.Reduce(this=array, initial=_as(exp.Literal.number(0), kind), merge=fold)


_REWRITES: Mapping[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.Anonymous: _structure,
    exp.DataType: _wide_number,
    exp.Exists: _item_exists,
    exp.IntDiv: _whole_quotient,
    exp.Subquery: _different_items,
}
