"""What the CDNOW orders must pay, worked out as a spreadsheet would: order by order, with running counts.

It imports nothing of the product, so that the two can be compared without sharing a mistake.

    python -m tests.independent.cdnow CSV [--customers-through N] [--csv | --json]

Row n of the file is conversion cdnow-00000n (six digits), ordered at 12:00 in New York on `ordered_on`.
The customer number mod 3 names the partner: 0 acme, 1 globex, 2 initech. All contracts start on 1997-01-01.

acme     pays from an order value of 5.00.  Until 1997-06-30: first order 8 %, later orders 3 %.
         From 1997-07-01: first order 10 %, at most 15.00; later orders 2.5 %, with no maximum.
globex   pays from an order value above 0.  Until 1997-03-31: 2.00 an order.
         From 1997-04-01: orders 1 to 200 of a month 1.00 each, 201 to 500 1.50 each, beyond that 2.00 each.
initech  pays 5 % of every order, at most 1,500.00 a month: one order gets what is left, the next get 0.00.
         From 1998-01-01 there is no contract.

"First" is the customer's first order of all, even one too small to pay for. Orders count by time, then by id.
Each order is rounded to cents, half away from zero. A total adds the rounded amounts; `lines` counts those
that are not 0.00.
"""

import argparse
import csv
import gzip
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
PARTNERS = ["acme", "globex", "initech"]


def expected(path, customers_through=99_999):
    """Return every order of the file with its outcome and amount, in the order in which orders count."""
    customer_orders, month_orders, month_paid = Counter(), Counter(), Counter()
    orders = sorted(read(path, customers_through), key=lambda order: (order["event_at"], order["id"]))
    for order in orders:
        day, value = order["ordered_on"], order["order_value"]
        month = order["contract"], order["period"]

        customer_orders[order["customer_id"]] += 1
        order["customer_order_number"] = customer_orders[order["customer_id"]]
        order["outcome"] = outcome(order["contract"], day, value)
        order["number_in_month"] = order["amount"] = None
        if order["outcome"] != "rated":
            continue

        month_orders[month] += 1
        order["number_in_month"] = month_orders[month]
        if order["contract"] == "acme":
            order["amount"] = cents(acme(day, value, is_first=order["customer_order_number"] == 1))
        elif order["contract"] == "globex":
            order["amount"] = globex(day, order["number_in_month"])
        else:
            left = Decimal("1500.00") - month_paid[month]
            order["amount"] = min(cents(value * Decimal("0.05")), left)
        month_paid[month] += order["amount"]
    return orders


def read(path, customers_through):
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rt", encoding="ascii", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            if int(row["customer_id"]) <= customers_through:
                # Noon in New York lies on that day there, so day and month can be read off `ordered_on`.
                noon = datetime.fromisoformat(row["ordered_on"] + " 12:00").replace(tzinfo=NEW_YORK)
                yield {
                    "id": f"cdnow-{number:06d}",
                    "contract": PARTNERS[int(row["customer_id"]) % 3],
                    "event_at": noon.astimezone(UTC).isoformat(),
                    "ordered_on": row["ordered_on"],
                    "period": row["ordered_on"][:7],
                    "customer_id": row["customer_id"],
                    "order_value": Decimal(row["order_value"]),
                }


def outcome(contract, day, value):
    if contract == "initech" and day >= "1998-01-01":
        return "no_contract"
    if contract == "acme" and value < Decimal("5.00"):
        return "ineligible"
    if contract == "globex" and value <= 0:
        return "ineligible"
    return "rated"


def acme(day, value, *, is_first):
    if day < "1997-07-01":
        return value * Decimal("0.08") if is_first else value * Decimal("0.03")
    return min(value * Decimal("0.10"), Decimal("15.00")) if is_first else value * Decimal("0.025")


def globex(day, number_in_month):
    if day < "1997-04-01" or number_in_month > 500:
        return Decimal("2.00")
    return Decimal("1.00") if number_in_month <= 200 else Decimal("1.50")


def cents(amount):
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def statements(orders):
    """Return one row for each contract and month with a rated order, sorted."""
    rows = {}
    for order in orders:
        if order["outcome"] == "rated":
            empty = {"eligible": 0, "lines": 0, "total": Decimal("0.00")}
            row = rows.setdefault((order["contract"], order["period"]), empty)
            row["eligible"] += 1
            row["lines"] += order["amount"] != 0
            row["total"] += order["amount"]
    return [{"contract": key[0], "period": key[1], **rows[key]} for key in sorted(rows)]


def as_csv(rows):
    columns = ["contract", "period", "lines", "total"]
    table = [columns, *([str(row[column]) for column in columns] for row in rows)]
    return "".join(",".join(line) + "\n" for line in table)


def as_table(rows):
    line = "{contract:8}  {period:7}  {eligible:>8}  {lines:>6}  {total:>8}\n"
    return "".join(line.format(**row) for row in [{name: name for name in rows[0]}, *rows])


def main():
    parser = argparse.ArgumentParser(description="Say what the CDNOW orders must pay.")
    parser.add_argument("path", metavar="CSV", help="the orders, plain or .gz")
    parser.add_argument("--customers-through", metavar="N", type=int, default=99_999)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="statements, as in the expected_cdnow_*.csv files")
    form.add_argument("--json", action="store_true", help="statements, and every order with its amount")
    options = parser.parse_args()

    orders = expected(options.path, options.customers_through)
    rows = statements(orders)
    if options.json:
        print(json.dumps({"statements": rows, "conversions": orders}, default=str, indent=1))
    else:
        sys.stdout.write(as_csv(rows) if options.csv else as_table(rows))


if __name__ == "__main__":
    main()
