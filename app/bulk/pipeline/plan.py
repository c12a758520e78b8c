"""The plan of a run: which tables there are and which queries fill them, in order. Pure: terms in, SQLGlot trees out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from app.bulk.fact_table import ROW, Column, FactTable, Row, Structure
from app.bulk.pipeline.exact import NARROW, Exact, cases
from app.bulk.pipeline.exchanging import MOST, Converting, Rates, fine_money
from app.bulk.pipeline.extent import Extent
from app.bulk.pipeline.groups import BEYOND, Counting, Group, groups_of, most_of, part_of
from app.bulk.pipeline.items import lacks_fields
from app.bulk.pipeline.judging import Widths, judged, widths_of
from app.bulk.pipeline.limits import KINDS, PART, Kind, LimitPlan
from app.bulk.pipeline.lines import Place, Pricing, carried_facts, places_of
from app.bulk.pipeline.referrals import Why, feeds_back
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.reversals import IS_UNDONE
from app.bulk.pipeline.screening import Screening, facts_asked
from app.bulk.pipeline.sharing import ModelSpan, largest, splits
from app.bulk.pipeline.sql import column, equal, is_null, is_there, named, number, over, union_all
from app.bulk.pipeline.tallies import Tallies, tallies_of
from app.bulk.pipeline.versions import KEY, Needs, parties
from app.bulk.pipeline.world import FIRST, LAST, World
from app.core.instants import micros
from app.core.period import WINDOWS
from app.engine.evaluate import keeps_counters
from app.engine.exchange import has_money
from app.engine.factsheet import DERIVED
from app.engine.terms import Terms
from app.rulelang.ast import Formula, Limit, facts_in
from app.rulelang.facts import CUSTOMER

ALWAYS = ("currency", CUSTOMER, "order_id")
"""The facts that are read of a conversion whatever its rules read."""

OF_LIMITS = ("amount", "paid")
OF_LIMIT = ("kind", "is_count", "most", "tally", "mark")


@dataclass(frozen=True)
class Plan:
    """All queries of a run in a world of some extent."""

    world: World
    extent: Extent

    @cached_property
    def facts(self) -> FactTable:
        """The columns of facts, those of touches among them."""
        return fact_table(self.world)

    @cached_property
    def tallies(self) -> Tallies:
        return tallies_of(self.world)

    @cached_property
    def groups(self) -> list[Group]:
        return groups_of(self.world, self.tallies)

    @cached_property
    def shape_of(self) -> dict[int, int]:
        """The shape of each of the terms, both by number."""
        return {terms: group.number for group in self.groups for terms in group.members}

    @cached_property
    def needs(self) -> Needs:
        read = {fact for terms in self.world.terms for fact in terms.facts_read}
        windows = {tally.window for tally in self.tallies.columns} - {"contract"}
        windows |= {group.counting.part for group in self.groups} - {None, "contract"}  # type: ignore[arg-type]
        within = max((terms.version.settlement.submit_within_days or 0 for terms in self.world.terms), default=0)
        kinds = tuple(kind for kind in WINDOWS if kind in windows | {"month"})
        return Needs(frozenset(read & DERIVED), kinds, within)

    @cached_property
    def widths(self) -> Widths:
        return widths_of([group.shape for group in self.groups])

    @cached_property
    def places(self) -> dict[int, list[Place]]:
        """The places of lines by shape."""
        return {group.number: places_of(group.shape) for group in self.groups}

    @property
    def lines(self) -> int:
        """How many lines a decision has at most."""
        return max(map(len, self.places.values()), default=0)

    @cached_property
    def windows(self) -> list[str]:
        """The columns of windows that a row carries."""
        return [KEY.format(kind) for kind in self.needs.windows]

    @cached_property
    def generations(self) -> list[str]:
        return [f"generation_{at}" for at in range(len(self.tallies.columns)) if self.tallies.is_restarted(at)]

    @cached_property
    def tiers(self) -> list[int]:
        """The tallies of tiers."""
        return [at for at, tally in enumerate(self.tallies.columns) if tally.measure not in OF_LIMITS]

    @property
    def customer(self) -> str:
        """The column of the customer."""
        return self.facts.columns[CUSTOMER].name

    @cached_property
    def spans(self) -> list[ModelSpan]:
        """The models, each with the time it is in force."""
        starts = [max(FIRST, micros(since)) for since, _ in self.world.models]
        ends = [*starts[1:], LAST]
        return [
            ModelSpan(model, since, until)
            for (_, model), since, until in zip(self.world.models, starts, ends, strict=True)
            if since <= self.extent.last and until > self.extent.first
        ]

    @cached_property
    def screening(self) -> Screening:
        """What models say before they are asked."""
        return Screening(self.spans, self.facts.columns)

    @property
    def touched(self) -> bool:
        """Whether more than claims decides who is credited: touches, or coupons that are somebody's own."""
        return self.extent.touches > 0 or self.screening.has_coupons

    @property
    def claimed(self) -> bool:
        """Whether somebody claims a conversion."""
        return self.extent.claims > 0

    @property
    def splits(self) -> bool:
        """Whether several partners may be credited for one conversion."""
        return self.touched and splits([span.model for span in self.spans])

    @property
    def is_early(self) -> bool:
        """Whether touches can be looked at before anybody is judged: no model passes over who is not eligible, and no
        attribution rule reads what is derived of the conversion."""
        asked = {fact for terms in self.world.terms for fact in _asked(terms)}
        derived = asked & DERIVED
        if self.exchanges:
            derived |= {fact for fact in asked if has_money(self.world.catalogue.get(fact))}
        return not derived and all(span.model.not_eligible == "forfeit" for span in self.spans)

    @property
    def exchanges(self) -> bool:
        """Whether money of orders may be in another currency than a contract's, and rates are there for it."""
        paid_in = {history.contract.currency for history in self.world.histories.values()}
        return len(self.extent.currencies | paid_in) > 1 and self.world.exchange is not None

    @property
    def largest(self) -> int:
        """What the whole is at most of which partners have shares."""
        return largest([span.model for span in self.spans], self.extent.touches) if self.splits else 1

    @property
    def credit(self) -> list[str]:
        """The columns that say what share of a conversion a partner has."""
        return ["share", "whole", "place", "currency"] if self.splits else []

    @property
    def identity(self) -> list[str]:
        """The columns that say what a row is."""
        return ["row_number", "id", "event_at", "partner", "terms", "shape"]

    @property
    def judging(self) -> list[str]:
        """The columns that are carried until it is known who is credited."""
        carried = [*self.identity, *self.numbers, *self.windows, *self.generations, "is_claimed"]
        return [*carried, "currency"] if self.splits else carried

    @cached_property
    def numbers(self) -> list[str]:
        """The columns of facts that are calculated with."""
        names = set(carried_facts([group.shape for group in self.groups]))
        if self.touched and not self.is_early:
            names |= {fact for terms in self.world.terms for fact in _asked(terms) if self._is_sent(fact)}
        return sorted({self.facts.columns[name].name for name in names} | {self.customer})

    def _is_sent(self, fact: str) -> bool:
        return self.world.catalogue[fact].subject == "conversion"

    # ------------------------------------------------------------ stages

    def parties(self) -> exp.Select:
        """Return the query of conversions by partner, with the terms in force."""
        columns = dict(self.facts.columns)
        numbered = "customer_order_number" in self.needs.derived
        return parties(
            self.world,
            columns,
            self.needs,
            self.tallies,
            touched=self.touched,
            numbered=numbered,
            undone=self.extent.undone > 0,
            exchanges=self.exchanges,
        )

    def _converting(self, group: Group) -> exp.Expr | None:
        """Return the parties of a shape with their money in the contract's currency."""
        if not self.exchanges:
            return None
        held = [each for each in self.facts.columns.values() if each.fact.subject == "conversion"]
        facts = [each.name for each in held if not each.fact.derived or each.fact.name in self.needs.derived]
        flags = ["is_copy", "is_late", "is_converted", *([IS_UNDONE] if self.extent.undone else [])]
        names = list(dict.fromkeys([*self.judging, *facts, *flags]))
        missing = [is_null(column(self.facts.columns[name].name)) for name in group.shape.facts_required]
        refused = [column(name) for name in flags if name != "is_converted"] + missing
        is_judged = exp.not_(exp.or_(*refused)) if group.shape.pays_conversions else exp.false()
        read = self.world.terms[group.members[0]].facts_read
        rates = Rates(self.extent.rate_scale, self.extent.rates)
        return Converting(group, self.facts.columns, rates, names, read, is_judged).parties()

    def judged(self) -> exp.Query:
        """Return the query of parties with their verdicts, and what they add to the tallies of tiers."""
        carried = self.judging
        queries: list[exp.Query] = []
        for group in self.groups:
            found = judged(
                group,
                self.facts.columns,
                self.widths,
                carried,
                undone=self.extent.undone > 0,
                source=self._converting(group),
            )
            queries.append(found.select(named(exp.Boolean(this=group.shape.claims == "accept"), "accepts")))
        nothing = [named(exp.cast(number(0), "bigint"), name) for name in self.widths.columns]
        without = exp.select(*carried, *nothing, named(number(1), "verdict"), named(number(0), "due"))
        queries.append(without.select(named(exp.false(), "accepts")).from_("parties").where(is_null(column("terms"))))
        return union_all(queries)

    def tallied(self) -> exp.Query:
        """Return the query of judged rows with what the tallies of tiers held before."""
        carried = [*self.identity, *self.carried_numbers, *self.windows, *self.generations, *self.credit]
        carried += self.widths.columns
        base = self.credited([name for name in carried if name not in ("share", "whole", "place")])
        if not self.tiers:
            return base
        plain = [at for at in self.tiers if not self.tallies.columns[at].mark]
        first = self._summed(base, plain, carried)
        booking = [at for at in self.tiers if self.tallies.columns[at].mark]
        return self._summed(first, booking, [*carried, *map(self.tallies.column, plain)]) if booking else first

    def credited(self, carried: Sequence[str]) -> exp.Select:
        """Return the query of judged rows with who is credited: by touches, else by a claim."""
        j = "judged"
        is_due = [exp.EQ(this=column(name, j), expression=number(0)) for name in ("verdict", "due")]
        by_claim = exp.and_(column("is_claimed", j), column("accepts", j))
        base = exp.select(*(column(name, j) for name in carried)).from_(j)
        for table, same in self.screening.barring(j, j):
            base = base.join(table, on=same, join_type="left")
            by_claim = exp.and_(by_claim, is_null(column("row_number", table)))
        if not self.touched:
            return base.select(named(exp.and_(*is_due, by_claim), "counts"))
        # Who neither is credited nor claims has a verdict, and needs no counters.
        on = exp.and_(equal("row_number", j, "shares"), equal("partner", j, "shares"))
        base = base.join("shares", on=on, join_type="left")
        by_touch = is_there(column("row_number", "shares"))
        alone: exp.Expr = exp.false()
        if self.claimed:
            base = base.join("competed", on=equal("row_number", j, "competed"), join_type="left")
            alone = exp.and_(by_claim, is_null(column("row_number", "competed")))
        base = base.select(named(exp.and_(*is_due, exp.or_(by_touch.copy(), alone)), "counts"))
        base = base.where(exp.or_(column("is_claimed", j), by_touch))
        if self.splits:
            for name in ("share", "whole", "place"):
                found = exp.Coalesce(this=column(name, "shares"), expressions=[exp.cast(number(1), "bigint")])
                base = base.select(named(found, name))
        return base

    def _summed(self, base: exp.Query, tallies: Sequence[int], carried: Sequence[str]) -> exp.Query:
        """Return the query of rows with what tallies held before. Each shape says what it adds."""
        kept = [*carried, "counts"]
        adding = exp.select(*kept, *(named(self._added(at), f"add_{at}") for at in tallies)).from_(
            base.subquery("rows", copy=False)
        )
        sums = []
        for at in tallies:
            due = exp.Sum(this=exp.Case(ifs=[exp.If(this=column("counts"), true=column(f"add_{at}"))]))
            before = over(due, [column(name) for name in self.keys(at)], before=True)
            sums.append(named(exp.Coalesce(this=before, expressions=[number(0)]), self.tallies.column(at)))
        return exp.select(*kept, *sums).from_(adding.subquery("adding", copy=False), copy=False)

    def _added(self, at: int) -> exp.Expr:
        """Return what a row adds to a tally, by its shape; shapes that say the same are said once."""
        by_sql: dict[str, tuple[exp.Expr, list[int]]] = {}
        for group in self.groups:
            added = self.pricing(group).added(at)
            if added is not None:
                by_sql.setdefault(added.sql(), (added, []))[1].append(group.number)
        if len(by_sql) == 1 and sum(len(of) for _, of in by_sql.values()) == len(self.groups):
            return next(iter(by_sql.values()))[0]
        ifs = [
            exp.If(this=exp.In(this=column("shape"), expressions=[number(each) for each in of]), true=added)
            for added, of in by_sql.values()
        ]
        return exp.Case(ifs=ifs, default=number(0))

    def keys(self, at: int) -> list[str]:
        """Return the columns that a tally is counted by."""
        tally = self.tallies.columns[at]
        return [
            "partner",
            *([] if tally.window == "contract" else [KEY.format(tally.window)]),
            *([self.customer] if tally.per == "customer" else []),
            *([f"generation_{at}"] if self.tallies.is_restarted(at) else []),
        ]

    def pricing(self, group: Group) -> Pricing:
        """Return what writes the lines of a shape."""
        return Pricing(group, self.facts.columns, self.tallies, self.extent)

    def priced(self) -> exp.Query:
        """Return the query of rows with their lines, precise and rounded, and with their limits."""
        queries: list[exp.Query] = [self._written[group.number] or self._unpriced(group) for group in self.groups]
        nulls = [named(exp.cast(exp.Null(), "bigint"), name) for name in self._line_columns]
        queries.append(exp.select(*self._kept, *nulls).from_("tallied").where(is_null(column("terms"))))
        return union_all(queries)

    @cached_property
    def _written(self) -> dict[int, exp.Select | None]:
        """The query of each shape's lines; of those that SQL does not hold there is none."""
        found: dict[int, exp.Select | None] = {}
        for group in self.groups:
            try:
                found[group.number] = self._priced(group)
            except NotInBulk:
                found[group.number] = None
        return found

    @cached_property
    def unpriced(self) -> frozenset[int]:
        """The shapes of which SQL does not hold the lines."""
        return frozenset(shape for shape, written in self._written.items() if written is None)

    def _unpriced(self, group: Group) -> exp.Select:
        nulls = [named(exp.cast(exp.Null(), "bigint"), name) for name in self._line_columns]
        mine = exp.EQ(this=column("shape"), expression=number(group.number))
        query: exp.Select = exp.select(*self._kept, *nulls).from_("tallied").where(mine)
        return query

    @cached_property
    def _kept(self) -> list[str]:
        """The columns of a row from its tallies on: what sorts it, and what lines and limits are made of. All else stands in
        `judged`."""
        befores = [self.tallies.column(at) for at in self.tiers]
        by_customer = any(tally.per == "customer" for tally in self.tallies.columns)
        return [
            *self.identity,
            *self.credit,
            "counts",
            *befores,
            *self.windows,
            *([self.customer] if by_customer else []),
        ]

    @cached_property
    def _line_columns(self) -> list[str]:
        lines = [f"{kind}_{at}" for at in range(self.lines) for kind in ("precise", "amount")]
        at_limits = [f"{kind}_{at}" for at in self.falling for kind in ("fallback_precise", "fallback")]
        return lines + at_limits

    @cached_property
    def falling(self) -> list[int]:
        """The positions of limits at which there are fallbacks."""
        return [at for at, kinds in enumerate(self.kinds) if Kind.FALLBACK in kinds]

    @cached_property
    def kinds(self) -> tuple[frozenset[Kind], ...]:
        """What becomes of decisions beyond the limit at each position."""
        found: list[set[Kind]] = []
        for group in self.groups:
            for at, limit in enumerate(group.shape.limits):
                found += [set()] * (at + 1 - len(found))
                found[at] = found[at] | {_kind(limit.over)}
        return tuple(map(frozenset, found))

    def _priced(self, group: Group) -> exp.Select:
        """Return the query of the rows of one shape with their lines: calculated first, and rounded from what that is."""
        dues = self._dues(group)
        nothing = exp.cast(exp.Null(), "bigint")
        precise = [named(nothing.copy() if due is None else due.sql, name) for name, due, _ in dues]
        inner = exp.select(*(column(name, "tallied") for name in self._kept), *precise, copy=False).from_("tallied")
        if group.is_read_in(*precise):
            on = exp.EQ(this=column("terms", "tallied"), expression=column("terms", group.table))
            inner = inner.join(group.table, on=on, copy=False)
        mine = exp.EQ(this=column("shape", "tallied"), expression=number(group.number))
        inner = inner.where(mine, copy=False)
        pricing = self.pricing(group)
        amounts: list[exp.Expr] = []
        bound = 0
        for name, due, is_shared in dues:
            amount: exp.Expr = nothing.copy()
            if due is not None:
                line = pricing.line(Exact(column(name), due.scale, due.bound), self._share if is_shared else None)
                bound, amount = bound + line.bound, line.sql
            amounts.append(named(amount, name.replace("fallback_precise", "fallback").replace("precise", "amount")))
        if bound * max(1, self.extent.count) >= min(BEYOND, NARROW) and self.kinds:
            raise NotInBulk("lines may come to more minor units than limits are held against")
        kept = [*self._kept, *(name for name, _, _ in dues)]
        outer = exp.select(*kept, *amounts).from_(inner.subquery("calculated", copy=False), copy=False)
        found: exp.Select = exp.select(*self.row).from_(outer.subquery("rounded", copy=False), copy=False)
        return found

    def _dues(self, group: Group) -> list[tuple[str, Exact | None, bool]]:
        """Return what is due at each place and by each fallback, with the column for it and whether it is shared."""
        pricing, places = self.pricing(group), self.places[group.number]
        found: list[tuple[str, Exact | None, bool]] = []
        for at in range(self.lines):
            due = None if at >= len(places) else cases([(column("counts"), pricing.amount(places[at]))])
            found.append((f"precise_{at}", due, at < len(places) and places[at].is_shared))
        for at in self.falling:
            limit = group.shape.limits[at] if at < len(group.shape.limits) else None
            over = None if limit is None or isinstance(limit.over, str) else limit.over
            found.append((f"fallback_precise_{at}", None if over is None else self._fallback(pricing, over), True))
        return found

    def _fallback(self, pricing: Pricing, formula: Formula) -> Exact:
        """Return what a fallback pays, NULL where it lacks a fact: the least of an absent number and another is the other."""
        there = [is_there(column(self.facts.columns[name].name)) for name in sorted(set(facts_in(formula)))]
        there += [exp.not_(each) for each in lacks_fields(formula, self.facts.columns)]
        price = pricing.prices.price(formula)
        return cases([(exp.and_(*there), price)]) if there else price

    @property
    def _share(self) -> tuple[Exact, Exact] | None:
        if not self.splits:
            return None
        return Exact(column("share"), 0, self.largest), Exact(column("whole"), 0, self.largest)

    @cached_property
    def scales(self) -> dict[int, list[int]]:
        """The scale of each precise amount, by shape and place."""
        return {
            group.number: [self.pricing(group).amount(place).scale for place in self.places[group.number]]
            for group in self.groups
            if group.number not in self.unpriced
        }

    # ------------------------------------------------------------ what is left to the reference engine

    @cached_property
    def why(self) -> dict[str, Why]:
        """When a contract's conversions are left to the reference engine, by partner; those of which none is are absent."""
        found: dict[str, Why] = dict.fromkeys(self.tallies.in_turn, Why.ALWAYS)
        for group in self.groups:
            by_group = Why.NEVER
            if group.number in self.unpriced or (self.splits and group.counting.tables):
                by_group = Why.ALWAYS
            if self._mixes_customers(group):
                by_group |= Why.TOUCHED
            for number_of in group.members:
                terms = self.world.terms[number_of]
                why = by_group
                if feeds_back(terms, with_tiers=number_of in self.tallies.with_tiers):
                    why |= Why.TOUCHED
                if self.extent.taken and not keeps_counters(terms) and terms.counters_since:
                    why |= Why.RETURNED
                if why:
                    found[terms.contract.partner] = found.get(terms.contract.partner, Why.NEVER) | why
        return found

    def _mixes_customers(self, group: Group) -> bool:
        """Tell whether limits of one customer stand beside limits of all, which no fold of one sum holds."""
        of = [self.tallies.columns[tally] for tally, _ in group.counting.limits if tally is not None]
        return not group.counting.by_customer and any(tally.per == "customer" for tally in of)

    @property
    def refers(self) -> bool:
        """Whether anything may be left to the reference engine."""
        return bool(self.why)

    @property
    def is_wide(self) -> bool:
        """Whether what is paid may come to more than 64 bits hold."""
        return bool(self.unpriced)

    def _part_of(self, terms: Terms, counting: Counting) -> tuple[str | None, bool]:
        """Return the window in which conversions depend on each other, and whether only those of one customer do. Where the
        reference engine may decide them, it counts for tiers too."""
        why = self.why.get(terms.contract.partner, Why.NEVER)
        if why & Why.ALWAYS:
            return "contract", False
        if not why and not (self.refers and self.splits):
            return counting.part, counting.by_customer
        return part_of([self.tallies.columns[at] for at in self._of_contract[terms.contract.partner]])

    @cached_property
    def _of_contract(self) -> dict[str, set[int]]:
        """The tallies that a contract's terms read, by partner."""
        found: dict[str, set[int]] = {}
        for at, terms in enumerate(self.world.terms):
            of = found.setdefault(terms.contract.partner, set())
            of |= {*self.tallies.reads.get(at, {}).values(), *self.tallies.of_limits.get(at, ())}
        return found

    @property
    def carried_numbers(self) -> list[str]:
        """The facts that are calculated with, as far as they are carried to the counters."""
        return [name for name in self.numbers if name != self.customer or name in self._kept]

    def shapes_rounded(self, rounding: str) -> list[int]:
        """Return the shapes whose contracts round in this way."""
        return [group.number for group in self.groups if group.shape.rounding == rounding]

    def shapes_that_adjust_at(self, at: int) -> list[int]:
        """Return the shapes of which a line in this place changes earlier ones."""
        return [shape for shape, places in self.places.items() if 0 <= at < len(places) and places[at].is_adjustment]

    @property
    def row(self) -> list[str]:
        """The columns of a row with its lines."""
        return [*self._kept, *self._line_columns]

    def limit_structure(self) -> dict[str, Structure]:
        """Return the columns of the table of limits: one row for each of the terms, what limits say at each position."""
        found: dict[str, Structure] = {
            "terms": "BIGINT",
            "is_single": "BOOLEAN",
            "part_of": "VARCHAR",
            "by_customer": "BOOLEAN",
            **({"referral": "BIGINT"} if self.refers else {}),
        }
        for at in range(len(self.kinds)):
            found |= {f"{name}_{at}": "BOOLEAN" if name == "is_count" else "BIGINT" for name in OF_LIMIT}
        return found

    def limit_rows(self) -> Iterator[Row]:
        """Yield the rows of the table of limits."""
        for group in self.groups:
            counting = group.counting
            for number_of in group.members:
                terms = self.world.terms[number_of]
                part, by_customer = self._part_of(terms, counting)
                base: Row = {"is_single": counting.is_single, "part_of": part, "by_customer": by_customer}
                if self.refers:
                    base["referral"] = int(self.why.get(terms.contract.partner, Why.NEVER))
                limits = list(zip(terms.limits if terms.pays_conversions else (), counting.limits, strict=True))
                yield {"terms": number_of, **base, **_positions(limits, len(self.kinds), group.shape.digits)}

    @cached_property
    def limits(self) -> LimitPlan:
        """What limits need."""
        of = [at for at, tally in enumerate(self.tallies.columns) if tally.measure in OF_LIMITS]
        positions = [f"{name}_{at}" for at in range(len(self.kinds)) for name in OF_LIMIT]
        return LimitPlan(
            columns=(*self.row, *positions, *PART[1:], "is_single", *(["referral"] if self.refers else [])),
            sorted_columns=tuple(self.row),
            windows_of_parts={kind: KEY.format(kind) for kind in self.needs.windows},
            customer=self.customer if self.customer in self._kept else None,
            lines=self.lines,
            adjusting={at: self._adjusts(at) for at in range(self.lines) if self.shapes_that_adjust_at(at)},
            kinds=self.kinds,
            amounts=tuple(at for at in of if self.tallies.columns[at].measure == "amount"),
            counts=tuple(at for at in of if self.tallies.columns[at].measure == "paid"),
            keys={at: tuple(self.keys(at)) for at in of},
            marks={at: self.tallies.columns[at].mark for at in of},
            refers=self.refers,
        )

    def _adjusts(self, at: int) -> tuple[int, ...] | None:
        """Return the shapes of which a line in this place changes earlier ones, or None where it does in all of them."""
        shapes = self.shapes_that_adjust_at(at)
        others = [shape for shape, places in self.places.items() if at < len(places) and shape not in shapes]
        return tuple(shapes) if others else None


