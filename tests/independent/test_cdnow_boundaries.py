"""Both sides of every CDNOW boundary, with amounts worked out by hand.

The orders are made up: in the real file every customer first ordered before April 1997, so the first-order
rate from July is never used, and no order is worth exactly 5.00.
"""

import pytest

from . import cdnow


@pytest.fixture
def pays(tmp_path):
    """Return a function from 'customer day value' lines to the amounts or outcomes, in file order."""

    def amounts(lines):
        rows = [line.split() for line in lines.strip().splitlines()]
        path = tmp_path / "orders.csv"
        path.write_text(
            "customer_id,ordered_on,units,order_value\n"
            + "".join(f"{customer},{day},1,{value}\n" for customer, day, value in rows)
        )
        orders = sorted(cdnow.expected(path), key=lambda order: order["id"])
        return [order["outcome"] if order["amount"] is None else str(order["amount"]) for order in orders]

    return amounts


def test_acme_pays_from_exactly_five_dollars(pays):
    assert pays("""
        00003 1997-01-01 5.00
        00006 1997-01-01 4.99
        00009 1997-01-01 0.00
    """) == ["0.40", "ineligible", "ineligible"]


def test_acme_rates_change_on_the_first_of_july(pays):
    assert pays("""
        00003 1997-06-30 100.00
        00003 1997-06-30 100.00
        00006 1997-07-01 100.00
        00006 1997-07-01 100.00
    """) == ["8.00", "3.00", "10.00", "2.50"]


def test_acme_maximum_holds_for_first_orders_from_july_only(pays):
    assert pays("""
        00003 1997-06-30 150.01
        00006 1997-07-01 149.94
        00009 1997-07-01 150.00
        00012 1997-07-01 150.10
        00012 1997-07-02 1000.00
    """) == ["12.00", "14.99", "15.00", "15.00", "25.00"]


def test_acme_order_too_small_to_pay_is_still_the_customers_first(pays):
    assert pays("""
        00003 1997-01-01 4.99
        00003 1997-01-02 100.00
    """) == ["ineligible", "3.00"]


def test_acme_first_of_two_orders_at_one_instant_is_the_lower_id(pays):
    assert pays("""
        00003 1997-01-05 100.00
        00003 1997-01-05 200.00
        00003 1997-01-04 50.00
    """) == ["3.00", "6.00", "4.00"]


def test_half_a_cent_is_rounded_away_from_zero(pays):
    assert pays("""
        00003 1997-01-01 10.00
        00003 1997-01-02 10.50
        00002 1997-01-02 0.10
        00002 1997-01-02 0.09
    """) == ["0.80", "0.32", "0.01", "0.00"]


def test_globex_tiers_change_after_the_200th_and_500th_order_of_a_month_from_april(pays):
    def days(day, orders):
        return f"00001 {day} 9.99\n" * orders

    amounts = pays(days("1997-03-31", 201) + days("1997-04-01", 502) + days("1997-05-01", 1))
    assert amounts == ["2.00"] * 201 + ["1.00"] * 200 + ["1.50"] * 300 + ["2.00"] * 2 + ["1.00"]


def test_globex_orders_of_no_value_are_not_paid_and_not_counted(pays):
    lines = "00001 1997-04-01 9.99\n" * 199 + "00001 1997-04-01 0.00\n" + "00001 1997-04-01 0.01\n" * 2
    assert pays(lines)[199:] == ["ineligible", "1.00", "1.50"]


def test_initech_month_ends_at_its_maximum_and_begins_again(pays):
    assert pays("""
        00002 1997-01-30 29900.00
        00002 1997-01-31 0.00
        00002 1997-01-31 100.20
        00002 1997-01-31 100.00
        00002 1997-02-01 100.00
    """) == ["1495.00", "0.00", "5.00", "0.00", "5.00"]


def test_initech_has_no_contract_from_new_year(pays):
    assert pays("""
        00002 1997-12-31 100.00
        00002 1998-01-01 100.00
    """) == ["5.00", "no_contract"]
