"""The one file that imports procrastinate, which keeps the queue: putting jobs in, and one worker's life with them.

It takes jobs, listens, beats and hands over. Two things it does not see to are added here, because money is paid by what
runs: an answer to a job counts only from the worker that has it, and jobs of dead workers are found without being asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any

import psycopg
import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import QUEUEING_LOCK_CONSTRAINT, JobManager
from procrastinate.worker import Worker
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.jobs.faults import seconds_until_again
from app.jobs.lease import WorkerLease
from app.jobs.plan import Failure, Plan, task_unknown, worker_lost
from app.jobs.repository import forget_reports, keep_waiting
from app.jobs.running import Attempt, run, tell_failure
from app.jobs.task import JobArgs, Task, Tasks
from app.runtime import Runtime
from app.store.roles import APPLICATION
from app.store.session import KEEP_SCHEMA, KEEPALIVE

log = structlog.get_logger("termline.jobs")
DATABASE_FAULTS = (ConnectorException, psycopg.Error, SQLAlchemyError)
POLL_S = 1.0
BEATS_IN_A_LEASE = 4
KEPT_DAYS = 30

# A job that was given to another worker meanwhile, or whose row somebody holds who is about to commit, is left alone.
_OURS = """
WITH ours AS MATERIALIZED (
  SELECT id FROM procrastinate_jobs WHERE id = %(job)s AND status = 'doing' AND attempts = %(attempt)s
    AND worker_id IS NOT DISTINCT FROM %(worker)s FOR UPDATE {otherwise}
)
SELECT {call} FROM ours
"""
_FINISH = "procrastinate_finish_job_v1(id, %(status)s, %(delete)s)"
_RETRY = "procrastinate_retry_job_v2(id, %(at)s, NULL, NULL, NULL)"


def defer(
    session: Session,
    task: str,
    args: JobArgs,
    *,
    queueing_lock: str | None,
    lock: str | None,
    not_before: datetime | None,
) -> int | None:
    """Put a job into the queue over the session's own connection; None when one with its queueing lock waits there, and
    will until the transaction ends."""
    connection = session.connection()
    job = _putting_in().configure_task(
        task,
        connection=connection.connection.driver_connection,
        queueing_lock=queueing_lock,
        lock=lock,
        schedule_at=not_before,
        task_kwargs={**args},
    )
    while True:
        try:
            with connection.begin_nested():
                return job.defer()
        except Exception as error:
            if not _is_waiting_already(error):
                raise
        if queueing_lock is not None and keep_waiting(session, queueing_lock):
            return None


def _is_waiting_already(error: BaseException | None) -> bool:
    """Tell whether a job with the same queueing lock was in the way.

    The library tells it by the error's detail, which PostgreSQL leaves out where there is row-level security.
    """
    while error is not None:
        if isinstance(error, psycopg.errors.UniqueViolation):
            return error.diag.constraint_name == QUEUEING_LOCK_CONSTRAINT
        error = error.__cause__ or error.__context__
    return False


@cache
def _putting_in() -> App:
    return App(connector=SyncPsycopgConnector())  # never opened: every job comes with its connection


async def live(runtime: Runtime, tasks: Tasks, plan: Plan, stopping: asyncio.Event) -> bool:
    """Work under one registration until it is to stop, or `once` is done, or the database is lost; tell whether that was
    the end of its own accord."""
    assert isinstance(runtime.bind, Engine)
    app = App(connector=_connector(runtime.bind, plan))
    app.job_manager = manager = _Manager(app.connector, runtime, tasks, plan)
    async with app.open_async():
        worker = _Worker(
            app,
            name=plan.name,
            concurrency=plan.concurrency,
            wait=not plan.once,
            fetch_job_polling_interval=POLL_S,
            abort_job_polling_interval=3600,
            install_signal_handlers=False,
            update_heartbeat_interval=plan.lease_s / BEATS_IN_A_LEASE,
            stalled_worker_timeout=plan.lease_s * 10,
        )
        manager.give_up = worker.stop
        for task in tasks.values():
            app.task(name=task.name, pass_context=True, retry=_Retry(task))(_runner(runtime, task, plan, worker))
        await manager.take_over_dead()
        beside = [
            asyncio.create_task(_stop_when(stopping, worker)),
            asyncio.create_task(_keep_house(manager, plan.lease_s / BEATS_IN_A_LEASE)),
        ]
        try:
            await worker.run()  # type: ignore[no-untyped-call]
        finally:
            for aside in beside:
                aside.cancel()
    return stopping.is_set() or not worker.is_ending


class _Worker(Worker):
    """The library's worker, of which others can know that it is to end."""

    is_ending = False

    def stop(self) -> None:
        self.is_ending = True
        super().stop()  # type: ignore[no-untyped-call]


async def _stop_when(stopping: asyncio.Event, worker: _Worker) -> None:
    await stopping.wait()
    worker.stop()


async def _keep_house(manager: _Manager, seconds: float) -> None:
    """Find jobs of dead workers, and now and then delete what was done long ago. A database that does not answer is the
    worker's own affair."""
    loop = asyncio.get_running_loop()
    cleaned = -1e9
    while True:
        with suppress(*DATABASE_FAULTS):
            await manager.take_over_dead()
            if loop.time() - cleaned > 3600:
                await manager.delete_old()
                cleaned = loop.time()
        await asyncio.sleep(seconds)


