"""Small pieces of SQL that several stages write alike."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp


def column(name: str, table: str | None = None) -> exp.Column:
    """Return a column."""
    return exp.column(name, table=table)


def number(value: int) -> exp.Expr:
    """Return a whole number."""
    return exp.Literal.number(int(value))


def named(value: exp.Expr, name: str) -> exp.Expr:
    """Return a value as a column of a query."""
    return exp.alias_(value, name)


def is_null(value: exp.Expr) -> exp.Expr:
    """Return whether a value is absent."""
    return exp.Is(this=value, expression=exp.Null())


def is_there(value: exp.Expr) -> exp.Expr:
    """Return whether a value is there."""
    return exp.not_(is_null(value))


def equal(name: str, left: str, right: str) -> exp.Expr:
    """Return whether a column is the same in two tables."""
    return exp.EQ(this=column(name, left), expression=column(name, right))


def both(left: str, right: str) -> exp.Expr:
    """Return whether rows of two tables are of one conversion and one partner."""
    return exp.and_(equal("row_number", left, right), equal("partner", left, right))


def bit(name: str, place: int, size: int) -> exp.Expr:
    """Return whether a bit is set in columns of bits, so many a column."""
    mask = exp.BitwiseAnd(this=exp.column(f"{name}_{place // size}"), expression=number(1 << place % size))
    return exp.NEQ(this=exp.Paren(this=mask), expression=number(0))


def either(when: exp.Expr, value: exp.Expr, other: exp.Expr) -> exp.Expr:
    """Return a value where a condition is true, and another one else."""
    return exp.Case(ifs=[exp.If(this=when, true=value)], default=other)


def union_all(queries: Sequence[exp.Query]) -> exp.Query:
    """Return the rows of all queries."""
    return exp.union(*queries, distinct=False, copy=False) if len(queries) > 1 else queries[0]


def over(
    function: exp.Expr, by: Sequence[exp.Expr], order: Sequence[str] = ("event_at", "id"), *, before: bool = False
) -> exp.Window:
    """Return a function over the rows of a part in canonical order: up to this one, or only before it."""
    spec = exp.WindowSpec(
        kind="ROWS",
        start="UNBOUNDED",
        start_side="PRECEDING",
        end=number(1) if before else "CURRENT ROW",
        end_side="PRECEDING" if before else None,
    )
    ordered = exp.Order(expressions=[exp.Ordered(this=exp.column(name)) for name in order])
    return exp.Window(this=function, partition_by=[each.copy() for each in by], order=ordered, spec=spec)
