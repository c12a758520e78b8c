"""The online engine behind the matcher port: the only file that calls durable_rules. How rules and facts look there is
the codec's, what the rules mean is `engine/reference.py`'s.

It drives durable's C engine directly. The Python layer above it (`durable.engine`) drops an action during which the
clock jumps, swallows what an action raises and starts timer threads; here an action is nothing but a rule's name that
the engine hands out, so none of that can happen, and it is ten times as fast.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

import durable_rules_engine as durable
import orjson

from app.adapters.durable_codec import END, GUARD, SetCodec
from app.adapters.durable_plan import engine_sets
from app.core.errors import AppError
from app.engine.matcher import EngineFault, Facts, RuleConditions

SID = "0"
OK = 0
TYPICAL = 2_500  # characters of a definition for which the engine takes about 1 MB
# What the engine keeps for our one context. Anything else in it, such as an exception, is not ours.
STATE = '{ "sid":"0", "id":"sid-0", "$s":1}'


class DurableMatcher:
    """The matcher that runs rules on durable.

    It keeps the compiled rules used last, up to `capacity` typical rule versions (20 rows of 5 tests, about 1 MB each;
    larger ones count for more).
    """

    def __init__(self, capacity: int = 200) -> None:
        self._capacity = capacity
        self._shelf = _Shelf(capacity)

    def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
        """Return the ids of the rules that are true. EngineFault if the engine cannot be trusted this time."""
        shelf = self._shelf_of_this_process()
        try:
            while True:
                ruleset = shelf.take(conditions)
                with ruleset.lock:
                    if ruleset.is_open:  # else it was evicted between the two lines above
                        return ruleset.matched(facts)
        except AppError:
            raise
        except Exception as error:
            raise EngineFault(f"durable: {type(error).__name__}: {error}", ruleset=conditions.hash) from error

    @property
    def compiled(self) -> int:
        """How often rules were compiled in this process since it first asked: for whoever watches the memory."""
        return self._shelf_of_this_process().compiled

    def close(self) -> None:
        """Give back the memory of all compiled rules. The matcher can be used again."""
        self._shelf_of_this_process().clear()

    def _shelf_of_this_process(self) -> _Shelf:
        """Return the compiled rules of this process. Those of a parent may have been copied in mid-evaluation."""
        if self._shelf.pid != os.getpid():
            self._shelf = _Shelf(self._capacity)
        return self._shelf


class _Shelf:
    """The compiled rule sets of one process, the least recently used first."""

    def __init__(self, capacity: int) -> None:
        self.pid = os.getpid()
        self.compiled = 0
        self._capacity = capacity
        self._lock = threading.Lock()
        self._rulesets: OrderedDict[str, _Ruleset] = OrderedDict()

    def take(self, conditions: RuleConditions) -> _Ruleset:
        """Return the compiled form of a rule version, made now if it is not there or was closed by a fault."""
        with self._lock:
            ruleset = self._rulesets.get(conditions.hash)
            if ruleset is None or not ruleset.is_open:
                ruleset = self._rulesets[conditions.hash] = _Ruleset(conditions)
                self.compiled += 1
                self._evict()
            elif not ruleset.is_of(conditions):
                raise EngineFault("two different rule sets have the same hash", ruleset=conditions.hash)
            self._rulesets.move_to_end(conditions.hash)
            return ruleset

    def clear(self) -> None:
        with self._lock:
            while self._rulesets:
                self._rulesets.popitem()[1].close()

    def _evict(self) -> None:
        while len(self._rulesets) > 1 and sum(each.weight for each in self._rulesets.values()) > self._capacity:
            self._rulesets.popitem(last=False)[1].close()


class _Ruleset:
    """One rule version, compiled. `lock` is held by whoever evaluates or closes it; nothing waits inside."""

    def __init__(self, conditions: RuleConditions) -> None:
        self.lock = threading.RLock()
        self.is_open = True
        self._rules = conditions.rules
        self._sets: list[_EngineSet] = []
        try:
            for at, chains in enumerate(engine_sets(conditions.rules)):
                self._sets.append(_EngineSet(f"{conditions.hash}.{at}", SetCodec(chains)))
        except BaseException:
            self.close()
            raise

    @property
    def weight(self) -> int:
        return sum(each.weight for each in self._sets)

    def is_of(self, conditions: RuleConditions) -> bool:
        if self._rules is conditions.rules:
            return True
        if self._rules != conditions.rules:
            return False
        self._rules = conditions.rules  # read anew from the database: whoever did will ask again, and comparing is slow
        return True

    def matched(self, facts: Facts) -> frozenset[str]:
        found: set[str] = set()
        texts = [orjson.dumps(each.codec.encoded(facts)).decode() for each in self._sets]
        try:
            for each, text in zip(self._sets, texts, strict=True):
                found.update(each.fired(text))
        except BaseException:  # a worker's time-out too: it may leave a fact behind, which would match once more
            self.close()
            raise
        return frozenset(found)

    def close(self) -> None:
        with self.lock:
            self.is_open = False
            while self._sets:
                self._sets.pop().release()


class _EngineSet:
    """One ruleset inside the engine: a fact goes in, the rules that fire are noted, the fact is taken out."""

    def __init__(self, name: str, codec: SetCodec) -> None:
        self.codec = codec
        definition = orjson.dumps(codec.definition).decode()
        self.weight = 1 + len(definition) // TYPICAL
        self._handle = durable.create_ruleset(name, definition)
        self._turn = 0
        # Let it fire once: it proves the set works, and releasing a set that never fired crashes the process. Should
        # this fail, its memory is lost on purpose.
        self.fired(f'{{"{GUARD}":1}}')

    def fired(self, text: str) -> list[str]:
        """Return the rules that fire for an encoded fact, perhaps some twice. EngineFault unless the end rule is last."""
        self._turn += 1
        ids = f'"id":"{self._turn}","sid":"{SID}"}}'
        try:
            code, context = durable.assert_fact(self._handle, f"{text[:-1]},{ids}")
            names = self._names(context) if code == OK else []
        finally:
            withdrawn, _ = durable.retract_fact(self._handle, "{" + ids)
        if code != OK or withdrawn != OK or not names or names.pop() != END:
            raise EngineFault("durable did not come to the end of the rules", asserted=code, retracted=withdrawn)
        return [self.codec.rules[name] for name in names]

    def release(self) -> None:
        """Free the engine's memory, in the one order that neither leaks nor crashes: context, then ruleset."""
        durable.delete_state(self._handle, SID)
        durable.delete_ruleset(self._handle)

    def _names(self, context: int) -> list[str]:
        """Return the names of the rules that fire, in the engine's order. Each chain can fire only once."""
        started = durable.start_action_for_state(self._handle, context)
        if started is None or started[0] != STATE:
            raise EngineFault("durable has no result, or its state holds what we did not put there")
        result: str | None = started[1]
        names = []
        while result is not None:
            names.append(result[2 : result.index('"', 2)])  # {"r7":{"m":{...}}}
            if len(names) > len(self.codec.rules) + 1:
                raise EngineFault("durable fires for ever")
            result = durable.complete_and_start_action(self._handle, context)
        return names
