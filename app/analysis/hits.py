"""How often rules hit: two of them where one must (overlap), and none where otherwise is a hold (gap)."""

from __future__ import annotations

import z3

from app.analysis.findings import Analysed, Witness, found, not_decided
from app.analysis.questions import Matched, Questions, Unknown, Yes
from app.rulelang.ast import Eligibility, Payout, PayoutRule, Verdict
from app.rulelang.printer import condition_text

MOST_OVERLAPS = 50


def overlaps(body: Payout, questions: Questions) -> list[Analysed]:
    """Return the pairs of payout rules that one conversion meets, where at most one may match."""
    findings: list[Analysed] = []
    for place, rule in enumerate(body.rules if body.hit == "unique" else ()):
        earlier = list(body.rules[:place])
        while earlier and len(findings) < MOST_OVERLAPS:
            answer = _met_with(rule, earlier, questions)
            if isinstance(answer, Unknown):
                findings.append(not_decided(rule.pointer, f"whether {rule.id} overlaps an earlier rule", answer.why))
            if not isinstance(answer, Yes):
                break
            other = next(other for other in earlier if other.id in answer.matched)
            findings.append(_overlap(other, rule, answer, questions))
            earlier.remove(other)
    if len(findings) >= MOST_OVERLAPS:
        why = f"{MOST_OVERLAPS} were found, and no more were looked for"
        findings.append(not_decided("/rules", "whether more rules overlap", why))
    return findings


def _met_with(rule: PayoutRule, others: list[PayoutRule], questions: Questions) -> Yes | object:
    """Return a conversion that meets a rule and one of some others."""

    def wanted(matched: Matched) -> bool:
        return rule.id in matched and any(other.id in matched for other in others)

    return questions.ask([questions.says[rule.id], z3.Or([questions.says[other.id] for other in others])], wanted)


def _overlap(one: PayoutRule, two: PayoutRule, answer: Yes, questions: Questions) -> Analysed:
    shown = questions.simplest(answer, lambda matched: one.id in matched and two.id in matched)
    message = f"{one.id} and {two.id} overlap: a conversion can meet both, and with hit unique it would be held"
    hint = f"narrow one of them: {condition_text(one.when)}; {condition_text(two.when)}"
    matched = questions.ids_matched(shown.example)
    says = f"this conversion meets {' and '.join(matched)}"
    return found("overlap", two.pointer + "/when", message, hint, Witness(says, shown.example, matched))


def gap(body: Eligibility | Payout, questions: Questions) -> list[Analysed]:
    """Return that a conversion can meet no rule, where otherwise holds what no rule decides."""
    end = body.otherwise
    if not isinstance(end, Verdict) or end.action != "hold":
        return []
    ids = [rule.id for rule in body.rules]

    def wanted(matched: Matched) -> bool:
        return not any(rule in matched for rule in ids)

    answer = questions.ask([z3.Not(questions.says[rule]) for rule in ids], wanted)
    if isinstance(answer, Unknown):
        return [not_decided("/otherwise", "whether every conversion meets a rule", answer.why)]
    if not isinstance(answer, Yes):
        return []
    shown = questions.simplest(answer, wanted)
    message = f"a conversion can meet none of the rules; it is held as {end.code}"
    says = f"this conversion meets no rule and is held as {end.code}"
    hint = "add a rule for it, or decide it in otherwise, if it should not wait for someone"
    matched = questions.ids_matched(shown.example)
    return [found("gap", "/otherwise", message, hint, Witness(says, shown.example, matched))]
