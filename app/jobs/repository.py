"""What we ask and say of jobs in our own transactions. How the library takes them and gives them back is `library.py`'s."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.store.models import JobReport

State = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: dict[str, State] = {"todo": "queued", "doing": "running", "succeeded": "done", "failed": "failed"}

# A job is a worker's while it has both its number and the attempt it was taken for.
OURS = "id = :job AND status = 'doing' AND attempts = :attempt AND worker_id = :worker"
_BEGIN = text(
    "SELECT set_config('idle_in_transaction_session_timeout', :silence, true),"
    f" EXISTS (SELECT FROM procrastinate_jobs WHERE {OURS})"
)
_HOLD = text(f"SELECT FROM procrastinate_jobs WHERE {OURS} FOR UPDATE")
_KEEP = text("SELECT FROM procrastinate_jobs WHERE queueing_lock = :lock AND status = 'todo' FOR SHARE")
_LIST = (
    "SELECT id, task_name, status::text, attempts, args, scheduled_at, worker, started_at, failed_at, fault, message"
    " FROM procrastinate_jobs LEFT JOIN job_reports ON job_id = id"
)
_AGAIN = text(
    "SELECT procrastinate_retry_job_v2(id, :now, NULL, NULL, NULL) FROM procrastinate_jobs"
    " WHERE id = :job AND status = 'failed'"
)
_FORGET = text("DELETE FROM job_reports WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE id = job_id)")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as people look at it."""

    number: int
    task: str
    state: State
    attempts: int
    args: dict[str, object]
    not_before: datetime | None
    worker: str | None
    started_at: datetime | None
    failed_at: datetime | None
    fault: str | None
    message: str | None


def begin_unit(session: Session, job: int, attempt: int, worker: int, *, silence_s: int) -> bool:
    """Have the database end the session if it is silent for too long inside this transaction; tell whether the job is the
    worker's."""
    values = {"silence": f"{silence_s}s", "job": job, "attempt": attempt, "worker": worker}
    return bool(session.execute(_BEGIN, values).one()[1])


def hold_job(session: Session, job: int, attempt: int, worker: int) -> bool:
    """Lock a job until the transaction ends, if it is the worker's; tell whether it is."""
    return session.execute(_HOLD, {"job": job, "attempt": attempt, "worker": worker}).first() is not None


def keep_waiting(session: Session, queueing_lock: str) -> bool:
    """Have the job that waits under a queueing lock wait until the transaction ends; tell whether there is one.

    It would else be begun without what the transaction is about to write.
    """
    return session.execute(_KEEP, {"lock": queueing_lock}).first() is not None


def note_start(session: Session, job: int, worker: str, now: datetime) -> None:
    """Say who runs a job since when. What was said of an earlier attempt is gone."""
    said = {"worker": worker, "started_at": now, "failed_at": None, "fault": None, "message": None}
    new = insert(JobReport).values(job_id=job, **said)
    session.execute(new.on_conflict_do_update(index_elements=[JobReport.job_id], set_=said))


def note_failure(session: Session, job: int, worker: str, now: datetime, *, fault: str, message: str) -> None:
    """Say why a job failed."""
    failure = {"failed_at": now, "fault": fault, "message": message[:2000]}
    new = insert(JobReport).values(job_id=job, worker=worker, started_at=now, **failure)
    session.execute(new.on_conflict_do_update(index_elements=[JobReport.job_id], set_=failure))


def jobs(session: Session, state: State | None = None, limit: int = 1000) -> list[Job]:
    """Return jobs, the newest first."""
    words = [word for word, shown in STATES.items() if state in (None, shown)]
    wanted = " WHERE status::text = ANY (:words) ORDER BY id DESC LIMIT :limit"
    rows = session.execute(text(_LIST + wanted), {"words": words, "limit": limit})
    return [Job(row[0], row[1], STATES[row[2]], *row[3:]) for row in rows]


def job(session: Session, number: int) -> Job | None:
    """Return a job by its number."""
    row = session.execute(text(_LIST + " WHERE id = :job"), {"job": number}).first()
    return None if row is None else Job(row[0], row[1], STATES.get(row[2], "cancelled"), *row[3:])


def queue_again(session: Session, number: int, now: datetime) -> bool:
    """Queue a failed job once more; tell whether there was one."""
    return session.execute(_AGAIN, {"job": number, "now": now}).first() is not None


def forget_reports(session: Session) -> None:
    """Delete what was said of jobs that are gone."""
    session.execute(_FORGET)
