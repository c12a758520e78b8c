"""A billing run settles in bulk where it is asked to, pays the same, and says what settled it and why it was not what was
wanted. A decision that was settled in bulk is explained like any other."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from app.billing.describe_run import brief_data
from app.billing.operations.compute_run import compute_run
from app.billing.operations.open_run import open_run
from app.billing.run_repository import run_named
from app.bulk.choice import Settling
from app.contracts.operations.create_contract import create_contract
from app.conversions.operations.explain_decision import explain_decision, find_decision
from app.conversions.operations.receive_conversions import receive_conversion
from app.factory import create_app
from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, order, percent, rules, shop
from tests.builders.terms import instant
from tests.web.billing import billed, computed
from tests.web.bodies import conversion, set_up
from tests.web.bodies import rules as six_percent
from tests.web.client import ApiClient

NOW = instant("1997-08-05T12:00:00Z")
RUN = {"contract": "acme", "period": "1997-07"}


def test_a_run_in_bulk_posts_what_one_online_posts(client: ApiClient, connection: Connection) -> None:
    set_up(client)
    for number in range(3):
        client.post("/v1/conversions", conversion(f"o{number}", "100.00"))
    posted = billed(client, RUN)
    _restate(client, "8")
    found: dict[str, Any] = {}
    for engine in ("online", "duckdb"):
        with taken_back(connection):
            run = computed(client, {**RUN, "engine": engine})
            assert (run["engine"], run["settled_by"], run["settled_because"]) == (engine, engine, None)
            found[engine] = (run["controls"], run["statements"])
    assert found["duckdb"] == found["online"]
    # Three orders of 100.00 at 8 % instead of 6 %.
    assert [(each["amount"], each["corrections"]) for each in found["duckdb"][1]] == [("6.00", 3)]
    assert posted["amount"] == "18.00"


def test_a_run_that_finds_everything_settled_says_so(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion())
    run = computed(client, {**RUN, "engine": "duckdb"})
    assert (run["state"], run["engine"], run["settled_by"]) == ("ready", "duckdb", None)


def test_an_engine_that_is_none_is_refused(client: ApiClient) -> None:
    set_up(client)
    refused = client.as_("billing").post("/v1/billing-runs", {**RUN, "engine": "abacus"})
    assert refused.status_code == 422
    assert "online, duckdb, spark" in refused.text


def test_runs_that_name_no_engine_have_the_one_that_is_set(client: ApiClient) -> None:
    set_up(client)
    runtime = replace(client.keys.runtime, settling=Settling(runs="duckdb"))
    accepted = ApiClient(create_app(runtime), client.keys).as_("billing").post("/v1/billing-runs", RUN)
    assert accepted.get_json()["engine"] == "duckdb"


@pytest.fixture
def july(runtime: Runtime) -> Runtime:
    """Acme in early August with orders of July, decided at 6 %, and then restated to 8 %."""
    frozen = replace(runtime, clock=lambda: NOW)
    with frozen.work("ann") as ctx:
        shop(ctx, "acme")
        agreed(ctx, "acme", "1997-01-01", rules=rules(percent("6")))
        for name, value in (("o1", "100.00"), ("o2", "50.00")):
            receive_conversion(ctx, order(name, "1997-07-02T10:00:00Z", value, customer_id="c"))
    return frozen


def _computed(runtime: Runtime, engine: str) -> dict[str, Any]:
    with runtime.work("ann") as ctx:
        run = open_run(ctx, period="1997-07", program="shop", engine=engine).id  # type: ignore[arg-type]
    assert compute_run(partial(runtime.work, "worker"), run) == "ready"
    with runtime.work("ann") as ctx:
        return brief_data(run_named(ctx.session, run))


def test_a_run_says_why_it_was_not_settled_in_bulk(july: Runtime) -> None:
    with july.work("ann") as ctx:
        shop(ctx, program="other")
        create_contract(ctx, id="other", program="other", partner="acme")
        cap = {"id": "cap", "measure": "amount", "per": "partner", "window": "contract", "max": "9", "over": "partial"}
        for contract in ("other", "acme"):
            agreed(ctx, contract, "1997-01-01", rules=rules({**percent("8"), "limits": [cap]}))
    run = _computed(july, "duckdb")
    assert (run["engine"], run["settled_by"]) == ("duckdb", "online")
    assert run["settled_because"] == "a limit per partner links the programs other, shop"


def test_a_decision_made_in_bulk_is_explained_like_one_made_online(july: Runtime, connection: Connection) -> None:
    tiers = {
        "tiers": {
            "mode": "graduated",
            "by": {"sum": "order_value"},
            "window": "month",
            "rate": "percent",
            "steps": [{"up_to": "120", "unit": "5"}, {"up_to": None, "unit": "8"}],
        }
    }
    cap = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "8.00", "over": "partial"}
    explained: dict[str, Any] = {}
    for engine in ("online", "duckdb"):
        with taken_back(connection):
            with july.work("ann") as ctx:
                agreed(ctx, "acme", "1997-01-01", rules=rules({**percent("0"), "otherwise": tiers, "limits": [cap]}))
            assert _computed(july, engine)["settled_by"] == engine
            with july.work("ann") as ctx:
                found = [explain_decision(ctx, find_decision(ctx, name).id) for name in ("o1", "o2")]
                explained[engine] = [(each.decision, each.trace, each.words) for each in found]
    assert explained["duckdb"] == explained["online"]
    # 20.00 at 5 % and 30.00 at 8 % are 3.40, of which the cap of 8.00 leaves what 5.00 before it left.
    decision, trace, words = explained["duckdb"][1]
    assert (decision["amount"], decision["lines"][0]["amount_precise"]) == ("3.00", "3.4")
    assert trace["before"]
    assert any("cap" in sentence for sentence in words)


def _restate(client: ApiClient, rate: str) -> None:
    """Have another rate approved from the beginning on, so that all orders wait for new decisions."""
    author, approver = client.as_("ops", "dana"), client.as_("approver", "sam")
    body = {"effective_from": "1997-01-01", "backdated": "restate", "rules": six_percent(rate), "reason": "agreed late"}
    number = author.post("/v1/contracts/acme/versions", body).get_json()["number"]
    assert author.post(f"/v1/contracts/acme/versions/{number}/submit").status_code == 200
    assert approver.post(f"/v1/contracts/acme/versions/{number}/approve").status_code == 200
