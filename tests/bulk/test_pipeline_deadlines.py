"""What is submitted too late is not counted: to the microsecond, over clock changes both ways, as online."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.run import decisions_of, load_conversions, run
from app.bulk.pipeline.world import World
from app.engine.settlement import Settlement, submission_deadline
from app.engine.terms import TermsHistory
from tests.builders.terms import conversion, history
from tests.bulk.online import online

# Events around the hours that New York skips and has twice, two days later.
EVENTS = [
    datetime(year, month, day, hour, minute, tzinfo=UTC)
    for year, month, day in ((1997, 4, 4), (1997, 10, 24))
    for hour in (4, 5, 6, 7, 8)
    for minute in (0, 30)
]


@pytest.mark.parametrize("zone", ["America/New_York", "America/St_Johns", "Europe/Berlin"])
def test_the_last_microsecond_is_in_time(zone: str) -> None:
    terms = history([{"effective_from": "1990-01-01"}], timezone=zone)
    agreed = Settlement(submit_within_days=2)
    version = replace(terms.spans[0].version, settlement=agreed)
    world = World("shop", "USD", shipped_catalogue(), {"acme": TermsHistory(terms.contract, [version], terms.as_of)})
    given = []
    for at, event in enumerate(EVENTS):
        deadline = submission_deadline(agreed, event, terms.contract.timezone)
        assert deadline is not None
        for name, received in (
            ("late", deadline),
            ("in-time", deadline - timedelta(microseconds=1)),
            ("unknown", None),
        ):
            one = conversion(f"{name}-{at}", event.isoformat())
            given.append(replace(one, received_at=received))
    runner = DuckDbRunner()
    load_conversions(runner, world, given)
    found = decisions_of(run(world, runner), given)
    runner.close()
    assert found == online(world, given)
    late = {key for key, decision in found.items() if decision.outcome == "ineligible"}
    assert late == {(one.id, "acme") for one in given if one.id.startswith("late")}
