"""Whatever terms say, and in whatever order counts, prices and adjustments arrive, a day pays what a naive calculation says.
`--runs N` tells N histories, `--seed` says where they begin."""

from __future__ import annotations

from random import Random

import pytest

from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from tests.builders.delivery_histories import random_history, told
from tests.builders.delivery_oracle import worked_out

HISTORIES = 12


def test_days_pay_what_is_worked_out_without_the_product(runtime: Runtime, request: pytest.FixtureRequest) -> None:
    first, paid = request.config.getoption("--seed") or 0, 0
    for seed in range(first, first + (request.config.getoption("--runs") or HISTORIES)):
        random = Random(seed)
        history = random_history(random)
        with taken_back(runtime.bind):
            found = told(runtime, history, random)
        assert found == worked_out(history), (seed, history)
        paid += bool(found)
    assert paid > HISTORIES / 2
