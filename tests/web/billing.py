"""Billing over HTTP as three do it: one opens a run, a worker computes it, another has it posted."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import select

from app.billing.operations.compute_run import compute_run
from app.billing.operations.post_run import post_run
from app.store.models import BillingRun
from tests.web.client import ApiClient

OPENER, POSTER = ("billing", "billing"), ("finance", "finance")


def opened(client: ApiClient, body: dict[str, Any]) -> str:
    """Open a run and return its id."""
    answer = client.as_(*OPENER).post("/v1/billing-runs", body)
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["id"])


def computed(client: ApiClient, body: dict[str, Any]) -> dict[str, Any]:
    """Open a run and have it computed; return it as it is shown then."""
    run = opened(client, body)
    compute_run(partial(client.keys.runtime.work, "worker"), run)
    return dict(client.get(f"/v1/billing-runs/{run}").get_json())


def posted(client: ApiClient, run: str) -> dict[str, Any]:
    """Have a run posted; return it as it is shown then."""
    answer = client.as_(*POSTER).post(f"/v1/billing-runs/{run}/post")
    assert answer.status_code == 202, answer.text
    with client.keys.runtime.work("worker") as ctx:
        post_run(ctx, run=run)
    return dict(client.get(f"/v1/billing-runs/{run}").get_json())


def worked(client: ApiClient) -> None:
    """Do what a worker would find to do."""
    with client.keys.runtime.work("worker") as ctx:
        found = [(run.id, run.state) for run in ctx.session.scalars(select(BillingRun).order_by(BillingRun.position))]
    for run, state in found:
        if state == "queued":
            compute_run(partial(client.keys.runtime.work, "worker"), run)
        elif state == "posting":
            with client.keys.runtime.work("worker") as ctx:
                post_run(ctx, run=run)


def billed(client: ApiClient, body: dict[str, Any]) -> dict[str, Any]:
    """Bill a contract from the opening to the posting; return what was posted to its statement."""
    run = posted(client, computed(client, body)["id"])
    (statement,) = run["statements"]
    return {**statement, "run": run["id"]}
