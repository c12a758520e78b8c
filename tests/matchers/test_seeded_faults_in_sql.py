"""The conformance cases catch a broken SQL compiler: each fault here is one that somebody could write, and a case fails for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unicodedata import normalize

import pytest
from sqlglot import exp

from app.bulk import columns, conditions, fact_table
from app.bulk.bulk_matcher import BulkMatcher
from app.bulk.conditions import LIST_TESTS, TESTS, Scope
from app.bulk.fact_table import Column
from app.engine.matcher import EngineFault
from app.rulelang.compiler import Check, Every, HasItem
from tests.builders.conditions import catalogue
from tests.matchers.test_conformance import cases_that_fail_in_bulk

Patch = pytest.MonkeyPatch
Fault = Callable[[Patch], None]
Compare = Callable[[exp.Expr, Sequence[exp.Expr]], exp.Expr]
Absent = Sequence[exp.Expr]
Answer = Callable[[exp.Expr, Absent, bool, bool], exp.Expr]
AS_IT_IS = {
    name: getattr(conditions, name)
    for name in ("literal", "two_valued", "check_sql", "has_item_sql", "_in_lambda", "_in_rows", "_is_in")
}


def comparing(op: str, compare: Compare) -> Fault:
    return lambda patch: patch.setitem(TESTS, op, compare)


def of_lists(op: str, compare: Compare) -> Fault:
    return lambda patch: patch.setitem(LIST_TESTS, op, compare)


def replaced(name: str, instead: Any) -> Fault:
    return lambda patch: patch.setattr(conditions, name, instead)


def held(kind: str, stored: Callable[[Any], Any]) -> Fault:
    """Hold the values of a type in another way, in columns and in statements alike."""
    return lambda patch: patch.setitem(columns.STORAGE, kind, replace(columns.STORAGE[kind], stored=stored))


def answering(answer: Answer) -> Fault:
    """Answer for a test, by what an absent fact counts as and whether it is negated, in a wrong way."""
    return replaced("two_valued", lambda test, absent, if_absent, *, negated: answer(test, absent, if_absent, negated))


def right(test: exp.Expr, absent: Absent, if_absent: bool, negated: bool) -> Any:
    return AS_IT_IS["two_valued"](test, absent, if_absent, negated=negated)


def unguarded(test: exp.Expr, absent: Absent, if_absent: bool, negated: bool) -> exp.Expr:
    return exp.Paren(this=exp.Not(this=exp.Paren(this=test)) if negated else test)


def for_fields(answer: Answer) -> Fault:
    """Answer in a wrong way for the fields of items alone."""

    def check_sql(check: Check, scope: Scope) -> Any:
        with Patch.context() as patch:
            if scope.is_item:
                answering(answer)(patch)
            return AS_IT_IS["check_sql"](check, scope)

    return replaced("check_sql", check_sql)


def written(kind: str, changed: Callable[[Any], Any]) -> Fault:
    """Write the values of a type in another way in statements alone."""
    return replaced(
        "literal", lambda of, value: AS_IT_IS["literal"](of, changed(value) if of == kind and value != "" else value)
    )


def members(kept: Callable[[list[exp.Expr]], list[exp.Expr]]) -> Fault:
    def is_in(actual: exp.Expr, expected: Sequence[exp.Expr]) -> Any:
        return AS_IT_IS["_is_in"](actual, kept(list(expected)))

    def patched(patch: Patch) -> None:
        replaced("_is_in", is_in)(patch)
        patch.setitem(TESTS, "in", is_in)

    return patched


def like(before: str, after: str) -> Compare:
    return lambda actual, expected: exp.Like(
        this=actual, expression=exp.Literal.string(f"{before}{expected[0].this}{after}")
    )


def both(op: str, change: Callable[[exp.Expr], exp.Expr]) -> Fault:
    """Change both sides of a comparison of texts."""
    compare = TESTS[op]

    def changed(actual: exp.Expr, expected: Sequence[exp.Expr]) -> exp.Expr:
        is_text = all(each.is_string for each in expected)
        return compare(change(actual), [change(each) for each in expected]) if is_text else compare(actual, expected)

    return comparing(op, changed)


def exchanged(op: str) -> Fault:
    compare = TESTS[op]
    return comparing(op, lambda actual, expected: compare(expected[0], [actual]))


def folded(value: exp.Expr) -> exp.Expr:
    return exp.Lower(this=value)


def sliced(low: int, high: int) -> Fault:
    """Look at some items of a list only."""
    return replaced(
        "_in_lambda",
        lambda array, test: AS_IT_IS["_in_lambda"](exp.func("list_slice", array, str(low), str(high)), test),
    )


def all_items(array: exp.Expr, test: exp.Expr) -> exp.Expr:
    """Want every item instead of one, of an empty list as well."""
    return exp.Not(this=AS_IT_IS["_in_lambda"](array, exp.Not(this=exp.Paren(this=test))))


def each_its_own_item(has: HasItem, scope: Scope) -> exp.Expr:
    parts = has.where.parts if isinstance(has.where, Every) else (has.where,)
    found = [AS_IT_IS["has_item_sql"](replace(has, where=part, negated=False), scope) for part in parts]
    return exp.Not(this=exp.and_(*found)) if has.negated else exp.and_(*found)


def field_of_the_row(has: HasItem, scope: Scope) -> exp.Expr:
    """Read a field from the facts of the order where they have one of its name."""
    fields = scope.columns[has.fact].fields
    original = Scope.reference

    def reference(self: Scope, name: str) -> Any:
        return original(scope if self.is_item and name in fields and name in scope.columns else self, name)

    with Patch.context() as patch:
        patch.setattr(Scope, "reference", reference)
        return AS_IT_IS["has_item_sql"](has, scope)


def next_field(has: HasItem, scope: Scope) -> exp.Expr:
    """Read the next field of the same type."""
    original = Scope.reference

    def reference(self: Scope, name: str) -> Any:
        alike = [each for each, column in self.columns.items() if column.scalar == self.columns[name].scalar]
        return original(self, alike[(alike.index(name) + 1) % len(alike)] if self.is_item else name)

    with Patch.context() as patch:
        patch.setattr(Scope, "reference", reference)
        return AS_IT_IS["has_item_sql"](has, scope)


def holding(changed: Callable[[Any], Any]) -> Fault:
    """Hold the lists of columns in another way."""
    original = Column.value

    def value(self: Column, given: Any) -> Any:
        return changed(original(self, given)) if self.is_list else original(self, given)

    return lambda patch: patch.setattr(Column, "value", value)


def absent_as_empty(patch: Patch) -> None:
    original = fact_table.row_of

    def row_of(held_in: Any, values: Any) -> Any:
        row = original(held_in, values)
        lists = [column.name for column in held_in.values() if column.is_list]
        return {**row, **{name: row[name] or [] for name in lists}}

    patch.setattr(fact_table, "row_of", row_of)


def named_as(check: Check, scope: Scope) -> exp.Expr:
    """Compare with the name of the other fact instead of its value."""
    if check.other_fact is None or scope.column(check.fact).scalar != "text":
        return AS_IT_IS["check_sql"](check, scope)  # type: ignore[no-any-return]
    return AS_IT_IS["check_sql"](replace(check, other_fact=None, expected=(check.other_fact,)), scope)  # type: ignore[no-any-return]


def other_may_be_absent(check: Check, scope: Scope) -> exp.Expr:
    """Take the other fact's absence for false, whatever the rule says."""
    found = AS_IT_IS["check_sql"](check, scope)
    if check.other_fact is None:
        return found  # type: ignore[no-any-return]
    there = exp.Not(this=exp.Is(this=scope.reference(check.other_fact), expression=exp.Null()))
    return exp.and_(there, found)


