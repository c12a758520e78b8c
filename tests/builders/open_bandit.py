"""The Open Bandit impressions as deliveries, counted by policy, local day, campaign and position; and their clicks as
touches of visits.

    python -m tests.builders.open_bandit

writes both files for the stories from the CSV; a test holds that it was done.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

DATA = Path(__file__).parents[2] / "fixtures" / "data"
IMPRESSIONS = DATA / "impressions_open_bandit.csv.gz"
DELIVERIES = DATA / "deliveries_open_bandit.ndjson"
VISITS = DATA / "visits_open_bandit.ndjson.gz"
ZONE = ZoneInfo("Asia/Tokyo")


def deliveries(zone: ZoneInfo = ZONE) -> list[dict[str, Any]]:
    """Return the bodies of deliveries: the policy is the supplier's contract, campaign and position are the placement."""
    impressions: Counter[tuple[str, str, str, str]] = Counter()
    for _, row in rows():
        day = datetime.fromisoformat(row["served_at"]).astimezone(zone).date().isoformat()
        impressions[row["policy"], day, row["campaign"], row["position"]] += 1
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
            },
        }
        for policy, day, campaign, position in sorted(impressions)
    ]


def visits() -> list[dict[str, Any]]:
    """Return the body of a visit for each click, with the click as its touch, of whoever showed what was clicked. It is
    counted at its click; the number is the row's in the CSV."""
    return [
        {
            "id": f"visit-{number:05}",
            "event_at": row["served_at"],
            "facts": {},
            "touches": [
                {
                    "id": f"click-{number:05}",
                    "partner": row["policy"],
                    "type": "click",
                    "at": row["served_at"],
                    "facts": {
                        "touch.campaign": row["campaign"],
                        "touch.placement": f"{row['campaign']}-{row['position']}",
                    },
                }
            ],
        }
        for number, row in rows()
        if row["clicked"] == "1"
    ]


def rows() -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the impressions of the CSV with their numbers, from 1 on."""
    with gzip.open(IMPRESSIONS, "rt", newline="") as file:
        yield from enumerate(csv.DictReader(file), start=1)


def ndjson(bodies: list[dict[str, Any]]) -> bytes:
    """Return bodies as NDJSON."""
    return b"".join(orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE) for body in bodies)


if __name__ == "__main__":
    DELIVERIES.write_bytes(ndjson(deliveries()))
    VISITS.write_bytes(gzip.compress(ndjson(visits()), 9, mtime=0))
