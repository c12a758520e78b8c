"""Contracts that differ in their numbers alone are one query; those that differ in more are not."""

from __future__ import annotations

from typing import Any

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.extent import Extent
from app.bulk.pipeline.plan import Plan
from app.bulk.pipeline.run import decisions_of, load_conversions, run
from app.bulk.pipeline.world import World
from app.engine.terms import TermsHistory
from tests.builders.terms import conversion, history
from tests.bulk.online import online


def test_a_hundred_contracts_with_numbers_of_their_own_are_one_shape() -> None:
    world = _world([_rules(str(at), f"0.{at:02}", ["US", f"C{at}"]) for at in range(1, 101)])
    plan = Plan(world, Extent(10, 0, 1, {}))
    assert [len(group.members) for group in plan.groups] == [100]
    (one,) = plan.groups
    plan.judged()
    plan.priced()
    structure, rows = one.parameters()
    assert len(rows) == 100
    assert sorted(map(str, structure.values())) == ["BIGINT"] * 3 + ["['VARCHAR']"]


def test_each_of_them_is_paid_by_its_own_numbers() -> None:
    world = _world([_rules(str(at), f"{at}.25", ["US", f"C{at}"]) for at in range(1, 21)])
    given = [
        conversion(f"c{at}-{country}", order_value=value, country=country, partner=f"p{at}")
        for at in range(20)
        for country, value in (("US", f"{at}.99"), ("US", f"{at + 1}"), (f"C{at + 1}", "30"), ("XX", "30"))
    ]
    runner = DuckDbRunner()
    load_conversions(runner, world, given)
    found = decisions_of(run(world, runner), given)
    runner.close()
    assert found == online(world, given)
    assert {decision.outcome for decision in found.values()} == {"rated", "ineligible"}


def test_another_operator_or_fact_is_another_shape() -> None:
    plain, other = _rules("1", "5", ["US"]), _rules("1", "5", ["US"])
    other["payout"]["otherwise"]["of"] = "shipping"
    assert len(Plan(_world([plain, other]), Extent()).groups) == 2


def _rules(least: str, rate: str, countries: list[str]) -> dict[str, Any]:
    large = {
        "all": [
            {"fact": "order_value", "op": "gte", "value": least},
            {"fact": "country", "op": "in", "value": countries},
        ]
    }
    return {
        "eligibility": {"rules": [{"id": "large", "when": large, "then": "accept"}], "otherwise": {"reject": "SMALL"}},
        "payout": {"otherwise": {"percent": rate, "of": "order_value"}},
    }


def _world(rules: list[dict[str, Any]]) -> World:
    histories = {}
    for at, each in enumerate(rules):
        found = history([{"effective_from": "1990-01-01", "rules": each}])
        name = f"p{at}"
        party = type(found.contract)(name, "shop", name, "USD", found.contract.timezone)
        histories[name] = TermsHistory(party, [span.version for span in found.spans], found.as_of)
    return World("shop", "USD", shipped_catalogue(), histories)
