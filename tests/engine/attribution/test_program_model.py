"""Program models are read with every defect named where it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.engine.attribution.program_model import Positions, ProgramModel, read_model

POSITIONS = {"model": "position_based", "first": "40", "middle": "20", "last": "40"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"model": "linear"}, ProgramModel("linear")),
        (POSITIONS, ProgramModel("position_based", Positions(Decimal(40), Decimal(20), Decimal(40)))),
        ({"model": "time_decay", "half_life": "P7D"}, ProgramModel("time_decay", half_life=timedelta(days=7))),
        (
            {"model": "last_touch", "prefer": ["click", "view"], "identity": ["customer_id", "device_id"]},
            ProgramModel(prefers_clicks=True, identity=("customer_id", "device_id")),
        ),
    ],
)
def test_read(data: Any, expected: ProgramModel) -> None:
    assert read_model(data) == (expected, [])


PREFERRED = {"id": "launch", "preferred_partner": "acme"}


def test_dates_of_an_override_are_local() -> None:
    model, found = read_model(
        {"model": "linear", "overrides": [PREFERRED | {"from": "1997-07-01", "until": "1997-08-01"}]},
        ZoneInfo("America/New_York"),
    )
    assert (found, model is not None) == ([], True)
    assert model is not None
    (override,) = model.overrides
    start, end = datetime(1997, 7, 1, 4, tzinfo=UTC), datetime(1997, 8, 1, 4, tzinfo=UTC)
    moment = timedelta(microseconds=1)
    in_force = [override.is_in_force(at) for at in (start - moment, start, end - moment, end)]
    assert in_force == [False, True, True, False]


@pytest.mark.parametrize(
    ("data", "code", "pointer"),
    [
        ([], "wrong_type", ""),
        ({}, "missing_key", ""),
        ({"model": "last"}, "unknown_choice", "/model"),
        ({"model": ["linear"]}, "unknown_choice", "/model"),
        ({"model": "linear", "half_life": "P7D"}, "unknown_key", "/half_life"),
        ({"model": "time_decay"}, "missing_key", ""),
        ({"model": "time_decay", "half_life": "P1M"}, "value_not_of_type", "/half_life"),
        ({"model": "time_decay", "half_life": "PT0S"}, "out_of_range", "/half_life"),
        (POSITIONS | {"middle": "30"}, "out_of_range", ""),
        (POSITIONS | {"first": "0", "middle": "100", "last": "0"}, "out_of_range", "/first"),
        (POSITIONS | {"first": 40}, "wrong_type", "/first"),
        (POSITIONS | {"first": "120"}, "out_of_range", "/first"),
        ({"model": "linear", "prefer": ["view", "click"]}, "unknown_choice", "/prefer"),
        ({"model": "linear", "identity": ["customer_id", "customer_id"]}, "duplicate_id", "/identity"),
        ({"model": "linear", "identity": ["email"]}, "unknown_choice", "/identity/0"),
        ({"model": "linear", "not_eligible": "keep"}, "unknown_choice", "/not_eligible"),
        ({"model": "linear", "overrides": [{"id": "a"}]}, "missing_key", "/overrides/0"),
        ({"model": "linear", "overrides": [PREFERRED, PREFERRED]}, "duplicate_id", "/overrides"),
        (
            {"model": "linear", "overrides": [PREFERRED | {"from": "1997-13-01"}]},
            "value_not_of_type",
            "/overrides/0/from",
        ),
        (
            {"model": "linear", "overrides": [PREFERRED | {"from": "1997-07-01", "until": "1997-07-01"}]},
            "empty_range",
            "/overrides/0/until",
        ),
        (
            {"model": "linear", "overrides": [{"id": "a", "exclusive_coupon": {"codes": [], "partner": "b"}}]},
            "wrong_type",
            "/overrides/0/exclusive_coupon/codes",
        ),
        ({"model": "linear", "suppress": {"codes": [5]}}, "wrong_type", "/suppress/codes/0"),
        (
            {"model": "linear", "suppress": {"self_referral": [{"partner": "a"}]}},
            "missing_key",
            "/suppress/self_referral/0",
        ),
    ],
)
def test_refused(data: Any, code: str, pointer: str) -> None:
    model, found = read_model(data)
    assert model is None
    assert (code, pointer) in [(finding.code, finding.pointer) for finding in found]
