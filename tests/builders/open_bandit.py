"""The Open Bandit impressions as deliveries: counted by policy, local day, campaign and position.

    python -m tests.builders.open_bandit

writes `fixtures/data/deliveries_open_bandit.ndjson` from the CSV; a test holds that it was done.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

DATA = Path(__file__).parents[2] / "fixtures" / "data"
IMPRESSIONS = DATA / "impressions_open_bandit.csv.gz"
DELIVERIES = DATA / "deliveries_open_bandit.ndjson"
ZONE = ZoneInfo("Asia/Tokyo")


def deliveries(zone: ZoneInfo = ZONE) -> list[dict[str, Any]]:
    """Return the bodies of deliveries: the policy is the supplier's contract, campaign and position are the placement."""
    impressions: Counter[tuple[str, str, str, str]] = Counter()
    clicks: Counter[tuple[str, str, str, str]] = Counter()
    with gzip.open(IMPRESSIONS, "rt", newline="") as file:
        for row in csv.DictReader(file):
            day = datetime.fromisoformat(row["served_at"]).astimezone(zone).date().isoformat()
            place = row["policy"], day, row["campaign"], row["position"]
            impressions[place] += 1
            clicks[place] += int(row["clicked"])
    return [
        {
            "contract": policy,
            "delivered_on": day,
            "placement": f"{campaign}-{position}",
            "source": "zozo",
            "facts": {
                "impressions": impressions[policy, day, campaign, position],
                "campaign": campaign,
                "position": int(position),
                "clicks": clicks[policy, day, campaign, position],
            },
        }
        for policy, day, campaign, position in sorted(impressions)
    ]


def ndjson() -> bytes:
    """Return the deliveries as NDJSON."""
    return b"".join(orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE) for body in deliveries())


if __name__ == "__main__":
    DELIVERIES.write_bytes(ndjson())
