"""What SQL does not hold the pipeline leaves to the reference engine, for the parts of contracts that it is about, and the
decisions are those that are made one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlglot import exp

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.run import Run, decisions_of, load_conversions, run
from app.bulk.pipeline.statements import Total, statements
from app.bulk.pipeline.world import World
from app.engine.attribution.program_model import read_model
from app.engine.decision import Decision, digest_of
from app.engine.factsheet import Conversion, Touch
from app.engine.terms import TermsHistory
from tests.builders.bulk_worlds import models, sales
from tests.builders.entangled import entangled
from tests.builders.returns import releasing, returned
from tests.builders.terms import conversion, history, instant
from tests.bulk.online import online

ONCE = (1, 5)
SEEDS = [*ONCE, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(80) if seed not in ONCE)]
CAP = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "1"}
MUCH = "999999999999999999"


@pytest.mark.parametrize("seed", SEEDS)
def test_tiers_that_count_what_limits_let_through_come_to_the_same(runner: DuckDbRunner, seed: int) -> None:
    random = Random(seed)
    drawn = releasing(random, entangled(random, 3), 0.3)
    given = returned(random, sales(random, drawn, 150, refunds=seed % 2 == 1), 0.2)
    _compare(runner, drawn, given)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_partners_share_comes_to_the_same(runner: DuckDbRunner, seed: int) -> None:
    random = Random(1000 + seed)
    drawn = releasing(random, entangled(random, 3, models=models(random)), 0.3)
    given = returned(random, sales(random, drawn, 120, refunds=False, touched=True), 0.2)
    _compare(runner, drawn, given)


def _compare(runner: DuckDbRunner, drawn: World, given: list[Conversion]) -> Run:
    load_conversions(runner, drawn, given)
    done = run(drawn, runner)
    found, expected = decisions_of(done, given), online(drawn, given)
    assert found == expected
    assert {key: digest_of(each.as_dict()) for key, each in found.items()} == {
        key: digest_of(each.as_dict()) for key, each in expected.items()
    }
    assert sum(each.amount for each in statements(done)) == sum(
        line.amount for each in expected.values() for line in each.lines
    )
    return done


def test_what_a_limit_rejects_is_not_counted_by_tiers(runner: DuckDbRunner) -> None:
    """The first two orders of a month pay 4.00, later ones 1.00, and discounts are paid out; 11.00 a month, all or nothing. a
    pays 4 + 3. b would as well, and is rejected: 4.00 are left. So c is the second that counts, and pays 4.00; d is due 1.00,
    and nothing is left."""
    steps = [{"up_to": "2", "unit": "4.00"}, {"up_to": None, "unit": "1.00"}]
    payout = {
        "otherwise": {"tiers": {**_BY_COUNT, "steps": steps}},
        "bonuses": [{"id": "off", "when": {"fact": "discount", "op": "exists"}, "then": {"amount": "discount"}}],
        "limits": [{**CAP, "max": "11.00", "over": "reject"}],
    }
    given = [_sale("a", 2, discount="3"), _sale("b", 3, discount="3"), _sale("c", 4), _sale("d", 5)]
    done = _compare(runner, _world(payout), given)
    found = {name: _paid(decision) for (name, _), decision in decisions_of(done, given).items()}
    assert found == {"a": ["4.00", "3.00"], "b": [], "c": ["4.00"], "d": []}


def test_parts_in_which_no_limit_is_touched_are_decided_by_sql(runner: DuckDbRunner) -> None:
    """Of two months, one has orders for more than the 2.00 that are paid in it."""
    payout = {"otherwise": {"flat": "1"}, "bonuses": [], "limits": [{**CAP, "max": "2", "over": "reject"}]}
    payout["rules"] = [
        {
            "id": "tiered",
            "when": {"fact": "discount", "op": "exists"},
            "then": {"tiers": {**_BY_COUNT, "steps": [{"up_to": None, "unit": "1"}]}},
        }
    ]
    given = [*(_sale(f"a{day}", day) for day in (1, 2, 3)), conversion("b", "1997-08-03T12:00:00-04:00")]
    done = _compare(runner, _world(payout), given)
    (noted,) = done.runner.stream(_noted())
    assert noted == (3,)


def test_a_share_of_what_a_volume_table_books_is_changed_by_a_later_step(runner: DuckDbRunner) -> None:
    """The first order of a month pays 2.00, and from the second on all pay 3.00. Half of a is acme's: 1.00. b is all its own:
    3.00, and the half of a comes to 1.50 instead of 1.00."""
    steps = [{"up_to": "1", "unit": "2.00"}, {"up_to": None, "unit": "3.00"}]
    tiers = {"tiers": {**_BY_COUNT, "mode": "volume", "steps": steps}}
    model, _ = read_model({"model": "linear"})
    assert model is not None
    drawn = replace(_world({"otherwise": tiers}, "acme", "bolt"), models=[(instant("1990-01-01"), model)])
    both, one = _touches("acme", "bolt"), _touches("acme")
    given = [replace(_sale(name, day), partner=None, touches=of) for name, day, of in (("a", 2, both), ("b", 3, one))]
    done = _compare(runner, drawn, given)
    found = {key: _paid(decision) for key, decision in decisions_of(done, given).items()}
    assert found == {("a", "acme"): ["1.00"], ("a", "bolt"): ["1.00"], ("b", "acme"): ["3.00", "0.50"]}


def test_money_beyond_what_an_engine_adds_up_is_paid_to_the_cent(runner: DuckDbRunner) -> None:
    payout = {"otherwise": {"flat": MUCH}, "limits": [{**CAP, "max": MUCH, "over": "partial"}]}
    done = _compare(runner, _world(payout), [_sale("a", 2), _sale("b", 3)])
    assert list(statements(done)) == [Total("acme", date(1997, 7, 1), Decimal(MUCH), 1)]


@pytest.mark.parametrize(
    "payout",
    [
        {"otherwise": {"percent": f"{MUCH}.999999999", "of": "order_value"}},
        {
            "otherwise": {"amount": "order_value"},
            "limits": [
                {**CAP, "max": "10", "over": "partial"},
                {**CAP, "id": "each", "per": "customer", "over": "zero", "max": "7"},
            ],
        },
    ],
)
def test_numbers_and_limits_that_no_sum_holds_come_to_the_same(runner: DuckDbRunner, payout: dict[str, Any]) -> None:
    given = [
        _sale(f"c{day}", day, order_value=value) for day, value in enumerate(("4.10", "4611686018427", "2"), start=1)
    ]
    _compare(runner, _world(payout), given)


def test_what_is_paid_for_each_article_comes_to_the_same(runner: DuckDbRunner) -> None:
    items = [{"sku": "a", "quantity": 2, "price": "3.10"}, {"sku": "b", "quantity": 1, "price": "5"}]
    one = conversion("a", items=items)
    done = _compare(
        runner, _world({"otherwise": {"per_item": "items", "then": {"flat": "0.75"}}}), [one, _sale("b", 3)]
    )
    assert _paid(decisions_of(done, [one, _sale("b", 3)])["a", "acme"]) == ["1.50"]


def test_one_metric_over_two_windows_in_turn_comes_to_the_same(runner: DuckDbRunner) -> None:
    """Versions count by month, by quarter, and by month again, and carry on."""
    versions = [
        {"effective_from": start, "rules": {"payout": {"otherwise": {"tiers": _by(window)}, "counters": "carry"}}}
        for start, window in (("1997-01-01", "month"), ("1997-07-10", "quarter"), ("1997-07-20", "month"))
    ]
    drawn = World("shop", "USD", shipped_catalogue(), {"acme": history(versions)})
    _compare(runner, drawn, [_sale(f"c{day:02}", day) for day in range(1, 29)])


_BY_COUNT = {"mode": "graduated", "by": {"count": True}, "window": "month", "rate": "per_unit"}


def _by(window: str) -> dict[str, Any]:
    steps = [{"up_to": "5", "unit": "1"}, {"up_to": "12", "unit": "2"}, {"up_to": None, "unit": "3"}]
    return {**_BY_COUNT, "window": window, "steps": steps}


def _noted() -> exp.Query:
    return exp.select(exp.Count(this=exp.column("noted"))).from_("decided")


def _world(payout: dict[str, Any], *partners: str) -> World:
    terms = history([{"effective_from": "1997-01-01", "rules": {"payout": payout}}])
    histories = {}
    for name in partners or ("acme",):
        party = replace(terms.contract, id=name, partner=name)
        histories[name] = TermsHistory(party, [span.version for span in terms.spans], terms.as_of)
    return World("shop", "USD", shipped_catalogue(), histories)


def _sale(name: str, day: int, **facts: str) -> Conversion:
    return conversion(name, f"1997-07-{day:02}T12:00:00-04:00", customer_id="ann", **facts)


def _touches(*partners: str) -> tuple[Touch, ...]:
    return tuple(Touch(f"t{name}", name, "click", instant("1997-07-01T00:00:00Z"), {}) for name in partners)


def _paid(decision: Decision) -> list[str]:
    return [f"{line.amount:.2f}" for line in decision.lines]
