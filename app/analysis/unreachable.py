"""Rules that never decide: no conversion meets them, or every one that does is decided by other rules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import z3

from app.analysis.example import Example, ordinary_example
from app.analysis.findings import Analysed, Witness, found, not_decided
from app.analysis.questions import Matched, No, Questions, Unknown, Wanted, Yes
from app.analysis.setting import Setting
from app.rulelang.ast import AllOf, Condition, Eligibility, EligibilityRule, Payout, PayoutRule
from app.rulelang.printer import condition_text

Rule = EligibilityRule | PayoutRule


def unreachable(body: Eligibility | Payout, questions: Questions, setting: Setting) -> list[Analysed]:
    """Return what is found of each rule by itself: never true, or shadowed by those that go before it."""
    rules: Sequence[Rule] = body.rules if isinstance(body, Eligibility) else (*body.rules, *body.bonuses)
    each = (_of_rule(rule, _before(rule, body), questions, setting) for rule in rules)
    return [analysed for analysed in each if analysed is not None]


def _before(rule: Rule, body: Eligibility | Payout) -> list[Rule]:
    """Return the rules that decide before a rule wherever both match: the earlier ones of a payout with hit first, and
    in eligibility those whose verdict weighs more."""
    if isinstance(body, Eligibility):
        assert isinstance(rule, EligibilityRule)
        weight = _WEIGHTS[rule.then.action]
        return [other for other in body.rules if _WEIGHTS[other.then.action] > weight]
    if body.hit != "first" or rule in body.bonuses:
        return []
    return list(body.rules[: body.rules.index(rule)])


_WEIGHTS = {"accept": 0, "hold": 1, "reject": 2}


def _of_rule(rule: Rule, before: list[Rule], questions: Questions, setting: Setting) -> Analysed | None:
    says, others = questions.says[rule.id], [questions.says[other.id] for other in before]

    def decides(matched: Matched) -> bool:
        return rule.id in matched and not any(other.id in matched for other in before)

    def matches(matched: Matched) -> bool:
        return rule.id in matched

    decided = questions.ask([says, *map(z3.Not, others)], decides)
    if isinstance(decided, Yes):
        return None
    met = questions.ask([says], matches) if before else decided
    if isinstance(met, No):
        return _never_true(rule, questions, setting)
    if isinstance(decided, Unknown) or isinstance(met, Unknown):
        why = next(answer.why for answer in (decided, met) if isinstance(answer, Unknown))
        return not_decided(rule.pointer, f"whether {rule.id} can decide anything", why)
    taking = [before[place - 1].id for place in decided.because if place]
    return _shadowed(rule, taking, questions.simplest(met, matches), questions)


def _shadowed(rule: Rule, taking: list[str], shown: Yes, questions: Questions) -> Analysed:
    is_payout = isinstance(rule, PayoutRule)
    those = f"the {'earlier ' * is_payout}rule{'s' * (len(taking) > 1)} {', '.join(taking)}"
    verb = "taken by" if is_payout else "decided by"
    first = next(other for other in taking if other in shown.matched)
    message = f"{rule.id} never decides: every conversion that meets it is {verb} {those}"
    hint = "put it before them, or leave it out" if is_payout else "narrow their conditions, or leave it out"
    says = f"this conversion meets {rule.id}, and {first} decides it"
    return found(
        "shadowed", rule.pointer, message, hint, Witness(says, shown.example, questions.ids_matched(shown.example))
    )


def _never_true(rule: Rule, asked: Questions, setting: Setting) -> Analysed:
    """Return the finding with the fewest parts that exclude each other."""
    parts = _conjuncts(rule.when)
    questions = setting.questions(dict(enumerate(parts)), asked.required)
    clash = _smallest_clash(parts, questions)
    words = [condition_text(parts[place]) for place in clash]
    why = f"{' and '.join(words)} exclude each other" if len(clash) > 1 else f"{words[0]} holds for none"
    message = f"{rule.id} is never true: no conversion meets its condition. {why}"
    says, shown = _nearest(clash, words, questions, setting)
    witness = Witness(says, shown, asked.ids_matched(shown))
    return found("never_true", rule.pointer + "/when", message, "change one of them, or leave the rule out", witness)


def _nearest(clash: list[int], words: list[str], questions: Questions, setting: Setting) -> tuple[str, Example]:
    """Return a conversion that meets all parts of a clash but the last, and this in words."""
    *others, last = clash

    def nearly(matched: Matched) -> bool:
        return last not in matched and all(place in matched for place in others)

    near = questions.ask([questions.says[place] for place in others], nearly)
    if not isinstance(near, Yes):
        usual = ordinary_example(setting.catalogue, questions.required, setting.timezone)
        return "no conversion meets it, nor does this one", usual
    shown = questions.simplest(near, nearly).example
    if not others:
        return f"like any other conversion, this one does not meet {words[-1]}", shown
    return f"this conversion meets {' and '.join(words[:-1])}, but not {words[-1]}", shown


def _smallest_clash(parts: list[Condition], questions: Questions) -> list[int]:
    """Return the places of parts that exclude each other, of which none can be left out."""
    clash = list(range(len(parts)))
    for place in range(len(parts)):
        fewer = [other for other in clash if other != place]
        if not fewer:
            break
        answer = questions.ask([questions.says[each] for each in fewer], _all_of(fewer))
        if isinstance(answer, No):
            clash = [fewer[each] for each in answer.because]
    return clash


def _all_of(places: Sequence[int]) -> Wanted:
    return lambda matched: all(place in matched for place in places)


def _conjuncts(condition: Condition) -> list[Condition]:
    if isinstance(condition, AllOf):
        return list(chain.from_iterable(map(_conjuncts, condition.parts)))
    return [condition]
