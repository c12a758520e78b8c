"""Conditions as SQL expressions that are true or false and never NULL. Which columns there are is the fact table's to say.

The expressions are SQLGlot trees. What is used of them is written the same way by every engine that has arrays and
lambdas, DuckDB and Spark among them, but for the test of a long list inside an array (`_in_rows`), which is DuckDB's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from app.bulk.columns import literal
from app.bulk.fact_table import Column
from app.engine.matcher import EngineFault
from app.rulelang.compiler import Check, Every, HasItem, Normal, Some

# A list of more members is looked up in a hash table, which DuckDB does not do inside a lambda.
LONG = 100
FEW = 4
ITEM = "item"
MEMBERS = "members"
"""Marks an expression that is a list of the values that a fact may be."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean: the columns of the table, or the fields of one item."""

    columns: Mapping[str, Column]
    is_item: bool = False
    # How a value that a rule compares with is written: by itself, or as the parameter of a shape.
    written: Callable[[str, Any], exp.Expr] = literal

    def column(self, name: str) -> Column:
        """Return where a fact stands. EngineFault when it has no column."""
        column = self.columns.get(name)
        if column is None:
            raise EngineFault(f"there is no column for {name!r}")
        return column

    def reference(self, name: str) -> exp.Expr:
        """Return a fact as an expression."""
        identifier = exp.to_identifier(self.column(name).name)
        return exp.Dot(this=_item(), expression=identifier) if self.is_item else exp.Column(this=identifier)


def condition_sql(normal: Normal, scope: Scope) -> exp.Expr:
    """Return a condition as an expression. Like a normal form, it has no negation but around a single test."""
    match normal:
        case Check():
            return check_sql(normal, scope)
        case HasItem():
            return has_item_sql(normal, scope)
        case Every(parts):
            return GROUPS["every"]([condition_sql(part, scope) for part in parts])
        case Some(parts):
            return GROUPS["some"]([condition_sql(part, scope) for part in parts])


def check_sql(check: Check, scope: Scope) -> exp.Expr:
    """Return one comparison; a fact that is absent, which SQL leaves open, has the answer of the rule."""
    actual, column = scope.reference(check.fact), scope.column(check.fact)
    if check.op in PRESENCE:
        return PRESENCE[check.op](actual)
    if check.other_fact is not None:
        expected = [scope.reference(check.other_fact)]
    else:
        expected = [scope.written(column.scalar, value) for value in check.expected]
    tests = LIST_TESTS if column.is_list else TESTS
    facts = (check.fact,) if check.other_fact is None else (check.fact, check.other_fact)
    absent = [is_null(scope.reference(fact)) for fact in facts]
    return two_valued(tests[check.op](actual, expected), absent, check.if_absent, negated=check.negated)


def has_item_sql(has: HasItem, scope: Scope) -> exp.Expr:
    """Return whether one item of a list meets a condition on its fields."""
    column = scope.column(has.fact)
    test = condition_sql(has.where, Scope(column.fields, is_item=True, written=scope.written))
    found = some_item(scope.reference(has.fact), test, is_long=_is_long(has.where))
    return two_valued(found, [is_null(scope.reference(has.fact))], has.if_absent, negated=has.negated)


def two_valued(test: exp.Expr, absent: Sequence[exp.Expr], if_absent: bool, *, negated: bool) -> exp.Expr:
    """Return a test, or its negation, with the answer of the rule where a fact is absent and the test is NULL.

    It says `absent OR test`, or `test AND NOT absent`, which is true or false where `coalesce(test, answer)` is, and
    takes DuckDB less than two thirds of the time: it tests only the rows that are left by what stands before, and few
    facts are absent where the test is true.
    """
    answer = exp.Not(this=exp.Paren(this=test)) if negated else exp.Paren(this=test)
    if if_absent:
        return exp.Paren(this=exp.or_(*absent, answer, copy=False, wrap=False))
    return exp.Paren(this=exp.and_(answer, *(exp.Not(this=each) for each in absent), copy=False, wrap=False))


def is_null(value: exp.Expr) -> exp.Expr:
    """Return whether a fact is absent."""
    return exp.Is(this=value, expression=exp.Null())


def some_item(array: exp.Expr, test: exp.Expr, *, is_long: bool) -> exp.Expr:
    """Return whether the test is true of one item of an array; of an empty one it never is."""
    return _in_rows(array, test) if is_long else _in_lambda(array, test)


