"""Putting a process together: the database it is to use, migrated if it is empty, and the engine it is set to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.adapters.durable_matcher import DurableMatcher
from app.adapters.durable_trial import DurableTrial
from app.adapters.embedded_postgres import acquire
from app.adapters.fact_files import shipped_catalogue
from app.billing import tasks as billing
from app.bulk.choice import Settling
from app.core.errors import AppError
from app.engine.matcher import Matcher, Trial, no_trial
from app.engine.reference import ReferenceMatcher
from app.engine.verified import VerifyingMatcher
from app.jobs.task import Tasks, registry
from app.runtime import Runtime
from app.settings import Settings
from app.store.migrate import current_revision, migrate, newest_revision
from app.store.roles import check_roles
from app.store.session import engine_for

LEAST_POSTGRES = 150000
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
REMEDY = (
    "Set DATABASE_URL to postgresql://USER:PASSWORD@HOST:PORT/DATABASE, PostgreSQL 15 or newer, "
    "or unset DATABASE_URL to use the embedded server."
)

# What workers can do: the jobs of all rooms.
TASKS: Tasks = registry(*billing.TASKS)


class DatabaseUrlUnusable(AppError):
    """DATABASE_URL names no PostgreSQL database that can be used. The message never shows the password."""

    code = "database_url_unusable"
    kind = "unavailable"

    def __init__(self, found: str) -> None:
        super().__init__(f"{found} {REMEDY}")


class SchemaOutdated(AppError):
    """The database was migrated by another release."""

    code = "schema_outdated"
    kind = "unavailable"


@contextmanager
def opened_database(settings: Settings) -> Iterator[Engine]:
    """Give an engine on the database that DATABASE_URL names, else on the embedded server of TERMLINE_HOME."""
    if settings.database_url is not None:
        check_url(settings.database_url)
        engine = engine_for(settings.database_url)
        try:
            check_server(engine)
            yield engine
        finally:
            engine.dispose()
        return
    with acquire(settings.home) as server:
        engine = engine_for(server.url)
        try:
            yield engine
        finally:
            engine.dispose()


def check_url(text: str) -> None:
    """Refuse what is no address of a PostgreSQL database. It is not shown: who knows where the password is in it."""
    try:
        scheme = make_url(text).drivername
    except (ArgumentError, ValueError):
        raise DatabaseUrlUnusable("DATABASE_URL is not the address of a database.") from None
    if scheme not in SCHEMES:
        raise DatabaseUrlUnusable(f"DATABASE_URL starts with {scheme}://, which is not PostgreSQL.")


def check_server(engine: Engine) -> None:
    """Refuse a server that does not answer or is older than PostgreSQL 15."""
    try:
        with engine.connect() as connection:
            info = connection.connection.driver_connection.info  # type: ignore[union-attr]
            version = info.server_version
    except (DBAPIError, ValueError) as error:
        reason = (str(getattr(error, "orig", error)).strip().splitlines() or ["no answer"])[0].rstrip(".")
        shown = engine.url.set(query={})  # options may hold a password too
        for secret in (engine.url.password, engine.url.query.get("password")):
            reason = reason.replace(str(secret), "***") if secret else reason
        raise DatabaseUrlUnusable(
            f"The database of DATABASE_URL ({shown.render_as_string()}) cannot be reached: {reason}."
        ) from None
    if version < LEAST_POSTGRES:
        raise DatabaseUrlUnusable(f"The database of DATABASE_URL is PostgreSQL {version // 10000}.")


def ensure_schema(engine: Engine) -> None:
    """Migrate an empty database; refuse one that another release migrated, or that we cannot work in."""
    with engine.begin() as connection:
        revision = current_revision(connection)
        if revision is None:
            migrate(connection)
        elif revision != newest_revision():
            raise SchemaOutdated(
                f"The database is at {revision}, this release wants {newest_revision()}. Run `termline migrate`."
            )
        check_roles(connection)


def matcher_for(settings: Settings) -> Matcher:
    """Return the engine that decides; durable is checked by the reference engine as `verify` says."""
    if settings.engine == "reference":
        return ReferenceMatcher()
    return VerifyingMatcher(DurableMatcher(), ReferenceMatcher(), settings.verify)


def trial_for(settings: Settings) -> Trial:
    """Return how rules are tried out before they are submitted; the reference engine runs whatever is well formed."""
    return DurableTrial() if settings.engine == "durable" else no_trial


def settling_for(settings: Settings) -> Settling:
    """Return what settles billing runs that name no engine, and what one in bulk may use."""
    return Settling(runs=settings.billing_engine, memory=settings.bulk_memory, spill=settings.bulk_spill)


@contextmanager
def opened_runtime(settings: Settings) -> Iterator[Runtime]:
    """Give everything a process works with, the database migrated."""
    with opened_database(settings) as engine:
        ensure_schema(engine)
        catalogue, trial = shipped_catalogue(), trial_for(settings)
        matcher, settling = matcher_for(settings), settling_for(settings)
        yield Runtime(engine, matcher, catalogue, trial=trial, key_pepper=settings.key_pepper, settling=settling)
