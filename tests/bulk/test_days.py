"""Days of deliveries decided in bulk are those that the service decides, by digest: of every story about impressions, and of
random histories. What is refused is refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.bulk.days import DayOfContract, days_of, decide_days, statements_of_days
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.fact_table import Row
from app.bulk.impressions import SEEN, ImpressionTable, count_impressions
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.runner import Runner
from app.bulk.spark_engine import SparkRunner, has_java
from app.conversions.book import contract_book
from app.conversions.day_repository import day_records
from app.conversions.days import adjusted, delivered
from app.conversions.operations.settle_program import settle_program
from app.core.clock import frozen_at
from app.core.instants import parse_instant
from app.core.resources import shipped
from app.engine.decision import digest_of
from app.engine.deliveries.counted import Delivered
from app.engine.deliveries.decision import DayDecision
from app.engine.reference import ReferenceMatcher
from app.partners.repository import program_named
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.scenarios.run_scenario import run_scenario
from app.scenarios.scratch import taken_back
from app.scenarios.story import read_story
from app.store.models import Delivery, DeliveryAdjustment
from tests.builders.delivery_histories import random_history, told
from tests.builders.delivery_oracle import History, worked_out
from tests.builders.terms import history as terms_of

STORIES = sorted((shipped("fixtures") / "impressions").glob("*.yaml"))
OVER_BOTH = "a limit on what is paid for conversions and deliveries together"
SPARK = pytest.param(
    "spark", marks=[pytest.mark.slow, pytest.mark.skipif(not has_java(), reason="Spark needs Java 17")]
)
NOW = datetime(2030, 1, 1, tzinfo=UTC)
REFUSED = {
    "one_cap_on_both": OVER_BOTH,
    "room_that_an_order_gives_back": OVER_BOTH,
}


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_days_of_a_story_are_decided_alike(runtime: Runtime, path: Path) -> None:
    story = read_story(read_yaml(path))
    run_scenario(runtime, story, full=False)
    clocks = [parse_instant(str(step.given)) for step in story.steps if step.verb == "clock"]
    now = clocks[-1] if clocks else story.clock
    assert now is not None
    programs = [story.program["id"]] if story.program else []
    programs += [program["id"] for program in story.programs]
    if path.stem in REFUSED:
        with pytest.raises(NotInBulk, match=REFUSED[path.stem]):
            _both(runtime, programs, now)
        return
    found, expected = _both(runtime, programs, now)
    assert expected
    assert found == expected


def test_random_histories_are_decided_alike(runtime: Runtime, request: pytest.FixtureRequest) -> None:
    """Beside the service, what the product's oracle works out naively: each cent of each line."""
    first, paid = request.config.getoption("--seed") or 0, 0
    count = request.config.getoption("--runs") or 4
    for seed in range(first, first + count):
        random = Random(seed)
        history = random_history(random)
        now = datetime.combine(history.today, time(12), UTC)
        with taken_back(runtime.bind):
            of_service = told(runtime, history, random)
            found, expected = _both(runtime, ["shop"], now)
            decisions = _in_bulk(runtime, ["shop"], now)
        assert found == expected, seed
        cents = {
            each.delivered_on: {line.rule: int(line.amount * 100) for line in each.lines if line.amount}
            for each in decisions
        }
        assert {day: lines for day, lines in cents.items() if lines} == worked_out(history) == of_service
        totals = statements_of_days(decisions)
        assert [(each.month, int(each.amount * 100), each.lines) for each in totals] == _by_month(cents)
        paid += bool(of_service)
    assert paid > count / 2


def _by_month(cents: dict[date, dict[str, int]]) -> list[tuple[date, int, int]]:
    months = groupby(sorted(cents.items()), key=lambda item: item[0].replace(day=1))
    found = [(month, [line for _, lines in days for line in lines.values()]) for month, days in months]
    return [(month, sum(lines), len(lines)) for month, lines in found]


@pytest.mark.parametrize("engine", ["duckdb", SPARK])
def test_random_histories_are_decided_alike_from_their_impressions(
    runtime: Runtime, engine: str, request: pytest.FixtureRequest
) -> None:
    """Each count as that many rows, each source and revision a log of its own, counted by the engine."""
    first, days = request.config.getoption("--seed") or 0, 0
    runner: Any = DuckDbRunner(threads=2) if engine == "duckdb" else SparkRunner()
    for seed in range(first, first + (request.config.getoption("--runs") or 2)):
        random = Random(1000 + seed)
        history = random_history(random)
        # Of what nobody was shown there is no row: whoever wants a count of zero has to send it.
        history.counts = [count for count in history.counts if count[4]["impressions"]]
        now = datetime.combine(history.today, time(12), UTC)
        with taken_back(runtime.bind):
            told(runtime, history, random)
            with replace(runtime, clock=frozen_at(now)).work("tester") as ctx:
                book = contract_book(ctx, program_named(ctx.session, "shop"))
                of_service = {row.delivered_on: row.digest for row in day_records(ctx.session, "shop")}
                adjustments = {day: list(rows) for day, rows in _adjustments(ctx).items()}
            (terms,) = book.histories.values()
            counted = _from_rows(runner, history, random)
            given = [
                DayOfContract("acme", day, counted.get(day, ()), adjusted(adjustments.get(day, ())))
                for day in sorted({*counted, *adjustments})
            ]
            decisions = list(decide_days([terms], given, ReferenceMatcher(), now=now))
        assert {each.delivered_on: digest_of(each.as_dict()) for each in decisions} == of_service, seed
        days += len(decisions)
    assert days
    runner.close()


