"""A partner's own figures beside ours: each difference has its reason, and the totals tie out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.billing.operations.bill_at_once import bill_at_once
from app.billing.operations.reconcile_statement import reconcile_statement
from app.billing.partner_file import TheirRow
from app.billing.reconciliation import Reconciliation, compared, reconciliation_data
from app.conversions.operations.receive_conversions import receive_conversions
from app.core.clock import frozen_at
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from tests.builders.agreements import agreed, order, percent, rules, shop
from tests.web.billing import billed
from tests.web.bodies import conversion, set_up
from tests.web.client import ApiClient

HELD = {"hold_days": 20}
PICKY = {
    "kind": "eligibility",
    "rules": [
        {"id": "big", "when": {"fact": "order_value", "op": "gt", "value": "500.00"}, "then": {"reject": "TOO_LARGE"}},
        {
            "id": "odd",
            "when": {"fact": "order_value", "op": "eq", "value": "13.00"},
            "then": {"hold": "TO_BE_LOOKED_AT"},
        },
    ],
    "otherwise": "accept",
}
# id, day, order value, partner, order.
SENT = (
    ("equal", "07-02", "100.00", "acme", "A1"),
    ("differs", "07-03", "50.00", "acme", "A2"),
    ("cent", "07-03", "20.00", "acme", "A3"),
    ("ours", "07-04", "30.00", "acme", "A4"),
    ("large", "07-05", "501.00", "acme", "A5"),
    ("held", "07-06", "13.00", "acme", "A6"),
    ("waits", "07-25", "40.00", "acme", "A7"),
    ("again", "07-07", "100.00", "acme", "A1"),
    ("bolts", "07-08", "60.00", "bolt", "A8"),
    ("june", "06-10", "70.00", "acme", "A9"),
    ("august", "08-01", "80.00", "acme", "A10"),
    ("free", "07-09", "0.00", "acme", "A11"),
)
# What acme expects, at 10 %, and what is to be said of it.
EXPECTED = {
    "equal": ("10.00", "equal", None),
    "differs": ("5.50", "differs", None),
    "cent": ("2.01", "within_tolerance", None),
    "large": ("50.10", "only_theirs", "ineligible"),
    "held": ("1.30", "only_theirs", "held"),
    "waits": ("4.00", "only_theirs", "waiting"),
    "again": ("10.00", "only_theirs", "duplicate"),
    "bolts": ("6.00", "only_theirs", "other_partner"),
    "june": ("7.00", "only_theirs", "other_period"),
    "august": ("8.00", "only_theirs", "other_period"),
    "free": ("1.00", "only_theirs", "pays_nothing"),
    "nobody": ("3.00", "only_theirs", "unknown"),
    "late": ("4.50", "only_theirs", "not_billed"),
}


def world(runtime_on: Any) -> None:
    """Acme at 10 %, held for 20 days; June and July billed on 5 August, and one order that came after."""
    with runtime_on(6).work("author") as ctx:
        shop(ctx, "acme", "bolt")
        for partner in ("acme", "bolt"):
            terms = {**rules(percent("10")), "eligibility": PICKY}
            agreed(ctx, partner, "1997-01-01", rules=terms, settlement=HELD)
    with runtime_on(8).work("billing") as ctx:
        sent = [
            order(one, f"1997-{day}T12:00:00Z", value, partner, order_id=of) for one, day, value, partner, of in SENT
        ]
        assert not [receipt.problem for receipt in receive_conversions(ctx, sent) if receipt.problem]
        for period in ("1997-06", "1997-07"):
            bill_at_once(ctx, program="shop", period=period, poster="fay")
        receive_conversions(ctx, [order("late", "1997-07-10T12:00:00Z", "45.00", order_id="A12")])


@pytest.fixture(scope="module")
def found(database: Engine, catalogue: Catalogue) -> dict[str, Reconciliation]:
    """The comparison by conversion, and by order."""
    with database.connect() as connection, connection.begin() as transaction:

        def on(month: int) -> Runtime:
            clock = frozen_at(datetime(1997, month, 5, tzinfo=UTC))
            return Runtime(connection, ReferenceMatcher(), catalogue, clock)

        world(on)
        rows = [TheirRow(n, one, Decimal(amount), None) for n, (one, (amount, _, _)) in enumerate(EXPECTED.items(), 1)]
        rows += [
            TheirRow(len(rows) + 1, "equal", Decimal("10.00"), "USD"),
            TheirRow(len(rows) + 2, "ours", Decimal("3.00"), "EUR"),
        ]
        orders = [TheirRow(1, "A1", Decimal("10.00"), "USD"), TheirRow(2, "A5", Decimal("50.10"), "USD")]
        with on(8).work("fay") as ctx:
            asked = {"contract": "acme", "period": "1997-07"}
            answers = {
                "conversion": reconcile_statement(ctx, **asked, rows=rows, tolerance=Decimal("0.01")),
                "order": reconcile_statement(ctx, **asked, rows=orders, by="order"),
            }
        transaction.rollback()
    return answers


def test_each_row_has_its_status_and_its_reason(found: dict[str, Reconciliation]) -> None:
    by_row = {one.row: one for one in found["conversion"].compared if one.row}
    said = {one.id: (one.status, one.why and one.why.code) for number, one in by_row.items() if number <= len(EXPECTED)}
    assert said == {one: (status, code) for one, (_, status, code) in EXPECTED.items()}
    words = {one.id: one.why.in_words for one in by_row.values() if one.why}
    assert "TOO_LARGE" in words["large"]
    assert "TO_BE_LOOKED_AT" in words["held"]
    assert "1997-08-14" in words["waits"]  # 25 July and 20 days
    assert "counted as equal" in words["again"]
    assert "bolt" in words["bolts"]
    assert words["june"] == "it is on acme/1997-06: 7.00 USD"
    assert "1997-08" in words["august"]
    assert [one.status for one in by_row.values()][-2:] == ["repeated", "other_currency"]
    assert "row 1" in by_row[len(EXPECTED) + 1].why.in_words
    assert by_row[2].difference == Decimal("0.50")


def test_the_totals_tie_out(found: dict[str, Reconciliation]) -> None:
    one = found["conversion"]
    assert one.ours == Decimal("20.00")  # 10 % of 100, 50, 20 and 30
    # 99.91 and the 10.00 that is there twice; the row in euros is in no total.
    assert one.theirs == sum(Decimal(amount) for amount, _, _ in EXPECTED.values()) + Decimal("10.00")
    assert sum(one.differences.values()) == one.theirs - one.ours
    assert [(each.id, each.ours) for each in one.compared if each.status == "only_ours"] == [("ours", Decimal("3.00"))]
    assert not one.agrees


def test_orders_are_compared_as_well(found: dict[str, Reconciliation]) -> None:
    said = {one.id: (one.status, one.why and one.why.code) for one in found["order"].compared}
    assert said == {
        "A1": ("equal", None),
        "A5": ("only_theirs", "ineligible"),
        **dict.fromkeys(("A2", "A3", "A4"), ("only_ours", None)),
    }


AMOUNTS = st.decimals(-1000, 1000, places=2)
IDS = st.sampled_from("abcdef")


@settings(max_examples=100)
@given(
    st.lists(st.tuples(IDS, AMOUNTS, st.sampled_from([None, "USD", "EUR"]))),
    st.dictionaries(IDS, AMOUNTS),
    st.decimals(0, 5, places=2),
)
def test_whatever_is_compared_ties_out(rows: list[Any], ours: dict[str, Decimal], tolerance: Decimal) -> None:
    theirs = [TheirRow(number, *row) for number, row in enumerate(rows, start=1)]
    found = Reconciliation("acme", "1997-07", "USD", compared(theirs, ours, "USD", tolerance))
    assert found.theirs == sum(row.amount for row in theirs if row.currency != "EUR")
    assert found.ours == sum(ours.values())
    assert sum(found.differences.values()) == found.theirs - found.ours
    assert sorted(one.row for one in found.compared if one.row) == list(range(1, len(rows) + 1))
    assert sum(found.counts.values()) == len(found.compared)
    assert reconciliation_data(found)["agrees"] == found.agrees


def test_rows_are_compared_over_http_and_nothing_is_kept(client: ApiClient) -> None:
    set_up(client)
    client.post("/v1/conversions", conversion())
    billed(client, {"contract": "acme", "period": "1997-07"})
    address, finance = "/v1/statements/acme/1997-07/reconciliations", client.as_("finance")
    answer = finance.post(address, {"rows": [{"id": "o1", "amount": "6.00"}]})
    assert (answer.status_code, answer.get_json()["agrees"]) == (200, True)
    body = {"rows": [{"id": "o1", "amount": "6.01"}, {"id": "x", "amount": "1.00", "currency": "USD"}]}
    shown = finance.post(address, body).get_json()
    assert [(row["status"], row["difference"]) for row in shown["rows"]] == [
        ("differs", "0.01"),
        ("only_theirs", "1.00"),
    ]
    assert shown["difference"] == "1.01"
    assert finance.post(address, {**body, "tolerance": "0.01"}).get_json()["counts"]["within_tolerance"] == 1
    for refused in (
        {"rows": []},
        {},
        {"rows": [{"id": "o1", "amount": 6.0}]},
        {"rows": [{"id": "o1", "amount": "6,00"}]},
        {**body, "by": "name"},
    ):
        assert finance.post(address, refused).status_code == 422
    assert finance.post("/v1/statements/acme/1997-06/reconciliations", body).status_code == 404
    assert client.as_("partner", "acme").post(address, body).status_code == 403
