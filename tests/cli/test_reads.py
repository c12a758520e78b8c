"""The commands that read: as of a time, and what a version changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from app.adapters.fact_files import shipped_catalogue
from app.cli import group
from app.conversions.operations.receive_conversions import receive_conversion
from app.core.clock import frozen_at
from app.deliveries.operations.receive_deliveries import receive_delivery
from app.engine.reference import ReferenceMatcher
from app.runtime import Runtime
from app.store.session import engine_for
from tests.builders.agreements import agreed, order, percent, rules, shop

Run = Callable[..., Result]
COUNTED = {
    "contract": "acme",
    "delivered_on": "1997-03-06",
    "placement": "home",
    "source": "adserver",
    "facts": {"impressions": 900},
}


@pytest.fixture
def run(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A contract that paid 5 % in March 1997, and 8 % for it since May."""
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    assert CliRunner().invoke(group, ["migrate"]).exit_code == 0
    engine = engine_for(fresh_database)

    def on(month: int) -> Runtime:
        clock = frozen_at(datetime(1997, month, 10, tzinfo=UTC))
        return Runtime(engine, ReferenceMatcher(), shipped_catalogue(), clock)

    with on(2).work("tester") as ctx:
        shop(ctx, "acme")
        agreed(ctx, "acme", "1997-01-01", rules=rules(percent("5")))
    with on(3).work("tester") as ctx:
        receive_conversion(ctx, order("c1", "1997-03-05T10:00:00-05:00", "100.00"))
    with on(5).work("tester") as ctx:
        agreed(ctx, "acme", "1997-03-01", rules=rules(percent("8")))
        receive_delivery(ctx, COUNTED)
    engine.dispose()
    return lambda *arguments: CliRunner().invoke(group, list(arguments))


def test_reads_take_a_time_and_versions_are_compared(run: Run) -> None:
    now, then = run("explain", "c1", "--json"), run("explain", "c1", "--as-of", "1997-04-01", "--json")
    assert [json.loads(each.stdout)["amount"] for each in (now, then)] == ["8.00", "5.00"]
    assert json.loads(then.stdout)["retired_at"] is None
    assert run("explain", "c1", "--as-of", "1997-03-01").exit_code == 2
    assert "lies in the future" in run("explain", "c1", "--as-of", "9000-01-01").stderr
    day = run("explain", "acme/1997-03-06")
    assert day.exit_code == 0, day.stderr
    assert (
        "adserver counted 900 impressions on home (revision 1).\nIt is ineligible: NOT_PAID_PER_DELIVERY." in day.stdout
    )
    assert run("explain", "acme/1997-03-07").exit_code == 2
    assert "8 % of order_value" in run("terms", "acme", "--at", "1997-03-05").stdout
    assert "5 % of order_value" in run("terms", "acme", "--at", "1997-03-05", "--as-of", "1997-04-01").stdout

    assert run("diff", "acme", "2").stdout.splitlines() == [
        "acme: version 2, compared with version 1",
        "  in force from 1997-03-01T05:00:00Z instead of 1997-01-01T05:00:00Z",
        "  kind of version: amendment instead of initial",
        "  payout rules from 1997-03-01T05:00:00Z on:",
        "    otherwise: pay 8 % of order_value instead of 5 % of order_value",
    ]
    assert "nothing has changed" in run("diff", "acme", "1", "--against", "1").stdout
    assert json.loads(run("diff", "acme", "1", "--json").stdout)["against"] is None
    assert run("diff", "acme", "1", "--against", "9").exit_code == 2
