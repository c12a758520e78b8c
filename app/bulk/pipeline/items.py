"""Formulas that pay for each item of an order: sums over the items of an array that meet a condition. What a formula is worth
for one item is `prices.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sqlglot import exp

from app.bulk.conditions import ITEM, Scope, condition_sql, is_null, some_item
from app.bulk.fact_table import Column
from app.bulk.pipeline.exact import NARROW, WIDE_TYPE, Exact, times
from app.bulk.pipeline.extent import Extent
from app.bulk.pipeline.sql import column, named
from app.engine.terms import Terms
from app.rulelang.ast import Fallback, Formula, Payout, PerItem, Verdict, facts_in, nested_formulas
from app.rulelang.compiler import normal_form
from app.rulelang.facts import MAX_SCALE

PriceOf = Callable[[Formula, Callable[[str], Exact]], Exact]
"""Returns what a formula is worth, given how a number that it calculates with is written."""


def items_in(formula: Formula) -> Iterator[PerItem]:
    """Yield the formulas that pay for each item."""
    return (part for part in nested_formulas(formula) if isinstance(part, PerItem))


def paid_by_item(terms: Sequence[Terms]) -> list[str]:
    """Return the lists of items that terms pay by, in order of name."""
    bodies = [each.payout_body for each in terms if each.pays_conversions]
    return sorted({part.items for body in bodies for formula in _formulas(body) for part in items_in(formula)})


def sum_of_items(formula: PerItem, columns: Mapping[str, Column], extent: Extent, price: PriceOf) -> Exact:
    """Return the sum over the items that meet the condition."""
    held = columns[formula.items]

    def field(name: str) -> Exact:
        of = held.fields[name]
        scale = MAX_SCALE if of.fact.type == "decimal" else 0
        return Exact(_of_item(of), scale, extent.bound(f"{held.name}.{of.name}"))

    each = price(formula.then, field)
    each = each if formula.times is None else times(each, field(formula.times))
    met = exp.ArrayFilter(this=column(held.name), expression=_for_item(_where(formula, held)))
    # Each is cast before the sum, so that every engine adds up in the type that holds all of it.
    bound = each.bound * max(1, extent.bound(held.name))
    kind = "bigint" if bound < NARROW else WIDE_TYPE
    amounts = exp.Transform(this=met, expression=_for_item(exp.cast(each.sql.copy(), kind)))
    total = exp.Coalesce(
        this=exp.Anonymous(this="LIST_SUM", expressions=[amounts]), expressions=[exp.Literal.number(0)]
    )
    return Exact(exp.cast(total, kind), each.scale, bound)


def lacks_fields(formula: Formula, columns: Mapping[str, Column]) -> list[exp.Expr]:
    """Return whether an item that is paid for lacks a field that is calculated with, for each list of items."""
    found: list[exp.Expr] = []
    for part in items_in(formula):
        held = columns[part.items]
        wanted = _wanted(part)
        if wanted:
            absent = exp.or_(*(is_null(_of_item(held.fields[name])) for name in wanted))
            test = exp.and_(_where(part, held), absent)
            lacking = some_item(column(held.name), test, is_long=False)
            found.append(exp.Coalesce(this=lacking, expressions=[exp.false()]))
    return found


def may_lack_fields(formula: Formula) -> bool:
    """Tell whether an item may lack a field that is calculated with."""
    return any(_wanted(part) for part in items_in(formula))


def sizes_query(columns: Mapping[str, Column], lists: Sequence[str]) -> tuple[list[str], exp.Query]:
    """Return the query of how many items there are at most and how large their numbers are, and the names of its columns."""
    names: list[str] = []
    counts: list[exp.Expr] = []
    found: list[exp.Expr] = []
    for at, name in enumerate(lists):
        held = columns[name]
        numbers = [of for of in held.fields.values() if of.fact.type in ("integer", "decimal")]
        names += [held.name, *(f"{held.name}.{of.name}" for of in numbers)]
        counts.append(named(exp.ArraySize(this=column(held.name)), f"n_{at}_0"))
        for place, of in enumerate(numbers, start=1):
            sizes = exp.Transform(this=column(held.name), expression=_for_item(exp.Abs(this=_of_item(of))))
            counts.append(named(exp.ArrayMax(this=sizes), f"n_{at}_{place}"))
        found += [exp.Max(this=column(f"n_{at}_{place}")) for place in range(len(numbers) + 1)]
    each = exp.select(*counts).from_("conversions")
    return names, exp.select(*found).from_(each.subquery("each_one", copy=False), copy=False)


def _where(formula: PerItem, held: Column) -> exp.Expr:
    return condition_sql(normal_form(formula.where), Scope(held.fields, is_item=True))


def _wanted(formula: PerItem) -> list[str]:
    return sorted({*facts_in(formula.then), *([formula.times] if formula.times else ())})


def _of_item(field: Column) -> exp.Expr:
    return exp.Dot(this=exp.Column(this=exp.to_identifier(ITEM)), expression=exp.to_identifier(field.name))


def _for_item(value: exp.Expr) -> exp.Lambda:
    return exp.Lambda(this=value, expressions=[exp.to_identifier(ITEM)])


def _formulas(body: Payout) -> list[Formula]:
    found = [rule.then for rule in (*body.rules, *body.bonuses)]
    found += [] if isinstance(body.otherwise, Verdict) else [body.otherwise]
    return found + [limit.over.formula for limit in body.limits if isinstance(limit.over, Fallback)]
