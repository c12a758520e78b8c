"""In whose name a transaction works: the application's, which sees everything, or a partner's, which sees its own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.store.grants import SETTING
from app.store.roles import APPLICATION, PARTNER

_SET = text("SELECT set_config(:setting, :partner, true), set_config('role', :role, true)")
_GET = text("SELECT current_setting('role'), coalesce(current_setting(:setting, true), '')")


@dataclass(frozen=True, slots=True)
class Scope:
    """A role of the database, and the partner whose rows it is about."""

    role: str
    partner: str = ""


WHOLE = Scope(APPLICATION)


def scope_of(partner: str | None) -> Scope:
    """Return the scope of a caller: a partner's own, or the application's."""
    return WHOLE if partner is None else Scope(PARTNER, partner)


def enter(connection: Connection, scope: Scope) -> None:
    """Work in a scope until the transaction ends, or is taken back to where it was entered."""
    connection.execute(_SET, {"setting": SETTING, "partner": scope.partner, "role": scope.role})


def present(connection: Connection) -> Scope:
    """Return the scope that a transaction is in."""
    return Scope(*connection.execute(_GET, {"setting": SETTING}).one())
