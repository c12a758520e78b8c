"""Texts as the solver sees them: numbers, and for each part a rule looks for whether the text has it.

A text that rules name has the number of its place among them, and what it starts with and contains is known. Any higher
number is a text that no rule names. What such a text can start with and contain is ruled by four laws, and they are all:
a text that starts with `p` and contains `c` and `d`, and nothing else that rules look for, is `p~c~d`, where `~` is a
character in none of them; a number at its end tells it from others like it. So "no text is like that" is never claimed
wrongly, and an example can be spelled out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import z3

from app.analysis.scalars import runs_of
from app.rulelang.ast import Leaf
from app.rulelang.facts import MAX_TEXT

# Beyond these, laws on pairs of parts and on named texts are left out: fewer laws mean fewer claims, and no wrong ones.
MOST_PARTS = 120
MOST_SEARCHED = 5_000_000
FILLERS = "~|^_*+=;"
_NUMBERS_END = 2**31


@dataclass(frozen=True, slots=True)
class Part:
    """What a rule looks for in a text: something it starts with, or contains."""

    op: str
    text: str

    def is_in(self, text: str) -> bool:
        return text.startswith(self.text) if self.op == "starts_with" else self.text in text


@dataclass
class Texts:
    """All texts that rules name, with their numbers, and the parts they look for by fact."""

    ctx: z3.Context
    numbers: dict[str, int] = field(default_factory=dict)
    parts: dict[str, dict[Part, None]] = field(default_factory=dict)
    linked: set[str] = field(default_factory=set)
    tests: dict[Part, z3.FuncDeclRef] = field(default_factory=dict)
    _searched: dict[Part, set[int]] = field(default_factory=dict)

    def learn(self, leaf: Leaf, fact: str, other: str | None) -> None:
        """Take in what a comparison of text names; `fact` and `other` are unique over conversion and items."""
        if other is not None:
            self.linked |= {fact, other}
        if leaf.op in ("starts_with", "contains"):
            part = Part(leaf.op, str(leaf.expected[0]))
            self.parts.setdefault(fact, {})[part] = None
            name = f"{part.op} {len(self.tests)}"
            self.tests.setdefault(part, z3.Function(name, z3.IntSort(self.ctx), z3.BoolSort(self.ctx)))
            return
        for text in leaf.expected:
            self.numbers.setdefault(str(text), len(self.numbers))

    def has(self, value: z3.ArithRef, part: Part) -> z3.BoolRef:
        """Return that a text starts with, or contains, a part."""
        return self.tests[part](value)

    def laws(self, value: z3.ArithRef, fact: str) -> Iterator[z3.BoolRef]:
        """Yield what holds of any text of a fact."""
        yield z3.And(value >= 0, value < _NUMBERS_END)
        parts = self._parts_of(fact)
        for part in parts:
            if not part.text:
                yield self.has(value, part)
            named = self._named_with(part)
            if named is not None:
                yield z3.Implies(value < len(self.numbers), self.has(value, part) == is_one_of(value, named))
        for one, two in combinations(parts[:MOST_PARTS], 2):
            yield from self._laws_on(value, one, two)
            yield from self._laws_on(value, two, one)

    def _named_with(self, part: Part) -> set[int] | None:
        """Return the numbers of the named texts that have a part, or None when too many would have to be searched."""
        if part not in self._searched and (len(self._searched) + 1) * len(self.numbers) <= MOST_SEARCHED:
            self._searched[part] = {number for text, number in self.numbers.items() if part.is_in(text)}
        return self._searched.get(part)

    def _laws_on(self, value: z3.ArithRef, one: Part, two: Part) -> Iterator[z3.BoolRef]:
        """Two parts: whatever has the longer one has the shorter, and a text starts in one way only."""
        if two.is_in(one.text) and not (one.op == "contains" and two.op == "starts_with"):
            yield z3.Implies(self.has(value, one), self.has(value, two))
        elif one.op == two.op == "starts_with" and not one.is_in(two.text):
            yield z3.Not(z3.And(self.has(value, one), self.has(value, two)))

    def _parts_of(self, fact: str) -> list[Part]:
        """Return the parts that matter to a fact: those looked for in it, and in the facts it is compared with."""
        facts = [fact, *sorted(self.linked - {fact})] if fact in self.linked else [fact]
        return list(dict.fromkeys(part for name in facts for part in self.parts.get(name, ())))

    def spelled(self, number: int, fact: str, model: z3.ModelRef) -> str:
        """Return the text that a number stands for in a model. Different numbers are different texts."""
        if number < len(self.numbers):
            return self._named[number]
        true = [part for part in self._parts_of(fact) if z3.is_true(model.eval(self.tests[part](number), True))]
        start = max((part.text for part in true if part.op == "starts_with"), key=len, default="")
        zero, one = self._fillers
        inside = {part.text for part in true if part.op == "contains" and part.text not in start}
        longest = _longest(inside, zero)
        # The number itself, written with two fillers for digits, tells texts with the same parts apart.
        end = format(number - len(self.numbers), "b").replace("0", zero).replace("1", one)
        return zero.join([start, *longest, end])

    def count(self) -> int:
        """Return how many parts are looked for, in all facts together."""
        return sum(len(self._parts_of(fact)) for fact in self.parts)

    @cached_property
    def _named(self) -> list[str]:
        return list(self.numbers)

    @cached_property
    def _fillers(self) -> tuple[str, str]:
        used = set("".join([*self.numbers, *(part.text for part in self.tests)]))
        free = (character for character in (*FILLERS, *map(chr, range(0x3041, 0x30FF))) if character not in used)
        return next(free), next(free)


def _longest(texts: Iterable[str], between: str) -> list[str]:
    """Return the texts that are part of no other one, as many as a fact can hold: with more, none could be sent."""
    kept: list[str] = []
    joined = ""
    for text in sorted(texts, key=len, reverse=True):
        if len(joined) > MAX_TEXT:
            break
        if text not in joined:
            kept.append(text)
            joined += between + text
    return sorted(kept)


def is_one_of(value: z3.ArithRef, codes: Iterable[int]) -> z3.BoolRef:
    """Return that a value is one of some whole numbers."""
    runs = runs_of(set(codes))
    return z3.Or(
        [value == low if low == high else z3.And(low <= value, value <= high) for low, high in runs], value.ctx
    )
