"""Run a task in a process of its own that may use so much CPU, memory and time, and that has nothing of ours: no open
file or connection, no variable of the environment. What tasks there are is not known here.

    python -P -m app.adapters.confined CPU_SECONDS MEMORY_BYTES WALL_SECONDS < pickled task
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Task: TypeAlias = Callable[[], None]
"""What is to be run: picklable, such as a `partial` of a function of a module. It raises what it has to say."""

MOST_AT_ONCE = 2  # in each process of ours; who comes then waits
_FOR_PYTHON_ITSELF = ("PYTHONHOME", "LD_LIBRARY_PATH")
SAID = 2_000  # characters of what a task raised


@dataclass(frozen=True, slots=True)
class Limits:
    """What a task may use. `wall_seconds` also bounds how long it waits for others to end."""

    cpu_seconds: int = 10
    memory_bytes: int = 512 * 2**20
    wall_seconds: int = 30


class TaskFailed(Exception):
    """The task did not come to its end; the message says why, as the end of a sentence about it."""


class NoRoom(Exception):
    """The task could not be run, or got too little of the machine to say anything about it."""


def run_confined(task: Task, limits: Limits) -> None:
    """Run a task. TaskFailed if it raises, crashes or goes beyond a limit; NoRoom if that is no fault of the task."""
    slots = _slots
    if not slots.acquire(timeout=limits.wall_seconds):
        raise NoRoom("too many were being run at the same time")
    try:
        _judge(*_run(pickle.dumps(task), limits), limits)
    finally:
        slots.release()


def _run(work: bytes, limits: Limits) -> tuple[int, str]:
    """Return how the process ended, and what it wrote."""
    command = [sys.executable, "-P", "-m", __name__]
    command += map(str, (limits.cpu_seconds, limits.memory_bytes, limits.wall_seconds))
    environment = {name: os.environ[name] for name in _FOR_PYTHON_ITSELF if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), "LC_ALL": "C.UTF-8"}
    try:
        # No preexec_fn: between fork and exec a process with threads may do next to nothing.
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd="/", start_new_session=True,
        )  # fmt: skip
    except (OSError, MemoryError) as error:
        raise NoRoom(f"no process could be started: {error}") from error
    with process:
        try:
            said, _ = process.communicate(work, timeout=limits.wall_seconds)
        except subprocess.TimeoutExpired:
            raise NoRoom(f"it had no answer after {limits.wall_seconds} s") from None
        finally:
            process.kill()
    return process.returncode, said.decode("utf-8", "replace")


def _judge(code: int, said: str, limits: Limits) -> None:
    if code == 0 and said == _DONE:
        return
    if code == 0 and said:
        raise TaskFailed(said)
    if code == -signal.SIGXCPU:
        raise TaskFailed(f"it was not done after {limits.cpu_seconds} s of CPU time")
    if code == -signal.SIGALRM:
        raise NoRoom(f"it had no answer after {limits.wall_seconds} s")
    if code == _OUT_OF_MEMORY:
        raise TaskFailed(f"it needs more than {limits.memory_bytes // 2**20} MB of memory")
    how = signal.Signals(-code).name if code < 0 else f"status {code}"
    raise TaskFailed(f"it crashed ({how})")


# ------------------------------------------------------------------ in the process of its own

_DONE = "done"
_OUT_OF_MEMORY = 3


def _main() -> None:
    _confine(*map(int, sys.argv[1:]))
    try:
        pickle.load(sys.stdin.buffer)()
        said = _DONE
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"[:SAID]
    sys.stdout.write(said)
    sys.stdout.flush()
    # No tidying up: an engine that was stopped half-way may crash on it.
    os._exit(0)


def _confine(cpu_seconds: int, memory_bytes: int, wall_seconds: int) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    _limit(resource.RLIMIT_AS, memory_bytes)
    signal.alarm(wall_seconds)  # should the process that waits for us be gone


def _limit(what: int, most: int) -> None:
    """Set a limit, or keep one that is lower already and that only root could raise."""
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


_slots = threading.BoundedSemaphore(MOST_AT_ONCE)


def _with_slots_of_its_own() -> None:
    global _slots
    _slots = threading.BoundedSemaphore(MOST_AT_ONCE)


# A forked worker has none of the threads that hold the slots of its parent.
os.register_at_fork(after_in_child=_with_slots_of_its_own)

if __name__ == "__main__":
    _main()
