"""Shares by age: weights are the engine's own to the last of 18 places, and so is every cent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.run import decisions_of, load_conversions, run
from app.bulk.pipeline.world import World
from app.engine.attribution.program_model import read_model
from app.engine.factsheet import Conversion, Touch
from tests.builders.bulk_worlds import conversions, limited, models, sales, world
from tests.builders.terms import conversion, history, instant
from tests.bulk.alike import compare
from tests.bulk.online import online

WHOLE = (0, 1)
SEEDS = [*WHOLE, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 60))]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_longer_ago_counts_less_alike(runner: DuckDbRunner, seed: int) -> None:
    random = Random(5000 + seed)
    if seed % 2:
        drawn = limited(random, 3, alike=False, models=models(random, fades=True, screens=seed % 3 == 2))
        given = sales(random, drawn, 120, refunds=False, touched=True)
    else:
        drawn = world(random, 3, models=models(random, fades=True, screens=seed % 3 == 2))
        given = conversions(random, drawn, 150, touched=True)
    try:
        compare(runner, drawn, given)
    except NotInBulk as refusal:
        if seed in WHOLE:
            raise
        pytest.skip(f"not in bulk: {refusal}")


def _shop(payout: dict[str, object]) -> World:
    found, wrong = read_model({"model": "time_decay", "half_life": "P7D"})
    assert found is not None, wrong
    versions = [{"effective_from": "1990-01-01", "rules": {"payout": payout}}]
    partners = {name: history(versions, partner=name, id=name) for name in ("acme", "bolt")}
    return World("shop", "USD", shipped_catalogue(), partners, models=[(instant("1990-01-01"), found)])


def _touched(value: str, *days: int) -> Conversion:
    """Return a conversion with clicks of acme and bolt in turn, so many days before."""
    at = datetime(1997, 7, 2, 14, tzinfo=UTC)
    touches = [
        Touch(f"t{place}", ("acme", "bolt")[place % 2], "click", at - timedelta(days=before), {})
        for place, before in enumerate(days)
    ]
    one = conversion("c1", at.isoformat(), order_value=value, partner=None)
    return Conversion(one.id, one.program, one.event_at, None, one.facts, touches=tuple(touches))


def test_after_each_half_life_half_is_left(runner: DuckDbRunner) -> None:
    """Acme 14 days and bolt 7 days before the latest, which is acme's: 1/4, 1/2 and 1 of 7/4, so 5/7 and 2/7. Of 10.00 that
    is 7.142857… and 2.857142…: 7.14 and 2.86."""
    found = compare(runner, _shop({"otherwise": {"amount": "order_value"}}), [_touched("10.00", 15, 8, 1)])
    said = {who: (each.credit, [str(line.amount) for line in each.lines]) for (_, who), each in found.items()}
    assert said == {
        "acme": ((("acme", str(Fraction(5, 7))),), ["7.14"]),
        "bolt": ((("bolt", str(Fraction(2, 7))),), ["2.86"]),
    }


def test_what_has_faded_after_64_half_lives_gets_nothing(runner: DuckDbRunner) -> None:
    found = compare(runner, _shop({"otherwise": {"amount": "order_value"}}), [_touched("10.00", 7 * 64, 0)])
    assert {who: each.outcome for (_, who), each in found.items()} == {"acme": "unattributed", "bolt": "rated"}


def test_amounts_that_do_not_fit_beside_shares_are_decided_alike(runner: DuckDbRunner) -> None:
    drawn = _shop({"otherwise": {"percent": "12.345678901", "of": "order_value"}})
    given = [_touched("4611686018427", 8, 1)]
    load_conversions(runner, drawn, given)
    assert decisions_of(run(drawn, runner), given) == online(drawn, given)