def _in_lambda(array: exp.Expr, test: exp.Expr) -> exp.Expr:
    test_of_item = exp.Lambda(this=test, expressions=[exp.to_identifier(ITEM)])
    return _is(exp.GT, exp.ArraySize(this=exp.ArrayFilter(this=array, expression=test_of_item)), 0)


def _in_rows(array: exp.Expr, test: exp.Expr) -> exp.Expr:
    return exp.Exists(this=exp.select("1").from_(_rows_of(array), copy=False).where(test, copy=False))


def contains_any(array: exp.Expr, members: Sequence[exp.Expr]) -> exp.Expr:
    """Return whether an array has one of the members."""
    return some_item(array, TESTS["in"](_item(), members), is_long=len(members) > LONG)


def contains_all(array: exp.Expr, members: Sequence[exp.Expr]) -> exp.Expr:
    """Return whether an array has all of the members, which are all different."""
    if len(members) <= LONG:
        return exp.and_(*(LIST_TESTS["contains"](array.copy(), [member]) for member in members), copy=False)
    different = exp.Count(this=exp.Distinct(expressions=[_item()]))
    found = exp.select(different).from_(_rows_of(array), copy=False).where(TESTS["in"](_item(), members), copy=False)
    return _is(exp.EQ, exp.Subquery(this=found), len(members))


def _rows_of(array: exp.Expr) -> exp.Expr:
    alias = exp.TableAlias(this=exp.to_identifier("items"), columns=[exp.to_identifier(ITEM)])
    return exp.Unnest(expressions=[array.copy()], alias=alias)


def _is_long(normal: Normal) -> bool:
    """Tell whether a list of many members is looked up in a condition on items."""
    match normal:
        case Check():
            return len(normal.expected) > LONG
        case Every(parts) | Some(parts):
            return any(map(_is_long, parts))
        case HasItem():
            return _is_long(normal.where)


def _item() -> exp.Expr:
    return exp.Column(this=exp.to_identifier(ITEM))


def _is(comparison: type[exp.Binary], this: exp.Expr, number: int) -> exp.Expr:
    return comparison(this=this, expression=exp.Literal.number(number))


Test = Callable[[exp.Expr, Sequence[exp.Expr]], exp.Expr]


def _compared(comparison: type[exp.Expr]) -> Test:
    return lambda actual, expected: comparison(this=actual, expression=expected[0])


def _is_in(actual: exp.Expr, expected: Sequence[exp.Expr]) -> exp.Expr:
    """Return whether a value is in a list. DuckDB compares every row with all of a list, but leaves an OR once it is true."""
    if len(expected) > FEW:
        return exp.In(this=actual, expressions=list(expected))
    if expected[0].meta.get(MEMBERS):
        return exp.ArrayContains(this=expected[0], expression=actual)
    equal = [exp.EQ(this=actual.copy(), expression=each) for each in expected]
    return exp.Paren(this=exp.or_(*equal, copy=False, wrap=False))


PRESENCE: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "exists": lambda actual: exp.Not(this=is_null(actual)),
    "missing": is_null,
}
TESTS: dict[str, Test] = {
    "eq": _compared(exp.EQ),
    "neq": _compared(exp.NEQ),
    "lt": _compared(exp.LT),
    "lte": _compared(exp.LTE),
    "gt": _compared(exp.GT),
    "gte": _compared(exp.GTE),
    "in": _is_in,
    "not_in": lambda actual, expected: exp.Not(this=_is_in(actual, expected)),
    # Functions and not LIKE, which has wildcards of its own.
    "starts_with": _compared(exp.StartsWith),
    "contains": _compared(exp.Contains),
}
LIST_TESTS: dict[str, Test] = {
    "contains": _compared(exp.ArrayContains),
    "contains_any": contains_any,
    "contains_all": contains_all,
    "is_empty": lambda array, expected: _is(exp.EQ, exp.ArraySize(this=array), 0),
}


def _every(parts: Sequence[exp.Expr]) -> exp.Expr:
    return exp.and_(*parts, copy=False) if parts else exp.true()


def _some(parts: Sequence[exp.Expr]) -> exp.Expr:
    return exp.or_(*parts, copy=False) if parts else exp.false()


GROUPS = {"every": _every, "some": _some}
