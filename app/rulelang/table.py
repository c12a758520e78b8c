"""A rule body as a decision table: a row a rule, a column a fact, the outcome last. Sentences are `printer.py`'s."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.rulelang.ast import (
    AllOf,
    Always,
    Attribution,
    Body,
    Condition,
    Eligibility,
    EligibilityRule,
    Leaf,
    Payout,
    PayoutRule,
    QualifyRule,
    Verdict,
)
from app.rulelang.printer import COUNTERS, HITS, condition_text, formula_text, leaf_cell, limit_text, verdict_text

UNTESTED = "–"
RULE, ALSO, THEN = "rule", "also", "then"


@dataclass(frozen=True, slots=True)
class Table:
    """The heads of the columns, and a cell for each of them in every row. Every condition in a row has to be true."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}


def table_of(body: Body) -> Table:
    """Return a rule body as a table.

    A fact has a column if it is compared in a rule by itself or in its outermost `all`. What is nested, compares two
    facts of which neither is a column's, or looks into items stands in words in the column "also".
    """
    match body:
        case Attribution(claims, qualify):
            verb = "accepted" if claims == "accept" else "refused"
            touches = [(_named(rule), rule.when, "the touch counts") for rule in qualify]
            return _table(touches, [("a claim without a qualifying touch", verb)])
        case Eligibility(rules, otherwise):
            rows = [(_named(rule), rule.when, verdict_text(rule.then)) for rule in rules]
            return _table(rows, [("otherwise", verdict_text(otherwise))])
        case Payout():
            end = body.otherwise
            rows = [(_named(rule), rule.when, formula_text(rule.then)) for rule in body.rules]
            bonuses = [
                (f"bonus {_named(bonus)}", bonus.when, f"add {formula_text(bonus.then)}") for bonus in body.bonuses
            ]
            last = verdict_text(end) if isinstance(end, Verdict) else formula_text(end)
            return _table(
                rows,
                [
                    *([("paid for", "the impressions of a day")] if body.on == "delivery" else []),
                    *([("several match", HITS[body.hit].partition(", ")[2])] if len(body.rules) > 1 else []),
                    ("otherwise", last),
                ],
                bonuses,
                [
                    *([("tier counters", COUNTERS[body.counters])] if body.counters else []),
                    *((f"limit {limit.id}", limit_text(limit)) for limit in body.limits),
                ],
            )


Row = tuple[str, Condition, str]
Plain = tuple[str, str]


def _table(rules: Sequence[Row], plain: Sequence[Plain], more: Sequence[Row] = (), last: Sequence[Plain] = ()) -> Table:
    conditions = [list(_conjuncts(when)) for _, when, _ in (*rules, *more)]
    facts = list(dict.fromkeys(leaf.fact for parts in conditions for leaf in parts if isinstance(leaf, Leaf)))
    has_also = any(not isinstance(part, Leaf) for parts in conditions for part in parts)
    columns = (RULE, *facts, *([ALSO] if has_also else []), THEN)
    blank = (UNTESTED,) * (len(columns) - 2)

    def of_rule(row: Row) -> tuple[str, ...]:
        name, when, then = row
        parts = list(_conjuncts(when))
        tested = (_cell(parts, fact) for fact in facts)
        also = [_also(part) for part in parts if not isinstance(part, Leaf)]
        return (name, *tested, *([" and ".join(also) or UNTESTED] if has_also else []), then)

    def of_plain(row: Plain) -> tuple[str, ...]:
        return (row[0], *blank, row[1])

    return Table(columns, (*map(of_rule, rules), *map(of_plain, plain), *map(of_rule, more), *map(of_plain, last)))


def _conjuncts(condition: Condition) -> Iterator[Condition]:
    """Yield the parts of the outermost conjunction; none for `always`."""
    match condition:
        case AllOf(parts):
            for part in parts:
                yield from _conjuncts(part)
        case Always():
            return
        case _:
            yield condition


def _cell(parts: Sequence[Condition], fact: str) -> str:
    tested = [leaf_cell(part) for part in parts if isinstance(part, Leaf) and part.fact == fact]
    return " and ".join(tested) or UNTESTED


def _also(part: Condition) -> str:
    text = condition_text(part)
    return text if not text.count(" or ") else f"({text})"


def _named(rule: EligibilityRule | PayoutRule | QualifyRule) -> str:
    return f"{rule.id} ({rule.name})" if rule.name else rule.id


# ------------------------------------------------------------------ as text


def markdown(table: Table) -> list[str]:
    """Return a table as Markdown, its columns aligned."""
    escaped = [[cell.replace("\\", "\\\\").replace("|", "\\|") for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*escaped, strict=True)]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in escaped]
    rule = " | ".join("-" * width for width in widths)
    return [f"| {line} |" for line in (lines[0], rule, *lines[1:])]


def blocks(table: Table) -> list[str]:
    """Return a table that is too wide for a page, rule by rule, a line for each fact that the rule tests."""
    lines: list[str] = []
    for row in table.rows:
        width = max(map(len, table.columns))
        shown = [pair for pair in zip(table.columns[1:], row[1:], strict=True) if pair[1] != UNTESTED]
        lines += [row[0], *(f"  {column.ljust(width)}  {cell}" for column, cell in shown)]
    return lines
