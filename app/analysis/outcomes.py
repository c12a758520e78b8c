"""What a rule set makes of a conversion, once for the solver and once by the engine, as signs that can be compared.

A sign is a reason of eligibility (`reject CODE`, `hold CODE`), a hold of a payout, a fact missing in a calculation, or
a formula that pays. Two versions decide a conversion alike if they give the same signs, each as often: then they say the
same, and pay the same. Ids and names of rules are no signs, nor is the order of lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import z3

from app.analysis.questions import Questions
from app.analysis.translate import some
from app.engine.eligibility import judge
from app.engine.matcher import Facts
from app.engine.payout.formulas import facts_missing
from app.engine.payout.lines import chosen
from app.rulelang.ast import Eligibility, Formula, Payout, Verdict, fact_of, nested_formulas

Sign: TypeAlias = Hashable
AMBIGUOUS = ("hold", "AMBIGUOUS_PAYOUT")


def signs_by_engine(body: Eligibility | Payout, matched: frozenset[str], facts: Facts) -> Counter[Sign]:
    """Return the signs that the engine gives, by the rules that match."""
    if isinstance(body, Eligibility):
        outcome, reasons = judge(body, matched, facts)
        action = "reject" if outcome == "ineligible" else "hold"
        return Counter({(action, reason.code) for reason in reasons})
    rules = chosen(body, matched)
    if not isinstance(rules, list):
        return Counter([("hold", rules.code)])
    missing = {("missing", name) for _, formula in rules for name in facts_missing(formula, facts)}
    return Counter(missing or [formula for _, formula in rules])


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two versions, for the solver: its body and what says that each rule is true."""

    body: Eligibility | Payout
    says: Mapping[str, z3.BoolRef]
    questions: Questions

    def signs(self) -> dict[Sign, z3.ArithRef]:
        """Return how often each sign is given."""
        return self._reasons(self.body) if isinstance(self.body, Eligibility) else self._payments(self.body)

    def _reasons(self, body: Eligibility) -> dict[Sign, z3.ArithRef]:
        """Any reject wins with every reason; else any hold; otherwise speaks when no rule matches."""
        rejects = self._some(rule.id for rule in body.rules if rule.then.action == "reject")
        none, end = z3.Not(self._some(rule.id for rule in body.rules)), body.otherwise
        given: dict[Sign, z3.BoolRef] = {}
        for verdict in dict.fromkeys(rule.then for rule in body.rules):
            said = self._some(rule.id for rule in body.rules if rule.then == verdict)
            given[verdict.action, verdict.code] = said if verdict.action == "reject" else z3.And(said, z3.Not(rejects))
        last = (end.action, end.code)
        given[last] = z3.Or(given[last], none) if last in given else none
        return {sign: _once(is_given) for sign, is_given in given.items() if sign != ("accept", "")}

    def _payments(self, body: Payout) -> dict[Sign, z3.ArithRef]:
        """The hit policy chooses rules, otherwise pays where none matches, bonuses add to either; a hold pays nothing."""
        none = z3.Not(self._some(rule.id for rule in body.rules))
        holds: dict[Sign, z3.BoolRef] = {}
        paying = [(rule.then, self._is_chosen(body, place)) for place, rule in enumerate(body.rules)]
        paying += [(bonus.then, self.says[bonus.id]) for bonus in body.bonuses]
        if isinstance(body.otherwise, Verdict):
            holds["hold", body.otherwise.code] = none
        else:
            paying.append((body.otherwise, none))
        if body.hit == "unique":
            two = z3.Sum([z3.IntVal(0, none.ctx), *(_once(self.says[rule.id]) for rule in body.rules)]) > 1
            holds[AMBIGUOUS] = z3.Or(holds.get(AMBIGUOUS, z3.BoolVal(False, none.ctx)), two)
        is_open = z3.Not(some(holds.values(), none.ctx))
        for fact, is_missing in self._missing(paying).items():
            holds["missing", fact] = z3.And(is_open, is_missing)
        is_paid = z3.Not(some(holds.values(), none.ctx))
        counts: dict[Sign, z3.ArithRef] = {sign: _once(is_held) for sign, is_held in holds.items()}
        for formula, is_chosen in paying:
            line = _once(z3.And(is_paid, is_chosen))
            counts[formula] = counts[formula] + line if formula in counts else line
        return counts

    def _is_chosen(self, body: Payout, place: int) -> z3.BoolRef:
        says = self.says[body.rules[place].id]
        if body.hit == "sum":
            return says
        return z3.And(says, z3.Not(self._some(rule.id for rule in body.rules[:place])))

    def _missing(self, paying: list[tuple[Formula, z3.BoolRef]]) -> dict[str, z3.BoolRef]:
        """Return for each fact that may be missing that a formula is to be calculated with it, and it is."""
        missing: dict[str, list[z3.BoolRef]] = {}
        for formula, is_chosen in paying:
            for name in {fact_of(part) for part in nested_formulas(formula)} - {None}:
                is_absent = self.questions.absent(str(name))
                if is_absent is not None:
                    missing.setdefault(str(name), []).append(z3.And(is_chosen, is_absent))
        return {name: z3.Or(each) for name, each in missing.items()}

    def _some(self, ids: Iterable[str]) -> z3.BoolRef:
        return some([self.says[rule] for rule in ids], self.questions.ctx)


def differ(one: Side, two: Side) -> z3.BoolRef:
    """Return that two versions do not give the same signs."""
    before, after = one.signs(), two.signs()
    zero = z3.IntVal(0, one.questions.ctx)
    signs = dict.fromkeys([*before, *after])
    return some([before.get(sign, zero) != after.get(sign, zero) for sign in signs], one.questions.ctx)


def _once(is_given: z3.BoolRef) -> z3.ArithRef:
    return z3.If(is_given, z3.IntVal(1, is_given.ctx), z3.IntVal(0, is_given.ctx))
