"""Limits on rounded lines, in canonical order: what each leaves of a decision depends on what was paid before it.

A part of the conversions in which no limit is touched as long as none is, is right as it stands. Where a single limit holds
for all of a part that cuts to what is left, or counts, what was paid before is the least of the sum and the limit. What is
left over is gone through one after the other, by a recursive query, part by part side by side.

Limits stand in columns of a row, so that terms of different shapes are gone through together: `kind_0` is what becomes of a
decision that goes beyond the first one, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from sqlglot import exp

from app.bulk.pipeline.sql import column, either, equal, is_null, is_there, named, number, over

PART = ("partner", "part", "part_customer")
"""The columns that tell parts apart whose conversions do not depend on each other's limits."""


class Kind(IntEnum):
    """What becomes of a decision that goes beyond a limit; zero where there is no limit."""

    NONE = 0
    PARTIAL = 1
    ZERO = 2
    REJECT = 3
    HOLD = 4
    FALLBACK = 5


KINDS = {"partial": Kind.PARTIAL, "zero": Kind.ZERO, "reject": Kind.REJECT, "hold": Kind.HOLD}


class Said(IntEnum):
    """What limits say of a decision."""

    RATED = 0
    INELIGIBLE = 1
    HELD = 2


class Waits(IntEnum):
    """Whether limits look at a decision in a turn: not behind the one that leaves it to its fallback, and not again where
    none does."""

    LOOKED_AT = 0
    FALLEN = 1
    DONE = 2


@dataclass(frozen=True, slots=True)
class LimitPlan:
    """What the limits of a world need: the columns of a row, how many lines there are, which of them adjust earlier ones
    (in which shapes, where not in all),
    the kinds that occur at each position, and the tallies: those of money and those of numbers, with the columns that
    each is counted by and the mark of the limit that it excepts."""

    columns: tuple[str, ...]
    # Those of them that a row has before its limits are looked up.
    sorted_columns: tuple[str, ...]
    windows_of_parts: Mapping[str, str]
    customer: str | None
    lines: int
    adjusting: Mapping[int, tuple[int, ...] | None]
    kinds: tuple[frozenset[Kind], ...]
    amounts: tuple[int, ...]
    counts: tuple[int, ...]
    keys: Mapping[int, tuple[str, ...]]
    marks: Mapping[int, int]
    # Whether the rows say when they are left to the reference engine.
    refers: bool = False

    @property
    def tallies(self) -> tuple[int, ...]:
        return (*self.amounts, *self.counts)

    @property
    def fallbacks(self) -> int:
        """How many fallbacks one decision may take, one after the other."""
        return sum(Kind.FALLBACK in kinds for kinds in self.kinds)

    @property
    def finals(self) -> list[str]:
        """The columns of what is paid: by a fallback, and line by line."""
        return ["final_fallback", *(f"final_{at}" for at in range(self.lines))]

    @property
    def results(self) -> list[str]:
        """The columns that limits add to a row."""
        return [*self.finals, "said", "beyond", "is_touched"]

    @property
    def windows(self) -> list[str]:
        """The columns of windows that tallies are counted by."""
        return sorted({key for keys in self.keys.values() for key in keys if key.startswith("window_")})


def used(tally: int) -> str:
    """Return the column of what a tally of limits held before."""
    return f"before_{tally}"


def optimistic(plan: LimitPlan, source: exp.Query) -> exp.Select:
    """Return the query of rows with what their limits' tallies held before, as if no limit but a single one had been
    touched: beyond that one, it has been spent."""
    sums = []
    for tally in plan.tallies:
        due = exp.Sum(this=exp.Case(ifs=[exp.If(this=column("counts"), true=added(plan, tally, "amount"))]))
        before = over(due, [column(name) for name in plan.keys[tally]], before=True)
        sums.append(named(exp.Coalesce(this=before, expressions=[number(0)]), used(tally)))
    summed = exp.select(*plan.sorted_columns, *sums).from_(source.subquery("rows", copy=False), copy=False)
    befores = [column(used(tally), "s") for tally in plan.tallies]
    on = equal("terms", "s", TABLE)
    # Limits are looked up behind the sums: what is sorted for them is to be narrow.
    looked_up = (
        exp.select(*(column(name, "s") for name in plan.sorted_columns), *_limits(plan), *befores)
        .from_(summed.subquery("s", copy=False), copy=False)
        .join(TABLE, on=on, join_type="left", copy=False)
    )
    capped = [named(_capped(tally), used(tally)) for tally in plan.tallies]
    query: exp.Select = exp.select(*plan.columns, *capped).from_(looked_up.subquery("summed", copy=False), copy=False)
    return query


