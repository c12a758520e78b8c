"""Export, apply on an empty database, export: the same bytes, for every story; and once approved, the same money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from app.adapters.yaml_files import read_yaml
from app.cli.replay import stories
from app.conversions.operations.receive_conversions import receive_conversion
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import current_records
from app.core.resources import shipped
from app.runtime import Runtime
from app.scenarios.outcome import decisions_summary
from app.scenarios.run_scenario import run_scenario
from app.scenarios.scratch import taken_back
from app.scenarios.story import Story, read_story
from tests.builders.documents import all_approved, applied, exported

FIXTURES = shipped("fixtures")
STORIES = sorted(path.relative_to(FIXTURES).as_posix() for path in stories((FIXTURES,)))


def documents_of(process: Runtime, story: Story) -> list[str]:
    return [exported(process, contract["id"]) for contract in story.contracts]


def decided(process: Runtime, story: Story) -> dict[str, Any]:
    """Return what became of each order: outcome, amount, reasons and rules."""
    if story.program is None:
        return {}
    with process.work("tester") as ctx:
        settle_program(ctx, story.program["id"])
        found = current_records(ctx.session, story.program["id"], None)
        summaries = decisions_summary(found)
    told = ("outcome", "amount", "reasons", "rules")
    return {name: {key: summary[key] for key in told if key in summary} for name, summary in summaries.items()}


# What is no term of a contract, and has another outcome where it comes later: such a story's payments are not compared.
OF_THEIR_TIME = {"reverse", "correct", "rate", "set_model", "deliver", "deliver_file", "adjust_delivery"}


def send_orders(process: Runtime, story: Story) -> None:
    """Send the orders of a story again, where everything is agreed from the beginning."""
    with process.work("tester") as ctx:
        for step in story.steps:
            if step.verb == "convert":
                receive_conversion(ctx, step.given, program=story.program["id"])  # type: ignore[index]


@pytest.mark.parametrize("name", STORIES)
def test_a_story_comes_back_byte_by_byte_and_once_approved_pays_the_same(
    process: Runtime, empty: Connection, name: str
) -> None:
    story = read_story(read_yaml(FIXTURES / name))
    # Thousands of orders are in a file; the terms come back without them.
    story = replace(story, steps=[step for step in story.steps if step.verb not in ("convert_file", "bill")])
    with taken_back(empty):
        run_scenario(process, story, full=False)
        texts, paid = documents_of(process, story), decided(process, story)
        assert not any(one.plan.changes for one in applied(process, *texts))
    with taken_back(empty):
        assert all(one.plan.changes for one in applied(process, *texts))
        assert documents_of(process, story) == texts
        assert not any(one.plan.changes or one.written for one in applied(process, *texts))
        for contract in story.contracts:
            all_approved(process, contract["id"])
        assert documents_of(process, story) == texts
        has_deadline = any("submit_within_days" in text for text in texts)
        if not (story.rates or has_deadline or {step.verb for step in story.steps} & OF_THEIR_TIME):
            send_orders(process, story)
            assert decided(process, story) == paid


def test_another_rate_in_the_file_pays_another_amount(process: Runtime, empty: Connection) -> None:
    """What is compared above can differ."""
    story = read_story(read_yaml(FIXTURES / "contracts/promotion.yaml"))
    with taken_back(empty):
        run_scenario(process, story, full=False)
        (text,), paid = documents_of(process, story), decided(process, story)
    with taken_back(empty):
        applied(process, text.replace('percent: "12"', 'percent: "13"'))
        all_approved(process, "acme")
        send_orders(process, story)
        found = decided(process, story)
    assert {name for name in paid if found[name] != paid[name]} == {"saturday", "sunday"}
    assert found["saturday"]["amount"] == "13.00"
