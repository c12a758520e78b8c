"""Whatever is ordered, returned, agreed, billed, taken back and closed, and in which order: the books tie out after each
step, by sums that are made here and not by the product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from app.billing.errors import ControlsDiffer
from app.billing.operations.cancel_run import cancel_run
from app.billing.operations.close_period import close_period
from app.billing.operations.compute_run import begin, propose
from app.billing.operations.open_run import open_run
from app.billing.operations.post_run import ask_posting, post_run
from app.billing.operations.reverse_run import reverse_run
from app.contracts.operations.create_contract import create_contract
from app.conversions.operations.correct_conversion import correct_conversion
from app.conversions.operations.receive_conversions import receive_conversion
from app.conversions.operations.reverse_conversion import reverse_conversion
from app.core.errors import AppError
from app.engine.reference import ReferenceMatcher
from app.partners.operations.create_partner import create_partner
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.scenarios.scratch import taken_back
from app.store.models import BillingRun
from tests.builders.agreements import agreed, order, rules, shop
from tests.builders.terms import instant

ZERO = Decimal(0)
CONTRACTS = ("acme", "globex")  # we pay the first, and the second one pays us
MONTHS = ("1997-07", "1997-08")
VALUES = ("0", "9.99", "60.00", "100.00")
TERMS: tuple[dict[str, Any], ...] = (
    {},
    {"hold_days": 5},
    {"lock": {"month_end_days": 10}},
    {"hold_days": 20, "lock": {"event_days": 10}, "after_lock": "release"},
)
PAYOUT = """
kind: payout
"on": conversion
hit: first
rules: []
otherwise:
  tiers:
    mode: volume
    by: {sum: order_value}
    window: month
    rate: percent
    steps: [{up_to: "120", unit: "10"}, {up_to: null, unit: "15"}]
