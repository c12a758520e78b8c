"""A few thousand hostile cases, and that the ones who watch them see what they watch for. The long run is `fuzz.py`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter

import pytest

from app.runtime import Runtime
from app.web.errors import MalformedBody
from tests.hostile.families import FAMILIES, Case, case
from tests.hostile.over_http import client_of, sent
from tests.hostile.pace import MOST_SECONDS, most_seconds
from tests.hostile.trial import Hurt, tried

SEED = 1997
CASES = 5_000


def test_hostile_cases_are_refused_in_time_or_work() -> None:
    outcomes: Counter[tuple[str, str]] = Counter()
    for number in range(CASES):
        drawn = case(SEED, number)
        outcomes[drawn.family, tried(drawn, most_seconds()).outcome] += 1
    assert {family for family, _ in outcomes} == set(FAMILIES)
    for family, outcome in (
        ("sound rules", "accepted"),
        ("sound conversion", "accepted"),
        ("structure", "accepted"),
        ("structure", "refused"),
        ("text", "malformed"),
        ("deep", "refused"),
        ("deep", "malformed"),
        ("facts at their limits", "accepted"),
        ("facts at their limits", "refused"),
    ):
        assert outcomes[family, outcome] >= 10, (family, outcome)
    assert outcomes["twin keys", "malformed"] == sum(n for (family, _), n in outcomes.items() if family == "twin keys")


def test_hostile_cases_get_a_documented_answer(runtime: Runtime) -> None:
    client = client_of(runtime)
    statuses = Counter(sent(client, case(SEED, number)) for number in range(400))
    assert statuses.keys() <= {200, 201, 400, 404, 409, 413, 422}
    assert min(statuses[200], statuses[400], statuses[422]) >= 10


def test_a_case_is_the_same_whenever_it_is_drawn() -> None:
    drawn = [case(SEED, number) for number in range(300)]
    assert [case(SEED, number) for number in reversed(range(300))] == drawn[::-1]
    assert [case(SEED + 1, number) for number in range(300)] != drawn


def test_a_slow_refusal_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(text: bytes) -> None:
        until = time.process_time() + MOST_SECONDS + 0.01
        while time.process_time() < until:
            pass
        raise MalformedBody("slow")

    monkeypatch.setattr("tests.hostile.trial.json_data", slow)
    with pytest.raises(Hurt, match=r"malformed after [0-9]+ ms"):
        tried(Case("noise", "rules", b"slow"))


FAULTS = {
    "a crash": ("import os; os.abort()", "the process ended with -6"),
    "memory without end": ("bytearray(3 * 2**30)", "MemoryError"),
    "an exception": ("raise RecursionError('deep')", "RecursionError: deep"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_process_that_is_hurt_is_seen_and_the_rest_goes_on(name: str) -> None:
    fault, said = FAULTS[name]
    # The third case hurts; a child gets its fault where cases are tried.
    program = f"""
import sys
from tests.hostile import child, trial
tried = trial.tried
def hurt(drawn):
    if drawn == child.case(1, 2):
        {fault}
    return tried(drawn)
child.tried = hurt
child.main()
"""
    runner = f"""
import sys
from tests.hostile import fuzz
fuzz.CHILD = ["-c", {program!r}]
sys.argv = ["fuzz", "--cases", "5", "--http-every", "0"]
sys.exit(fuzz.main())
"""
    run = subprocess.run([sys.executable, "-c", runner], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 1, run.stderr
    assert "1 violations" in run.stdout
    assert said in run.stdout
    assert '"number": 2' in run.stdout
