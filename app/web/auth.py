"""Who calls, and whether they may: the question as HTTP asks it. Keys and roles are the access room's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from flask import current_app, g, request

from app.runtime import Context
from app.web.limits import within_rate
from app.web.transaction import work

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the name that is written beside what they do, and their role."""

    actor: str
    role: str


class Gate(Protocol):
    """What the access room answers. It is handed in, because this floor knows no rooms."""

    def caller(self, ctx: Context, authorization: str | None) -> Caller:
        """Return who presents this header, or refuse."""
        ...

    def admit(self, caller: Caller, permission: str) -> None:
        """Refuse a caller whose role has not this permission."""
        ...

    def roles(self, permission: str) -> Sequence[str]:
        """Return the roles that have a permission."""
        ...


def admitted(permission: str) -> Caller:
    """Return the caller of the present request, or refuse.

    This is a transaction of its own, and short: while a slow body arrives, none is open.
    """
    gate: Gate = current_app.extensions["termline_gate"]
    with within_rate(), work(ANONYMOUS) as ctx:
        caller = gate.caller(ctx, request.headers.get("Authorization"))
    g.caller = caller
    gate.admit(caller, permission)
    return caller
