"""Connections to PostgreSQL: how an engine is made, and that its sessions speak UTC. Which server is the edge's choice."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.orm import Session

from app.store.last_writes import UnitSession


def _dumps(data: Any) -> str:
    return orjson.dumps(data).decode()


def engine_for(url: str, *, pool_size: int = 5) -> Engine:
    """Return an engine for a PostgreSQL URL; plain `postgresql://` means the psycopg 3 driver."""
    if url.startswith(("postgresql://", "postgres://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={"options": "-c timezone=UTC", "connect_timeout": 10},
    )


def session_on(bind: Engine | Connection) -> Session:
    """Return a session. On a connection that is inside a transaction it works in savepoints, so that the transaction
    around it can still take everything back."""
    return UnitSession(bind, expire_on_commit=False, join_transaction_mode="create_savepoint")
