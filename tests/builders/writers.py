"""Eight people who change one contract at the same moment, each in transactions of their own, and what they did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Barrier
from typing import Any

from sqlalchemy import select

from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.edit_version import edit_version
from app.contracts.operations.retire_version import retire_version
from app.contracts.operations.submit_version import submit_version
from app.conversions.operations.receive_conversions import receive_conversion
from app.core.errors import AppError
from app.runtime import Context, Runtime
from app.store.models import ContractVersion
from app.web.faults import as_app_error
from tests.builders.agreements import order, rules

STARTS = tuple(f"2040-{month:02}-01" for month in range(1, 9))
EVENTS = ("2039-12-31T12:00:00Z", "2040-01-15T12:00:00Z", "2040-04-15T12:00:00Z", "2040-09-15T12:00:00Z")
AGAIN = ("changed_meanwhile", "try_again", "overtaken", "revision_moved")
ATTEMPTS = 100


class RevisionMoved(AppError):
    """Somebody has edited the draft since it was read: what `If-Match` is for."""

    code = "revision_moved"
    kind = "conflict"


@dataclass
class Deeds:
    """What one person was told that they had done, how often they had to try again, and what they were refused."""

    edits: list[tuple[int, str]] = field(default_factory=list)
    approved: list[int] = field(default_factory=list)
    retired: list[int] = field(default_factory=list)
    conversions: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Writer:
    """One of the eight in one round: `shared` is the draft that all of them edit."""

    runtime: Runtime
    contract: str
    round: int
    place: int
    shared: int
    rng: Random
    deeds: Deeds = field(default_factory=Deeds)

    def work(self, barrier: Barrier) -> Deeds:
        """Do everything a round has for this one, beginning together with the others."""
        deeds = [self._edit_shared, self._agree, self._retire if self.place % 4 == 0 else self._convert]
        self.rng.shuffle(deeds)
        barrier.wait()
        for deed in deeds:
            deed()
        return self.deeds

    def _until_done(self, actor: str, step: Callable[[Context], Any]) -> Any:
        """Try again what others stood in the way of; None for what is refused for good. Anything else is a fault."""
        for _ in range(ATTEMPTS):
            try:
                with self.runtime.work(actor) as ctx:
                    return step(ctx)
            except Exception as error:
                refusal = as_app_error(error)
                if refusal is None:
                    raise
                if refusal.code not in AGAIN:
                    self.deeds.refused.append(refusal.code)
                    return None
                self.deeds.again.append(refusal.code)
        raise AssertionError(f"{actor} got no answer in {ATTEMPTS} attempts")

    def _edit_shared(self) -> None:
        value = str(self.round * 100 + self.place)

        def edit(ctx: Context) -> int:
            """Read the draft, and then edit what was read, as a client does who sends `If-Match`."""
            with self.runtime.work("reader") as reader:
                seen = _revision(reader, self.contract, self.shared)

            def check(version: ContractVersion) -> None:
                if version.revision != seen:
                    raise RevisionMoved("It has been edited since.")

            return edit_version(
                ctx,
                contract=self.contract,
                number=self.shared,
                effective_from="2050-01-01",
                value=value,
                rules=rules(flat("1")),
                check=check,
            ).revision

        revision = self._until_done(f"writer {self.place}", edit)
        if revision is not None:
            self.deeds.edits.append((revision, value))

    def _agree(self) -> None:
        start, pays = self.rng.choice(STARTS), str(1 + self.round * 8 + self.place)
        given = rules(flat(pays)) if self.rng.random() < 0.7 else {"payout": flat(pays)}

        def draft(ctx: Context) -> int:
            number = draft_version(ctx, contract=self.contract, effective_from=start, rules=given).number
            submit_version(ctx, contract=self.contract, number=number)
            return number

        number = self._until_done(f"writer {self.place}", draft)
        if number is None:
            return
        done = self._until_done(
            f"approver {self.place}", lambda ctx: approve_version(ctx, contract=self.contract, number=number)
        )
        if done is not None:
            self.deeds.approved.append(number)

    def _retire(self) -> None:
        with self.runtime.work("reader") as ctx:
            live = select(ContractVersion.number).where(
                ContractVersion.contract_id == self.contract,
                ContractVersion.number > 1,
                ContractVersion.recorded_at.is_not(None),
                ContractVersion.retired_at.is_(None),
            )
            numbers = list(ctx.session.scalars(live.order_by(ContractVersion.number)))
        if not numbers:
            return
        number = self.rng.choice(numbers)
        done = self._until_done(
            "auditor", lambda ctx: retire_version(ctx, contract=self.contract, number=number, reason="a mistake")
        )
        if done is not None:
            self.deeds.retired.append(number)

    def _convert(self) -> None:
        identifier = f"c{self.round}-{self.place}"
        body = order(identifier, self.rng.choice(EVENTS), "1.00", self.contract)
        body["program"] = program_of(self.contract)
        done = self._until_done("shop", lambda ctx: receive_conversion(ctx, body))
        assert done is not None, self.deeds.refused
        self.deeds.conversions.append(identifier)


def program_of(contract: str) -> str:
    """Return the program that a contract is the only one of."""
    return f"shop-{contract}"


def flat(amount: str) -> dict[str, Any]:
    """Return payout rules that pay an amount."""
    return {"kind": "payout", "on": "conversion", "hit": "first", "rules": [], "otherwise": {"flat": amount}}


def _revision(ctx: Context, contract: str, number: int) -> int:
    query = select(ContractVersion.revision).filter_by(contract_id=contract, number=number)
    return ctx.session.scalars(query).one()
