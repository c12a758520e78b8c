"""Other rules engines on the same decision table: zen-engine and rule-engine, each compiled once and run in-process.

They come with the `bench` extra. Each gets the facts in its own form, made before the time is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import rule_engine
import zen

from tests.benchmarks.decision_table import Order, Row, rule_engine_text, zen_graph

Answers = Callable[[], list[frozenset[str]]]


ZEN, ZEN_PRELOADED, ZEN_BATCH = "zen-engine, decision.evaluate", "zen-engine, engine.evaluate", "zen-engine, one batch"
RULE_ENGINE = "rule-engine"


def peers(rows: Sequence[Row], orders: Sequence[Order]) -> dict[str, Answers]:
    """Return what answers, for every order, which rows are true.

    zen-engine has three ways. `decision.evaluate` is the one of its quick start; `engine.evaluate` decides by name with a
    table that the engine was given beforehand, and is many times as fast; a batch needs all orders at once.
    """
    decision = zen.ZenEngine().create_decision(json.dumps(zen_graph(rows, "collect")))
    engine = _zen_loaded(rows, "collect")
    sent = _for_zen(orders)
    return {
        ZEN: lambda: [_rows_of(decision.evaluate(each)) for each in sent],
        ZEN_PRELOADED: lambda: [_rows_of(engine.evaluate(_KEY, each)) for each in sent],
        ZEN_BATCH: lambda: [_rows_of(each["data"]) for each in engine.evaluate_batch(_requests(sent))],
        RULE_ENGINE: _rule_engine(rows, orders),
    }


def zen_first(rows: Sequence[Row], orders: Sequence[Order]) -> Callable[[], list[str | None]]:
    """Return what answers, for every order, which row is the first that is true: less than the others are asked."""
    engine, sent = _zen_loaded(rows, "first"), _for_zen(orders)
    return lambda: [engine.evaluate(_KEY, each)["result"].get("row") for each in sent]


_KEY = "table"


def _zen_loaded(rows: Sequence[Row], hit_policy: str) -> Any:
    return zen.ZenEngine({"loader": {"type": "static", "content": {_KEY: zen_graph(rows, hit_policy)}}})


def _for_zen(orders: Sequence[Order]) -> list[dict[str, Any]]:
    return [dict(order.for_zen) for order in orders]


def _requests(sent: Sequence[dict[str, Any]]) -> list[Any]:
    return [{"key": _KEY, "context": each} for each in sent]


def _rows_of(response: Any) -> frozenset[str]:
    return frozenset([each["row"] for each in response["result"]])


def _rule_engine(rows: Sequence[Row], orders: Sequence[Order]) -> Answers:
    rules = [(row.id, rule_engine.Rule(rule_engine_text(row))) for row in rows]
    things = [dict(order.for_rule_engine) for order in orders]
    return lambda: [frozenset([row for row, rule in rules if rule.matches(thing)]) for thing in things]
