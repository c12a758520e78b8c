"""The CDNOW stories: the sample that is shipped, and the full file made into a story of the same terms."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import orjson

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.conversions.csv_import import conversions_from, read_mapping
from app.core.resources import shipped

SAMPLE = shipped("fixtures", "contracts", "cdnow_sample.yaml")
FULL_ORDERS = shipped("fixtures", "data", "orders_cdnow.csv.gz")


def full_story(folder: Path) -> Path:
    """Write the story of all 69,659 orders to a folder and return its path.

    Terms and months are the sample's; the expected statements are those of `expected_cdnow_full.csv`, which the
    independent calculation in `tests/independent` made.
    """
    with gzip.open(FULL_ORDERS, "rt", newline="") as file:
        rows = csv.DictReader(file)
        mapping = read_mapping(
            read_yaml(shipped("fixtures", "data", "cdnow_mapping.yaml")).data,
            rows.fieldnames or [],
            shipped_catalogue(),
        )
        lines = [orjson.dumps(body) for body in conversions_from(mapping, rows)]
    (folder / "orders.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    terms, _, _ = SAMPLE.read_text().partition("expect:")
    story = folder / "cdnow_full.yaml"
    story.write_text(terms.replace("../data/orders_cdnow_sample.ndjson.gz", "orders.ndjson") + _expected())
    return story


def _expected() -> str:
    with shipped("fixtures", "data", "expected_cdnow_full.csv").open(newline="") as file:
        statements = [
            f'    {row["contract"]}/{row["period"]}: {{total: "{row["total"]}", line_count: {row["lines"]}}}\n'
            for row in csv.DictReader(file)
        ]
    return "expect:\n  statements:\n" + "".join(statements)
