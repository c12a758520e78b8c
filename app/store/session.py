"""Connections to PostgreSQL: how an engine is made, and that its sessions speak UTC. Which server is the edge's choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

from app.store.last_writes import UnitSession

# Writes the schemas that are searched out.
KEEP_SCHEMA = """
SELECT set_config('search_path', string_agg(quote_ident(found.name), ', ' ORDER BY found.place), false)
FROM unnest(current_schemas(false)) WITH ORDINALITY AS found (name, place) HAVING count(*) > 0
"""
# A server that is gone without a word is noticed in a minute; the system would wait for hours.
KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


def _dumps(data: Any) -> str:
    return orjson.dumps(data).decode()


def engine_for(url: str, *, pool_size: int = 5) -> Engine:
    """Return an engine for a PostgreSQL URL; plain `postgresql://` means the psycopg 3 driver."""
    if url.startswith(("postgresql://", "postgres://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={"options": "-c timezone=UTC", "connect_timeout": 10, **KEEPALIVE},
    )
    event.listen(engine, "connect", _keep_schema)
    return engine


def _keep_schema(connection: Any, _: Any) -> None:
    """Write the schemas that are searched out: `$user` would be another one in another role."""
    connection.execute(KEEP_SCHEMA)
    connection.commit()


def session_on(bind: Engine | Connection, begin: Callable[[Connection], None] | None = None) -> Session:
    """Return a session; `begin` is called at the start of each of its transactions.

    On a connection that is inside a transaction it works in savepoints, so that the transaction around it can still take
    everything back.
    """
    session = UnitSession(bind, expire_on_commit=False, join_transaction_mode="create_savepoint")
    if begin is not None:
        event.listen(session, "after_begin", lambda _session, _transaction, connection: begin(connection))
    return session