def fact_table(world: World) -> FactTable:
    """Return the columns of the facts that a world reads."""
    read = {fact for history in world.histories.values() for fact in history.facts_read}
    read |= set() if world.exchange is None else fine_money(world.catalogue)
    read |= facts_asked([model for _, model in world.models], world.catalogue)
    subjects = ("conversion", "touch")
    return FactTable(
        world.catalogue, {name for name in read | set(ALWAYS) if world.catalogue[name].subject in subjects}
    )


def conversion_structure(columns: Mapping[str, Column], *, exchanges: bool = False) -> dict[str, Structure]:
    """Return the columns of the table of conversions: what they are, and the facts that are sent in with them; where there
    are rates, how large their money is at most that no column holds."""
    words: dict[str, Structure] = {
        ROW: "BIGINT",
        "id": "VARCHAR",
        "event_at": "BIGINT",
        "partner": "VARCHAR",
        "received_at": "BIGINT",
    }
    words |= {MOST: "BIGINT"} if exchanges else {}
    return words | {each.name: each.structure for each in sent(columns)}


def sent(columns: Mapping[str, Column]) -> Iterator[Column]:
    """Yield the columns of facts that a conversion carries."""
    return (each for each in columns.values() if each.fact.subject == "conversion" and not each.fact.derived)