TABLE = "limits_of_terms"
NOTHING: Mapping[str, exp.Expr] = {"kind": number(0), "is_count": exp.false(), "tally": number(-1), "mark": number(0)}


def _limits(plan: LimitPlan) -> list[exp.Expr]:
    """Return the columns of limits, and those of the part that they make conversions depend on each other in."""
    found: list[exp.Expr] = []
    for at in range(len(plan.kinds)):
        for name in ("kind", "is_count", "most", "tally", "mark"):
            held: exp.Expr = column(f"{name}_{at}", TABLE)
            if name in NOTHING:
                held = exp.Coalesce(this=held, expressions=[NOTHING[name].copy()])
            found.append(named(held, f"{name}_{at}"))
    of = column("part_of", TABLE)
    ifs = [
        exp.If(this=exp.EQ(this=of.copy(), expression=exp.Literal.string(kind)), true=column(name, "s"))
        for kind, name in plan.windows_of_parts.items()
    ]
    ifs.append(exp.If(this=is_there(of), true=exp.cast(number(0), "bigint")))
    customer: exp.Expr = exp.Literal.string("")
    if plan.customer is not None:
        whose = exp.Coalesce(this=column(plan.customer, "s"), expressions=[exp.Literal.string("")])
        customer = either(column("by_customer", TABLE), whose, customer)
    single = exp.Coalesce(this=column("is_single", TABLE), expressions=[exp.false()])
    if plan.refers:
        found.append(named(exp.Coalesce(this=column("referral", TABLE), expressions=[number(0)]), "referral"))
    return [*found, named(exp.Case(ifs=ifs), "part"), named(customer, "part_customer"), named(single, "is_single")]


def _capped(tally: int) -> exp.Expr:
    most = exp.Anonymous(this="LEAST", expressions=[column(used(tally)), column("most_0")])
    is_single = exp.and_(column("is_single"), exp.EQ(this=column("tally_0"), expression=number(tally)))
    return either(is_single, most, column(used(tally)))


def unsettled(tried: str, plan: LimitPlan) -> exp.Select:
    """Return the query of the parts in which a limit is touched, and it is not the same single one all through, or something
    is taken back. Where only its maximum changes with the terms, they are gone through by terms, else one by one.

    Who claims without being paid touches nothing, but says what was spent before; it was held against a maximum of its own.
    """
    below = [exp.LT(this=_or_zero(column(f"amount_{at}")), expression=number(0)) for at in range(plan.lines)]
    negative = exp.or_(*below) if below else exp.false()

    def any_is(test: exp.Expr) -> exp.Expr:
        return exp.EQ(this=exp.Max(this=either(test, number(1), number(0))), expression=number(1))

    most = column("most_0")
    varies = exp.or_(
        exp.NEQ(this=exp.Min(this=most.copy()), expression=exp.Max(this=most.copy())),
        exp.NEQ(this=exp.Count(this=most), expression=exp.Count(this=exp.Star())),
    )
    hard = exp.or_(any_is(exp.not_(column("is_single"))), any_is(exp.and_(column("counts"), negative)))
    touched = any_is(exp.or_(exp.and_(column("counts"), column("is_touched")), _is_spent(plan)))
    query: exp.Select = (
        exp.select(*PART, named(exp.not_(exp.Paren(this=hard)), "by_terms"))
        .from_(tried)
        .where(is_there(column("part")))
        .group_by(*PART)
        .having(exp.and_(touched, exp.or_(hard.copy(), varies)))
    )
    return query


def _is_spent(plan: LimitPlan) -> exp.Expr:
    """Return whether a single limit was spent before: what other terms paid beyond it, if they did, was cut off."""
    spent = [
        exp.and_(
            exp.EQ(this=column("tally_0"), expression=number(tally)),
            exp.GTE(this=column(used(tally)), expression=column("most_0")),
        )
        for tally in plan.tallies
    ]
    return exp.and_(column("is_single"), exp.or_(*spent)) if spent else exp.false()


def in_parts(plan: LimitPlan, tried: str, parts: str, *, by_terms: bool) -> exp.Select:
    """Return the query of the rows of unsettled parts."""
    same = exp.and_(*(exp.EQ(this=column(name, "t"), expression=column(name, "p")) for name in PART))
    mine = column("by_terms", "p")
    query: exp.Select = (
        exp.select(*(column(name, "t") for name in plan.columns))
        .from_(exp.alias_(exp.to_table(tried), "t", table=True))
        .join(exp.alias_(exp.to_table(parts), "p", table=True), on=same)
        .where(mine if by_terms else exp.not_(mine))
    )
    return query


