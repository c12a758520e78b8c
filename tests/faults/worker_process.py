"""A worker as `termline worker` runs it, with the tests' tasks as well, in a process that may be made to stop at a point."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from app import log
from app.adapters.fact_files import shipped_catalogue
from app.assembly import TASKS as SHIPPED
from app.bulk.choice import Settling
from app.engine.reference import ReferenceMatcher
from app.jobs.plan import Plan
from app.jobs.task import registry
from app.jobs.worker import work
from app.runtime import Runtime
from app.store.session import engine_for
from tests.faults.adding import ADDING
from tests.faults.points import Stop, watch

# Whoever has jobs to try adds them here.
TASKS = registry(*SHIPPED.values(), *ADDING)
CATALOGUE = shipped_catalogue()
# Where bulk engines put what memory does not hold, beside the logs.
SPILLED = "spilled"


def run(url: str, plan: Plan, logged: Path, stop: Stop | None) -> None:
    """Work, and log into a file."""
    os.setsid()  # no signal meant for the tests
    file = os.open(logged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, sys.stderr.fileno())
    log.configure()
    engine = engine_for(url)
    if stop is not None:
        watch(engine, stop)
    settling = Settling(spill=logged.parent / SPILLED)
    work(Runtime(engine, ReferenceMatcher(), CATALOGUE, settling=settling), TASKS, plan)
