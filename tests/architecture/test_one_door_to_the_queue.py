"""The library that keeps the job queue has one door, and only what runs or queues jobs waits until it is loaded."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.test_one_door_to_durable import APP, imported_by


def test_only_one_file_imports_the_library() -> None:
    doors = [path for path in APP.rglob("*.py") if "procrastinate" in imported_by(path)]
    assert doors == [APP / "jobs" / "library.py"]


def test_commands_that_queue_nothing_do_not_load_it() -> None:
    code = "import sys, app.cli; sys.exit('procrastinate' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