def folded(plan: LimitPlan, tried: str, parts: str) -> exp.Select:
    """Return the query that goes through the rows of unsettled parts, one a turn in each of them."""
    order = exp.Order(expressions=[exp.Ordered(this=column(name, "t")) for name in ("event_at", "id")])
    place = exp.Window(this=exp.RowNumber(), partition_by=[column(name, "t") for name in PART], order=order)
    rows = in_parts(plan, tried, parts, by_terms=False).select(named(place, "turn"))
    zero = exp.cast(number(0), "bigint")
    nothing = [named(exp.cast(exp.Null(), "bigint"), name) for name in [*plan.windows, "row_number", *plan.finals]]
    nothing += [named(zero.copy(), name) for name in ("said", "beyond")] + [named(exp.false(), "is_touched")]
    nothing += [named(zero.copy(), used(tally)) for tally in plan.tallies]
    nothing += [named(exp.cast(number(0), "int128"), f"held_{tally}") for tally in plan.tallies]
    start = exp.select(*PART, named(zero, "turn"), *nothing).from_(parts).where(exp.not_(column("by_terms")))
    joined = exp.and_(
        *(exp.EQ(this=column(name, "r"), expression=column(name, "x")) for name in PART),
        exp.EQ(this=column("turn", "r"), expression=exp.Add(this=column("turn", "x"), expression=number(1))),
    )
    before = [named(_held_before(plan, tally), used(tally)) for tally in plan.tallies]
    step = (
        exp.select(*(column(name, "r") for name in plan.columns), column("turn", "r"), *before)
        .from_(exp.alias_(exp.to_table("folding"), "x", table=True))
        .join(exp.alias_(exp.to_table("to_fold"), "r", table=True), on=joined)
    )
    extended = replace(plan, columns=(*plan.columns, "turn"))
    looked = within(extended, step)
    bigs = [named(exp.cast(column(used(tally)), "bigint"), used(tally)) for tally in plan.tallies]
    after = [named(_held_after(plan, tally), f"held_{tally}") for tally in plan.tallies]
    # Both sides of a recursive query have the same types: no engine has to make one of two.
    results = [named(exp.cast(column(name), "bigint"), name) for name in (*plan.finals, "said", "beyond")]
    turn = exp.select(*PART, "turn", *plan.windows, "row_number", *results, "is_touched", *bigs, *after).from_(
        looked.subquery("looked", copy=False), copy=False
    )
    recursive = exp.union(start, turn, distinct=False)
    query: exp.Select = (
        exp.select(*PART, "row_number", *plan.results, *(used(tally) for tally in plan.tallies))
        .from_("folding")
        .where(is_there(column("row_number")))
    )
    return query.with_("to_fold", as_=rows).with_("folding", as_=recursive, recursive=True)


def _held_before(plan: LimitPlan, tally: int) -> exp.Expr:
    windows = [name for name in plan.keys[tally] if name.startswith("window_")]
    held = column(f"held_{tally}", "x")
    if not windows:
        return held
    same = exp.and_(*(exp.EQ(this=column(name, "x"), expression=column(name, "r")) for name in windows))
    return either(same, held, number(0))


def _held_after(plan: LimitPlan, tally: int) -> exp.Expr:
    more = exp.Paren(this=either(_is_counted(), added(plan, tally, "final"), number(0)))
    return exp.cast(exp.Add(this=exp.cast(column(used(tally)), "int128"), expression=more), "int128")


def _is_counted() -> exp.Expr:
    return exp.and_(column("counts"), exp.EQ(this=column("said"), expression=number(0)))


def added(plan: LimitPlan, tally: int, prefix: str) -> exp.Expr:
    """Return what lines add to a tally of limits: their sum, or one if one of them pays. What a fallback pays adds nothing to
    the tally of its own limit."""
    lines = [column(f"{prefix}_{at}") for at in range(plan.lines)]
    if prefix == "final":
        lines = [column("final_fallback"), *lines]
    found = sum_of(lines) if tally in plan.amounts else either(any_positive(lines), number(1), number(0))
    if prefix == "amount" or not plan.marks.get(tally):
        return found
    excepted = [
        exp.and_(exp.not_(_is_not_beyond(at)), exp.EQ(this=column(f"mark_{at}"), expression=number(plan.marks[tally])))
        for at in range(len(plan.kinds))
    ]
    return either(exp.or_(*excepted), number(0), found)


