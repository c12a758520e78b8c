"""A program in which versions stand in every state there is, money is posted, a list published and a rate recorded: by operations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from app.billing.operations.bill_at_once import bill_at_once
from app.billing.operations.close_period import close_period
from app.billing.operations.compute_run import begin, propose
from app.billing.operations.open_run import open_run
from app.billing.operations.reverse_run import reverse_run
from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.operations.close_version import reject_version, withdraw_version
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.retire_version import retire_version
from app.contracts.operations.set_approval_policy import set_approval_policy
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.conversions.operations.correct_conversion import correct_conversion
from app.conversions.operations.receive_conversions import receive_conversion
from app.conversions.operations.reverse_conversion import reverse_conversion
from app.conversions.repository import add_touches
from app.deliveries.operations.adjust_deliveries import adjust_deliveries
from app.deliveries.operations.receive_deliveries import receive_delivery
from app.partners.operations.set_attribution_model import set_attribution_model
from app.rates.operations.record_rates import NewRate, record_rate
from app.rulesets.operations.publish_list import publish_list
from app.runtime import Context
from app.store.models import AccrualLine, BillingRun, ProposedLine, StatementLine
from tests.builders.agreements import agreed, order, percent, rules, shop

BEGUN = datetime(2026, 12, 1, tzinfo=UTC)
NOW = BEGUN + timedelta(days=60)


def whole_lives(ctx: Context) -> None:
    """Fill an empty database. Of the contract acme there are the versions

    1 and 2 approved, 3 retired, 4 approved prospectively,
    5 submitted with one of two approvals, 6 a draft, 7 rejected, 8 withdrawn, 9 a termination, 10 submitted; and of its
    version 1 the payout rules 1 and 2 approved, 3 submitted, 4 a draft.
    """
    then = ctx.at(BEGUN)
    shop(then, "acme", "globex")
    publish_list(then, id="countries", type="text", members=["DE", "FR"])
    record_rate(then, NewRate("EUR", "USD", BEGUN.date(), Decimal("1.1"), "ECB"))
    agreed(then, "acme", "2026-12-15", rules=rules(percent("5")))
    agreed(then, "acme", "2027-07-01", rules=rules(percent("6")))
    agreed(then, "acme", "2027-09-01", rules=rules(percent("7")))
    retire_version(then.at(BEGUN + timedelta(days=1)).acting_as("approver"), contract="acme", number=3, reason="wrong")
    agreed(
        then.at(BEGUN + timedelta(days=40)), "acme", "2026-12-20", backdated="prospective", rules=rules(percent("8"))
    )
    now = ctx.at(NOW).acting_as("author")
    set_approval_policy(now, program="shop", policy={"approvals": 1, "value_over": [{"over": "1000", "approvals": 2}]})
    draft_version(now, contract="acme", effective_from="2027-10-01", value="5000", rules=rules(percent("9")))
    submit_version(now.acting_as("clerk"), contract="acme", number=5)
    approve_version(now.acting_as("sam"), contract="acme", number=5)
    draft_version(now, contract="acme", effective_from="2027-11-01", rules=rules(percent("10")))
    for start in ("2027-11-02", "2027-11-03"):
        draft_version(now, contract="acme", effective_from=start, rules=rules(percent("11")))
    submit_version(now, contract="acme", number=7)
    reject_version(now.acting_as("approver"), contract="acme", number=7, reason="too dear")
    withdraw_version(now, contract="acme", number=8)
    draft_version(now, contract="acme", effective_from="2029-01-01", termination=True)
    submit_version(now, contract="acme", number=9)
    approve_version(now.acting_as("approver"), contract="acme", number=9)
    draft_version(now, contract="acme", effective_from="2027-12-01", rules=rules(percent("12")))
    submit_version(now.acting_as("clerk"), contract="acme", number=10)
    _added_rules(now)
    _money(now)


def _added_rules(now: Context) -> None:
    for start, rate in (("2026-12-25", "2"), ("2027-01-05", "3"), ("2027-01-06", "4")):
        draft_rule_version(
            now,
            contract="acme",
            number=1,
            kind="payout",
            effective_from=start,
            body=percent(rate),
            backdated="restate",
        )
    for number in (2, 3):
        submit_rule_version(now.acting_as("clerk"), contract="acme", number=1, kind="payout", rule_number=number)
    approve_rule_version(now.acting_as("sam"), contract="acme", number=1, kind="payout", rule_number=2)


def _money(now: Context) -> None:
    receive_conversion(now, order("c1", "2026-12-16T12:00:00Z", "100.00"))
    receive_conversion(now, order("c2", "2020-01-01T12:00:00Z", "100.00"))
    model = {"model": "linear"}
    set_attribution_model(now, program="shop", effective_from="2999-01-01", attribution=model)
    again = {"facts": {"order_value": "90.00"}, "reason": "Net of a voucher"}
    correct_conversion(now, again, program="shop", conversion="c2")
    add_touches(now.session, [("shop", "c2", "t1", "acme", "click", BEGUN, "{}")])
    bill_at_once(now, contract="acme", period="2026-12", poster="finance")
    back = {"id": "r1", "reason": "RETURN", "amount": "10.00"}
    reverse_conversion(now, back, program="shop", conversion="c2")
    _deliveries(now)
    _runs(now)


def _runs(now: Context) -> None:
    """Besides the run that posted c1: one that takes it back and is queued, and one of January that is ready, with a line.
    Something is accrued, and November is closed."""
    (posted,) = now.session.scalars(select(BillingRun))
    reverse_run(now, run=posted.id)
    ready = open_run(now, contract="acme", period="2027-01").id
    begin(now, ready)
    propose(now, ready)
    line = now.session.scalars(select(StatementLine)).first()
    assert line is not None
    of_line = {
        name: getattr(line, name)
        for name in ("statement_id", "conversion_id", "decision_id", "event_at", "rule", "part", "formula", "amount")
    }
    now.session.add(AccrualLine(id="a1", posting_id=line.posting_id, **of_line))
    proposed = {"run_id": ready, "place": 0, "id": "p1", "is_accrual": False, "amount_precise": line.amount}
    now.session.add(ProposedLine(**proposed, **of_line))
    close_period(now, program="shop", period="2026-11")
    now.session.flush()


def _deliveries(now: Context) -> None:
    """Impressions that nobody pays for, and money back for them, on two contracts."""
    day = "2026-12-16"
    facts = {"impressions": 1000}
    receive_delivery(now, {"contract": "acme", "delivered_on": day, "placement": "a", "source": "s", "facts": facts})
    given = {"kind": "credit", "delivered_on": day, "repairs_on": day, "amount": "1.00", "reason": "It was dark"}
    adjust_deliveries(now, contract="acme", id="k1", **given)
