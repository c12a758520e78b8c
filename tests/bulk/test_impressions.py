"""Impressions are counted by DuckDB and by Spark as by hand, whatever the zone; and the real ones of the Open Bandit data come
to the service's decisions, by digest, and to the totals that are worked out without the product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.bulk.days import days_of, decide_days, statements_of_days
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.impressions import Counted, ImpressionsRefused, ImpressionTable, count_impressions
from app.bulk.pipeline.runner import Runner
from app.bulk.spark_engine import SparkRunner, has_java
from app.conversions.book import contract_book
from app.conversions.day_repository import day_records
from app.core.clock import frozen_at
from app.core.resources import shipped
from app.deliveries.envelope import IncomingDelivery, read_delivery
from app.engine.decision import digest_of
from app.engine.matcher import EngineFault
from app.engine.reference import ReferenceMatcher
from app.partners.repository import program_named
from app.rulelang.declared import read_declared
from app.rulelang.diagnostics import Findings
from app.runtime import Runtime
from app.scenarios.run_scenario import run_scenario
from app.scenarios.story import read_story
from tests.builders.open_bandit import IMPRESSIONS, deliveries, rows
from tests.independent.open_bandit import lines

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ZONES = {
    name: ZoneInfo(name)
    for name in (
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "America/Sao_Paulo",
        "UTC",
    )
}
needs_java = pytest.mark.skipif(not has_java(), reason="Spark needs Java 17, and there is none on this machine")
SPARK = pytest.param("spark", marks=needs_java)
SPARK_BY_HAND = pytest.param("spark", marks=[needs_java, pytest.mark.slow])


@pytest.fixture
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    found: Any = DuckDbRunner(threads=2) if request.param == "duckdb" else SparkRunner()
    if request.param == "spark":
        found.session.conf.set("spark.sql.shuffle.partitions", "2")
    yield found
    found.close()


@pytest.mark.parametrize("runner", ["duckdb", SPARK_BY_HAND], indirect=True)
def test_local_days_are_counted_as_by_hand(runner: Runner) -> None:
    random = Random(1)
    table = ImpressionTable(shipped_catalogue(), ["delivery.viewable", "delivery.invalid", "delivery.region"])
    # Around changes of the clock, at midnight as well: Apia skipped 30 December 2011 whole, and Sao Paulo began at 01:00.
    around = [datetime(2011, 12, 29, tzinfo=UTC), datetime(2006, 10, 29, tzinfo=UTC), datetime(2018, 11, 4, tzinfo=UTC)]
    given, expected = [], Counter[tuple[str, str, str, str]]()
    for _ in range(4000):
        contract, placement = random.choice(list(ZONES)), random.choice(("home", "né"))
        at = random.choice(around) + timedelta(microseconds=random.randint(0, 2 * 86_400_000_000))
        seen = {"delivery.viewable": random.random() < 0.7, "delivery.invalid": random.random() < 0.1}
        given.append(table.row(contract, placement, at, {**seen, "delivery.region": f"of-{placement}"}))
        day = at.astimezone(ZONES[contract]).date().isoformat()
        names = ["delivery.impressions", *(name for name, value in seen.items() if value)]
        expected.update((contract, day, placement, name) for name in names)
    runner.load("impressions", table.structure, given)
    counts = list(count_impressions(runner, table, ZONES, now=NOW))
    found = {
        (each.contract, each.delivered_on.isoformat(), each.placement, name): each.facts[name]
        for each in counts
        for name in ("delivery.impressions", "delivery.viewable", "delivery.invalid")
        if each.facts[name]
    }
    assert found == expected
    assert all(each.facts["delivery.region"] == f"of-{each.placement}" for each in counts)
    assert [(each.contract, each.delivered_on, each.placement) for each in counts] == sorted(
        (each.contract, each.delivered_on, each.placement) for each in counts
    )


@pytest.mark.parametrize("runner", ["duckdb", SPARK], indirect=True)
def test_real_impressions_come_to_the_decisions_of_the_service(runtime: Runtime, runner: Runner) -> None:
    story = read_story(read_yaml(shipped("fixtures") / "impressions" / "open_bandit.yaml"))
    run_scenario(runtime, story, full=False)
    with replace(runtime, clock=frozen_at(story.clock)).work("tester") as ctx:
        book = contract_book(ctx, program_named(ctx.session, "zozo"))
        of_service = {(str(row.contract_id), row.delivered_on): row.digest for row in day_records(ctx.session, "zozo")}
    table = ImpressionTable(book.catalogue, ["campaign", "position"])
    runner.load("impressions", table.structure, (_row(table, row) for _, row in rows()))
    histories = list(book.histories.values())
    zones = {each.contract.id: each.contract.timezone for each in histories}
    counts = list(count_impressions(runner, table, zones, now=story.clock))
    assert [_incoming(_body(each), book.catalogue) for each in counts] == [
        _incoming(body, book.catalogue) for body in sorted(deliveries(), key=_place)
    ]
    decisions = list(decide_days(histories, days_of(counts, "zozo"), ReferenceMatcher(), now=story.clock))
    assert {(each.contract, each.delivered_on): digest_of(each.as_dict()) for each in decisions} == of_service
    assert {
        (each.contract, f"{each.month:%Y-%m}"): (each.amount, each.lines) for each in statements_of_days(decisions)
    } == {**_worked_out(), ("bts", "2019-12"): (Decimal(0), 0)}


def _row(table: ImpressionTable, row: Mapping[str, str]) -> dict[str, Any]:
    placement = f"{row['campaign']}-{row['position']}"
    facts = {"campaign": row["campaign"], "position": int(row["position"])}
    return table.row(row["policy"], placement, datetime.fromisoformat(row["served_at"]), facts)


def _place(body: Mapping[str, Any]) -> tuple[str, ...]:
    return body["contract"], body["delivered_on"], body["placement"]


def _body(one: Counted) -> dict[str, Any]:
    day = one.delivered_on.isoformat()
    return {
        "contract": one.contract,
        "delivered_on": day,
        "placement": one.placement,
        "source": "zozo",
        "facts": one.raw,
    }


def _incoming(body: Any, catalogue: Any) -> IncomingDelivery:
    found = read_delivery(body, catalogue, NOW.date())
    assert isinstance(found, IncomingDelivery), found
    return replace(found, facts={})  # the hash is of the facts, whatever they are called


def _worked_out() -> dict[tuple[str, str], tuple[Decimal, int]]:
    """Return the totals of the independent calculation, without the visits of those who clicked."""
    found: dict[tuple[str, str], tuple[Decimal, int]] = {}
    for (policy, day, rule), amount in lines(IMPRESSIONS).items():
        if not rule.startswith("click-"):
            total, count = found.get((policy, day[:7]), (Decimal(0), 0))
            found[policy, day[:7]] = total + amount, count + (amount != 0)
    return found


AT = datetime(2029, 3, 1, tzinfo=UTC)
HOME: Mapping[str, Any] = {"contract": "UTC", "placement": "home", "served_at": AT}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"contract": "nobody"}, r"There is no such contract: 'nobody' \(1 impressions\)"),
        ({"contract": None}, "1 of 2 impressions have no contract"),
        ({"placement": None}, "1 of 2 impressions have no placement"),
        ({"served_at": datetime(2031, 1, 1, tzinfo=UTC)}, "2031-01-01T00:00:00Z, which lies in the future"),
        ({"served_at": datetime(1969, 12, 31, tzinfo=UTC)}, "1969-12-31T00:00:00Z, before 1970"),
        ({"delivery.viewable": None}, "UTC, 2029-03-01, 'home': 1 of 2 impressions say whether they were viewable"),
        ({"delivery.format": "video"}, "several values of delivery.format, 'banner' and 'video'"),
        ({"delivery.format": None}, "several values of delivery.format, 'banner' and none"),
        (
            {"placement": "news", "delivery.device_type": "fridge"},
            "UTC, 2029-03-01, 'news': delivery.device_type is 'fridge'",
        ),
    ],
)
def test_impressions_that_say_no_one_thing_are_refused(wrong: dict[str, Any], said: str) -> None:
    facts = {"delivery.viewable": True, "delivery.format": "banner", "delivery.device_type": "ctv"}
    table = ImpressionTable(shipped_catalogue(), facts)
    given = []
    for one in ({**HOME, **facts}, {**HOME, **facts, **wrong}):
        place = {name: one.pop(name) for name in HOME}
        given.append(table.row(**{**place, "contract": place["contract"]}, facts=one))
    runner = DuckDbRunner()
    runner.load("impressions", table.structure, given)
    with pytest.raises(ImpressionsRefused, match=said):
        list(count_impressions(runner, table, ZONES, now=NOW))
    runner.close()


def test_values_that_differ_are_shown_as_they_are_sent() -> None:
    declared = {"rate": {"type": "decimal", "subject": "delivery", "meaning": "what was bid"},
                "until": {"type": "date", "subject": "delivery", "meaning": "the end of the flight"}}  # fmt: skip
    catalogue = shipped_catalogue().extended(read_declared(declared, shipped_catalogue(), Findings()))
    bid = {"rate": Decimal("1.5"), "until": date(2029, 4, 1)}
    for other, said in ((Decimal("2"), "rate, '1.50' and '2.00'"), (date(2029, 5, 1), "'2029-04-01' and '2029-05-01'")):
        runner, table = DuckDbRunner(), ImpressionTable(catalogue, bid)
        second = {**bid, "rate" if isinstance(other, Decimal) else "until": other}
        runner.load(
            "impressions", table.structure, [table.row("UTC", "home", AT, facts) for facts in (bid, bid, second)]
        )
        with pytest.raises(ImpressionsRefused, match=f"several values of .*{said}"):
            count_impressions(runner, table, ZONES, now=NOW)
        runner.close()


def test_no_impressions_come_to_nothing() -> None:
    runner, table = DuckDbRunner(), ImpressionTable(shipped_catalogue(), ["delivery.viewable"])
    runner.load("impressions", table.structure, [])
    assert list(count_impressions(runner, table, ZONES, now=NOW)) == []
    runner.close()


@pytest.mark.parametrize("name", ["order_value", "delivery.billable", "delivery.impressions", "items"])
def test_what_is_no_fact_of_an_impression_is_refused(name: str) -> None:
    with pytest.raises(ImpressionsRefused, match=f"{name} is no fact that impressions can have"):
        ImpressionTable(shipped_catalogue(), [name])


def test_a_fact_nobody_knows_is_a_fault() -> None:
    with pytest.raises(EngineFault, match="no fact 'colour'"):
        ImpressionTable(shipped_catalogue(), ["colour"])
