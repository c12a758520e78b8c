"""Draws rule bodies as JSON data over the whole grammar, valid by the shipped facts and in the normal spelling."""

from __future__ import annotations

import random as _random
from dataclasses import dataclass
from typing import Any

from app.adapters.fact_files import shipped_catalogue
from app.core.period import WINDOWS
from app.rulelang.bindings import LIST_TYPES, Bindings, NamedList, read_list
from app.rulelang.facts import Catalogue, Fact, item_catalogue
from app.rulelang.operators import BETWEEN_FACTS, OPERATORS

Random = _random.Random
VALUES: dict[str, tuple[Any, ...]] = {
    "text": ("US", "CA", "a b", "a, b", 'a"b', 'a", "b', "absent", "é", "日本", "x" * 40, "5", "true"),
    "integer": (-1, 0, 1, 2, 3, 9, 2**53 - 1, str(2**53), str(2**62 - 1)),
    "decimal": ("-1", "0", "0.000001", "0.01", "4.99", "5", "199.99", "200", "4611686018427"),
    "boolean": (True, False),
    "date": ("0001-01-01", "1997-01-01", "1997-07-02", "2024-02-29"),
    "instant": ("1997-07-02T14:00:00Z", "1997-07-02T14:00:00.000001Z", "2024-11-03T06:00:00Z"),
    "duration": ("PT0S", "PT0.000001S", "PT1H30M", "P1D", "P30DT1H"),
}
TEXTS = tuple(f"S{number}" for number in range(30))
MONEY = ("-0.5", "0", "0.005", "0.000000001", "0.5", "1", "2.5", "12.34", "100", "999999999999999999.999999999")
RATES = ("0", "0.125", "2.5", "3", "8", "100")


@dataclass(frozen=True)
class Size:
    """How large bodies are: the most rules, depth of conditions, members of a group or list, and depth of formulas."""

    rules: int = 4
    depth: int = 3
    members: int = 3
    values: int = 14
    formulas: int = 2


SMALL = Size(rules=2, depth=1, members=2, values=3, formulas=1)
USUAL = Size()
# Within the limits of the language, 50 comparisons and 12 groups a rule: 3 × 3 × 3 and 1 + 3 + 9 would be one too many.
LARGE = Size(rules=40, depth=3, members=3, values=60, formulas=4)