def parameter_tables(groups: Sequence[Group]) -> Iterator[tuple[str, dict[str, Structure], list[Row]]]:
    """Yield the parameter tables of shapes that have any, once their queries are written."""
    for group in groups:
        if group.used:
            yield group.table, *group.parameters()


def _asked(terms: Terms) -> set[str]:
    """Return the facts that attribution rules read."""
    rules = terms.attribution.rules
    return set(rules.facts_read) | set(rules.facts_required)


def _positions(
    limits: Sequence[tuple[Limit, tuple[int | None, int]]], positions: int, digits: int
) -> dict[str, int | bool | None]:
    """Return what limits say at each position; at those behind them there is none."""
    found: dict[str, int | bool | None] = {}
    for at in range(positions):
        values: tuple[int | bool | None, ...] = (0, False, None, -1, 0)
        if at < len(limits):
            limit, (tally, mark) = limits[at]
            is_count = limit.measure == "count"
            most = most_of(limit.max, digits, is_count=is_count)
            values = (int(_kind(limit.over)), is_count, most, -1 if tally is None else tally, mark)
        found |= {f"{name}_{at}": value for name, value in zip(OF_LIMIT, values, strict=True)}
    return found


def _kind(over: object) -> Kind:
    return KINDS[over] if isinstance(over, str) else Kind.FALLBACK
