"""What is said before any model is asked: whose customer's a touch is, codes that earn nobody anything, what partners buy for
themselves, and who has all the credit by an override. Which of the other touches count is `touching.py`'s.

What models say of codes and identities stands in small tables, each entry with the time it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from app.bulk.fact_table import Column, Row, Structure
from app.bulk.pipeline.sharing import ModelSpan, stands
from app.bulk.pipeline.sql import both, column, equal, is_null, is_there, named, number, union_all
from app.bulk.pipeline.versions import SPANS
from app.core.instants import micros
from app.engine.attribution.program_model import ProgramModel
from app.rulelang.facts import Catalogue

REDEEMED, SUPPRESSED, OWN, COUPONS, SCREENED, OVERRIDDEN = (
    "redeemed",
    "suppressed",
    "own_purchases",
    "own_coupons",
    "screened",
    "overridden",
)
CODES = ("coupon_code", "coupon_codes")
_TIME: dict[str, Structure] = {"since": "BIGINT", "until": "BIGINT"}
_OVERRIDE: dict[str, Structure] = {"partner": "VARCHAR", "precedence": "BIGINT", "reassigns": "BOOLEAN", **_TIME}
STRUCTURES: Mapping[str, dict[str, Structure]] = {
    "codes_of_nobody": {"code": "VARCHAR", **_TIME},
    "own_identities": {"identity": "VARCHAR", "known_as": "VARCHAR", "partner": "VARCHAR", **_TIME},
    "exclusive_coupons": {"code": "VARCHAR", **_OVERRIDE},
    "preferred_partners": _OVERRIDE,
}


def facts_asked(models: Sequence[ProgramModel], catalogue: Catalogue) -> set[str]:
    """Return the facts that models read of conversions and of touches, whatever rules read."""
    found: set[str] = set()
    for model in models:
        found |= {name for key in model.identity for name in (key, f"touch.{key}")}
        found |= {key for own in model.suppression.self_referral for key in own.identities}
        if model.suppression.codes or any(each.codes for each in model.overrides):
            found |= set(CODES)
    return {name for name in found if catalogue.get(name) is not None}


@dataclass(frozen=True)
class Screening:
    """What the models of a run say before any of them is asked, and the queries for it."""

    spans: Sequence[ModelSpan]
    columns: Mapping[str, Column]

    @cached_property
    def rows(self) -> Mapping[str, list[Row]]:
        """The rows of the tables of what models say, by table."""
        return {
            "codes_of_nobody": list(self._codes_of_nobody()),
            "own_identities": list(self._own_identities()),
            "exclusive_coupons": list(self._overrides(with_codes=True)),
            "preferred_partners": list(self._overrides(with_codes=False)),
        }

    @property
    def redeems(self) -> bool:
        """Whether it matters which codes were redeemed."""
        return self.suppresses or self.has_coupons

    @property
    def suppresses(self) -> bool:
        """Whether there are codes that earn nobody anything."""
        return bool(self.rows["codes_of_nobody"]) and any(name in self.columns for name in CODES)

    @property
    def has_owners(self) -> bool:
        """Whether it is known what partners buy for themselves."""
        return bool(self.rows["own_identities"])

    @property
    def has_coupons(self) -> bool:
        """Whether coupons are somebody's own."""
        return bool(self.rows["exclusive_coupons"]) and any(name in self.columns for name in CODES)

    @property
    def has_preferred(self) -> bool:
        """Whether somebody has all the credit wherever a touch of theirs counts."""
        return bool(self.rows["preferred_partners"])

    @property
    def overrides(self) -> bool:
        """Whether somebody may have all the credit without the model."""
        return self.has_coupons or self.has_preferred

    @property
    def screens(self) -> bool:
        """Whether touches are dropped before any rule looks at them."""
        return self.suppresses or self.has_owners or any(span.model.identity for span in self.spans)

    @property
    def touches(self) -> str:
        """The table of the touches that rules look at."""
        return SCREENED if self.screens else "touches"

    def tables(self) -> Iterator[tuple[str, dict[str, Structure], list[Row]]]:
        """Yield the tables of what models say that are not empty."""
        for name, rows in self.rows.items():
            if rows:
                yield name, STRUCTURES[name], rows

    # ------------------------------------------------------------ queries

    def queries(self) -> Iterator[tuple[str, exp.Query]]:
        """Yield what is found of conversions and touches before any rule is asked, in order."""
        if self.redeems:
            yield REDEEMED, union_all([self._redeemed(name) for name in CODES if name in self.columns])
        if self.suppresses:
            yield SUPPRESSED, _by_code("codes_of_nobody").select(column("row_number", "r")).distinct()
        if self.has_owners:
            found = union_all(self._own_purchases()).subquery("own", copy=False)
            yield OWN, exp.select("row_number", "partner").distinct().from_(found)
        if self.has_coupons:
            names = ("partner", "precedence", "reassigns")
            query = _by_code("exclusive_coupons").select(column("row_number", "r"), column("event_at", "r"))
            yield COUPONS, query.select(*(column(name, "k") for name in names)).distinct()
        if self.screens:
            yield SCREENED, self._screened()

    def without_barred(self, query: exp.Select, row: str, partner: str) -> exp.Select:
        """Return a query without what nobody is credited for, and without what its partner bought for itself."""
        for table, on in self.barring(row, partner):
            query = query.join(table, on=on, join_type="left").where(is_null(column("row_number", table)))
        return query

    def barring(self, row: str, partner: str) -> Iterator[tuple[str, exp.Expr]]:
        """Yield the tables of who is not credited, each with what joins it; a table's column is NULL for all others."""
        if self.suppresses:
            yield SUPPRESSED, equal("row_number", row, SUPPRESSED)
        if self.has_owners:
            same = exp.EQ(this=column("partner", partner), expression=column("partner", OWN))
            yield OWN, exp.and_(equal("row_number", row, OWN), same)

    def overridden(self, *, is_early: bool) -> exp.Query:
        """Return the query of who has all the credit of a conversion by an override: the first that applies to a partner
        that may have it."""
        names = ("row_number", "event_at", "partner", "precedence", "reassigns")
        found: list[exp.Query] = []
        if self.has_coupons:
            found.append(exp.select(*names).from_(COUPONS))
        if self.has_preferred:
            on = exp.and_(equal("partner", "s", "k"), _inside("s", "k"))
            query = exp.select(*(column(name, "s") for name in names[:2]), *(column(name, "k") for name in names[2:]))
            query = query.from_(exp.alias_(exp.to_table("seen"), "s", table=True))
            found.append(query.join(exp.alias_(exp.to_table("preferred_partners"), "k", table=True), on=on))
        order = exp.Order(expressions=[exp.Ordered(this=column("precedence", "o"))])
        place = exp.Window(this=exp.RowNumber(), partition_by=[column("row_number", "o")], order=order)
        able = exp.select(column("row_number", "o"), column("partner", "o"), named(place, "place"))
        able = able.from_(union_all(found).subquery("o", copy=False))
        able = _in_force(able) if is_early else _judged(able)
        able = self.without_barred(able, "o", "o")
        query = exp.select("row_number", "partner").from_(able.subquery("able", copy=False), copy=False)
        first: exp.Select = query.where(exp.EQ(this=column("place"), expression=number(1)))
        return first.distinct()

    def _redeemed(self, name: str) -> exp.Select:
        held = self.columns[name]
        given = exp.Explode(this=column(held.name)) if held.is_list else column(held.name)
        query: exp.Select = exp.select("row_number", "event_at", named(given, "code")).from_("conversions")
        return query.where(is_there(column(held.name)))

    def _own_purchases(self) -> list[exp.Query]:
        keys = sorted({str(row["identity"]) for row in self.rows["own_identities"]})
        found: list[exp.Query] = []
        for key in keys:
            name = self.columns[key].name
            of_key = exp.EQ(this=column("identity", "k"), expression=exp.Literal.string(key))
            same = exp.EQ(this=column(name, "c"), expression=column("known_as", "k"))
            query = exp.select(column("row_number", "c"), column("partner", "k")).from_(
                exp.alias_(exp.to_table("conversions"), "c", table=True)
            )
            known = exp.alias_(exp.to_table("own_identities"), "k", table=True)
            found.append(query.join(known, on=exp.and_(same, of_key, _inside("c", "k"))))
        return found

    def _screened(self) -> exp.Select:
        """Return the query of the touches that are of the buyer, of conversions that anybody is credited for, and not of
        partners that bought for themselves."""
        query = exp.select("t.*").from_(exp.alias_(exp.to_table("touches"), "t", table=True))
        identified = [span for span in self.spans if span.model.identity]
        if identified:
            conversions = exp.alias_(exp.to_table("conversions"), "c", table=True)
            query = query.join(conversions, on=equal("row_number", "t", "c"))
            ifs = [exp.If(this=_in_time("c", span), true=self._is_same(span.model)) for span in identified]
            query = query.where(exp.Case(ifs=ifs, default=exp.true()))
        return self.without_barred(query, "t", "t")

    def _is_same(self, model: ProgramModel) -> exp.Expr:
        """Return whether touch and conversion are of the same customer: by the first key that both of them have."""
        ifs = []
        for key in model.identity:
            if key in self.columns and f"touch.{key}" in self.columns:
                ours, theirs = column(self.columns[key].name, "c"), column(self.columns[f"touch.{key}"].name, "t")
                both_there = exp.and_(is_there(ours), is_there(theirs))
                ifs.append(exp.If(this=both_there, true=exp.EQ(this=ours.copy(), expression=theirs.copy())))
        return exp.Case(ifs=ifs, default=exp.false()) if ifs else exp.false()

    # ------------------------------------------------------------ rows

    def _codes_of_nobody(self) -> Iterator[Row]:
        for span in self.spans:
            for code in dict.fromkeys(span.model.suppression.codes):
                yield {"code": code, "since": span.since, "until": span.until}

    def _own_identities(self) -> Iterator[Row]:
        for span in self.spans:
            for own in span.model.suppression.self_referral:
                for key, values in own.identities.items():
                    named_by = {"partner": own.partner, "since": span.since, "until": span.until}
                    if key in self.columns:
                        yield from ({"identity": key, "known_as": value, **named_by} for value in sorted(values))

    def _overrides(self, *, with_codes: bool) -> Iterator[Row]:
        for span in self.spans:
            for precedence, each in enumerate(span.model.overrides):
                if bool(each.codes) != with_codes:
                    continue
                since = span.since if each.since is None else max(span.since, micros(each.since))
                until = span.until if each.until is None else min(span.until, micros(each.until))
                row: Row = {"partner": each.partner, "precedence": precedence, "since": since, "until": until}
                row["reassigns"] = span.model.not_eligible == "reassign"
                yield from ({"code": code, **row} for code in dict.fromkeys(each.codes)) if with_codes else [row]


