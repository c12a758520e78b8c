"""Whatever terms say, and in whatever order counts, prices and adjustments arrive, a day pays what a naive calculation says."""

from __future__ import annotations

from random import Random

import pytest

from app.runtime import Runtime
from tests.builders.delivery_histories import random_history, told
from tests.builders.delivery_oracle import worked_out


@pytest.mark.parametrize("seed", range(40))
def test_a_day_pays_what_is_worked_out_without_the_product(runtime: Runtime, seed: int) -> None:
    random = Random(seed)
    history = random_history(random)
    assert told(runtime, history, random) == worked_out(history), history
