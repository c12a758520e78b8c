"""Draws defects into rule bodies: parts replaced, renamed, taken out, added, doubled, emptied, or put elsewhere."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from random import Random
from typing import Any

from app.core.json_text import JsonFloat
from tests.builders.bodies import places

WORDS = re.findall(
    r"\w+",
    """kind rules otherwise when then id all any not fact op value if_missing always flat percent of tiers steps up_to
    sum least clamp min max limits bonuses hold reject accept eligibility payout order_value in between count param list
    any_item every_item no_item where items price match no_match name hit on first claims qualify crossing split window
    month day mode volume rate per_unit free round size measure over partial per contract unit eq lt contains exists""",
)
STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 5, -3, 10**18, JsonFloat("12.50"), JsonFloat("5.0"), JsonFloat("-1.5e3")),
    *("", "x", "5", "-0", "-0.0", "0", "00", "1.", ".5", "+1", "1e3", "-1", "12.50\n", "9" * 19, "0.1234567891", "٣"),
    *(
        "otherwise",
        "a b",
        "_a",
        "A",
        "ABC_1",
        "9A",
        "A\n",
        "a" * 65,
        "A" * 65,
        "a\u00a0b",
        "a\u200bb",
        "a\x00",
        "é",
        "x" * 201,
    ),
    *([], {}, [{}], [[]], {"x": 1}, [1, 2], ["a"], [None], "US", "order_value", "plan"),
    *(
        {"fact": "plan"},
        {"param": "p0"},
        {"list": "list_0"},
        {"fact": "plan", "param": "p0"},
        {"param": 5},
        {"always": True},
    ),
    *({"flat": "1"}, {"hold": "X"}, {"reject": "X"}, {"reject": "X", "hold": "Y"}, {"accept": "X"}, {"fallback": {}}),
    *({"count": True}, {"sum": "quantity"}, {"up_to": None, "unit": "1"}),
)

ACTIONS = (
    *("replace", "replace", "alike", "alike", "swap", "word", "take out"),
    *("rename", "add", "double", "empty", "reverse", "wrap"),
)


class Mutations:
    """Draws changes from one source of chance; parts that are put elsewhere come from the bodies that are given."""

    def __init__(self, random: Random, bodies: Sequence[Any]) -> None:
        self.random = random
        self.bodies = bodies
        self.by_key: dict[Any, list[Any]] = {}
        for body in bodies:
            for place in places(body)[1:]:
                self.by_key.setdefault(_named(place[-1]), []).append(_at(body, place))

    def of(self, body: Any) -> Any:
        """Return a copy of a body with one to three changes."""
        changed = copy.deepcopy(body)
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            spots = places(changed)[1:]
            if not spots:
                return self.random.choice(STRANGE)
            *way, last = self.random.choice(spots)
            self._change(_at(changed, way), last)
        return changed

    def _change(self, parent: Any, key: Any) -> None:
        match self.random.choice(ACTIONS):
            case "replace":
                parent[key] = copy.deepcopy(self.random.choice(STRANGE))
            case "alike":
                parent[key] = copy.deepcopy(self.random.choice(self.by_key.get(_named(key), STRANGE)))
            case "swap":
                parent[key] = self._part()
            case "take out":
                del parent[key]
            case "rename" if isinstance(parent, dict):
                parent[self._key(key)] = parent.pop(key)
            case "add" if isinstance(parent, dict):
                parent[self._key(key)] = self._part()
            case "double" if isinstance(parent, list):
                parent.insert(key, copy.deepcopy(parent[key]))
            case "reverse" if isinstance(parent[key], list):
                parent[key].reverse()
            case "empty" if isinstance(parent[key], dict | list):
                parent[key] = type(parent[key])()
            case "wrap":
                parent[key] = self.random.choice(([parent[key]], {"not": parent[key]}, {"sum": [parent[key]]}))
            case _:
                parent[key] = self.random.choice(WORDS)

    def _key(self, key: str) -> str:
        """Return a key that the language has, or this one misspelt."""
        return self.random.choice((self.random.choice(WORDS), key[:-1], f"{key}s", key.upper()))

    def _part(self) -> Any:
        body = self.random.choice(self.bodies)
        return copy.deepcopy(_at(body, self.random.choice(places(body))))


def _named(key: Any) -> Any:
    return "a member" if isinstance(key, int) else key


def _at(body: Any, place: Sequence[Any]) -> Any:
    for key in place:
        body = body[key]
    return body
