"""How a worker works, and what is said of jobs that failed. No queue is here."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import AppError


@dataclass(frozen=True, slots=True)
class Plan:
    """How a worker works. `once` ends it when nothing is due."""

    name: str
    lease_s: int
    concurrency: int = 1
    once: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed, as it is kept and shown: a code, and words for people."""

    code: str
    message: str


def failure_of(error: Exception) -> Failure:
    """Return a refusal in its own words, and a fault of ours by its kind, for its text may hold anything."""
    if isinstance(error, AppError):
        return Failure(error.code, error.message)
    return Failure("fault", f"A fault of ours: {type(error).__name__}; see the log.")


def worker_lost(attempts: int) -> Failure:
    """Return the failure of a job whose workers all ended without an answer."""
    return Failure("worker_lost", f"Its workers ended without an answer, {attempts} of them.")


def task_unknown(task: str) -> Failure:
    """Return the failure of a job of which this release does not know what it is to do."""
    return Failure("task_unknown", f"No worker of this release knows how to do {task}.")
