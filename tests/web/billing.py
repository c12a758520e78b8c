"""Billing over HTTP as three do it: one opens a run, a worker computes it, another has it posted."""

from __future__ import annotations

from typing import Any

from app.assembly import TASKS
from app.jobs.at_once import work_off
from tests.web.client import ApiClient

OPENER, POSTER = ("billing", "billing"), ("finance", "finance")


def opened(client: ApiClient, body: dict[str, Any]) -> str:
    """Open a run and return its id."""
    answer = client.as_(*OPENER).post("/v1/billing-runs", body)
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["id"])


def worked(client: ApiClient) -> None:
    """Do what a worker would find in the queue."""
    work_off(client.keys.runtime, TASKS)


def computed(client: ApiClient, body: dict[str, Any]) -> dict[str, Any]:
    """Open a run and have it computed; return it as it is shown then."""
    run = opened(client, body)
    worked(client)
    return dict(client.get(f"/v1/billing-runs/{run}").get_json())


def posted(client: ApiClient, run: str) -> dict[str, Any]:
    """Have a run posted; return it as it is shown then."""
    answer = client.as_(*POSTER).post(f"/v1/billing-runs/{run}/post")
    assert answer.status_code == 202, answer.text
    worked(client)
    return dict(client.get(f"/v1/billing-runs/{run}").get_json())


def billed(client: ApiClient, body: dict[str, Any]) -> dict[str, Any]:
    """Bill a contract from the opening to the posting; return what was posted to its statement."""
    run = posted(client, computed(client, body)["id"])
    (statement,) = run["statements"]
    return {**statement, "run": run["id"]}
