"""Which programs settle together: a limit per partner is on all contracts of the partner in one currency, those with
other programs too. What is decided under it is not known here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from sqlalchemy.orm import Session

from app.contracts.repository import contracts_under_partner_limits
from app.partners.repository import program_named
from app.store.models import Contract


@dataclass(frozen=True, slots=True)
class Linked:
    """Programs that limits link, in order of id, and for each contract under such a limit those that it shares it with,
    itself among them. A program without such limits is linked with itself alone."""

    programs: tuple[str, ...]
    accounts: Mapping[str, frozenset[str]]


class _Moved(Exception):
    """The programs that are linked have changed while their locks were waited for."""


def linked_programs(session: Session, programs: Iterable[str], joining: Contract | None = None) -> Linked:
    """Return everything that limits link with some programs, by way of however many partners. A contract that is
    `joining` counts as if what is drafted of it were approved."""
    by_account: dict[tuple[str, str, str], list[Contract]] = {}
    for contract in contracts_under_partner_limits(session, None if joining is None else joining.id):
        by_account.setdefault((contract.partner_id, contract.currency, contract.direction), []).append(contract)
    groups = [frozenset(contract.program_id for contract in account) for account in by_account.values()]
    reached = _reached(frozenset(programs), groups)
    accounts = {
        contract.id: frozenset(other.id for other in account)
        for account in by_account.values()
        for contract in account
        if contract.program_id in reached
    }
    return Linked(tuple(sorted(reached)), accounts)


def lock_linked(session: Session, programs: Iterable[str], joining: Contract | None = None) -> Linked:
    """Wait until nobody else is changing what belongs to these programs or to any that limits link with them.

    Locks are taken in order of id, by everybody, so nobody waits for somebody who waits for him. A link comes to be under
    the locks of all that it links (approving rules takes them), so none can come to be while one of them is held. One that
    came to be while a lock was waited for is found then, and all is begun again.
    """
    asked = tuple(programs)
    while True:
        seen = linked_programs(session, asked, joining)
        try:
            with session.begin_nested():
                for program in seen.programs:
                    program_named(session, program, lock=True)
                found = linked_programs(session, asked, joining)
                if found.programs != seen.programs:
                    raise _Moved  # going back to the savepoint gives the locks up
                return found
        except _Moved:
            continue


def _reached(programs: frozenset[str], groups: Collection[frozenset[str]]) -> frozenset[str]:
    while True:
        more = programs.union(chain.from_iterable(group for group in groups if group & programs))
        if more == programs:
            return programs
        programs = more
