"""Touches of another customer, after the event, or behind a click, each with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from app.engine.attribution.program_model import ProgramModel
from app.engine.attribution.screening import not_preferred, screened
from app.engine.factsheet import Conversion, Touch

EVENT = datetime(1997, 7, 9, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
KEYS = ProgramModel(identity=("customer_id", "household_id", "device_id"))


def touch(name: str = "t1", kind: Literal["click", "view"] = "click", at: datetime = EVENT) -> Touch:
    return Touch(name, "acme", kind, at, {})


def touch_of(**facts: str) -> Touch:
    return Touch("t1", "acme", "click", EVENT, {f"touch.{key}": value for key, value in facts.items()})


def code(one: Touch, model: ProgramModel, **facts: str) -> str | None:
    found = screened(Conversion("c1", "cdnow", EVENT, None, facts), one, model)
    return found.code if found else None


def test_a_touch_counts_up_to_the_event_itself() -> None:
    assert code(touch(at=EVENT), ProgramModel()) is None
    assert code(touch(at=EVENT + MICROSECOND), ProgramModel()) == "AFTER_EVENT"


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ({"customer_id": "k1"}, {"customer_id": "k1"}, None),
        ({"customer_id": "k2"}, {"customer_id": "k1"}, "OTHER_IDENTITY"),
        ({"household_id": "h1"}, {"customer_id": "k1", "household_id": "h1"}, None),
        # The first key that both carry decides: one household, but another customer.
        ({"customer_id": "k2", "household_id": "h1"}, {"customer_id": "k1", "household_id": "h1"}, "OTHER_IDENTITY"),
        ({"device_id": "d1"}, {"customer_id": "k1"}, "NO_IDENTITY"),
        ({}, {}, "NO_IDENTITY"),
    ],
)
def test_the_first_common_key_decides(theirs: dict[str, str], ours: dict[str, str], expected: str | None) -> None:
    assert code(touch_of(**theirs), KEYS, **ours) == expected


def test_without_keys_every_touch_is_the_customers() -> None:
    assert code(touch_of(customer_id="k2"), ProgramModel(), customer_id="k1") is None


def test_views_step_back_only_where_a_click_qualifies() -> None:
    view, click = touch("v1", "view"), touch("k1", "click")
    prefers = ProgramModel(prefers_clicks=True)
    assert {name: found.code for name, found in not_preferred([view, click], prefers).items()} == {
        "v1": "NOT_PREFERRED"
    }
    assert not_preferred([view], prefers) == {}
    assert not_preferred([view, click], ProgramModel()) == {}
