"""Whether two versions of a rule set decide every conversion alike: yes, or a conversion that they decide differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import z3

from app.analysis.analyse import ONE_AT_A_TIME, UTC
from app.analysis.example import ORDER_NUMBER, Example, ordinary_example
from app.analysis.outcomes import Side, differ, signs_by_engine
from app.analysis.payments import payment, unlike_limits
from app.analysis.questions import Budget, Key, Matched, No, Questions, Wanted, Yes
from app.analysis.setting import Setting
from app.analysis.world import is_carried
from app.core.errors import AppError
from app.engine.counters import counters_of
from app.engine.eligibility import judge
from app.rulelang.ast import Attribution, Body, Condition, Eligibility, Payout, conditions_of, fact_of, formulas_of
from app.rulelang.facts import CUSTOMER, Catalogue
from app.rulelang.ruleset import RuleSet

Version = Literal["old", "new"]

OF_DELIVERIES = "payouts on deliveries are compared as they are written; no example is looked for"


class KindsDiffer(AppError):
    """Two rule bodies of different kinds: they decide different things, so there is nothing to compare."""

    code = "kinds_differ"
    kind = "invalid"


@dataclass(frozen=True, slots=True)
class Equal:
    """No conversion is decided differently. Ids, names and the order of lines may differ."""

    says: str = "every conversion is decided alike; ids and names of rules may differ"


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A conversion that is decided differently, with what each version says. `already` is what the contract's counters
    have to hold before it, where that matters."""

    conversion: Example
    before: str
    after: str
    already: dict[str, Decimal] = field(default_factory=dict)

    @property
    def says(self) -> str:
        return f"decided differently: before {self.before}, after {self.after}"


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither was proved."""

    says: str


Difference: TypeAlias = Equal | Counterexample | Undecided


def difference(
    old: RuleSet, new: RuleSet, catalogue: Catalogue, timezone: ZoneInfo = UTC, budget: Budget | None = None
) -> Difference:
    """Compare two versions by what they decide. Raises KindsDiffer for two that decide different things."""
    if old.kind != new.kind:
        raise KindsDiffer(f"The old rules are {old.kind}, the new ones {new.kind}. Compare two versions of one kind.")
    setting = Setting(catalogue, timezone, budget or Budget())
    match old.body, new.body:
        case Attribution(), Attribution():
            return _attributions(old.body, new.body, setting)
        case (Payout(on="delivery"), Payout()) | (Payout(), Payout(on="delivery")):
            return Equal() if old.key == new.key else Undecided(OF_DELIVERIES)
        case (Eligibility(), Eligibility()) | (Payout(), Payout()):
            with ONE_AT_A_TIME:
                return _Comparison(old, new, setting).answer()
    raise AssertionError(old.kind)


def _attributions(old: Attribution, new: Attribution, setting: Setting) -> Difference:
    """Compare what becomes of claims, and which touches count. Of touches no examples are made: conditions that are not
    the same are not compared any further."""
    if old.claims == new.claims:
        before, after = ({rule.when for rule in body.qualify} for body in (old, new))
        if before == after:
            return Equal()
        return Undecided("which touches count is said in other conditions; whether they mean the same was not decided")
    said = {"accept": "credited to the partner that claims it", "refuse": "unattributed as CLAIM_REFUSED"}
    shown = ordinary_example(setting.catalogue, frozenset(), setting.timezone)
    return Counterexample(shown, said[old.claims], said[new.claims])


class _Comparison:
    """Two versions of eligibility or of a payout, and the questions about both."""

    def __init__(self, old: RuleSet, new: RuleSet, setting: Setting) -> None:
        self.old, self.new, self.setting = old, new, setting
        conditions: dict[Key, Condition] = {("old", rule): when for rule, when in conditions_of(old.body)}
        conditions |= {("new", rule): when for rule, when in conditions_of(new.body)}
        self.questions = setting.questions(conditions, _calculated(old.body) | _calculated(new.body))

    def answer(self) -> Difference:
        """Compare what is decided where every fact is there, then where one is missing, then what limits leave."""
        if self._never_there("old") or self._never_there("new"):
            return self._where_a_fact_is_missing() or Equal()
        question = differ(self._side("old"), self._side("new"))
        answer = self.questions.ask([question], self._is_different)
        if isinstance(answer, Yes):
            shown = self._unequal(self.questions.simplest(answer, self._is_different))
            return Counterexample(shown.example, self._words("old", shown.matched), self._words("new", shown.matched))
        if not isinstance(answer, No):
            return Undecided(f"whether a conversion is decided differently was not decided: {answer.why}")
        return self._where_a_fact_is_missing() or self._where_limits_cut() or self._where_counters_begin() or Equal()

    def _side(self, version: Version) -> Side:
        body = self._body(version)
        says = {rule: self.questions.says[version, rule] for rule, _ in conditions_of(body)}
        return Side(body, says, self.questions)

    def _body(self, version: Version) -> Eligibility | Payout:
        body = (self.old if version == "old" else self.new).body
        assert isinstance(body, Eligibility | Payout)
        return body

    def _is_different(self, matched: Matched) -> bool:
        signs = [
            signs_by_engine(self._body(version), self._ids(version, matched), matched.facts)
            for version in ("old", "new")
        ]
        return signs[0] != signs[1]

    def _ids(self, version: Version, matched: Matched) -> frozenset[str]:
        return frozenset(rule for rule, _ in conditions_of(self._body(version)) if (version, rule) in matched)

    def _words(self, version: Version, matched: Matched) -> str:
        body = self._body(version)
        if isinstance(body, Payout):
            return payment(body, self._ids(version, matched), matched.facts).words
        outcome, reasons = judge(body, self._ids(version, matched), matched.facts)
        codes = sorted({reason.code for reason in reasons})
        return "eligible" if outcome is None else f"{outcome} as {', '.join(codes)}"

    def _where_a_fact_is_missing(self) -> Difference | None:
        """A fact that only one version needs: without it that one holds, whatever the other says."""
        old, new = self.old.facts_required, self.new.facts_required
        only: tuple[tuple[frozenset[str], Version], ...] = ((old - new, "new"), (new - old, "old"))
        can_lack = [(name, other) for names, other in only for name in sorted(names) if self._can_lack(name)]
        if not can_lack:
            return None
        # One that is never there first: whatever else is missing, all is held for it.
        name, other = min(can_lack, key=lambda each: is_carried(self.setting.catalogue[each[0]]))
        return self._without(name, other)

    def _can_lack(self, name: str) -> bool:
        fact = self.setting.catalogue[name]
        return not fact.derived or name == ORDER_NUMBER or not is_carried(fact)

    def _never_there(self, version: Version) -> list[str]:
        """Return the facts that a version needs and no conversion carries: it holds them all."""
        needed = (self.old if version == "old" else self.new).facts_required
        return sorted(name for name in needed if not is_carried(self.setting.catalogue[name]))

    def _without(self, name: str, other: Version) -> Difference:
        lacking = CUSTOMER if name == ORDER_NUMBER else name
        questions = self._alone(other)

        def lacks(matched: Matched) -> bool:
            return lacking not in matched.facts

        is_absent = questions.absent(lacking)
        answer = questions.ask([] if is_absent is None else [is_absent], lacks)
        if not isinstance(answer, Yes):
            return Undecided(f"only one version needs {name}, and no conversion without it was found")
        shown = questions.simplest(answer, lacks)
        never = self._never_there(other)
        said = f"held as MISSING_FACT {', '.join(never)}" if never else self._words(other, shown.matched)
        held = f"held as MISSING_FACT {name}"
        return Counterexample(shown.example, *((held, said) if other == "new" else (said, held)))

    def _alone(self, version: Version) -> Questions:
        body = self._body(version)
        conditions: dict[Key, Condition] = {(version, rule): when for rule, when in conditions_of(body)}
        return self.setting.questions(conditions, _calculated(body))

    def _unequal(self, shown: Yes) -> Yes:
        """Return an example that is paid differently as well, if one is near: two formulas can meet by accident."""
        for changed in self.questions.recalculated(shown.example):
            if self._is_different(changed.matched) and self._amount("old", changed) != self._amount("new", changed):
                return changed
        return shown

    def _amount(self, version: Version, shown: Yes) -> Decimal | None:
        body = self._body(version)
        if not isinstance(body, Payout):
            return None
        return payment(body, self._ids(version, shown.matched), shown.matched.facts).amount

    def _where_limits_cut(self) -> Difference | None:
        """Limits that leave more in one version than in the other, with a payment that shows it."""
        old, new = self.old.body, self.new.body
        if not isinstance(old, Payout) or not isinstance(new, Payout):
            return None
        unlike = list(unlike_limits(old, new))
        for already in unlike:
            for shown in self._paid_examples(old):
                facts = shown.matched.facts
                before = payment(old, self._ids("old", shown.matched), facts, already)
                after = payment(new, self._ids("new", shown.matched), facts, already)
                if (before.amount, before.outcome) != (after.amount, after.outcome):
                    reached = {counter.name: total for counter, total in sorted(already.items(), key=repr)}
                    return Counterexample(shown.example, before.words, after.words, reached)
        return Undecided("the limits differ, but no payment was found that they cut differently") if unlike else None

    def _where_counters_begin(self) -> Difference | None:
        """Which counters a version goes on with depends on the versions before it, which are not known here."""
        old, new = self.old.body, self.new.body
        if not isinstance(old, Payout) or not isinstance(new, Payout) or old.counters == new.counters:
            return None
        if all(counter.is_of_limits for counter in counters_of(new)):
            return None
        return Undecided("tier counters begin otherwise: what that changes depends on the terms before")

    def _paid_examples(self, old: Payout) -> Iterator[Yes]:
        """Yield a conversion that each rule of the old version pays, and one that none does."""
        for rule in (*old.rules, *old.bonuses):
            key = ("old", rule.id)
            answer = self.questions.ask([self.questions.says[key]], _matching(key))
            if isinstance(answer, Yes):
                yield answer
        ids = [("old", rule.id) for rule in old.rules]
        answer = self.questions.ask(
            [z3.Not(self.questions.says[key]) for key in ids], lambda matched: not any(key in matched for key in ids)
        )
        if isinstance(answer, Yes):
            yield answer


def _calculated(body: Body) -> frozenset[str]:
    return frozenset(fact for formula in formulas_of(body) if (fact := fact_of(formula)) is not None)


def _matching(key: Key) -> Wanted:
    return lambda matched: key in matched
