"""The lease of a job that a worker runs: units of work that are committed only while the job is that worker's.

When it runs out and who takes the job over then is `library.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.jobs.faults import Interrupted, LeaseLost
from app.jobs.repository import begin_unit, hold_job
from app.runtime import Context, Runtime


@dataclass(frozen=True, slots=True)
class WorkerLease:
    """A job in the hands of one worker. Whoever gets it later has another attempt, and mostly another worker."""

    job: int
    attempt: int
    worker: int
    seconds: int
    is_ending: Callable[[], bool]

    @contextmanager
    def work(self, runtime: Runtime, actor: str) -> Iterator[Context]:
        """Give the context of one unit of work; it is committed if the job is still ours when it ends.

        The row of the job is locked last, so that nobody waits for it while the work is done, and the job cannot be given
        away between that and the commit. A session that says nothing for as long as the lease is ended by the database,
        which frees all that a sleeping worker has locked.
        """
        if self.is_ending():
            raise Interrupted
        with runtime.work(actor, request=f"job-{self.job}") as ctx:
            if not begin_unit(ctx.session, self.job, self.attempt, self.worker, silence_s=self.seconds):
                raise LeaseLost(f"job {self.job} was given to another worker")
            yield ctx
            ctx.session.flush()
            if not hold_job(ctx.session, self.job, self.attempt, self.worker):
                raise LeaseLost(f"job {self.job} was given to another worker while this one worked on it")
