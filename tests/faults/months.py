"""Months to bill under faults: a shop with three partners, orders of theirs, and everything that billing made of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, text

from app.adapters.fact_files import shipped_catalogue
from app.billing.operations.open_run import open_run
from app.billing.operations.post_run import ask_posting
from app.billing.run_repository import run_named
from app.billing.tasks import hand_over
from app.bulk.choice import SettlingEngine
from app.core.clock import frozen_at
from app.engine.reference import ReferenceMatcher
from app.runtime import Runtime
from tests.builders.agreements import agreed, order, percent, rules, shop
from tests.builders.terms import instant

CATALOGUE = shipped_catalogue()
# Held for ten years, an order of these months waits whenever this is run; workers have the system's clock.
NOW, HELD = instant("2026-01-05T12:00:00Z"), {"hold_days": 3_660}


def runtime_on(engine: Engine, now: datetime = NOW) -> Runtime:
    """Return a process on a database, whose clock stands still."""
    return Runtime(engine, ReferenceMatcher(), CATALOGUE, frozen_at(now))


def stage(engine: Engine) -> None:
    """Agree with three partners: at 6 % with a cap a month, at 5 % with orders that lock much later, and in two tiers."""
    cap = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "100.00", "over": "partial"}
    steps = [{"up_to": "500", "unit": "3"}, {"up_to": None, "unit": "7"}]
    tiers = {"mode": "graduated", "by": {"sum": "order_value"}, "window": "month", "rate": "percent", "steps": steps}
    with runtime_on(engine, instant("1999-12-01T00:00:00Z")).work("ann") as ctx:
        shop(ctx, "acme", "bolt", "cord")
        agreed(ctx, "acme", "2000-01-01", rules=rules({**percent("6"), "limits": [cap]}))
        agreed(ctx, "bolt", "2000-01-01", rules=rules(percent("5")), settlement=HELD)
        agreed(ctx, "cord", "2000-01-01", rules=rules({**percent("6"), "otherwise": {"tiers": tiers}}))


def month_numbered(number: int) -> str:
    """Return a month of the years 2020 to 2025; after them it is the first one again."""
    return f"{2020 + number // 12 % 6}-{number % 12 + 1:02}"


def orders(month: str, count: int, name: str = "o") -> list[dict[str, Any]]:
    """Return orders of a month for the three, of amounts that do not come out even."""
    first = instant(f"{month}-02T00:00:00Z")
    partners = ("acme", "bolt", "cord")
    return [
        order(
            f"{name}-{month}-{number:03}",
            (first + timedelta(minutes=97 * number)).isoformat(),
            str(Decimal(number * 37 % 9000) / 100 + 1),
            partners[number % 3],
        )
        for number in range(count)
    ]


def queue_run(engine: Engine, month: str, settled_by: SettlingEngine = "online") -> str:
    """Open a run over the program, to be settled by an engine, and queue its computation."""
    with runtime_on(engine).work("ann") as ctx:
        return hand_over(ctx, open_run(ctx, program="shop", period=month, engine=settled_by)).id


def queue_posting(engine: Engine, run: str) -> None:
    """Have a run posted."""
    with runtime_on(engine).work("fay") as ctx:
        hand_over(ctx, ask_posting(ctx, run=run))


def state_of(engine: Engine, run: str) -> str:
    """Return where a run is."""
    with runtime_on(engine).work("eve") as ctx:
        return run_named(ctx.session, run).state


BOOKED = (
    "SELECT id, statement_id, posting_id, conversion_id, decision_id, rule, part, formula, amount_precise, amount, corrects"
    " FROM statement_lines WHERE statement_id LIKE :like ORDER BY statement_id, position",
    "SELECT id, statement_id, posting_id, conversion_id, decision_id, rule, part, amount"
    " FROM accrual_lines WHERE statement_id LIKE :like ORDER BY statement_id, position",
    "SELECT id, statement_id, run_id, number, accounting_period, posted_by, lines, amount, brought_forward, to_pay,"
    " carried_forward FROM postings WHERE statement_id LIKE :like ORDER BY id",
    "SELECT id, currency FROM statements WHERE id LIKE :like ORDER BY id",
    "SELECT line_id, leg, account, debit, credit, accounting_period FROM journal_legs WHERE statement_id LIKE :like"
    " ORDER BY line_id, leg",
)


def booked(engine: Engine, month: str) -> bytes:
    """Return everything that is booked of a month, in order, as bytes."""
    with engine.connect() as connection:
        found = [
            "\n".join(map(repr, connection.execute(text(query), {"like": f"%/{month}"}).all())) for query in BOOKED
        ]
    return "\n\n".join(found).encode()


def left_over(engine: Engine) -> int:
    """Return how many proposals and open jobs there are."""
    with engine.connect() as connection:
        return sum(
            connection.scalar(text(query)) or 0
            for query in (
                "SELECT count(*) FROM proposed_lines",
                "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')",
            )
        )
