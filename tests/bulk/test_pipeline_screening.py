"""What a program's model says before it is asked: suppressed codes, partners' own purchases, identity keys and overrides, as
online."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.world import World
from app.engine.attribution.program_model import read_model
from app.engine.factsheet import Conversion, Touch
from tests.builders.bulk_worlds import conversions, identified, models, world
from tests.builders.terms import conversion, history, instant
from tests.bulk.alike import compare

WHOLE = (0, 1)
SEEDS = [*WHOLE, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 60))]
ACCEPTS = [{"effective_from": "1990-01-01", "rules": {"attribution": {"claims": "accept"}}}]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_models_say_first_is_said_alike(runner: DuckDbRunner, seed: int) -> None:
    random = Random(4000 + seed)
    drawn = world(random, 3, models=models(random, screens=True))
    given = identified(random, conversions(random, drawn, 150, touched=seed % 5 != 4))
    try:
        compare(runner, drawn, given)
    except NotInBulk as refusal:
        if seed in WHOLE:
            raise
        pytest.skip(f"not in bulk: {refusal}")


def _shop(model: dict[str, Any]) -> World:
    """Return two partners, acme and bolt, who are paid 1.00 for whatever they are credited with."""
    found, wrong = read_model(model)
    assert found is not None, wrong
    partners = {name: history(ACCEPTS, partner=name, id=name) for name in ("acme", "bolt")}
    return World("shop", "USD", shipped_catalogue(), partners, models=[(instant("1990-01-01"), found)])


def _touched(name: str, *by: tuple[str, dict[str, Any]], **facts: Any) -> Conversion:
    """Return a conversion with clicks, the last of them an hour before."""
    one = conversion(name, "1997-07-02T10:00:00Z", **facts)
    touches = [
        Touch(f"t{at}", partner, "click", datetime(1997, 7, 2, 9 - len(by) + at, tzinfo=UTC), of)
        for at, (partner, of) in enumerate(by, start=1)
    ]
    return type(one)(one.id, one.program, one.event_at, one.partner, one.facts, touches=tuple(touches))


def _credited(runner: DuckDbRunner, model: dict[str, Any], *given: Conversion) -> dict[str, list[str]]:
    """Return who is credited for each conversion, once both engines say the same."""
    found = compare(runner, _shop(model), list(given))
    return {
        one.id: sorted(str(who) for (of, who), each in found.items() if of == one.id and each.outcome == "rated")
        for one in given
    }


def test_nobody_is_credited_where_a_suppressed_code_was_redeemed(runner: DuckDbRunner) -> None:
    model = {"model": "last_touch", "suppress": {"codes": ["STAFF"]}}
    assert _credited(
        runner,
        model,
        _touched("touch", ("acme", {}), partner=None, coupon_code="STAFF"),
        _touched("among-many", ("acme", {}), partner=None, coupon_codes=["A", "STAFF"]),
        _touched("claim", coupon_code="STAFF"),
        _touched("other", ("acme", {}), partner=None, coupon_code="staff"),
    ) == {"touch": [], "among-many": [], "claim": [], "other": ["acme"]}


def test_a_partner_is_not_credited_for_its_own_purchase_and_others_are(runner: DuckDbRunner) -> None:
    own = {"partner": "bolt", "customer_id": ["u7"], "device_id": ["d7"]}
    model = {"model": "last_touch", "suppress": {"self_referral": [own]}}
    assert _credited(
        runner,
        model,
        _touched("own", ("acme", {}), ("bolt", {}), partner=None, customer_id="u7", device_id="d7"),
        _touched("claimed", partner="bolt", device_id="d7"),
        _touched("other", ("acme", {}), ("bolt", {}), partner=None, customer_id="u8"),
    ) == {"own": ["acme"], "claimed": [], "other": ["bolt"]}


def test_touches_of_others_do_not_count_and_the_first_key_in_common_decides(runner: DuckDbRunner) -> None:
    model = {"model": "last_touch", "identity": ["customer_id", "device_id"]}
    mine, others = {"touch.customer_id": "u1"}, {"touch.customer_id": "u2", "touch.device_id": "d1"}
    by_device = {"touch.device_id": "d1"}
    assert _credited(
        runner,
        model,
        _touched("first-key", ("acme", mine), ("bolt", others), partner=None, customer_id="u1", device_id="d1"),
        _touched("second-key", ("acme", mine), ("bolt", by_device), partner=None, customer_id="u1", device_id="d1"),
        _touched("none", ("acme", {}), partner=None, customer_id="u1"),
    ) == {"first-key": ["acme"], "second-key": ["bolt"], "none": []}


def test_overrides_go_before_touches_in_their_order_and_in_their_time(runner: DuckDbRunner) -> None:
    coupon = {"id": "own", "exclusive_coupon": {"codes": ["BOLT10"], "partner": "bolt"}, "until": "1997-07-02"}
    later = {"id": "later", "exclusive_coupon": {"codes": ["BOLT20"], "partner": "bolt"}, "from": "1997-07-02"}
    model = {"model": "last_touch", "overrides": [coupon, later, {"id": "first", "preferred_partner": "acme"}]}
    both = (("acme", {}), ("bolt", {}))
    assert _credited(
        runner,
        model,
        _touched("ended", *both, partner=None, coupon_code="BOLT10"),
        _touched("in-force", *both, partner=None, coupon_codes=["BOLT20"]),
        _touched("without-touch", ("acme", {}), partner=None, coupon_code="BOLT20"),
        _touched("alone", ("bolt", {}), partner=None),
        _touched("against-a-claim", partner="acme", coupon_code="BOLT20"),
    ) == {
        "ended": ["acme"],
        "in-force": ["bolt"],
        "without-touch": ["bolt"],
        "alone": ["bolt"],
        "against-a-claim": ["bolt"],
    }


@pytest.mark.parametrize("policy", ["forfeit", "reassign"])
def test_the_touch_of_a_partner_without_terms_never_counts(runner: DuckDbRunner, policy: str) -> None:
    """Neither of a stranger nor of one whose contract has ended: the touch before it gets the credit."""
    shop = _shop({"model": "last_touch", "not_eligible": policy})
    ended = [*ACCEPTS, {"effective_from": "1997-01-01", "termination": True}]
    shop = replace(shop, histories={**shop.histories, "bolt": history(ended, partner="bolt", id="bolt")})
    given = [
        _touched("c1", ("acme", {}), ("bolt", {}), partner=None),
        _touched("c2", ("acme", {}), ("who", {}), partner=None),
    ]
    found = compare(runner, shop, given)
    assert {of for (of, who), each in found.items() if who == "acme" and each.outcome == "rated"} == {"c1", "c2"}
