"""What the Open Bandit impressions must pay, worked out as a spreadsheet would: row by row, day by day.

It imports nothing of the product, so that the two can be compared without sharing a mistake.

    python -m tests.independent.open_bandit CSV

The policy names the supplier, `random` or `bts`; both are paid in yen, and days are those of Tokyo, nine hours ahead of the
file. A placement is a campaign and a position. Each price of the rate card is one line a day over all its placements,
rounded to whole yen, half away from zero.

random   per thousand: men in position 1 420; women in position 1 510; position 1 otherwise 300; all else 240.
         Besides 15 yen for each click on what it showed, a line each, on the day in Tokyo of the click.
bts      per thousand: position 1 450; position 2 400; position 3 350, for the first 25,000 impressions from 24 November
         up to, not including, 1 December, day by day and in a day by campaign and position; 120 for those beyond.
         What was shown on 1 December is not paid for.
"""

import csv
import gzip
import sys
from collections import Counter
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

TOKYO = timedelta(hours=9)
CONTRACTED = 25_000


def counted(path):
    """Return impressions by (policy, day in Tokyo, campaign, position), and clicks by policy and day."""
    impressions, clicks = Counter(), Counter()
    with gzip.open(path, "rt", newline="") if str(path).endswith(".gz") else open(path, newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["served_at"])
            assert at.utcoffset() == timedelta(0)
            place = row["policy"], (at + TOKYO).date().isoformat(), row["campaign"], int(row["position"])
            impressions[place] += 1
            clicks[place[:2]] += int(row["clicked"])
    return impressions, clicks


def lines(path):
    """Return the yen of each line by (policy, day, rule)."""
    impressions, clicks = counted(path)
    precise = Counter()
    left = CONTRACTED
    for number, (policy, day) in enumerate(each for each in clicks.elements() if each[0] == "random"):
        precise[policy, day, f"click-{number}"] = Decimal(15)
    for policy, day, campaign, position in sorted(impressions):
        shown = impressions[policy, day, campaign, position]
        if policy == "random":
            rule, price = rate_of_random(campaign, position)
            precise[policy, day, rule] += Decimal(shown) * price / 1000
        elif day < "2019-12-01":
            within = min(shown, left)
            left -= within
            precise[policy, day, f"position-{position}"] += Decimal(within) * (500 - 50 * Decimal(position)) / 1000
            if shown > within:
                precise[policy, day, "overage"] += Decimal(shown - within) * 120 / 1000
    return {key: amount.quantize(Decimal(1), ROUND_HALF_UP) for key, amount in precise.items()}


def rate_of_random(campaign, position):
    if position == 1 and campaign in ("men", "women"):
        return f"{campaign}-top", Decimal(420 if campaign == "men" else 510)
    return ("top", Decimal(300)) if position == 1 else ("rest", Decimal(240))


def totals(path):
    """Return total and number of lines that are not zero, by (policy, month)."""
    found = {}
    for (policy, day, _), amount in lines(path).items():
        total, count = found.get((policy, day[:7]), (Decimal(0), 0))
        found[policy, day[:7]] = total + amount, count + (amount != 0)
    return found


if __name__ == "__main__":
    for (policy, month), (total, count) in sorted(totals(sys.argv[1]).items()):
        print(f"{policy}/{month} {total} JPY in {count} lines")