def _runner(runtime: Runtime, task: Task, plan: Plan, worker: _Worker) -> Callable[..., None]:
    def run_job(context: JobContext, /, **args: Any) -> None:
        job = context.job
        assert job.id is not None
        assert job.worker_id is not None
        lease = WorkerLease(job.id, job.attempts, job.worker_id, plan.lease_s, lambda: worker.is_ending)
        run(runtime, Attempt(task, args, lease, plan.name))

    return run_job


class _Retry(BaseRetryStrategy):
    """The library's question whether to try again, answered by our faults."""

    def __init__(self, task: Task) -> None:
        self._attempts = task.attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        seconds = seconds_until_again(exception, job.attempts, self._attempts)
        return None if seconds is None else RetryDecision(retry_in={"seconds": seconds})


class _Manager(JobManager):
    """The library's hand on its tables, with answers that count only from whoever has the job."""

    def __init__(self, connector: Any, runtime: Runtime, tasks: Tasks, plan: Plan) -> None:
        super().__init__(connector)
        self._runtime, self._tasks, self._plan = runtime, tasks, plan
        self.give_up: Callable[[], None] = lambda: None

    async def register_worker(self) -> int:
        worker = await super().register_worker()
        log.info("worker.ready", worker=self._plan.name, number=worker, lease_seconds=self._plan.lease_s)
        return worker

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        if status is Status.FAILED and job.task_name not in self._tasks:
            await self._tell(job, task_unknown(job.task_name))
        await self._answer(job, _FINISH, status=status.value, delete=delete_job)

    async def retry_job(self, job: Job, retry_at: datetime | None = None, *_: Any, **__: Any) -> None:
        await self._answer(job, _RETRY, at=retry_at)

    async def take_over_dead(self) -> None:
        """Put the jobs of silent workers back into the queue; each once, however many workers see it."""
        for job in await self.get_stalled_jobs(seconds_since_heartbeat=self._plan.lease_s):
            task = self._tasks.get(job.task_name)
            if task is not None and job.attempts + 1 >= task.attempts:
                if await self._give(job, _FINISH, status="failed", delete=False):
                    await self._tell(job, worker_lost(task.attempts))
            elif await self._give(job, _RETRY, at=None):
                log.warning("job.found", job=job.id, task=job.task_name, attempt=job.attempts)

    async def delete_old(self) -> None:
        """Delete jobs that were done long ago; what failed stays until somebody has queued it again."""
        await self.delete_old_jobs(nb_hours=24 * KEPT_DAYS)
        await asyncio.to_thread(self._forget)

    def _forget(self) -> None:
        with self._runtime.work(self._plan.name) as ctx:
            forget_reports(ctx.session)

    async def _give(self, job: Job, call: str, **values: Any) -> bool:
        query = _OURS.format(call=call, otherwise="SKIP LOCKED")
        return bool(await self._run(query, job, values))

    async def _answer(self, job: Job, call: str, **values: Any) -> None:
        """Say how a job ended, until the database has heard it or others must have taken the job over."""
        query, loop = _OURS.format(call=call, otherwise=""), asyncio.get_running_loop()
        end = loop.time() + 3 * self._plan.lease_s
        while loop.time() < end:
            with suppress(*DATABASE_FAULTS):
                if not await self._run(query, job, values):
                    log.warning("job.no_longer_ours", job=job.id, task=job.task_name)
                return
            await asyncio.sleep(POLL_S / 4)
        log.warning("job.unanswered", job=job.id, task=job.task_name)
        self.give_up()  # under this registration nobody would ever take it for dead

    async def _run(self, query: str, job: Job, values: dict[str, Any]) -> list[dict[str, Any]]:
        return await self.connector.execute_query_all_async(
            query=query, job=job.id, attempt=job.attempts, worker=job.worker_id, **values
        )

    async def _tell(self, job: Job, why: Failure) -> None:
        log.error("job.failed", job=job.id, task=job.task_name, fault=why.code)
        assert job.id is not None
        with suppress(SQLAlchemyError):  # that it failed is kept all the same
            await asyncio.to_thread(tell_failure, self._runtime, job.id, self._plan.name, why)


def _connector(engine: Engine, plan: Plan) -> PsycopgConnector:
    """Return the library's way to the engine's database, in the application's role and the schemas that are the engine's."""
    _, arguments = engine.dialect.create_connect_args(engine.url)

    async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(KEEP_SCHEMA)
        await connection.execute(f"SET ROLE {APPLICATION}")
        await connection.commit()

    ours = {"options": "-c timezone=UTC", "connect_timeout": 10, "application_name": plan.name[:60]}
    return PsycopgConnector(
        kwargs={**arguments, **KEEPALIVE, **ours},
        configure=configure,
        min_size=1,
        max_size=plan.concurrency + 3,
        # A pool pauses ever longer between its tries; one that gives up soon begins anew with the next question.
        timeout=2,
        reconnect_timeout=1,
    )
