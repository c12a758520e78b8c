"""Documents in which one part is something else: they are refused with a line, or they are good; they are never a fault."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from app.adapters.yaml_files import MalformedYaml, parse_yaml
from app.contract_files.errors import DocumentMalformed
from app.core.json_text import JsonFloat
from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from tests.builders.documents import PATH, all_approved, applied, exported
from tests.contract_files.test_plan import PROMOTION, TEXT

RUNS = 60
FULL = TEXT.replace(
    "reason: The second year",
    'reason: x\n    value: "5"\n    ends_on: "2032-01-01"\n    renewal: {mode: fixed, months: 6}',
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 10**30, 2**63, 1.5, "", " ", "5", "x" * 5000, "\n", "é", "2031-07-08", "9999-12-31",
    "2031-07-08T00:00:00+23:59", "termination", "promotion", [], {}, [[]], {"": {}}, {"a": 1}, [None], {"kind": "payout"},
    {"param": "x"}, {"list": "codes"}, ["GOLD"] * 3, {"codes": 1}, "NaN", "../../etc", "a/b~c",
)  # fmt: skip


def mutated(chance: random.Random) -> str:
    """Return a document as JSON, which is YAML, with one or two parts replaced, left out, doubled or renamed."""
    data = parse_yaml(FULL + PROMOTION, PATH).data
    data = json.loads(json.dumps(data, default=lambda value: str(value) if isinstance(value, JsonFloat) else None))
    for _ in range(chance.choice((1, 1, 2))):
        holder, key = chance.choice(list(places(data)))
        match chance.choice(("replace", "replace", "replace", "remove", "rename")):
            case "replace":
                holder[key] = chance.choice(ODD)
            case "remove":
                del holder[key]
            case _ if isinstance(holder, dict):
                holder[str(chance.choice(ODD))[:70]] = holder.pop(key)
    return json.dumps(data)


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    for key, part in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield data, key
        yield from places(part)


@pytest.mark.parametrize("on", ["an empty database", "its own contract"])
def test_one_odd_part_is_refused_or_taken_but_never_a_fault(
    process: Runtime, empty: Connection, on: str, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(request.config.getoption("--seed") or 4)
    refusals: list[str] = []
    with taken_back(empty):
        if on == "its own contract":
            applied(process, FULL + PROMOTION)
            all_approved(process, "acme")
        for _ in range(request.config.getoption("--runs") or RUNS):
            text = mutated(chance)
            with taken_back(empty):
                try:
                    applied(process, text, submit=False, backdated="restate")
                except (DocumentMalformed, MalformedYaml) as error:
                    refusals.append(error.message)
                    continue
                contract = json.loads(text)["contract"]["id"]
                once = exported(process, contract)
                assert not applied(process, text, submit=False)[0].plan.changes, text
                assert exported(process, contract) == once
    assert len(refusals) > RUNS / 3
    assert all(message.startswith(f"{PATH}:") for message in refusals)