bonuses: [{id: each, when: {always: true}, then: {flat: "0.50"}}]
limits: [{id: cap, measure: amount, per: contract, window: month, max: "50.00", over: partial}]
"""

_which = st.integers(0, 5)
_contract, _month, _value = st.sampled_from(CONTRACTS), st.sampled_from(MONTHS), st.sampled_from(VALUES)
_billed = st.sampled_from([*CONTRACTS, None])
CONVERT = st.tuples(st.just("convert"), _contract, st.sampled_from([3, 12, 19, 30, 31, 40]), _value)
STEPS = st.one_of(
    CONVERT,
    st.tuples(st.just("reverse"), _which, st.sampled_from([None, "9.99", "30.00"])),
    st.tuples(st.just("correct"), _which, _value),
    st.tuples(st.just("terms"), _contract, st.sampled_from(TERMS)),
    st.tuples(st.just("later"), st.integers(5, 25)),
    st.tuples(st.just("open"), _billed, _month),
    st.tuples(st.just("bill"), _billed, st.just(MONTHS[0])),
    st.tuples(st.just("bill"), _billed, _month),
    st.tuples(st.sampled_from(["compute", "cancel", "post", "take_back"]), _which),
    st.tuples(st.sampled_from(["post", "take_back_at_once"]), _which),
    st.tuples(st.just("close"), st.just(MONTHS[0])),
)


@dataclass
class Books:
    """A program with two contracts, what happened to it, and what has to stay as it was."""

    ctx: Context
    conversions: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    # By run, what was decided of each statement when it was computed, and what of that waited.
    known: dict[str, dict[str, tuple[Decimal, Decimal]]] = field(default_factory=dict)
    closed: dict[str, list[Any]] = field(default_factory=dict)

    def step(self, what: str, *how: Any) -> None:
        """Do one thing; what is refused changes nothing, and that runs do not tie out is no refusal."""
        savepoint = self.ctx.session.begin_nested()
        try:
            act: Callable[..., None] = getattr(self, what)
            act(*how)
            savepoint.commit()
        except ControlsDiffer:
            raise
        except AppError as refused:
            if refused.kind in ("fault", "unavailable"):
                raise
            savepoint.rollback()
            self.ctx.session.expire_all()

    def convert(self, contract: str, day: int, value: str) -> None:
        event, name = instant("1997-07-01T04:00:00Z") + timedelta(days=day), f"c{len(self.conversions)}"
        self.ctx = self.ctx.at(max(self.ctx.now(), event))
        receive_conversion(self.ctx, order(name, event.isoformat(), value, contract))
        self.conversions.append(name)

    def reverse(self, which: int, amount: str | None) -> None:
        name = self.conversions[which % len(self.conversions)] if self.conversions else "none"
        part: dict[str, Any] = {"full": True} if amount is None else {"amount": amount}
        number = self.of("SELECT count(*) FROM reversals")[0][0]
        body = {"id": f"r{number}", "reason": "RETURN", **part}
        reverse_conversion(self.ctx, body, program="shop", conversion=name)

    def correct(self, which: int, value: str) -> None:
        name = self.conversions[which % len(self.conversions)] if self.conversions else "none"
        body = {"facts": {"order_value": value}, "reason": "typed wrongly"}
        correct_conversion(self.ctx, body, program="shop", conversion=name)

    def terms(self, contract: str, settlement: dict[str, Any]) -> None:
        agreed(self.ctx, contract, "1997-01-01", rules=rules(PAYOUT), settlement=settlement)

    def later(self, days: int) -> None:
        self.ctx = self.ctx.at(self.ctx.now() + timedelta(days=days))

    def open(self, contract: str | None, month: str) -> None:
        of = {"program": "shop"} if contract is None else {"contract": contract}
        self.runs.append(open_run(self.ctx.acting_as("ann"), period=month, **of).id)

    def compute(self, which: int) -> None:
        run = self._run(which)
        if begin(self.ctx, run).state == "computing":
            propose(self.ctx, run)
            self.known[run] = {} if self._row(run).kind == "reversal" else self._known(run)

    def cancel(self, which: int) -> None:
        cancel_run(self.ctx, run=self._run(which))

    def post(self, which: int) -> None:
        run = self._run(which)
        ask_posting(self.ctx.acting_as("fay"), run=run)
        post_run(self.ctx.acting_as("worker"), run=run)
        for statement, (decided, waits) in self.known[run].items():
            posted, accrued = self.sums(statement)
            assert posted + accrued == decided, (statement, posted, accrued, decided)
            assert accrued == waits, (statement, accrued, waits)

    def take_back(self, which: int) -> None:
        self.runs.append(reverse_run(self.ctx.acting_as("ann"), run=self._run(which)).id)

    def take_back_at_once(self, which: int) -> None:
        self.take_back(which)
        self._finish_last()

    def bill(self, contract: str | None, month: str) -> None:
        self.open(contract, month)
        self._finish_last()

    def _finish_last(self) -> None:
        run = self.runs[-1]
        self.runs.remove(run)
        self.runs.insert(0, run)
        self.compute(0)
        self.post(0)

    def close(self, month: str) -> None:
        close_period(self.ctx, program="shop", period=month)
        self.closed[month] = self._booked(month)

    def _run(self, which: int) -> str:
        return self.runs[which % len(self.runs)] if self.runs else "none"

    def _row(self, run: str) -> BillingRun:
        found = self.ctx.session.get(BillingRun, run)
        assert found is not None
        return found

    def _known(self, run: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Work out what a run should leave on each statement, and accrued beside it."""
        row, found = self._row(run), {}
        for contract in CONTRACTS if row.contract_id is None else (row.contract_id,):
            statement = f"{contract}/{row.period}"
            stands = {
                name
                for name, amount in self.of(
                    "SELECT conversion_id, sum(amount) FROM statement_lines WHERE statement_id = :of"
                    " GROUP BY conversion_id, rule, part",
                    of=statement,
                )
                if amount
            }
            decided = waits = ZERO
            for name, event_at, record, held_until, locks_at in self.of(
                "SELECT conversion_id, event_at, record, held_until, locks_at FROM decisions"
                " WHERE contract_id = :of AND retired_at IS NULL AND outcome = 'rated'",
                of=contract,
            ):
                month = (event_at - timedelta(hours=4)).strftime("%Y-%m")
                amount = sum((Decimal(line["amount"]) for line in record["lines"]), ZERO)
                is_due = all(at is None or at <= self.ctx.now() for at in (held_until, locks_at))
                if month == row.period:
                    decided += amount
                    waits += ZERO if is_due or name in stands else amount
            found[statement] = (decided, waits)
        return found

    def of(self, query: str, **given: Any) -> list[Any]:
        return list(self.ctx.session.execute(text(query), given))

    def sums(self, statement: str) -> tuple[Decimal, Decimal]:
        posted, accrued = (
            self.of(f"SELECT coalesce(sum(amount), 0) FROM {table} WHERE statement_id = :of", of=statement)[0][0]
            for table in ("statement_lines", "accrual_lines")
        )
        return posted, accrued

    def _booked(self, month: str) -> list[Any]:
        return self.of(
            "SELECT posting_id, line_id, account, debit, credit FROM journal_legs WHERE accounting_period <= :of"
            " ORDER BY line_id, leg",
            of=month,
        )

    def check(self) -> None:
        """Hold the books to what is true of them at any time."""
        legs = self.of("SELECT posting_id, sum(debit), sum(credit), count(*) FROM journal_legs GROUP BY 1")
        assert all(debit == credit for _, debit, credit, _ in legs)
        lines = self.of("SELECT (SELECT count(*) FROM statement_lines) + (SELECT count(*) FROM accrual_lines)")
        assert sum(count for *_, count in legs) == 2 * lines[0][0]
        for statement, posted in self.of("SELECT statement_id, sum(amount) FROM postings GROUP BY 1"):
            assert posted == self.sums(statement)[0]
        accounts = dict(self.of("SELECT account, sum(debit - credit) FROM journal_legs GROUP BY 1"))
        for contract, owed, accrued, sign in (
            ("acme", "liabilities:payable", "liabilities:accrued", -1),
            ("globex", "assets:receivable", "assets:accrued", 1),
        ):
            both = [self.sums(f"{contract}/{month}") for month in MONTHS]
            assert sign * accounts.get(owed, ZERO) == sum((posted for posted, _ in both), ZERO)
            assert sign * accounts.get(accrued, ZERO) == sum((waiting for _, waiting in both), ZERO)
            paid = self.of(
                "SELECT sum(p.to_pay), (array_agg(p.carried_forward ORDER BY p.position DESC))[1] FROM postings p"
                " JOIN statements s ON s.id = p.statement_id WHERE s.contract_id = :of",
                of=contract,
            )[0]
            assert (paid[0] or ZERO) + (paid[1] or ZERO) == sum((posted for posted, _ in both), ZERO)
        for month, booked in self.closed.items():
            assert self._booked(month) == booked
        nets = self.of(
            "SELECT r.id, sum(p.amount) FROM billing_runs r JOIN postings p ON p.run_id IN (r.id, r.reverses)"
            " WHERE r.kind = 'reversal' AND r.state = 'posted' GROUP BY 1"
        )
        assert all(net == ZERO for _, net in nets)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=st.lists(CONVERT, min_size=2, max_size=4), steps=st.lists(STEPS, min_size=8, max_size=14))
def test_the_books_tie_out_after_each_step(
    connection: Connection, catalogue: Catalogue, orders: list[tuple[Any, ...]], steps: list[tuple[Any, ...]]
) -> None:
    with taken_back(connection), Runtime(connection, ReferenceMatcher(), catalogue).work("tester") as ctx:
        then = ctx.at(instant("1997-07-20T12:00:00Z"))
        shop(then, "acme")
        create_partner(then, id="globex")
        create_contract(then, id="globex", program="shop", partner="globex", direction="receivable")
        books = Books(then)
        for contract, settlement in (("acme", {}), ("globex", {"lock": {"month_end_days": 10}})):
            books.terms(contract, settlement)
        for what, *how in (*orders, *steps):
            books.step(what, *how)
            books.check()
