"""Eligibility, and which payout rules match: for each conversion and partner the rules that are true, as bits, and what
follows from them. Reasons are read from the bits, all of them, in the order of the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sqlglot import exp

from app.bulk.fact_table import Column
from app.bulk.pipeline.exchanging import STATE
from app.bulk.pipeline.groups import Group, masks_of
from app.bulk.pipeline.items import lacks_fields
from app.bulk.pipeline.reversals import IS_UNDONE
from app.bulk.pipeline.shapes import Shape
from app.bulk.pipeline.sql import bit, column, either, is_null, named, number
from app.rulelang.ast import Formula, facts_in

MASK = 62


class Verdict(IntEnum):
    """What becomes of a partner's side before it is asked who gets the credit."""

    ELIGIBLE = 0
    NO_TERMS = 1
    NOT_COUNTED = 2
    MISSING_FACT = 3
    REJECTED = 4
    HELD = 5
    REJECTED_OTHERWISE = 6
    HELD_OTHERWISE = 7
    CONVERTED = 8  # money in another currency, which is refused
    UNDONE = 9  # it came back as a whole before the lock
    NO_RATE = 10  # its money waits for a rate
    NOT_CONVERTED = 11  # an amount is too large at its rate


class DueCode(IntEnum):
    """Whether the payout rules say what is due."""

    DUE = 0
    AMBIGUOUS = 1
    HELD_OTHERWISE = 2
    MISSING_FACT = 3


@dataclass(frozen=True, slots=True)
class Widths:
    """How many columns of bits all shapes need."""

    said: int
    hits: int

    @property
    def columns(self) -> list[str]:
        return [f"said_{at}" for at in range(self.said)] + [f"hits_{at}" for at in range(self.hits)]


