"""The library that keeps the job queue has one door, and only what runs or queues jobs waits until it is loaded."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.test_one_door_to_durable import APP, imported_by


def test_only_one_file_imports_the_library() -> None:
    doors = [path for path in APP.rglob("*.py") if "procrastinate" in imported_by(path)]
    assert doors == [APP / "jobs" / "library.py"]


def test_only_a_worker_loads_it_before_something_is_queued() -> None:
    """Loading it takes a quarter of a second, for which no other command should wait."""
    at_the_top = {
        path.relative_to(APP).as_posix() for path in APP.rglob("*.py") if "app.jobs.library" in imported_first(path)
    }
    assert at_the_top == {"jobs/worker.py"}
    assert not [path for path in APP.rglob("*.py") if "app.jobs.worker" in imported_first(path)]


def imported_first(path: Path) -> set[str]:
    """Return the modules that a file imports when it is loaded itself."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {node.module or "" for node in body if isinstance(node, ast.ImportFrom)}
