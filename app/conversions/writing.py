"""Writing decisions down: those that are new or came out differently, whichever engine made them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.bulk.choice import SettlingEngine
from app.conversions.mapping import decision_row
from app.conversions.repository import Pending, add_decisions, retire_decisions, take_off
from app.engine.decision import Decision, digest_of
from app.engine.factsheet import Conversion
from app.runtime import Context

Progress = Callable[[int], None]
Decided = tuple[Pending, Conversion, Mapping[str | None, Decision]]
"""A conversion as it is stored, as it was decided, and the decisions on it by partner."""


@dataclass(slots=True)
class Settled:
    """What settling did: how many conversions it looked at, and how many decisions are new or changed."""

    looked_at: int = 0
    decided: int = 0
    changed: int = 0
    # Which engine decided, if anything was to be decided, and why not the one that was wanted.
    engine: SettlingEngine | None = None
    because: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        return {"looked_at": self.looked_at, "decided": self.decided, "changed": self.changed}


class Writer:
    """Keeps decisions of programs, and counts what became of them."""

    def __init__(self, ctx: Context, programs: Iterable[str], progress: Progress | None = None) -> None:
        self.ctx = ctx
        self.progress = progress
        self.settled = {program: Settled() for program in programs}

    def begin_again(self) -> None:
        """Forget what was counted: what was written is taken back."""
        self.settled = {program: Settled() for program in self.settled}

    def write(self, decided: Sequence[Decided]) -> None:
        """Keep the decisions that are new or came out differently, and note that all of these are settled."""
        now = _instant_of(self.ctx, [one for one, _, _ in decided])
        rows: list[tuple[Any, ...]] = []
        retired: list[str] = []
        for one, conversion, decisions in decided:
            counts = self.settled[one.program]
            counts.looked_at += 1
            stale = {partner: stored for partner, stored in one.stored.items() if partner not in decisions}
            for partner, decision in decisions.items():
                content = decision.as_dict()
                stored = one.stored.get(partner)
                if stored is not None and stored.digest == digest_of(content):
                    continue
                if stored is not None:
                    stale[partner] = stored
                counts.changed += stored is not None
                counts.decided += stored is None
                rows.append(decision_row(one, conversion, partner, decision, content, now))
            retired += [stored.id for stored in stale.values()]
        retire_decisions(self.ctx.session, retired, now)
        add_decisions(self.ctx.session, rows)
        for program in self.settled:
            mine = [one.id for one, _, _ in decided if one.is_unsettled and one.program == program]
            take_off(self.ctx.session, program, mine)
        if self.progress is not None and decided:
            self.progress(len(decided))


def _instant_of(ctx: Context, pending: Sequence[Pending]) -> datetime:
    """Return the instant these decisions are made at: never before those whose place they take, though this unit of work
    may have begun before theirs and waited for them."""
    return max([ctx.now(), *(stored.decided_at for one in pending for stored in one.stored.values())])