def widths_of(shapes: Sequence[Shape]) -> Widths:
    """Return how many columns of bits the shapes need together."""
    said = max((len(shape.eligibility) for shape in shapes), default=0)
    hits = max((len(shape.rules) + len(shape.bonuses) for shape in shapes), default=0)
    return Widths(-(-said // MASK), -(-hits // MASK))


def judged(
    group: Group,
    columns: Mapping[str, Column],
    widths: Widths,
    carried: Sequence[str],
    *,
    undone: bool = False,
    source: exp.Expr | None = None,
) -> exp.Select:
    """Return the query of the parties of one shape with their verdicts; `source` has their money at a rate."""
    shape = group.shape
    tested = [*_bits(group, [when for when, _ in shape.eligibility], columns, "said", widths.said)]
    matched = [when for when, _ in (*shape.rules, *shape.bonuses)]
    tested += _bits(group, matched, columns, "hits", widths.hits)
    missing = _absent(shape.facts_required, columns)
    inner = (
        exp.select(*(exp.column(name, table="parties") for name in carried), *tested, named(missing, "is_missing"))
        .select("is_copy", "is_late", "is_converted", *([IS_UNDONE] if undone else []))
        .select(*([] if source is None else [STATE]))
        .from_("parties" if source is None else source)
    )
    if group.is_read_in(*tested):
        inner = inner.join(
            group.table, on=exp.EQ(this=column("terms", "parties"), expression=column("terms", group.table))
        )
    inner = inner.where(exp.EQ(this=exp.column("shape", table="parties"), expression=number(group.number)))
    query: exp.Select = exp.select(
        *carried,
        *widths.columns,
        named(_verdict(shape, undone=undone, exchanged=source is not None), "verdict"),
        named(_due(shape, columns), "due"),
    ).from_(inner.subquery("tested", copy=False), copy=False)
    return query


def matches(shape: Shape, place: int) -> exp.Expr:
    """Return whether a payout rule matches, or a bonus behind the rules, of a row that was judged."""
    return bit("hits", place, MASK)


def none_match(shape: Shape) -> exp.Expr:
    """Return whether no payout rule matches."""
    return exp.not_(exp.or_(*(matches(shape, at) for at in range(len(shape.rules))))) if shape.rules else exp.true()


def pays_first(shape: Shape, place: int) -> exp.Expr:
    """Return whether a rule matches and none before it does."""
    return exp.and_(matches(shape, place), *(exp.not_(matches(shape, at)) for at in range(place)))


def _bits(
    group: Group, conditions: Sequence[object], columns: Mapping[str, Column], name: str, width: int
) -> list[exp.Expr]:
    tests = [group.condition(when, columns) for when in conditions]  # type: ignore[arg-type]
    masks = list(masks_of(tests, MASK))
    masks += [exp.cast(number(0), "bigint")] * (width - len(masks))
    return [named(mask.copy(), f"{name}_{at}") for at, mask in enumerate(masks)]


def _absent(facts: Sequence[str], columns: Mapping[str, Column]) -> exp.Expr:
    tests = [is_null(exp.column(columns[name].name)) for name in facts]
    return exp.or_(*tests) if tests else exp.false()


def _verdict(shape: Shape, *, undone: bool, exchanged: bool) -> exp.Expr:
    said = _verdict_on_rest(shape, exchanged=exchanged)
    return either(column(IS_UNDONE), number(Verdict.UNDONE), said) if undone else said


def _verdict_on_rest(shape: Shape, *, exchanged: bool) -> exp.Expr:
    if not shape.pays_conversions:
        return number(Verdict.NOT_COUNTED)
    said = [(at, action) for at, (_, action) in enumerate(shape.eligibility)]
    of = {
        action: [bit("said", at, MASK) for at, said_action in said if said_action == action]
        for action in ("reject", "hold", "accept")
    }
    ifs: list[tuple[exp.Expr, Verdict]] = [
        (exp.or_(exp.column("is_copy"), exp.column("is_late")), Verdict.NOT_COUNTED),
        (exp.column("is_missing"), Verdict.MISSING_FACT),
        (exp.column("is_converted"), Verdict.CONVERTED),
        *(
            (exp.EQ(this=column(STATE), expression=number(at)), verdict)
            for at, verdict in ((1, Verdict.NO_RATE), (2, Verdict.NOT_CONVERTED))
            if exchanged
        ),
        *((exp.or_(*of["reject"]), Verdict.REJECTED) for _ in of["reject"][:1]),
        *((exp.or_(*of["hold"]), Verdict.HELD) for _ in of["hold"][:1]),
        *((exp.or_(*of["accept"]), Verdict.ELIGIBLE) for _ in of["accept"][:1]),
    ]
    last = {"accept": Verdict.ELIGIBLE, "reject": Verdict.REJECTED_OTHERWISE, "hold": Verdict.HELD_OTHERWISE}
    return exp.Case(
        ifs=[exp.If(this=when, true=number(verdict)) for when, verdict in ifs], default=number(last[shape.otherwise])
    )


def _due(shape: Shape, columns: Mapping[str, Column]) -> exp.Expr:
    """Return whether what is due can be said: by hit policy, and by the facts that the rules which pay calculate with."""
    ifs: list[tuple[exp.Expr, DueCode]] = []
    if shape.hit == "unique" and len(shape.rules) > 1:
        ones = [exp.If(this=matches(shape, at), true=number(1)) for at in range(len(shape.rules))]
        counted: exp.Expr = exp.Case(ifs=[ones[0]], default=number(0))
        for one in ones[1:]:
            counted = exp.Add(this=counted, expression=exp.Case(ifs=[one], default=number(0)))
        ifs.append((exp.GT(this=exp.Paren(this=counted), expression=number(1)), DueCode.AMBIGUOUS))
    if isinstance(shape.pays_otherwise, str):
        ifs.append((none_match(shape), DueCode.HELD_OTHERWISE))
    lacking = [_lacks(when, formula, columns) for when, formula in paying(shape)]
    tests = [test for test in lacking if test is not None]
    if tests:
        ifs.append((exp.or_(*tests), DueCode.MISSING_FACT))
    if not ifs:
        return number(DueCode.DUE)
    return exp.Case(ifs=[exp.If(this=when, true=number(code)) for when, code in ifs], default=number(DueCode.DUE))


def paying(shape: Shape) -> list[tuple[exp.Expr, Formula]]:
    """Return when each formula pays, and the formula: those of rules, of what is paid otherwise, and of bonuses."""
    when = matches if shape.hit == "sum" else pays_first
    found = [(when(shape, at), formula) for at, (_, formula) in enumerate(shape.rules)]
    if not isinstance(shape.pays_otherwise, str):
        found.append((none_match(shape), shape.pays_otherwise))
    start = len(shape.rules)
    return found + [(matches(shape, start + at), formula) for at, (_, formula) in enumerate(shape.bonuses)]


def _lacks(when: exp.Expr, formula: Formula, columns: Mapping[str, Column]) -> exp.Expr | None:
    names = sorted(set(facts_in(formula)))
    if not names:
        return None
    absent = [is_null(exp.column(columns[name].name)) for name in names]
    return exp.and_(when, exp.or_(*absent, *lacks_fields(formula, columns)))
