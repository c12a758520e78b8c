"""Spark is an extra: one file imports it, and only when a session is asked for."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.test_one_door_to_durable import APP, imported_by


def test_only_its_engine_imports_spark() -> None:
    doors = [path for path in APP.rglob("*.py") if imported_by(path) & {"pyspark", "py4j"}]
    assert doors == [APP / "bulk" / "spark_engine.py"]


def test_the_matcher_is_imported_without_spark() -> None:
    code = "import sys, app.bulk.spark_matcher; print(*sorted(sys.modules.keys() & {'pyspark', 'py4j'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
