"""Which programs a limit per partner links, and that their locks are taken together however links come to be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import text

from app.contracts.linked_programs import linked_programs, lock_linked
from app.contracts.operations.create_contract import create_contract
from app.contracts.operations.draft_version import draft_version
from app.contracts.repository import contract_named
from app.engine.reference import ReferenceMatcher
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.partners.repository import program_named
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from tests.builders.agreements import agreed, percent, rules
from tests.builders.own_database import own_database

LIMITED = {
    **percent("5"),
    "limits": [{"id": "all", "measure": "amount", "per": "partner", "window": "day", "max": "9", "over": "zero"}],
}


def stage(ctx: Context, *contracts: tuple[str, str, str], **more: Any) -> None:
    """Create contracts `(id, program, partner)`, with their programs and partners."""
    for program in sorted({program for _, program, _ in contracts}):
        create_program(ctx, id=program, currency="EUR" if program == "euros" else "USD", timezone="UTC")
    for partner in sorted({partner for _, _, partner in contracts}):
        create_partner(ctx, id=partner)
    for contract, program, partner in contracts:
        create_contract(ctx, id=contract, program=program, partner=partner, **more.get(contract, {}))


def in_force(ctx: Context, contract: str, payout: dict[str, Any]) -> None:
    agreed(ctx, contract, "2020-01-01", rules=rules(payout))


def test_a_limit_per_partner_links_the_programs_of_the_partner_and_theirs(ctx: Context) -> None:
    stage(
        ctx,
        ("a1", "p1", "a"),
        ("a2", "p2", "a"),
        ("b2", "p2", "b"),
        ("b3", "p3", "b"),
        ("c3", "p3", "c"),
        ("c4", "p4", "c"),
    )
    for contract, payout in (
        ("a1", LIMITED),
        ("a2", percent("5")),
        ("b2", percent("5")),
        ("b3", LIMITED),
        ("c3", percent("5")),
        ("c4", percent("5")),
    ):
        in_force(ctx, contract, payout)
    for program in ("p1", "p2", "p3"):
        linked = linked_programs(ctx.session, [program])
        assert linked.programs == ("p1", "p2", "p3")
        assert linked.accounts == {name: frozenset(pair) for pair in (("a1", "a2"), ("b2", "b3")) for name in pair}
    alone = linked_programs(ctx.session, ["p4"])
    assert (alone.programs, alone.accounts) == (("p4",), {})
    assert linked_programs(ctx.session, ["p4", "p1"]).programs == ("p1", "p2", "p3", "p4")  # fmt: skip


def test_another_currency_or_direction_is_another_account(ctx: Context) -> None:
    stage(
        ctx,
        ("usd", "p1", "a"),
        ("eur", "euros", "a"),
        ("they_pay", "p3", "a"),
        they_pay={"direction": "receivable"},
    )
    for contract in ("usd", "eur", "they_pay"):
        in_force(ctx, contract, LIMITED)
    for program in ("p1", "euros", "p3"):
        assert linked_programs(ctx.session, [program]).programs == (program,)


def test_drafts_link_nothing_until_they_are_about_to_be_approved(ctx: Context) -> None:
    stage(ctx, ("a1", "p1", "a"), ("a2", "p2", "a"))
    in_force(ctx, "a1", percent("5"))
    draft_version(ctx, contract="a2", effective_from="2020-01-01", rules=rules(LIMITED), backdated="restate")
    assert linked_programs(ctx.session, ["p1"]).programs == ("p1",)
    joining = contract_named(ctx.session, "a2")
    assert linked_programs(ctx.session, ["p2"], joining).programs == ("p1", "p2")
    in_force(ctx, "a2", LIMITED)
    assert linked_programs(ctx.session, ["p1"]).programs == ("p1", "p2")


@pytest.mark.parametrize("asked", [["p1"], ["p2"], ["p2", "p1"]])
def test_a_link_that_comes_to_be_while_a_lock_is_waited_for_is_found(
    server_url: str, catalogue: Catalogue, asked: list[str]
) -> None:
    with own_database(server_url, pool_size=5) as engine, ThreadPoolExecutor(1) as pool:
        runtime = Runtime(engine, ReferenceMatcher(), catalogue)
        with runtime.work("tester") as ctx:
            stage(ctx, ("a1", "p1", "a"), ("a2", "p2", "a"))
            in_force(ctx, "a2", percent("5"))
        begun = Event()

        def wait() -> tuple[str, ...]:
            with runtime.work("second") as second:
                begun.set()
                found = lock_linked(second.session, asked).programs
                with runtime.work("third") as third:
                    for program in found:
                        held = text("SELECT 1 FROM programs WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED")
                        assert third.session.execute(held, {"id": program}).first() is None, program
                return found

        with runtime.work("first") as first:
            for program in ("p1", "p2"):
                program_named(first.session, program, lock=True)
            waiting = pool.submit(wait)
            begun.wait()
            _until_somebody_waits(runtime)
            in_force(first, "a1", LIMITED)
        assert waiting.result() == ("p1", "p2")


def _until_somebody_waits(runtime: Runtime) -> None:
    waits = text("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
    for _ in range(1000):
        with runtime.work("observer") as ctx:
            if ctx.session.execute(waits).first() is not None:
                return
    raise AssertionError("nobody waits")
