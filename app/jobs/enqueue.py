"""Putting a job into the queue, in the transaction of what it is for: both are there, or neither."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.jobs.task import JobArgs


def enqueue(
    session: Session,
    task: str,
    args: JobArgs,
    *,
    queueing_lock: str | None = None,
    lock: str | None = None,
    not_before: datetime | None = None,
) -> int | None:
    """Queue a job for the workers and return its number.

    Of jobs with the same `queueing_lock` only one waits at a time: None says that one does already, and will see what
    this transaction wrote. Of jobs with the same `lock` only one runs at a time, in the order they were queued. Arguments are
    JSON, and are shown to whoever looks at the queue: ids, and nothing that is secret.
    """
    from app.jobs.library import defer  # a quarter of a second, which only who queues something waits for

    return defer(session, task, args, queueing_lock=queueing_lock, lock=lock, not_before=not_before)
