"""Memory and faults of the durable matcher over very many decisions and far more rule versions than it keeps compiled.

    python -m tests.benchmarks.durable_soak [--evaluations N] [--versions N] [--capacity N]

Every answer is compared with the reference engine's. Four blocks in five draw rule versions as traffic does, a few of
them often and most of them seldom; in the fifth every version is as likely as the next, which is the worst for what is
kept. It fails on a fault, on a wrong answer, or if the memory still grows after the warm-up, the first tenth of the run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random

from app.adapters.durable_matcher import DurableMatcher
from app.engine.matcher import EngineFault, RuleConditions
from app.engine.reference import ReferenceMatcher
from tests.builders.random_rules import random_facts, random_set

PAGE_MB = 4096 / 1e6
FACTS = 1_000
BLOCKS = 100
UNIFORM_EVERY = 5  # blocks
MOST_GROWTH = 10.0  # MB


@dataclass(frozen=True, slots=True)
class Step:
    """Where the run was after some evaluations."""

    evaluations: int
    seconds: float
    resident_mb: float
    compiled: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to; `steps` holds one entry for each block, the first tenth of them being the warm-up."""

    steps: tuple[Step, ...]
    faults: int
    wrong: int

    @property
    def growth_mb(self) -> float:
        """The most memory held at any step after the warm-up, less what was held at its end."""
        warm = len(self.steps) // 10
        return max(step.resident_mb for step in self.steps[warm:]) - self.steps[warm].resident_mb


def soak(evaluations: int, versions: int, capacity: int, *, seed: int = 1) -> Iterator[Step | Report]:
    """Yield a step for each of the blocks of a run, and its report in the end."""
    random = Random(seed)
    sets = [random_set(random) for _ in range(versions)]
    given = [random_facts(random) for _ in range(FACTS)]
    matcher, reference = DurableMatcher(capacity), ReferenceMatcher()
    steps: list[Step] = []
    faults = wrong = 0
    started = time.perf_counter()
    for block in range(BLOCKS):
        for conditions in _drawn(random, sets, evaluations // BLOCKS, is_uniform=block % UNIFORM_EVERY == 0):
            facts = random.choice(given)
            try:
                wrong += matcher.matched(conditions, facts) != reference.matched(conditions, facts)
            except EngineFault:
                faults += 1
        done = (block + 1) * (evaluations // BLOCKS)
        steps.append(Step(done, time.perf_counter() - started, _resident_mb(), matcher.compiled))
        yield steps[-1]
    matcher.close()
    yield Report(tuple(steps), faults, wrong)


def _drawn(random: Random, sets: list[RuleConditions], count: int, *, is_uniform: bool) -> list[RuleConditions]:
    """Return rule versions to decide by; unless uniform, the n-th of them is asked for n times less than the first."""
    weights = [1.0 if is_uniform else 1 / (at + 1) for at in range(len(sets))]
    return random.choices(sets, cum_weights=list(accumulate(weights)), k=count)


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_MB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--evaluations", type=int, default=1_000_000)
    parser.add_argument("--versions", type=int, default=2_000)
    parser.add_argument("--capacity", type=int, default=200)
    asked = parser.parse_args()
    print("| evaluations | seconds | evaluations/s | compiled so far | resident, MB |\n|---|---|---|---|---|")
    for step in soak(asked.evaluations, asked.versions, asked.capacity):
        if isinstance(step, Report):
            _conclude(step)
        elif step.evaluations * 20 % asked.evaluations == 0:
            rate = step.evaluations / step.seconds
            print(
                f"| {step.evaluations:,} | {step.seconds:.0f} | {rate:,.0f} | {step.compiled:,} | {step.resident_mb:.1f} |",
                flush=True,
            )


def _conclude(report: Report) -> None:
    print(f"faults {report.faults}, wrong answers {report.wrong}, growth after warm-up {report.growth_mb:.1f} MB")
    if report.faults or report.wrong or report.growth_mb >= MOST_GROWTH:
        sys.exit("failed")


if __name__ == "__main__":
    main()
