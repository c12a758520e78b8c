"""Sixteen workers at once on one limit that is nearly used: it is never passed, at no moment that anybody can see, and
what it leaves is paid to the cent. `--runs N` plays N rounds, `--seed` says where they begin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import text

from app.contracts.operations.create_contract import create_contract
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import current_records
from app.engine.reference import ReferenceMatcher
from app.partners.operations.create_program import create_program
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from tests.builders.agreements import agreed, rules, shop
from tests.builders.own_database import own_database
from tests.builders.random_limits import deal_of, facts_of, payout_of
from tests.independent.limits import Deal, Sale, decided

D = Decimal
WORKERS, ROUNDS = 16, 15
ZONE, BEGAN = "UTC", date(2020, 1, 1)


def limit(over: Any, most: str = "10.00", measure: str = "amount", per: str = "contract") -> dict[str, Any]:
    return {"id": "cap", "measure": measure, "per": per, "window": "day", "max": most, "over": over}


@dataclass(frozen=True)
class Arena:
    """Contracts that share a limit, with the program of each."""

    name: str
    limit: dict[str, Any]
    contracts: tuple[tuple[str, str], ...]


ARENAS = (
    Arena("cut", limit("partial"), (("cut", "cut-shop"),)),
    Arena("whole", limit("reject"), (("whole", "whole-shop"),)),
    Arena("few", limit("zero", "5", "count"), (("few", "few-shop"),)),
    Arena("less", limit({"fallback": {"flat": "0.10"}}), (("less", "less-shop"),)),
    # The second program comes first by its id, and half of all conversions come in by it.
    Arena("both", limit("partial", per="partner"), (("both", "both-shop"), ("both-too", "a-shop"))),
)


@pytest.fixture
def runtime(server_url: str, catalogue: Catalogue) -> Iterator[Runtime]:
    with own_database(server_url, pool_size=2 * WORKERS) as engine:
        runtime = Runtime(engine, ReferenceMatcher(), catalogue)
        for arena in ARENAS:
            with runtime.work("tester") as ctx:
                shop(ctx, arena.name, program=arena.contracts[0][1], timezone=ZONE)
                for contract, program in arena.contracts[1:]:
                    create_program(ctx, id=program, currency="USD", timezone=ZONE)
                    create_contract(ctx, id=contract, program=program, partner=arena.name)
                for contract, _ in arena.contracts:
                    agreed(ctx, contract, BEGAN.isoformat(), rules=rules(payout_of([arena.limit])))
        yield runtime


def test_a_nearly_used_limit_is_never_passed_and_never_left_unused(
    runtime: Runtime, request: pytest.FixtureRequest
) -> None:
    rounds = request.config.getoption("--runs") or ROUNDS
    rng = Random(request.config.getoption("--seed") or 20261125)
    told: Counter[str] = Counter()
    with ThreadPoolExecutor(WORKERS + 1) as pool:
        for number in range(rounds):
            told += _round(runtime, pool, ARENAS[number % len(ARENAS)], BEGAN + timedelta(days=number), rng)
    print(f"{rounds} rounds: {dict(sorted(told.items()))}")
    assert told["accepted"] == rounds * (WORKERS - 1)
    assert told["duplicate"] == rounds
    assert told["seen"] > rounds, "nobody ever looked while others worked"
    assert told["reached"] > rounds, "the limits were never reached"


def _round(runtime: Runtime, pool: ThreadPoolExecutor, arena: Arena, day: date, rng: Random) -> Counter[str]:
    """Let all workers send a conversion of one day at once, one of them what another one sends, and look at the sums
    that are visible meanwhile."""
    first = _sale(arena, day, "first", rng, amount="7.00" if arena.limit["measure"] == "amount" else "1.00")
    sales = [_sale(arena, day, f"w{place:02}", rng) for place in range(WORKERS - 1)]
    _send(runtime, [first])
    barrier, done = Barrier(WORKERS + 1), Event()
    looking = pool.submit(_look, runtime, arena, day, barrier, done)
    sent = [pool.submit(_send, runtime, [sale], barrier) for sale in [*sales, sales[0]]]
    told = Counter(status for future in sent for status in future.result())
    done.set()
    told["seen"] = looking.result()
    expected = decided([first, *sales], {contract: _deal(arena) for contract, _ in arena.contracts})
    found = _decisions(runtime, arena, [sale.id for sale in (first, *sales)])
    assert found == {one.sale.id: (one.outcome, one.lines) for one in expected}
    paid = sum((sum(lines, D(0)) for _, lines in found.values()), D(0))
    if arena.limit["over"] == "partial":
        due = sum((sale.due[0] for sale in (first, *sales)), D(0))
        assert paid == min(due, D(arena.limit["max"]))
    told["reached"] = sum(bool(one.reached) for one in expected)
    return told


def _sale(arena: Arena, day: date, name: str, rng: Random, amount: str | None = None) -> Sale:
    contract, program = rng.choice(arena.contracts) if amount is None else arena.contracts[0]
    at = datetime.combine(day, time(rng.randrange(24), rng.randrange(4)), UTC)
    due = amount or rng.choice(("0.40", "0.99", "1.00", "1.50", "2.00"))
    return Sale(f"{day}-{name}", program, contract, at, rng.choice(("ann", "bob")), (D(due),))


def _deal(arena: Arena) -> Deal:
    return deal_of([arena.limit], partner=arena.name, zone=ZONE)


def _send(runtime: Runtime, sales: list[Sale], barrier: Barrier | None = None) -> list[str]:
    """Send conversions in a transaction of one's own. Nobody is ever asked to try again."""
    bodies = [
        {
            "id": sale.id,
            "program": sale.program,
            "event_at": sale.at.isoformat(),
            "partner": _partner(sale.deal),
            "facts": facts_of(sale),
        }
        for sale in sales
    ]
    if barrier is not None:
        barrier.wait()
    with runtime.work("shop") as ctx:
        receipts = receive_conversions(ctx, bodies)
        assert all(receipt.problem is None for receipt in receipts), receipts
        return [receipt.status for receipt in receipts]


