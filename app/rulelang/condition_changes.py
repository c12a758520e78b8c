"""What changed in a condition: the parts of it that are new, gone or different, each in words. Order in a group says
nothing, so parts are matched by what they say, then by what they are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.core.canonical import canonical_bytes
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not
from app.rulelang.change import Change, kind_of_change
from app.rulelang.operators import OPERATORS
from app.rulelang.printer import condition_text, value_words
from app.rulelang.writer import write_condition, write_scalar

MOST_SHOWN = 10  # members of a list in a sentence
MOST_VALUES = 100  # values that a change has as data: a list may have thousands, and stand in many comparisons
WRITTEN_OTHERWISE = "the same in another order or grouping, which decides nothing"


def condition_changes(before: Condition, after: Condition, path: str) -> tuple[Change, ...]:
    """Return the parts of a condition that differ; none for two that are the same, values of parameters included."""
    if is_same(before, after):
        return ()
    found = tuple(_Comparison(path).of(before, after, ""))
    return found or (_Comparison(path).change(before, after, WRITTEN_OTHERWISE),)


def is_same(before: Condition, after: Condition) -> bool:
    """Tell whether two conditions are written alike, and what they take values from has the same values."""
    return _key(before) == _key(after)


def _key(condition: Condition) -> tuple[Condition, bytes]:
    """Return a condition with its values, and as it is written: 5.00 by itself is not the parameter that is 5.00."""
    return condition, canonical_bytes(write_condition(condition))


class _Comparison:
    """The changes of one condition, which stands at a path."""

    def __init__(self, path: str) -> None:
        self.path = path

    def of(self, before: Condition, after: Condition, within: str, denied: bool = False) -> Iterator[Change]:
        """Yield what differs. `within` quotes what both stand in, unless that is the whole condition."""
        if is_same(before, after):
            return
        match before, after:
            case Not(old), Not(new):
                yield from self.of(old, new, _within(before, denied), not denied)
            case (Items(), Items()) if _about(before) == _about(after) and before.if_missing == after.if_missing:
                yield from self.of(before.where, after.where, _within(before, denied), denied)
            case _:
                grouped = _as_groups(before, after)
                if grouped is None:
                    yield self.change(before, after, within + _instead(before, after))
                else:
                    yield from self._groups(*grouped, within, denied)

    def _groups(self, before: AllOf | AnyOf, after: AllOf | AnyOf, within: str, denied: bool) -> Iterator[Change]:
        """Yield what differs between the parts of two groups of one sort."""
        gone, new = _unmatched(before.parts, after.parts)
        pairs, gone, new = _paired(gone, new)
        for old, like in pairs:
            inner = _within(old, denied) if isinstance(old, AllOf | AnyOf) else within
            yield from self.of(old, like, inner, denied)
        word = "needs" if isinstance(before, AllOf) else "takes"
        for old in gone:
            yield self.change(old, None, f"{within}no longer {word} {_clause(old)}")
        for one in new:
            yield self.change(None, one, f"{within}now also {word} {_clause(one)}")

    def change(self, before: Condition | None, after: Condition | None, says: str) -> Change:
        """Return one change of a part."""
        was, now = (None if part is None else write_condition(part) for part in (before, after))
        values = (_values(before), _values(after)) if _takes_values(before, after) else None
        return Change(self.path, kind_of_change(before, after), was, now, says, values=values)


def _as_groups(before: Condition, after: Condition) -> tuple[AllOf | AnyOf, AllOf | AnyOf] | None:
    """Return two conditions as groups of one sort, where one of them is a group: a single part is a group of one, and
    `always` one of none that all hold."""
    for sort in (AllOf, AnyOf):
        pair = [part if isinstance(part, sort) else _alone(part, sort) for part in (before, after)]
        if isinstance(before, sort) or isinstance(after, sort):
            old, new = pair
            return None if old is None or new is None else (old, new)
    return None


def _alone(part: Condition, sort: type[AllOf] | type[AnyOf]) -> AllOf | AnyOf | None:
    if isinstance(part, AllOf | AnyOf):
        return None
    if isinstance(part, Always):
        return AllOf(()) if sort is AllOf else None
    return sort((part,))


def _unmatched(before: Sequence[Condition], after: Sequence[Condition]) -> tuple[list[Condition], list[Condition]]:
    """Return the parts that only one of two groups has, each as often as it has it more."""
    new: dict[Any, list[Condition]] = {}
    for part in after:
        new.setdefault(_key(part), []).append(part)
    gone = []
    for part in before:
        same = new.get(_key(part))
        if same:
            same.pop()
        else:
            gone.append(part)
    left = {id(part) for parts in new.values() for part in parts}
    return gone, [part for part in after if id(part) in left]


def _paired(
    gone: Sequence[Condition], new: Sequence[Condition]
) -> tuple[list[tuple[Condition, Condition]], list[Condition], list[Condition]]:
    """Return the parts that have changed into another one, those that are gone, and those that are new."""
    pairs: list[tuple[Condition, Condition]] = []
    left, right = list(gone), list(new)
    for about in (_sort, _about):
        waiting: dict[Any, list[Condition]] = {}
        for part in right:
            waiting.setdefault(about(part), []).append(part)
        found = [(part, same.pop(0)) for part in left if (same := waiting.get(about(part)))]
        used = {id(part) for pair in found for part in pair}
        pairs += found
        left, right = ([part for part in side if id(part) not in used] for side in (left, right))
    return pairs, left, right


def _sort(part: Condition) -> tuple[Any, ...]:
    """Return what a part is about, with its operator: of two comparisons of one fact, "at least" stays "at least"."""
    return (*_about(part), part.op) if isinstance(part, Leaf) else _about(part)


def _about(part: Condition) -> tuple[Any, ...]:
    """Return what a part is about: two that are about the same are one part that has changed."""
    match part:
        case Leaf():
            return ("leaf", part.fact)
        case Items():
            return ("items", part.quantifier, part.fact)
        case _:
            return (type(part).__name__,)


def _clause(part: Condition) -> str:
    return f"({condition_text(part)})" if isinstance(part, AllOf | AnyOf) else condition_text(part)


def _within(group: Condition, denied: bool) -> str:
    return f'within "{condition_text(group)}"{", which is denied" if denied else ""}: '


def _instead(before: Condition, after: Condition) -> str:
    """Return both in words, what they begin alike only once: "order_value is at least 10.00 instead of 5.00"."""
    members = _members_changed(before, after)
    if members:
        return members
    old, new = condition_text(before), condition_text(after)
    if isinstance(before, Leaf) and isinstance(after, Leaf) and (before.fact, before.op) == (after.fact, after.op):
        words = old.split(" ")
        alike = 0
        while alike < len(words) - 1 and new.startswith(" ".join(words[: alike + 1]) + " "):
            alike += 1
        old = " ".join(words[alike:])
    return f"{new} instead of {old}"


def _members_changed(before: Condition, after: Condition) -> str:
    """Return how the members of a list have changed that both take their values from."""
    if not (isinstance(before, Leaf) and isinstance(after, Leaf)) or before.source is None:
        return ""
    if before.source != after.source or before.source.kind != "list" or before.op != after.op:
        return ""
    had, has = frozenset(before.expected), frozenset(after.expected)
    new = [value for value in after.expected if value not in had]
    gone = [value for value in before.expected if value not in has]
    said = [f"{verb} {_some(values)}" for verb, values in (("has gained", new), ("has lost", gone)) if values]
    return f"{after.fact}: the list {before.source.name} {' and '.join(said)}"


def _some(values: list[Any]) -> str:
    shown = ", ".join(value_words(value) for value in values[:MOST_SHOWN])
    return shown + (f" … ({len(values)} in all)" if len(values) > MOST_SHOWN else "")


def _takes_values(before: Condition | None, after: Condition | None) -> bool:
    """Tell whether a change has what is compared with as data: where it is not written out, and there is not much."""
    leaves = [part for part in (before, after) if isinstance(part, Leaf)]
    is_short = all(len(leaf.expected) <= MOST_VALUES for leaf in leaves)
    return is_short and any(leaf.source is not None for leaf in leaves)


def _values(part: Condition | None) -> Any:
    """Return what a comparison compares with, as JSON data."""
    if not isinstance(part, Leaf):
        return None
    values = [write_scalar(value) for value in part.expected]
    return values[0] if OPERATORS[part.op].arity == 1 and values else values
