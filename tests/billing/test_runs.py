"""What becomes of a billing run: computed by one, posted by another, given up, taken back; and of closed books."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from app.billing.errors import (
    ControlsDiffer,
    PeriodClosedAlready,
    PeriodNotOver,
    RunElsewhere,
    RunOpenAlready,
    RunOutdated,
    RunStopped,
    SelfPosting,
)
from app.billing.operations.bill_at_once import bill_at_once
from app.billing.operations.cancel_run import cancel_run
from app.billing.operations.close_period import close_period
from app.billing.operations.compute_run import begin, compute_run, end, propose
from app.billing.operations.open_run import open_run
from app.billing.operations.post_run import ask_posting, post_run
from app.billing.operations.reverse_run import reverse_run
from app.billing.repository import lines_after, totals
from app.billing.run_repository import add_run, proposed_lines, proposed_statements, run_named
from app.contracts.operations.create_contract import create_contract
from app.conversions.operations.receive_conversions import receive_conversion
from app.conversions.operations.reverse_conversion import reverse_conversion
from app.conversions.operations.settle_program import settle_program
from app.partners.operations.create_partner import create_partner
from app.runtime import Context, Runtime
from tests.builders.agreements import agreed, order, percent, rules, shop
from tests.builders.owner import as_owner
from tests.builders.terms import instant

D = Decimal
JULY = "1997-07"
LOCK = {"lock": {"month_end_days": 10}}


@pytest.fixture
def books(ctx: Context) -> Context:
    """Ann in early August 1997, with two orders of acme in July that pay 6.00 and 3.00, at 6 %."""
    then = ctx.at(instant("1997-08-05T12:00:00Z")).acting_as("ann")
    shop(then, "acme", "globex")
    agreed(then, "acme", "1997-01-01", rules=rules(percent("6")))
    agreed(then, "globex", "1997-01-01", rules=rules(percent("10")), settlement=LOCK)
    for name, value in (("o1", "100.00"), ("o2", "50.00")):
        receive_conversion(then, order(name, "1997-07-02T10:00:00Z", value))
    return then


def computed(ctx: Context, **of: Any) -> str:
    """Open a run and compute it."""
    run = open_run(ctx, period=JULY, **(of or {"contract": "acme"})).id
    begin(ctx, run)
    propose(ctx, run)
    return run


def posted(ctx: Context, run: str, by: str = "fay") -> None:
    ask_posting(ctx.acting_as(by), run=run)
    post_run(ctx.acting_as("worker"), run=run)


def statement_totals(ctx: Context) -> dict[str, tuple[int, Decimal]]:
    return {each.statement.id: (each.lines, each.amount) for each in totals(ctx.session)}


def accounts(ctx: Context) -> dict[tuple[str, str], Decimal]:
    """The balance of each account by accounting period, debits positive."""
    query = text(
        "SELECT accounting_period, account, sum(debit - credit) FROM journal_legs GROUP BY 1, 2 HAVING sum(debit - credit) <> 0"
    )
    return {(row[0], row[1]): row[2] for row in ctx.session.execute(query)}


def is_balanced(ctx: Context) -> bool:
    query = text(
        "SELECT count(*) FROM (SELECT line_id FROM journal_legs GROUP BY line_id, posting_id HAVING sum(debit) <> sum(credit)) u"
    )
    return ctx.session.scalar(query) == 0


def test_nothing_is_posted_before_another_has_looked(books: Context) -> None:
    run = computed(books)
    (proposed,) = proposed_statements(books.session, run)
    assert (proposed.lines, proposed.amount, run_named(books.session, run).state) == (2, D("9.00"), "ready")
    assert [line.amount for line in proposed_lines(books.session, run, None, None)] == [D("6.00"), D("3.00")]
    assert statement_totals(books) == {}
    with pytest.raises(SelfPosting, match="ann opened the run"):
        ask_posting(books, run=run)
    with pytest.raises(RunElsewhere, match="nobody has asked"):
        post_run(books.acting_as("fay"), run=run)
    posted(books, run)
    assert statement_totals(books) == {"acme/1997-07": (2, D("9.00"))}
    assert (run_named(books.session, run).posted_by, list(proposed_lines(books.session, run, None, None))) == (
        "fay",
        [],
    )
    post_run(books, run=run)  # a worker that did not know that it had
    assert statement_totals(books) == {"acme/1997-07": (2, D("9.00"))}


def test_a_run_posts_what_was_looked_at_and_the_next_what_came_since(books: Context) -> None:
    run = computed(books)
    receive_conversion(books, order("late", "1997-07-31T10:00:00Z", "10.00"))
    reverse_conversion(books, {"id": "r", "reason": "RETURN", "full": True}, program="shop", conversion="o2")
    posted(books, run)
    assert statement_totals(books) == {"acme/1997-07": (2, D("9.00"))}
    following = computed(books)
    lines = proposed_lines(books.session, following, None, None)
    assert [(line.conversion_id, line.amount, line.corrects is None) for line in lines] == [
        ("o2", D("-3.00"), False),
        ("late", D("0.60"), True),
    ]


def test_what_is_billed_by_an_open_run_is_not_billed_beside_it(books: Context) -> None:
    run = open_run(books, period=JULY, contract="acme").id
    for of in ({"contract": "acme"}, {"program": "shop"}):
        with pytest.raises(RunOpenAlready, match=run):
            open_run(books, period=JULY, **of)
    assert open_run(books, period=JULY, contract="globex").state == "queued"
    assert open_run(books, period="1997-06", contract="acme").state == "queued"
    cancel_run(books, run=run)
    assert open_run(books, period=JULY, contract="acme").id != run


def test_a_run_is_outdated_once_its_statement_was_posted_to(books: Context) -> None:
    run = computed(books)
    # By a run that was opened in the same moment, which no look-up could have seen.
    other = computed_beside(books, run)
    posted(books, other)
    ask_posting(books.acting_as("fay"), run=run)
    with pytest.raises(RunOutdated, match="acme/1997-07 was posted to since"):
        post_run(books.acting_as("fay"), run=run)
    assert statement_totals(books) == {"acme/1997-07": (2, D("9.00"))}


def computed_beside(ctx: Context, run: str) -> str:
    """A run over the program, while one over a contract of it is open: as two that began at the same moment."""
    add_run(
        ctx.session,
        id="run_beside",
        kind="bill",
        program_id="shop",
        contract_id=None,
        period=JULY,
        reverses=None,
        opened_by=ctx.actor,
        opened_at=ctx.now(),
    )
    begin(ctx, "run_beside")
    propose(ctx, "run_beside")
    return "run_beside"


def test_a_program_is_billed_with_all_its_contracts_and_what_waits_is_accrued(books: Context) -> None:
    receive_conversion(books, order("g1", "1997-07-03T10:00:00Z", "40.00", "globex"))
    run = computed(books, program="shop")
    found = {each.contract_id: each for each in proposed_statements(books.session, run)}
    assert {name: (each.lines, each.amount, each.accrued) for name, each in found.items()} == {
        "acme": (2, D("9.00"), D(0)),
        "globex": (0, D(0), D("4.00")),
    }
    assert run_named(books.session, run).controls == {
        "lines": 2,
        "accruals": 1,
        "conversions": {"received": 3, "decided": 3},
        "decisions": {"rated": 3},
        "money": {"USD": {"decided": "13", "posted_before": "0", "proposed": "9", "waiting": "4"}},
    }
    posted(books, run)
    assert accounts(books) == {
        ("1997-07", "expenses:partners"): D("13.00"),
        ("1997-07", "liabilities:payable"): D("-9.00"),
        ("1997-07", "liabilities:accrued"): D("-4.00"),
    }
    # It locks on 10 August: what was accrued becomes a line, in the books of July, which are open.
    later = books.at(instant("1997-08-11T12:00:00Z"))
    bill_at_once(later, period=JULY, contract="globex", poster="fay")
    assert accounts(later) == {
        ("1997-07", "expenses:partners"): D("13.00"),
        ("1997-07", "liabilities:payable"): D("-13.00"),
    }
    assert is_balanced(later)


def test_what_is_accrued_and_comes_to_nothing_is_taken_back(books: Context) -> None:
    receive_conversion(books, order("g1", "1997-07-03T10:00:00Z", "40.00", "globex"))
    bill_at_once(books, period=JULY, contract="globex", poster="fay")
    reverse_conversion(books, {"id": "r", "reason": "RETURN", "full": True}, program="shop", conversion="g1")
    bill_at_once(books, period=JULY, contract="globex", poster="fay")
    assert accounts(books) == {}
    kinds = books.session.scalars(text("SELECT kind FROM journal_legs WHERE leg = 1 ORDER BY posting_position"))
    assert list(kinds) == ["accrual", "accrual"]


def test_what_a_run_posted_is_mirrored_line_by_line_and_billed_again(books: Context) -> None:
    run = computed(books)
    with pytest.raises(RunElsewhere, match="is ready; only what is posted"):
        reverse_run(books, run=run)
    posted(books, run)
    mirror = reverse_run(books, run=run)
    with pytest.raises(RunElsewhere, match=f"by the run {mirror.id} already, queued"):
        reverse_run(books, run=run)
    begin(books, mirror.id)
    propose(books, mirror.id)
    with pytest.raises(SelfPosting):
        ask_posting(books, run=mirror.id)
    posted(books, mirror.id)
    assert statement_totals(books) == {"acme/1997-07": (4, D("0.00"))}
    lines = lines_after(books.session, "acme/1997-07", None, None)
    by_id = {line.id: line for line in lines}
    assert [(by_id[line.corrects].amount, line.amount) for line in lines[2:] if line.corrects] == [
        (D("6.00"), D("-6.00")),
        (D("3.00"), D("-3.00")),
    ]
    assert accounts(books) == {}
    bill_at_once(books, period=JULY, contract="acme", poster="fay")
    assert statement_totals(books) == {"acme/1997-07": (6, D("9.00"))}


def test_closed_books_never_change_and_a_correction_names_its_service_month(books: Context) -> None:
    bill_at_once(books, period=JULY, contract="acme", poster="fay")
    fay = books.acting_as("fay")
    with pytest.raises(PeriodNotOver, match="1997-08 is not over in America/New_York before 1997-09-01T04:00:00Z"):
        close_period(fay, program="shop", period="1997-08")
    close_period(fay, program="shop", period=JULY)
    with pytest.raises(PeriodClosedAlready, match="closed up to 1997-07 already"):
        close_period(fay, program="shop", period="1997-06")
    before = accounts(books)
    receive_conversion(books, order("late", "1997-07-31T10:00:00Z", "10.00"))
    billed = bill_at_once(books, period=JULY, contract="acme", poster="fay")
    assert [posting.accounting_period for posting in billed.postings] == ["1997-08"]
    assert accounts(books) == {
        **before,
        ("1997-08", "expenses:partners"): D("0.60"),
        ("1997-08", "liabilities:payable"): D("-0.60"),
    }
    legs = books.session.execute(
        text("SELECT DISTINCT service_period FROM journal_legs WHERE accounting_period = '1997-08'")
    )
    assert [row[0] for row in legs] == [JULY]


def test_a_closing_between_looking_and_posting_moves_the_booking(books: Context) -> None:
    run = computed(books)
    close_period(books.acting_as("fay"), program="shop", period=JULY)
    posted(books, run)
    assert {period for period, _ in accounts(books)} == {"1997-08"}


def test_a_receivable_contract_is_booked_the_other_way(ctx: Context) -> None:
    then = ctx.at(instant("1997-08-05T12:00:00Z")).acting_as("ann")
    shop(then)
    create_partner(then, id="advertiser")
    create_contract(then, id="advertiser", program="shop", partner="advertiser", direction="receivable")
    agreed(then, "advertiser", "1997-01-01", rules=rules(percent("6")))
    receive_conversion(then, order("o1", "1997-07-02T10:00:00Z", "100.00", "advertiser"))
    bill_at_once(then, period=JULY, contract="advertiser", poster="fay")
    assert accounts(then) == {("1997-07", "assets:receivable"): D("6.00"), ("1997-07", "income:partners"): D("-6.00")}


TAMPERED = {
    "a decision says another amount than its lines": (
        "UPDATE decisions SET amount = amount + 0.01 WHERE conversion_id = 'o1'",
        "acme: money decided 9.01, posted, proposed and waiting 9",
    ),
    "a conversion lost its decision": (
        "UPDATE decisions SET retired_at = '1997-08-01Z' WHERE conversion_id = 'o2'",
        "shop: conversions received 2, decided 1",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_does_not_tie_out_fails_the_run_and_posts_nothing(books: Context, runtime: Runtime, what: str) -> None:
    settle_program(books, "shop")
    statement, says = TAMPERED[what]
    books.session.flush()
    connection = books.session.connection()
    with as_owner(connection) as owner:
        owner.execute(text("ALTER TABLE decisions DISABLE TRIGGER guarded"))
        owner.execute(text(statement))
    run = open_run(books, period=JULY, contract="acme").id
    begin(books, run)
    savepoint = books.session.begin_nested()
    with pytest.raises(ControlsDiffer, match=says) as refused:
        propose(books, run)
    savepoint.rollback()
    assert end(books, run, "failed", "worker", refused.value).fault == {
        "code": "controls_differ",
        "detail": refused.value.message,
    }
    with pytest.raises(RunElsewhere):
        ask_posting(books.acting_as("fay"), run=run)
    assert statement_totals(books) == {}


def test_a_run_is_computed_in_units_and_stops_when_it_is_asked_to(runtime: Runtime) -> None:
    with runtime.work("ann") as ctx:
        shop(ctx, "acme")
        agreed(ctx, "acme", "1997-01-01", rules=rules(percent("6")))
        receive_conversion(ctx, order("o1", "1997-07-02T10:00:00Z", "100.00"))
        first = open_run(ctx, period=JULY, contract="acme").id
    stages: list[str] = []
    assert (
        compute_run(partial(runtime.work, "worker"), first, lambda stage, done, total: stages.append(stage)) == "ready"
    )
    assert sorted(set(stages)) == ["comparing", "settling"]
    assert compute_run(partial(runtime.work, "another worker"), first) == "ready"
    with runtime.work("ann") as ctx:
        assert cancel_run(ctx, run=first).state == "cancelled"
        second = open_run(ctx, period=JULY, contract="acme").id

    def stop(stage: str, done: int, total: int | None) -> None:
        if stage == "comparing":
            raise RunStopped("asked to stop", by="ann")

    assert compute_run(partial(runtime.work, "worker"), second, stop) == "cancelled"
    with runtime.work("ann") as ctx:
        assert run_named(ctx.session, second).ended_by == "ann"
        assert not proposed_statements(ctx.session, second)
        with pytest.raises(RunElsewhere):
            cancel_run(ctx, run=second)


def test_what_was_taken_back_and_has_to_wait_now_is_accrued_and_not_posted_again(books: Context) -> None:
    run = computed(books)
    posted(books, run)
    mirror = reverse_run(books, run=run)
    begin(books, mirror.id)
    propose(books, mirror.id)
    posted(books, mirror.id)
    # It should never have been posted before 10 August, and that is what is agreed now.
    agreed(books, "acme", "1997-01-01", rules=rules(percent("6")), settlement=LOCK)
    bill_at_once(books, period=JULY, contract="acme", poster="fay")
    assert statement_totals(books) == {"acme/1997-07": (4, D("0.00"))}
    assert accounts(books) == {
        ("1997-07", "expenses:partners"): D("9.00"),
        ("1997-07", "liabilities:accrued"): D("-9.00"),
    }
