"""A task in a process of its own: it ends within its limits, whatever it does, and it finds nothing of ours there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from app.adapters import confined
from app.adapters.confined import Limits, NoRoom, Task, TaskFailed, run_confined
from tests.adapters import confined_tasks as tasks

ROOT = Path(__file__).parents[2]
LIMITS = Limits(cpu_seconds=1, memory_bytes=200 * 2**20, wall_seconds=20)


def failure(task: Task, limits: Limits = LIMITS) -> str:
    with pytest.raises(TaskFailed) as caught:
        run_confined(task, limits)
    return str(caught.value)


def test_a_task_that_ends_well_says_nothing_and_takes_less_than_a_second() -> None:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        run_confined(partial(tasks.sleep, 0), LIMITS)
        times.append(time.perf_counter() - started)
    assert min(times) < 1


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (partial(tasks.say, "no"), "ValueError: no"),
        (partial(tasks.say, "x" * 10**6), "ValueError: xxx"),
        (partial(tasks.say, "\udcff"), "ValueError: "),
        (partial(tasks.end_by, "SIGSEGV"), "it crashed (SIGSEGV)"),
        (partial(tasks.end_by, "SIGFPE"), "it crashed (SIGFPE)"),
        (partial(tasks.leave, 0), "it crashed (status 0)"),
        (partial(tasks.leave, 9), "it crashed (status 9)"),
        (partial(tasks.allocate, 300), "it needs more than 200 MB of memory"),
    ],
)
def test_what_a_task_says_or_how_it_ends_is_told(task: Task, said: str) -> None:
    assert failure(task).startswith(said)
    assert len(failure(task)) <= confined.SAID


def test_less_than_the_limit_is_granted() -> None:
    run_confined(partial(tasks.allocate, 100), LIMITS)


def test_a_task_that_waits_without_using_cpu_says_nothing_of_itself() -> None:
    started = time.monotonic()
    with pytest.raises(NoRoom, match="no answer after 1 s"):
        run_confined(partial(tasks.sleep, 60), Limits(wall_seconds=1))
    assert time.monotonic() - started < 10


def test_nothing_of_ours_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@localhost/x")
    with open(tmp_path / "open", "wb") as ours:
        os.set_inheritable(ours.fileno(), True)
        seen = json.loads(failure(tasks.look_around).removeprefix("ValueError: "))
    assert seen["files"] == [0, 1, 2]
    assert seen["folder"] == "/"
    assert "secret" not in json.dumps(seen)
    assert set(seen["environment"]) <= {"PYTHONPATH", "LC_ALL", "PYTHONHOME", "LD_LIBRARY_PATH"}


def test_a_task_writes_no_file(tmp_path: Path) -> None:
    assert "File too large" in failure(partial(tasks.write_into, str(tmp_path / "left")))
    assert (tmp_path / "left").stat().st_size == 0


def test_no_more_than_two_run_at_once_and_the_others_wait() -> None:
    done: list[float] = []

    def run() -> None:
        run_confined(partial(tasks.sleep, 0.3), LIMITS)
        done.append(time.monotonic())

    threads = [threading.Thread(target=run) for _ in range(5)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 5
    assert max(done) - started >= 3 * 0.3  # five in twos


def test_who_waits_too_long_is_told_so() -> None:
    holders = [confined._slots.acquire() for _ in range(confined.MOST_AT_ONCE)]
    try:
        with pytest.raises(NoRoom, match="too many"):
            run_confined(partial(tasks.sleep, 0), Limits(wall_seconds=1))
    finally:
        for _ in holders:
            confined._slots.release()


def test_a_forked_worker_has_slots_of_its_own() -> None:
    held = [confined._slots.acquire() for _ in range(confined.MOST_AT_ONCE)]
    try:
        child = os.fork()
        if child == 0:
            try:
                run_confined(partial(tasks.sleep, 0), Limits(wall_seconds=5))
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        for _ in held:
            confined._slots.release()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_an_account_without_powers_can_run_tasks_even_where_limits_are_set_already() -> None:
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (5, 5)); from functools import partial;"
        "from tests.adapters import confined_tasks as tasks; from app.adapters.confined import *; import os;"
        "assert os.getuid() == 65534; run_confined(partial(tasks.sleep, 0), Limits(cpu_seconds=9));"
        "from tests.adapters.test_confined import failure; print(failure(partial(tasks.end_by, 'SIGSEGV')))"
    )
    # It may read what only root could, since the interpreter may lie there; it has no other power.
    command = [sys.executable, "-I", "-S", str(ROOT / "app/adapters/unprivileged.py"), "65534", "65534", "2", str(ROOT)]
    done = subprocess.run([*command, sys.executable, "-B", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "it crashed (SIGSEGV)"), done.stderr
