"""A bulk engine's folder goes with its run, however that ends: well, by a fault, or by a kill, behind which the next run
clears up. Those of runs that go on stay."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlglot import parse_one

from app.bulk.opened import fresh_folder, opened_runner
from app.bulk.pipeline.refusals import NotInBulk
from app.engine.matcher import EngineFault

KILLED = """
import os, signal, sys
from pathlib import Path
from app.bulk.opened import fresh_folder
with fresh_folder(Path(sys.argv[1])) as folder:
    (folder / "spilled").write_text("much")
    os.kill(os.getpid(), signal.SIGKILL)
"""
LARGE = parse_one("SELECT range AS a, hash(range) AS b FROM range(12000000) ORDER BY hash(range)", dialect="duckdb")


def test_what_is_spilled_goes_when_the_run_is_over(tmp_path: Path) -> None:
    with opened_runner("duckdb", "100MB", tmp_path / "made") as runner:
        runner.keep("large", LARGE)
        assert sum(file.stat().st_size for file in tmp_path.rglob("*.tmp")) > 10_000_000
    assert list((tmp_path / "made").iterdir()) == []


def test_what_is_spilled_goes_after_a_fault(tmp_path: Path) -> None:
    with pytest.raises(EngineFault, match="nowhere"), opened_runner("duckdb", "100MB", tmp_path) as runner:
        runner.keep("large", parse_one("SELECT * FROM nowhere"))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next_and_no_other(tmp_path: Path) -> None:
    with fresh_folder(tmp_path) as going_on:
        killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=60)
        assert killed.returncode == -signal.SIGKILL
        (left,) = [folder for folder in tmp_path.iterdir() if folder != going_on]
        assert (left / "spilled").exists()
        with fresh_folder(tmp_path) as following:
            assert set(tmp_path.iterdir()) == {going_on, following}
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_is_not_there_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with (
        pytest.raises(NotInBulk, match=r"Java 17|pip install 'termline\[spark\]'"),
        opened_runner("spark", "1GB", tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