def _by_code(table: str) -> exp.Select:
    on = exp.and_(equal("code", "r", "k"), _inside("r", "k"))
    query: exp.Select = exp.Select().from_(exp.alias_(exp.to_table(REDEEMED), "r", table=True))
    return query.join(exp.alias_(exp.to_table(table), "k", table=True), on=on)


def _in_force(query: exp.Select) -> exp.Select:
    """Return a query of those partners alone that have terms at the event."""
    on = exp.and_(equal("partner", "o", SPANS), _inside("o", SPANS), is_there(column("terms", SPANS)))
    return query.join(SPANS, on=on)


def _judged(query: exp.Select) -> exp.Select:
    """Return a query of those partners alone that have terms, and stand where others are passed over."""
    may = exp.or_(exp.not_(column("reassigns", "o")), stands(column("verdict", "j")))
    on = both("o", "j")
    query = query.join(exp.alias_(exp.to_table("judged"), "j", table=True), on=on)
    return query.where(exp.and_(is_there(column("terms", "j")), may))


def _inside(table: str, span: str) -> exp.Expr:
    at = column("event_at", table)
    since, until = column("since", span), column("until", span)
    return exp.and_(exp.GTE(this=at, expression=since), exp.LT(this=at.copy(), expression=until))


def _in_time(table: str, span: ModelSpan) -> exp.Expr:
    at = column("event_at", table)
    since, until = number(span.since), number(span.until)
    return exp.and_(exp.GTE(this=at, expression=since), exp.LT(this=at.copy(), expression=until))