def sum_of(lines: Sequence[exp.Expr]) -> exp.Expr:
    """Return the sum of lines that may be NULL."""
    total: exp.Expr = number(0)
    for line in lines:
        total = exp.Add(this=total, expression=_or_zero(line))
    return exp.Paren(this=total)


def any_positive(lines: Sequence[exp.Expr]) -> exp.Expr:
    """Return whether a line pays."""
    return exp.or_(*(exp.GT(this=_or_zero(line), expression=number(0)) for line in lines)) if lines else exp.false()


def within(plan: LimitPlan, source: exp.Query) -> exp.Select:
    """Return the query of rows with what limits leave of their lines: the same steps as `engine/payout/limits.py`."""
    first: dict[str, exp.Expr] = {"final_fallback": exp.cast(exp.Null(), "bigint")}
    first |= {f"final_{at}": column(f"amount_{at}") for at in range(plan.lines)}
    first |= {"said": number(0), "beyond": number(0), "is_touched": exp.false(), "waits": number(0)}
    steps = _Steps(plan, [*plan.columns, *(used(tally) for tally in plan.tallies)])
    query = steps.changed(source, first)
    for turn in range(plan.fallbacks + 1):
        if turn:
            query = steps.turned(query)
        for at, kinds in enumerate(plan.kinds):
            if kinds - {Kind.NONE}:
                query = steps.limited(query, at, is_first=turn == 0)
    found: exp.Select = exp.select(*steps.columns, *plan.results).from_(
        query.subquery("within", copy=False), copy=False
    )
    return found


@dataclass(frozen=True, slots=True)
class _Steps:
    """Looks of limits at lines, each a query of its own over the one before."""

    plan: LimitPlan
    columns: list[str]

    @property
    def state(self) -> list[str]:
        return [*self.plan.results, "waits"]

    def changed(self, source: exp.Query, changes: Mapping[str, exp.Expr], more: Sequence[exp.Expr] = ()) -> exp.Select:
        """Return the rows of a query with other values in some columns of the state."""
        state = [named(changes.get(name, column(name)), name) for name in self.state]
        query: exp.Select = exp.select(*self.columns, *state, *more, copy=False).from_(
            source.subquery("step", copy=False), copy=False
        )
        return query

    def turned(self, source: exp.Query) -> exp.Select:
        """Put what fallbacks pay in the place of what was due; what is changed on earlier lines stays due. Limits look at
        those decisions alone."""
        waits = exp.EQ(this=column("waits"), expression=number(Waits.FALLEN))
        changes: dict[str, exp.Expr] = {}
        for at in range(self.plan.lines):
            kept: exp.Expr = column(f"amount_{at}") if at in self.plan.adjusting else exp.Null()
            shapes = self.plan.adjusting.get(at)
            if shapes is not None:
                adjusts = exp.In(this=column("shape"), expressions=[number(each) for each in shapes])
                kept = exp.Case(ifs=[exp.If(this=adjusts, true=kept)])
            changes[f"final_{at}"] = either(waits.copy(), kept, column(f"final_{at}"))
        changes["waits"] = either(waits, number(Waits.LOOKED_AT), number(Waits.DONE))
        return self.changed(source, changes)

    def limited(self, source: exp.Query, at: int, *, is_first: bool) -> exp.Select:
        """Let one limit look at lines."""
        kinds, kind = self.plan.kinds[at], column(f"kind_{at}")
        looks: list[exp.Expr] = [
            column("counts"),
            exp.EQ(this=column("said"), expression=number(0)),
            exp.EQ(this=column("waits"), expression=number(Waits.LOOKED_AT)),
        ]
        looks.append(exp.NEQ(this=kind, expression=number(0)))
        if self.plan.fallbacks:
            looks.append(_is_not_beyond(at))
        left = exp.Paren(this=exp.Sub(this=column(f"most_{at}"), expression=_used(self.plan, at)))
        query = self.changed(source, {}, [named(exp.and_(*looks), "is_active"), named(left, "left_over")])
        is_partial = exp.and_(column("is_active"), exp.EQ(this=kind.copy(), expression=number(Kind.PARTIAL)))
        is_full = exp.and_(
            column("is_active"),
            exp.NEQ(this=kind.copy(), expression=number(Kind.PARTIAL)),
            _has_no_room(at, self.plan.finals),
        )
        helpers = [named(is_partial, "is_partial"), named(is_full, "is_full"), column("left_over")]
        query = self.changed(query, {}, helpers)
        return self.changed(query, self._changes(at, kinds))

    def _changes(self, at: int, kinds: frozenset[Kind]) -> dict[str, exp.Expr]:
        finals = self.plan.finals
        changes: dict[str, exp.Expr] = {name: column(name) for name in self.state}
        touched: list[exp.Expr] = [column("is_touched"), column("is_full")]
        if Kind.PARTIAL in kinds:
            for name, cut in _cut(finals).items():
                changes[name] = either(column("is_partial"), cut, changes[name])
                touched.append(exp.and_(column("is_partial"), exp.NEQ(this=cut.copy(), expression=column(name))))
        whens = [
            exp.If(this=_is_full_of(at, of), true=number(said))
            for of, said in ((Kind.REJECT, Said.INELIGIBLE), (Kind.HOLD, Said.HELD))
            if of in kinds
        ]
        if Kind.ZERO in kinds:
            for name in finals:
                zeroed = exp.and_(_is_full_of(at, Kind.ZERO), is_there(column(name)))
                changes[name] = either(zeroed, number(0), changes[name])
        if Kind.FALLBACK in kinds:
            falls, instead = _is_full_of(at, Kind.FALLBACK), column(f"fallback_{at}")
            whens.append(exp.If(this=exp.and_(falls.copy(), is_null(instead)), true=number(Said.HELD)))
            beyond = exp.Add(this=column("beyond"), expression=number(1 << at))
            changes["beyond"] = either(falls.copy(), beyond, column("beyond"))
            changes["waits"] = either(falls.copy(), number(Waits.FALLEN), column("waits"))
            changes["final_fallback"] = either(falls.copy(), instead.copy(), changes["final_fallback"])
        if whens:
            changes["said"] = exp.Case(ifs=whens, default=column("said"))
        changes["is_touched"] = exp.or_(*touched)
        return changes