def _partner(contract: str) -> str:
    return next(arena.name for arena in ARENAS for known, _ in arena.contracts if known == contract)


# What counts under the limit, as anybody reads it at one moment: money, or conversions that money was paid for.
_USED = text(
    """
    SELECT coalesce(sum(d.amount), 0), count(*) FILTER (WHERE d.amount > 0) FROM decisions d
    WHERE d.contract_id = ANY (:contracts) AND d.retired_at IS NULL AND d.outcome = 'rated'
      AND d.event_at >= :start AND d.event_at < :end AND d.record -> 'lines' -> 0 ->> 'part' IS NULL
    """
)


def _look(runtime: Runtime, arena: Arena, day: date, barrier: Barrier, done: Event) -> int:
    """Read again and again what is used of the limit, until all is done; return how often."""
    start = datetime.combine(day, time(0), UTC)
    names = [contract for contract, _ in arena.contracts]
    looked = 0
    barrier.wait()
    while not done.is_set() or not looked:
        with runtime.work("auditor") as ctx:
            given = {"contracts": names, "start": start, "end": start + timedelta(days=1)}
            amount, count = ctx.session.execute(_USED, given).one()
        used = count if arena.limit["measure"] == "count" else amount
        assert used <= D(arena.limit["max"]), (arena.name, day, used)
        looked += 1
        done.wait(0.005)
    return looked


def _decisions(runtime: Runtime, arena: Arena, names: list[str]) -> dict[str, tuple[str, list[Decimal]]]:
    """Return what stands in the end: there is nothing left to settle."""
    found = {}
    with runtime.work("auditor") as ctx:
        for _, program in arena.contracts:
            assert settle_program(ctx, program).looked_at == 0
            for name, _, record in current_records(ctx.session, program, names):
                found[name] = (record["outcome"], [D(line["amount"]) for line in record["lines"]])
    return found
