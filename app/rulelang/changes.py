"""What changed between two rule bodies of one kind, as data and in words for whoever approves and pays. Whether any
conversion is decided differently is another question: `app/analysis/difference.py` answers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.core.errors import pointer_of
from app.core.money import canonical
from app.rulelang.ast import (
    Attribution,
    Body,
    Eligibility,
    EligibilityRule,
    Formula,
    Payout,
    PayoutRule,
    QualifyRule,
    Tiers,
    Verdict,
)
from app.rulelang.change import Change, kind_of_change
from app.rulelang.condition_changes import condition_changes
from app.rulelang.limit_changes import limit_changes
from app.rulelang.order_changes import id_matched, order_changes
from app.rulelang.printer import COUNTERS, HITS, condition_text, formula_text, named, step_text, verdict_text
from app.rulelang.writer import write_body

Rule = EligibilityRule | PayoutRule | QualifyRule
Data = Mapping[str, Any]
SEVERAL = "where several match, "


def body_changes(before: Body | None, after: Body | None) -> list[Change]:
    """Return what changed from one body to another of its kind. None is no body: then everything is added, or removed.

    Made to what was before, the changes give what is after, in the normal spelling.
    """
    old, new = ({} if body is None else write_body(body) for body in (before, after))
    if old and new and old["kind"] != new["kind"]:
        raise ValueError(f"{old['kind']} rules cannot be compared with {new['kind']} rules")
    return list(_changes(before, after, old, new))


def loosened_limits(before: Body | None, after: Body | None) -> list[Change]:
    """Return the limits that are removed or raised so that more can be paid than they let through.

    One that another limit of the same sort stands in for does not count, nor does a body that is gone: it pays nothing.
    """
    return [] if after is None else [change for change in body_changes(before, after) if change.loosens]


def _changes(before: Body | None, after: Body | None, old: Data, new: Data) -> Iterator[Change]:
    yield from _word("kind", old, new, "rules of the kind ")
    match before or after:
        case Eligibility():
            yield from _rules("rules", before, after, old, new)
            yield from _otherwise(before, after, old, new)
        case Attribution():
            said = {"accept": "accepted", "refuse": "refused"}
            yield from _rules("qualify", before, after, old, new)
            yield from _word("claims", old, new, "a claim without a qualifying touch is ", said)
        case Payout():
            yield from _word("on", old, new, "paid per ")
            hits = {hit: words.removeprefix(SEVERAL) for hit, words in HITS.items()}
            yield from _word("hit", old, new, SEVERAL, hits, "; before, ")
            yield from _rules("rules", before, after, old, new)
            yield from _otherwise(before, after, old, new)
            yield from _rules("bonuses", before, after, old, new)
            yield from limit_changes(before, after, old, new)
            yield from _word("counters", old, new, "tier counters ", COUNTERS)


def _word(
    key: str, old: Data, new: Data, label: str, said: Mapping[str, str] | None = None, instead: str = " instead of "
) -> Iterator[Change]:
    """Yield the change of one word of a body."""
    was, now = old.get(key), new.get(key)
    if was != now:
        words = [word if said is None else said.get(word or "") for word in (was, now)]
        yield _change(pointer_of(key), was, now, label, *words, instead=instead)


def _change(
    path: str, before: Any, after: Any, label: str, was: str | None, now: str | None, *, instead: str = " instead of "
) -> Change:
    """Return the change of a part, with what both sides say."""
    kind = kind_of_change(before, after)
    says = {"added": f"{label}{now}", "removed": f"no longer: {label}{was}", "changed": f"{label}{now}{instead}{was}"}
    return Change(path, kind, before, after, says[kind])


def _otherwise(before: Any, after: Any, old: Data, new: Data) -> Iterator[Change]:
    if old.get("otherwise") == new.get("otherwise"):
        return
    ends = [None if body is None else body.otherwise for body in (before, after)]
    paid = [end for end in ends if end is not None and not isinstance(end, Verdict)]
    is_payment = len(paid) == 2
    words = [None if end is None else _end_text(end, is_payment) for end in ends]
    label = "otherwise: pay " if is_payment else "otherwise: "
    yield _change("/otherwise", old.get("otherwise"), new.get("otherwise"), label, *words)


def _end_text(end: Formula | Verdict, is_payment: bool) -> str:
    return verdict_text(end) if isinstance(end, Verdict) else "pay " * (not is_payment) + formula_text(end)


def _rules(part: str, before: Any, after: Any, old: Data, new: Data) -> Iterator[Change]:
    """Yield what changed in rules, or in bonuses: those that are gone, new, different, and in another order."""
    was, now = ([] if body is None else getattr(body, part) for body in (before, after))
    written = [{rule["id"]: rule for rule in data.get(part, [])} for data in (old, new)]
    gone, common, added = id_matched(was, now)
    noun = "bonus " if part == "bonuses" else ""
    for rule in gone:
        says = f"{noun}{named(rule)} is gone: {_says(rule)}"
        yield Change(pointer_of(part, rule.id), "removed", written[0][rule.id], None, says)
    for one, two in common:
        yield from _rule(pointer_of(part, one.id), noun, one, two, written[0][one.id], written[1][one.id])
    yield from order_changes(part, was, now, is_order_counting=_is_first_counting(part, before, after))
    for place, rule in added:
        says = f"{noun}{named(rule)} is new: {_says(rule)}"
        if _is_first_counting(part, None, after) and place + 1 < len(now):
            says += f"; it comes before {now[place + 1].id}"
        yield Change(pointer_of(part, rule.id), "added", None, written[1][rule.id], says, at=place)


def _is_first_counting(part: str, *bodies: Any) -> bool:
    """Tell whether it matters which rule stands first: where one of several that match pays."""
    return part == "rules" and any(isinstance(body, Payout) and body.hit == "first" for body in bodies)


def _rule(path: str, noun: str, one: Rule, two: Rule, old: Data, new: Data) -> Iterator[Change]:
    """Yield what changed in a rule: its name, its condition, what it says or pays."""
    label = f"{noun}{named(two)}: "
    if one.name != two.name:
        was, now = one.name or None, two.name or None
        yield _change(f"{path}/name", was, now, f"{noun}{one.id}: is called ", was, now)
    parts = condition_changes(one.when, two.when, f"{path}/when")
    if parts:
        says = label + "; ".join(part.says for part in parts)
        yield Change(f"{path}/when", "changed", old["when"], new["when"], says, parts=parts)
    if isinstance(one, QualifyRule) or isinstance(two, QualifyRule):
        return
    if old["then"] != new["then"]:
        says = label + _then_words(one.then, two.then, "adds " if noun else "pays ")
        yield Change(f"{path}/then", "changed", old["then"], new["then"], says)


def _says(rule: Rule) -> str:
    if isinstance(rule, QualifyRule):
        return f"a touch counts when {condition_text(rule.when)}"
    then = verdict_text(rule.then) if isinstance(rule.then, Verdict) else formula_text(rule.then)
    return f"{then} when {condition_text(rule.when)}"


def _then_words(before: Formula | Verdict, after: Formula | Verdict, verb: str) -> str:
    """Return what a rule says or pays instead of what; of a tier table only the steps that differ."""
    if isinstance(before, Verdict) or isinstance(after, Verdict):
        assert isinstance(before, Verdict)  # both rules are of one kind
        assert isinstance(after, Verdict)
        return f"{verdict_text(after)} instead of {verdict_text(before)}"
    if isinstance(before, Tiers) and isinstance(after, Tiers) and _ends(before) == _ends(after):
        steps = zip(before.steps, after.steps, strict=True)
        return "; ".join(
            f"{_step_name(after, place)} pays {step_text(after, two)} instead of {step_text(before, one)}"
            for place, (one, two) in enumerate(steps)
            if one != two
        )
    return f"{verb}{formula_text(after)} instead of {formula_text(before)}"


def _ends(tiers: Tiers) -> tuple[Any, Sequence[Any]]:
    """Return everything that a tier table says except what its steps pay."""
    return replace(tiers, steps=()), [step.up_to for step in tiers.steps]


def _step_name(tiers: Tiers, place: int) -> str:
    end = tiers.steps[place].up_to
    return "the last step" if end is None else f"the step up to {canonical(end)}"
