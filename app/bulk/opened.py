"""Opening an engine for one run of the pipeline, with a folder of its own that goes when the run is over."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.bulk.choice import SettlingEngine
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.runner import Runner
from app.engine.matcher import EngineFault

PREFIX = "termline-bulk-"
HELD = "held"


@contextmanager
def opened_runner(engine: SettlingEngine, memory: str, spill: Path | None = None) -> Iterator[Runner]:
    """Give an engine that takes so much memory, such as "2GB", and spills into a fresh folder under `spill`. NotInBulk that
    says what is missing where it is not installed."""
    if engine == "spark":
        _check_spark()
    with fresh_folder(spill) as folder:
        runner = _runner(engine, memory, folder)
        try:
            yield runner
        finally:
            runner.close()


def _runner(engine: SettlingEngine, memory: str, folder: Path) -> Runner:
    if engine == "duckdb":
        return DuckDbRunner(memory=memory, spill=folder)
    from app.bulk.spark_engine import SparkRunner  # an extra

    return SparkRunner(memory=memory.removesuffix("B").lower(), spill=folder)


def _check_spark() -> None:
    from app.bulk.spark_engine import check_installed

    try:
        check_installed()
    except EngineFault as fault:
        raise NotInBulk(fault.message) from None


@contextmanager
def fresh_folder(under: Path | None = None) -> Iterator[Path]:
    """Give an empty folder, by default among the system's temporary ones, and remove it however the block ends; and first
    those of processes that were killed. Whose process lives holds a lock, which ends with the process."""
    under = Path(tempfile.gettempdir()) if under is None else under
    under.mkdir(parents=True, exist_ok=True)
    _remove_left(under)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=under))
    try:
        with (folder / "new").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Under its name from now on, so that nobody finds it there and not locked.
            (folder / "new").rename(folder / HELD)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left(under: Path) -> None:
    for folder in under.glob(f"{PREFIX}*"):
        try:
            with (folder / HELD).open("r+") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # it is in use, or not ours
