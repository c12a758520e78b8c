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


def peers(rows: Sequence[Row], orders: Sequence[Order]) -> dict[str, Answers]:
    """Return what answers, for every order, which rows are true."""
    return {
        "zen-engine, one by one": _zen_one_by_one(rows, orders),
        "zen-engine, one batch": _zen_batch(rows, orders),
        "rule-engine": _rule_engine(rows, orders),
    }


def zen_first(rows: Sequence[Row], orders: Sequence[Order]) -> Callable[[], list[str | None]]:
    """Return what answers, for every order, which row is the first that is true: less than the others are asked."""
    engine, requests = _zen_loaded(rows, orders, "first")
    return lambda: [each["data"]["result"].get("row") for each in engine.evaluate_batch(requests)]


def _zen_one_by_one(rows: Sequence[Row], orders: Sequence[Order]) -> Answers:
    decision = zen.ZenEngine().create_decision(json.dumps(zen_graph(rows, "collect")))
    contexts = [dict(order.for_zen) for order in orders]
    return lambda: [_rows_of(decision.evaluate(context)) for context in contexts]


def _zen_batch(rows: Sequence[Row], orders: Sequence[Order]) -> Answers:
    engine, requests = _zen_loaded(rows, orders, "collect")
    return lambda: [_rows_of(each["data"]) for each in engine.evaluate_batch(requests)]


def _zen_loaded(rows: Sequence[Row], orders: Sequence[Order], hit_policy: str) -> tuple[Any, list[dict[str, Any]]]:
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"table": zen_graph(rows, hit_policy)}}})
    return engine, [{"key": "table", "context": dict(order.for_zen)} for order in orders]


def _rows_of(response: Any) -> frozenset[str]:
    return frozenset([each["row"] for each in response["result"]])


def _rule_engine(rows: Sequence[Row], orders: Sequence[Order]) -> Answers:
    rules = [(row.id, rule_engine.Rule(rule_engine_text(row))) for row in rows]
    things = [dict(order.for_rule_engine) for order in orders]
    return lambda: [frozenset([row for row, rule in rules if rule.matches(thing)]) for thing in things]