FAULTS: dict[str, Fault] = {
    "the answer for an absent fact is dropped": answering(unguarded),
    "the answer for an absent fact is turned round": answering(lambda test, absent, if_absent, negated: right(test, absent, not if_absent, negated)),
    "an absent fact never matches": answering(lambda test, absent, if_absent, negated: right(test, absent, False, negated)),
    "an absent fact always matches": answering(lambda test, absent, if_absent, negated: right(test, absent, True, negated)),
    "a negation negates the absence too": answering(
        lambda test, absent, if_absent, negated: exp.Not(this=right(test, absent, if_absent, False)) if negated else right(test, absent, if_absent, False)
    ),
    "a negation is lost": answering(lambda test, absent, if_absent, negated: right(test, absent, if_absent, False)),
    "every test is negated": answering(lambda test, absent, if_absent, negated: right(test, absent, if_absent, True)),
    "the answer for an absent fact is dropped for fields": for_fields(unguarded),
    "the answer for an absent fact is turned round for fields": for_fields(
        lambda test, absent, if_absent, negated: right(test, absent, not if_absent, negated)
    ),
    "a negation is lost for fields": for_fields(lambda test, absent, if_absent, negated: right(test, absent, if_absent, False)),
    "exists is always true": lambda patch: patch.setitem(conditions.PRESENCE, "exists", lambda a: exp.true()),
    "missing is never true": lambda patch: patch.setitem(conditions.PRESENCE, "missing", lambda a: exp.false()),
    "exists and missing are exchanged": lambda patch: [  # type: ignore[func-returns-value]
        patch.setitem(conditions.PRESENCE, "exists", conditions.PRESENCE["missing"]),
        patch.setitem(conditions.PRESENCE, "missing", conditions.PRESENCE["exists"]),
    ][0],
    "all becomes any": lambda patch: patch.setitem(conditions.GROUPS, "every", conditions.GROUPS["some"]),
    "any becomes all": lambda patch: patch.setitem(conditions.GROUPS, "some", conditions.GROUPS["every"]),
    "groups lose their brackets": lambda patch: patch.setitem(
        conditions.GROUPS, "every", lambda parts: exp.and_(*parts, copy=False, wrap=False) if parts else exp.true()
    ),
    "all loses its last part": lambda patch: patch.setitem(
        conditions.GROUPS, "every", lambda parts: exp.and_(*parts[:1], copy=False) if parts else exp.true()
    ),
    "an empty all is false": lambda patch: patch.setitem(
        conditions.GROUPS, "every", lambda parts: exp.and_(*parts, copy=False) if parts else exp.false()
    ),
    "an empty any is true": lambda patch: patch.setitem(
        conditions.GROUPS, "some", lambda parts: exp.or_(*parts, copy=False) if parts else exp.true()
    ),
    "integers are one too many": written("integer", lambda value: value + 1 if value < 2**62 - 1 else value),
    "integers are one too few": written("integer", lambda value: value - 1 if value > 1 - 2**62 else value),
    "decimals are a millionth too much": written(
        "decimal", lambda value: value + Decimal("0.000001") if value < 10**12 else value
    ),
    "instants are a microsecond late": written("instant", lambda value: value - timedelta(microseconds=1)),
    "durations are a microsecond short": written("duration", lambda value: max(timedelta(0), value - timedelta.resolution)),
    "dates are the first of the month": written("date", lambda value: value.replace(day=1)),
    "text loses its last character": written("text", lambda value: value[:-1]),
    "a list loses its last member": members(lambda kept: kept[:-1] or kept),
    "a list loses its first member": members(lambda kept: kept[1:] or kept),
    "a list is its ends": members(lambda kept: [kept[0], kept[-1]]),
    "in becomes not in": comparing("in", TESTS["not_in"]),
    "not in becomes in": comparing("not_in", TESTS["in"]),
    "starts_with is LIKE": comparing("starts_with", like("", "%")),
    "contains is LIKE": comparing("contains", like("%", "%")),
    "contains is GLOB": comparing(
        "contains", lambda a, x: exp.Glob(this=a, expression=exp.Literal.string(f"*{x[0].this}*"))
    ),
    "starts_with looks anywhere": comparing("starts_with", TESTS["contains"]),
    "contains looks at the start": comparing("contains", TESTS["starts_with"]),
    "contains wants all of it": comparing("contains", TESTS["eq"]),
    "starts_with looks at the end": comparing("starts_with", lambda a, x: exp.func("ends_with", a, x[0])),
    "eq folds case": both("eq", folded),
    "neq folds case": both("neq", folded),
    "starts_with folds case": both("starts_with", folded),
    "contains folds case": both("contains", folded),
    "text loses its blanks": held("text", str.strip),
    "text is folded": held("text", str.casefold),
    "text is normalised for looks": held("text", lambda value: normalize("NFKC", value)),
    "text loses its accents": held("text", lambda value: normalize("NFD", value).encode("ascii", "ignore").decode()),
    "text loses its backslashes": held("text", lambda value: value.replace("\\", "")),
    "text is cut at a quote": held("text", lambda value: value.split('"')[0]),
    "text is cut at an apostrophe": held("text", lambda value: value.split("'")[0]),
    "the empty text is absent": held("text", lambda value: value or None),
    "integers pass through a float": held("integer", lambda value: int(float(value))),
    "decimals pass through a float": held("decimal", lambda value: round(float(value) * 10**6)),
    "decimals are cut to cents": held("decimal", lambda value: int(value * 100)),
    "decimals are cut to five digits": held("decimal", lambda value: int(value * 10**5)),
    "decimals lose their sign": held("decimal", lambda value: abs(int(value * 10**6))),
    "instants are cut to seconds": held("instant", lambda value: int(value.timestamp())),
    "instants are cut to milliseconds": held("instant", lambda value: int(value.timestamp() * 1000)),
    "instants are read in local time": held("instant", lambda value: value.hour),
    "durations are cut to seconds": held("duration", lambda value: value // timedelta(seconds=1)),
    "durations lose their days": held("duration", lambda value: value.seconds * 10**6 + value.microseconds),
    "booleans are all true": held("boolean", lambda value: True),
    "an empty list is absent": holding(lambda value: value or None),
    "a list loses its last item": holding(lambda value: value[:-1]),
    "an absent list is empty": absent_as_empty,
    "any item becomes every item": replaced("_in_lambda", all_items),
    "only the first item is looked at": sliced(1, 1),
    "the first item is passed over": sliced(2, -1),
    "each test may have an item of its own": replaced("has_item_sql", each_its_own_item),
    "a field is read from the order": replaced("has_item_sql", field_of_the_row),
    "the next field is read": replaced("has_item_sql", next_field),
    "contains of lists looks into the members": of_lists(
        "contains", lambda a, x: AS_IT_IS["_in_lambda"](a, TESTS["contains"](exp.column("item"), x))
    ),
    "contains_any wants all": of_lists("contains_any", LIST_TESTS["contains_all"]),
    "contains_all wants one": of_lists("contains_all", LIST_TESTS["contains_any"]),
    "contains_all wants the first": of_lists("contains_all", LIST_TESTS["contains"]),
    "contains_all wants nothing else": of_lists(
        "contains_all", lambda a, x: exp.EQ(this=exp.func("list_sort", a), expression=exp.func("list_sort", exp.Array(expressions=x)))
    ),
    "is_empty is never true": of_lists("is_empty", lambda a, x: exp.false()),
    "two facts change places in gt": exchanged("gt"),
    "two facts change places in lt": exchanged("lt"),
    "two facts change places in gte": exchanged("gte"),
    "two facts change places in lte": exchanged("lte"),
    "a fact is compared with the name of another": replaced("check_sql", named_as),
    "the absence of the other fact is false": replaced("check_sql", other_may_be_absent),
}  # fmt: skip

# What is wrong only where the items of a list are looked up in rows, as they are for long lists.
FAULTS_IN_ROWS: dict[str, Fault] = {
    "the answer for an absent list is dropped": answering(unguarded),
    "any item becomes no item": replaced("_in_rows", lambda a, test: exp.Not(this=AS_IT_IS["_in_rows"](a, test))),
    "a member counts as often as it is there": lambda patch: patch.setattr(
        exp, "Distinct", lambda expressions: expressions[0]
    ),
    "a member is lost": members(lambda kept: kept[:-1] or kept),
    "the answer for an absent fact is turned round for fields": FAULTS[
        "the answer for an absent fact is turned round for fields"
    ],
    "the next field is read": FAULTS["the next field is read"],
}


def cases_fail() -> list[str]:
    matcher = BulkMatcher(catalogue())
    try:
        return cases_that_fail_in_bulk(matcher)
    except EngineFault as fault:
        return [f"a fault: {fault}"]
    finally:
        matcher.close()


@pytest.mark.parametrize(("long", "few"), [(conditions.LONG, conditions.FEW), (0, 0), (0, 1000)])
def test_the_engine_as_it_is_fails_no_case(long: int, few: int, monkeypatch: Patch) -> None:
    monkeypatch.setattr(conditions, "LONG", long)
    monkeypatch.setattr(conditions, "FEW", few)
    assert cases_fail() == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_case_fails_when(fault: str, monkeypatch: Patch) -> None:
    FAULTS[fault](monkeypatch)
    failed = cases_fail()
    assert failed, f"no case notices that {fault}"
    assert not failed[0].startswith("a fault"), f"not a wrong answer, but {failed[0]}"


@pytest.mark.parametrize("fault", FAULTS_IN_ROWS)
def test_a_case_with_rows_fails_when(fault: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(conditions, "LONG", 0)
    FAULTS_IN_ROWS[fault](monkeypatch)
    failed = cases_fail()
    assert failed, f"no case notices that {fault}"
    assert not failed[0].startswith("a fault"), f"not a wrong answer, but {failed[0]}"


COMPARISONS = ("eq", "neq", "lt", "lte", "gt", "gte")


@pytest.mark.parametrize(("op", "wrong"), [(op, wrong) for op in COMPARISONS for wrong in COMPARISONS if op != wrong])
def test_a_case_fails_when_an_operator_is_another(op: str, wrong: str, monkeypatch: Patch) -> None:
    monkeypatch.setitem(TESTS, op, TESTS[wrong])
    assert cases_fail(), f"no case notices that {op} is {wrong}"
