"""Program models are read with every defect named where it stands."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

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
    ],
)
def test_refused(data: Any, code: str, pointer: str) -> None:
    model, found = read_model(data)
    assert model is None
    assert (code, pointer) in [(finding.code, finding.pointer) for finding in found]
