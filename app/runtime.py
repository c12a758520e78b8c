"""What an operation is given: a session, a clock, who acts, an engine. How a process assembles them is `factory.py`'s."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from app.bulk.choice import ONLINE, Settling
from app.core.clock import Clock, frozen_at, system_clock
from app.engine.matcher import Matcher, Trial, no_trial
from app.rulelang.facts import Catalogue
from app.store.scope import WHOLE, scope_of
from app.store.unit_of_work import unit_of_work


@dataclass(frozen=True)
class Context:
    """Everything an operation may use besides its arguments. Operations never look anywhere else."""

    session: Session
    clock: Clock
    actor: str
    matcher: Matcher
    catalogue: Catalogue
    trial: Trial = no_trial
    request: str | None = None
    # Whose data is read, and nobody else's; None works for the house.
    partner: str | None = None
    # What the hashes of API keys are keyed with, where a setting says it.
    key_pepper: str | None = field(default=None, repr=False)
    settling: Settling = ONLINE

    def now(self) -> datetime:
        """Return the instant this operation happens at."""
        return self.clock()

    def acting_as(self, actor: str) -> Context:
        """Return the same context for another actor."""
        return replace(self, actor=actor)

    def at(self, instant: datetime) -> Context:
        """Return the same context with the clock frozen at an instant."""
        return replace(self, clock=frozen_at(instant))

    @contextmanager
    def as_application(self) -> Iterator[Context]:
        """Give a context that sees and may do everything, for what has to be done before a partner can read.

        It has a session of its own in the same transaction: nothing that it loads is handed to the partner's.
        """
        with unit_of_work(self.session.connection(), WHOLE) as session:
            yield replace(self, session=session, partner=None)


@dataclass(frozen=True)
class Runtime:
    """What a process holds for its life: the database, an engine and the fact catalogue."""

    bind: Engine | Connection
    matcher: Matcher
    catalogue: Catalogue
    clock: Clock = system_clock
    trial: Trial = no_trial
    key_pepper: str | None = field(default=None, repr=False)
    settling: Settling = ONLINE

    @contextmanager
    def work(self, actor: str, request: str | None = None, partner: str | None = None) -> Iterator[Context]:
        """Give the context of one unit of work; it is committed when the block ends well. `request` is the id under
        which the log knows what asked for it.

        It happens at one instant, however long it takes: what it writes is known from the same moment on. With a
        partner, it reads what is that partner's and can write nothing.
        """
        with unit_of_work(self.bind, scope_of(partner)) as session:
            yield Context(
                session,
                frozen_at(self.clock()),
                actor,
                self.matcher,
                self.catalogue,
                self.trial,
                request,
                partner,
                self.key_pepper,
                self.settling,
            )