def _is_full_of(at: int, kind: Kind) -> exp.Expr:
    return exp.and_(column("is_full"), exp.EQ(this=column(f"kind_{at}"), expression=number(kind)))


def _used(plan: LimitPlan, at: int) -> exp.Expr:
    """Return what the tally of a limit held before; of a limit on one event nothing."""
    ifs = [
        exp.If(this=exp.EQ(this=column(f"tally_{at}"), expression=number(tally)), true=column(used(tally)))
        for tally in plan.tallies
    ]
    return exp.Case(ifs=ifs, default=number(0)) if ifs else number(0)


def _has_no_room(at: int, lines: list[str]) -> exp.Expr:
    left, found = column("left_over"), [column(name) for name in lines]
    pays = any_positive(found)
    counted = exp.and_(exp.LTE(this=left.copy(), expression=number(0)), pays)
    room = exp.Anonymous(this="GREATEST", expressions=[left.copy(), number(0)])
    return either(column(f"is_count_{at}"), counted, exp.GT(this=sum_of(found), expression=room))


def _cut(lines: list[str]) -> dict[str, exp.Expr]:
    """Return lines cut to what is left, the first ones first. What is taken back makes room for what is paid."""
    negative = sum_of([exp.Anonymous(this="LEAST", expressions=[_or_zero(column(name)), number(0)]) for name in lines])
    room = exp.Anonymous(
        this="GREATEST",
        expressions=[exp.Paren(this=exp.Sub(this=column("left_over"), expression=negative)), number(0)],
    )
    found: dict[str, exp.Expr] = {}
    before: list[exp.Expr] = []
    for name in lines:
        line = column(name)
        upto = [*before, exp.Anonymous(this="GREATEST", expressions=[_or_zero(line), number(0)])]
        paid, was = (exp.Anonymous(this="LEAST", expressions=[sum_of(each), room.copy()]) for each in (upto, before))
        cut = exp.Paren(this=exp.Sub(this=paid, expression=was))
        found[name] = exp.Case(
            ifs=[exp.If(this=exp.GT(this=line.copy(), expression=number(0)), true=cut)], default=line.copy()
        )
        before = upto
    return found


def _is_not_beyond(at: int) -> exp.Expr:
    mask = exp.Paren(this=exp.BitwiseAnd(this=column("beyond"), expression=number(1 << at)))
    return exp.EQ(this=mask, expression=number(0))


def _or_zero(line: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=line.copy(), expressions=[number(0)])
