"""The CDNOW contracts and orders as values, without a database: the terms of the story, and its orders typed."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from datetime import UTC

import orjson

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.bulk.pipeline.world import World
from app.conversions.csv_import import conversions_from, read_mapping
from app.core.instants import parse_instant
from app.core.resources import shipped
from app.engine.factsheet import Conversion, typed_facts
from app.engine.terms import TermsHistory
from tests.builders.cdnow import FULL_ORDERS, SAMPLE
from tests.builders.terms import history

SAMPLE_ORDERS = shipped("fixtures", "data", "orders_cdnow_sample.ndjson.gz")


def cdnow_world() -> World:
    """Return the three contracts of the CDNOW story."""
    story = read_yaml(SAMPLE).data
    histories = {}
    for contract in story["contracts"]:
        found = history(contract["versions"], timezone="America/New_York")
        name = contract["id"]
        party = type(found.contract)(name, "cdnow", name, "USD", found.contract.timezone)
        histories[name] = TermsHistory(party, [span.version for span in found.spans], found.as_of)
    return World("cdnow", "USD", shipped_catalogue(), histories)


def sample_orders() -> list[Conversion]:
    """Return the orders of the sample that is shipped."""
    with gzip.open(SAMPLE_ORDERS, "rb") as file:
        return _typed(orjson.loads(line) for line in file)


def full_orders() -> list[Conversion]:
    """Return all 69,659 orders."""
    with gzip.open(FULL_ORDERS, "rt", newline="") as file:
        rows = csv.DictReader(file)
        mapping = read_mapping(
            read_yaml(shipped("fixtures", "data", "cdnow_mapping.yaml")).data,
            rows.fieldnames or [],
            shipped_catalogue(),
        )
        return _typed(conversions_from(mapping, rows))


def _typed(bodies: Iterable[dict[str, object]]) -> list[Conversion]:
    found = []
    for body in bodies:
        facts, wrong = typed_facts(body["facts"], shipped_catalogue(), "/facts")  # type: ignore[arg-type]
        at = parse_instant(str(body["event_at"]))
        assert not wrong, body
        assert at is not None, body
        found.append(Conversion(str(body["id"]), "cdnow", at.astimezone(UTC), str(body["partner"]), facts))
    return found
