"""Who calls, and whether they may: the question as HTTP asks it. Keys and roles are the access room's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from flask import current_app, g, request

from app.core.errors import AppError
from app.runtime import Context
from app.web.limits import within_rate
from app.web.requests import log, request_id
from app.web.transaction import work

ANONYMOUS = "anonymous"
LONGEST_PATH = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the name that is written beside what they do, their role, and the key they came with.

    With a partner, they see what is that partner's and nothing else. Scopes narrow what the role may do.
    """

    actor: str
    role: str
    key: str
    prefix: str
    partner: str | None = None
    scopes: tuple[str, ...] | None = None


class Gate(Protocol):
    """What the access room answers. It is handed in, because this floor knows no rooms."""

    def caller(self, ctx: Context, authorization: str | None) -> Caller:
        """Return who presents this header, or refuse."""
        ...

    def admit(self, caller: Caller, permission: str) -> None:
        """Refuse a caller who has not this permission."""
        ...

    def confirm(self, ctx: Context, caller: Caller) -> None:
        """Refuse a caller whose key has ended since it was admitted."""
        ...

    def refused(self, ctx: Context, refusal: AppError, caller: Caller | None, operation: str, path: str) -> None:
        """Note that somebody was refused an operation."""
        ...

    def roles(self, permission: str) -> Sequence[str]:
        """Return the roles that have a permission."""
        ...


def admitted(permission: str, operation: str) -> Caller:
    """Return the caller of the present request, or refuse.

    This is a transaction of its own, and short: while a slow body arrives, none is open.
    """
    with refusals_noted(None, operation), within_rate(), work(ANONYMOUS) as ctx:
        caller = gate().caller(ctx, request.headers.get("Authorization"))
    g.caller = caller
    with refusals_noted(caller, operation):
        gate().admit(caller, permission)
    return caller


@contextmanager
def refusals_noted(caller: Caller | None, operation: str) -> Iterator[None]:
    """Note who is refused because of who they are, in a transaction of its own: that of the request is taken back."""
    try:
        yield
    except AppError as refusal:
        if refusal.kind in ("unauthenticated", "forbidden"):
            _note(refusal, caller, operation)
        raise


def gate() -> Gate:
    """Return the gate of the application."""
    found: Gate = current_app.extensions["termline_gate"]
    return found


def _note(refusal: AppError, caller: Caller | None, operation: str) -> None:
    actor = caller.actor if caller else str(refusal.details.get("name", ANONYMOUS))
    because = refusal.details.get("because")
    said = {"request": request_id(), "operation": operation, "code": refusal.code, "actor": actor}
    log.warning("access.refused", **said, **({"because": because} if because else {}))
    with work(actor) as ctx:
        gate().refused(ctx, refusal, caller, operation, request.path[:LONGEST_PATH])