def test_a_guarantee_is_made_up_once_where_terms_change_on_the_last_day_of_its_month() -> None:
    # 10.00 are guaranteed a month, from 31 March on 12.00. Nobody delivers: 12.00 are missing on 31 March, and on 30 April.
    said = [{"minimum_guarantee": {"amount": amount, "window": "month"}} for amount in ("10.00", "12.00")]
    rules = {"payout": {"on": "delivery", "otherwise": {"cpm": "5", "of": "delivery.billable"}}}
    starts = ("2027-03-01", "2027-03-31")
    terms = terms_of(
        [{"effective_from": start, "delivery": each, "rules": rules} for start, each in zip(starts, said, strict=True)]
    )
    decisions = list(decide_days([terms], [], ReferenceMatcher(), now=datetime(2027, 5, 2, tzinfo=UTC)))
    assert [(each.delivered_on, each.amount) for each in decisions] == [
        (date(2027, 3, 31), Decimal("12.00")),
        (date(2027, 4, 30), Decimal("12.00")),
    ]


def _from_rows(runner: Runner, history: History, random: Random) -> dict[date, list[Delivered]]:
    """Return what an engine counts of the impressions of a history, log by log."""
    logs: dict[tuple[str, int], list[Row]] = {}
    table = ImpressionTable(shipped_catalogue(), SEEN)
    for day, placement, source, revision, facts in history.counts:
        rows = logs.setdefault((source, revision), [])
        for number in range(facts["impressions"]):
            at = datetime.combine(day, time(), UTC) + timedelta(microseconds=random.randrange(86_400_000_000))
            seen = {f"delivery.{name}": number < facts[name] for name in ("viewable", "invalid") if name in facts}
            rows.append(table.row("acme", placement, at, seen))
    found: dict[date, list[Delivered]] = {}
    for (source, revision), rows in logs.items():
        runner.drop("impressions")
        runner.load("impressions", table.structure, random.sample(rows, len(rows)))
        zones = {"acme": ZoneInfo("UTC")}
        for one in days_of(count_impressions(runner, table, zones, now=NOW), source, revision):
            found.setdefault(one.delivered_on, []).extend(one.delivered)
    return found


Digests = dict[tuple[str, date], str]


def _both(runtime: Runtime, programs: list[str], now: datetime) -> tuple[Digests, Digests]:
    """Return the digests of days by contract and day: as decided in bulk, and as the service has them."""
    in_bulk = {
        (each.contract, each.delivered_on): digest_of(each.as_dict()) for each in _in_bulk(runtime, programs, now)
    }
    with replace(runtime, clock=frozen_at(now)).work("tester") as ctx:
        rows = [row for program in programs for row in day_records(ctx.session, program)]
        return in_bulk, {(str(row.contract_id), row.delivered_on or date.min): row.digest for row in rows}


def _in_bulk(runtime: Runtime, programs: list[str], now: datetime) -> list[DayDecision]:
    with replace(runtime, clock=frozen_at(now)).work("tester") as ctx:
        books = []
        for program in programs:
            settle_program(ctx, program)
            books.append(contract_book(ctx, program_named(ctx.session, program)))
        histories = [history for book in books for history in book.histories.values()]
        facts = {history.contract.id: book.catalogue for book in books for history in book.histories.values()}
        days = sorted(_days(ctx, facts), key=lambda one: (one.contract, one.delivered_on))
        return list(decide_days(histories, days, ReferenceMatcher(), now=now))


def _days(ctx: Context, facts: Mapping[str, Catalogue]) -> Iterator[DayOfContract]:
    """Yield what the database has of each day."""
    known: dict[tuple[str, date], tuple[list[Delivery], list[DeliveryAdjustment]]] = {}
    for row in ctx.session.scalars(select(Delivery)):
        known.setdefault((row.contract_id, row.delivered_on), ([], []))[0].append(row)
    for rows in _adjustments(ctx).values():
        for each in rows:
            known.setdefault((each.contract_id, each.delivered_on), ([], []))[1].append(each)
    for (contract, day), (deliveries, adjustments) in known.items():
        yield DayOfContract(contract, day, delivered(deliveries, facts[contract]), adjusted(adjustments))


def _adjustments(ctx: Context) -> dict[date, list[DeliveryAdjustment]]:
    found: dict[date, list[DeliveryAdjustment]] = {}
    for each in ctx.session.scalars(select(DeliveryAdjustment)):
        found.setdefault(each.delivered_on, []).append(each)
    return found
