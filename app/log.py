"""How a process logs: one JSON object a line on standard error. What is logged is decided where it happens."""

from __future__ import annotations

import sys

import orjson
import structlog


def configure() -> None:
    """Set logging up for a server process.

    Tracebacks are plain: the pretty ones show local variables, and with them keys and people's orders.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