class Bodies:
    """Draws bodies from one source of chance; the same seed draws the same ones."""

    def __init__(
        self, random: Random, size: Size = USUAL, catalogue: Catalogue | None = None, *, bound: bool = False
    ) -> None:
        self.random = random
        self.size = size
        known = catalogue or shipped_catalogue()
        # Bodies are about conversions, which have no facts of deliveries.
        self.catalogue = Catalogue({fact.name: fact for fact in known if fact.subject != "delivery"})
        self.groups = 0
        self.bound = bound
        self.params: dict[str, Any] = {}
        self.lists: dict[str, NamedList] = {}

    @property
    def bindings(self) -> Bindings:
        """What the parameters and lists of all bodies that were drawn stand for; only bound bodies have any."""
        return Bindings(self.params, self.lists)

    def body(self) -> dict[str, Any]:
        """Return a body of any kind; attributions are few."""
        kind = self.random.choices(("eligibility", "payout", "attribution"), (9, 9, 2))[0]
        drawn: dict[str, Any] = getattr(self, kind)()
        return drawn

    def eligibility(self) -> dict[str, Any]:
        rules = [self._rule(number, self._verdict()) for number in range(self.random.randint(0, self.size.rules))]
        return {"kind": "eligibility", "rules": rules, "otherwise": self._verdict()}

    def attribution(self) -> dict[str, Any]:
        claims = self.random.choice(("accept", "refuse"))
        rules = [self._rule(number) for number in range(self.random.randint(0, self.size.rules))]
        return {"kind": "attribution", "claims": claims, **({"qualify": rules} if rules else {})}

    def payout(self) -> dict[str, Any]:
        rules, bonuses = self.random.randint(0, self.size.rules), self.random.choice((0, 0, 1, 2))
        limits = [self._limit(number) for number in range(self.random.choice((0, 0, 1, 2)))]
        return {
            "kind": "payout",
            "on": "conversion",
            "hit": self.random.choice(("first", "unique", "sum")),
            "rules": [self._rule(number, self.formula()) for number in range(rules)],
            "otherwise": self.formula() if self.random.random() < 0.8 else {"hold": self._code()},
            **(
                {"bonuses": [self._rule(rules + number, self.formula()) for number in range(bonuses)]}
                if bonuses
                else {}
            ),
            **({"limits": limits} if limits else {}),
            **({"counters": self.random.choice(("carry", "restart"))} if self.random.random() < 0.2 else {}),
        }

    def condition(self) -> dict[str, Any]:
        """Return a condition of one rule."""
        self.groups = 0
        return self._condition(self.catalogue, self.size.depth, negated=False)

    def formula(self, depth: int | None = None) -> dict[str, Any]:
        """Return a formula of any form, nested up to a depth."""
        depth = self.size.formulas if depth is None else depth
        nested = ("sum", "least", "greatest", "clamp") if depth > 0 else ()
        words = ("flat", "percent", "per_unit", "cpm", "amount", "package", "tiers", *self._of_items(), *nested)
        word = self.random.choice(words)
        match word:
            case "flat":
                return {"flat": self._money()}
            case "percent":
                return {"percent": self.random.choice(RATES), "of": self._number()}
            case "per_unit" | "cpm":
                return {word: self._money(), "of": self._number()}
            case "amount":
                return {"amount": self._number()}
            case "package":
                return {"package": self._package(), "of": self._number()}
            case "tiers":
                return {"tiers": self._tiers()}
            case "per_item":
                return self._per_item()
            case "clamp":
                ends = dict(zip(("min", "max"), sorted(self.random.sample(MONEY[2:], 2), key=float), strict=True))
                for end in self.random.choice(((), ("min",), ("max",))):
                    del ends[end]
                return {"clamp": self.formula(depth - 1), **ends}
            case _:
                return {word: [self.formula(depth - 1) for _ in range(self.random.randint(1, self.size.members))]}

    def _rule(self, number: int, then: Any = None) -> dict[str, Any]:
        """Return a rule with what follows from it; one that says which touches count has nothing of the sort."""
        name = {"name": self.random.choice(("First orders", "8 % – Élan", "x"))} if self.random.random() < 0.3 else {}
        identifier = self.random.choice((f"r{number}", f"{number}.a", f"R_{number}-x"))
        return {"id": identifier, **name, "when": self.condition(), **({} if then is None else {"then": then})}

    def _verdict(self) -> Any:
        action = self.random.choice(("accept", "reject", "hold"))
        return action if action == "accept" else {action: self._code()}

    def _code(self) -> str:
        return self.random.choice(("LOW", "LOOK", "TOO_SMALL", "A9"))

    def _limit(self, number: int) -> dict[str, Any]:
        measure, words = self.random.choice(("amount", "amount", "count")), ["zero", "reject", "hold"]
        money = ("0", "0.01", "100", "1500", "99999.999")
        over = self.random.choice([*words, "partial", "partial"] if measure == "amount" else words)
        return {
            "id": f"cap{number}",
            "measure": measure,
            "per": self.random.choice(("contract", "contract", "partner", "customer")),
            "window": self.random.choice(WINDOWS),
            "over": {"fallback": self.formula()} if self.random.random() < 0.2 else over,
            "max": self.random.choice(money if measure == "amount" else ("0", "1", "3")),
        }

    # ---------------------------------------------------------- conditions

    def _condition(self, facts: Catalogue, depth: int, *, negated: bool) -> dict[str, Any]:
        drawn = self.random.random()
        if depth == 0 or drawn < 0.35 or self.groups >= 12:
            return self._leaf(facts, negated=negated)
        if drawn < 0.38:
            return {"always": True}
        if drawn < 0.48 and facts.get("items") is not None:
            return self._items(facts["items"], depth - 1, negated=negated)
        self.groups += 1
        if drawn < 0.58:
            return {"not": self._condition(facts, depth - 1, negated=True)}
        word, count = self.random.choice(("all", "any")), self.random.randint(1, self.size.members)
        return {word: [self._condition(facts, depth - 1, negated=negated) for _ in range(count)]}

    def _items(self, fact: Fact, depth: int, *, negated: bool) -> dict[str, Any]:
        quantifier = self.random.choice(("any_item", "every_item", "no_item"))
        negated = negated or quantifier == "no_item"
        where = self._condition(item_catalogue(fact), depth, negated=negated)
        return {quantifier: fact.name, "where": where, **self._if_missing(may_be_absent=True, is_needed=negated)}

    def _leaf(self, facts: Catalogue, *, negated: bool) -> dict[str, Any]:
        fact = self.random.choice(list(facts))
        op = self.random.choice([word for word, operator in OPERATORS.items() if fact.type in operator.types])
        if op in ("exists", "missing"):
            return {"fact": fact.name, "op": op}
        alike = [other for other in facts if (other.type, other.values) == (fact.type, fact.values) and other != fact]
        is_needed = negated or OPERATORS[op].negative
        if op in BETWEEN_FACTS and alike and self.random.random() < 0.25:
            other = self.random.choice(alike)
            missing = self._if_missing(may_be_absent=not (fact.required and other.required), is_needed=is_needed)
            return {"fact": fact.name, "op": op, "value": {"fact": other.name}, **missing}
        missing = self._if_missing(may_be_absent=not fact.required, is_needed=is_needed)
        value = self._value(fact, op)
        if self.bound and value and self.random.random() < 0.3:
            value = {"value": self._source(fact, op, value["value"])}
        return {"fact": fact.name, "op": op, **value, **missing}

    def _source(self, fact: Fact, op: str, value: Any) -> dict[str, Any]:
        """Return a value as a parameter, or as a list where the operator and the type allow one."""
        type_ = {"enum": "text", "text_list": "text", "enum_list": "text"}.get(fact.type, fact.type)
        if OPERATORS[op].arity is None and type_ in LIST_TYPES and self.random.random() < 0.5:
            name = f"list_{len(self.lists)}"
            read = read_list(name, type_, value)
            assert isinstance(read, NamedList), read
            self.lists[name] = read
            return {"list": name}
        name = f"p{len(self.params)}"
        self.params[name] = value
        return {"param": name}

    def _if_missing(self, *, may_be_absent: bool, is_needed: bool) -> dict[str, Any]:
        if may_be_absent and (is_needed or self.random.random() < 0.3):
            return {"if_missing": self.random.choice(("match", "no_match"))}
        return {}

    def _value(self, fact: Fact, op: str) -> dict[str, Any]:
        arity = OPERATORS[op].arity
        if arity == 0:
            return {}
        pool: tuple[Any, ...] = fact.values or VALUES[{"text_list": "text"}.get(fact.type, fact.type)]
        match arity:
            case 1:
                return {"value": self.random.choice(pool)}
            case 2:
                return {"value": self._ends(pool)}
        if fact.type in ("text", "text_list"):
            pool = (*pool, *TEXTS)
        count = self.random.randint(1, min(len(pool), self.size.values))
        return {"value": self.random.sample(pool, count)}

    def _ends(self, pool: tuple[Any, ...]) -> list[Any]:
        """Return two values of a pool, which holds them from the least to the greatest."""
        return [pool[place] for place in sorted(self.random.choices(range(len(pool)), k=2))]

    # ------------------------------------------------------------ formulas

    def _money(self) -> str:
        return self.random.choice(MONEY)

    def _number(self) -> str:
        return self.random.choice([fact.name for fact in self.catalogue if fact.type in ("integer", "decimal")])

    def _package(self) -> dict[str, Any]:
        more = {"free": "5"} if self.random.random() < 0.5 else {}
        turned = {"round": "down"} if self.random.random() < 0.5 else {}
        return {"size": self.random.choice(("0.5", "10", "144")), "amount": self._money(), **more, **turned}

    def _of_items(self) -> tuple[str, ...]:
        return ("per_item",) if any(fact.type == "records" for fact in self.catalogue) else ()

    def _per_item(self) -> dict[str, Any]:
        fact = self.random.choice([fact for fact in self.catalogue if fact.type == "records"])
        fields = item_catalogue(fact)
        self.groups = 0
        asked = self._condition(fields, 1, negated=False)
        where = {"where": asked} if asked != {"always": True} else {}
        numbers = [field.name for field in fields if field.type in ("integer", "decimal")]
        if not numbers:
            return {"per_item": fact.name, **where, "then": {"flat": self._money()}}
        often = {"times": self.random.choice(numbers)} if self.random.random() < 0.5 else {}
        then = {"percent": self.random.choice(RATES), "of": self.random.choice(numbers)}
        return {"per_item": fact.name, **where, "then": then, **often}

    def _tiers(self) -> dict[str, Any]:
        window, by_count = self.random.choice(("event", "month", "quarter")), self.random.random() < 0.5
        mode = self.random.choice(("graduated", "volume"))
        crossings = ("whole_at_new", *(("whole_at_old",) if mode == "graduated" else ()))
        ends = self.random.choice((("10",), ("10", "20.5"), (), ("0.000001", "1", "1000")))
        return {
            "mode": mode,
            "by": {"count": True} if by_count else {"sum": self._number()},
            "window": window,
            "rate": "per_unit" if by_count else self.random.choice(("per_unit", "percent")),
            "steps": [self._step(end) for end in (*ends, None)],
            **({"flat_at_zero": True} if self.random.random() < 0.3 else {}),
            **({"crossing": self.random.choice(crossings)} if self.random.random() < 0.3 else {}),
        }

    def _step(self, up_to: str | None) -> dict[str, Any]:
        flat = {"flat": self.random.choice(("0.5", "2"))} if self.random.random() < 0.3 else {}
        return {"up_to": up_to, "unit": self._money(), **flat}


def corpus(seed: int, count: int, size: Size = USUAL) -> list[dict[str, Any]]:
    """Return a number of drawn bodies."""
    bodies = Bodies(Random(seed), size)
    return [bodies.body() for _ in range(count)]
