"""The application held against its own API document by schemathesis: what is run, and what it found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from zlib import crc32

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from sqlalchemy import Engine

from app.factory import create_app
from tests.web.bodies import conversion, payout, rules, set_up
from tests.web.client import ApiClient, Keys
from tests.web.meant import MEANT
from tests.web.served import UNLIMITED, runtime_on

VERSIONS = "/v1/contracts/acme/versions"
NUMBERS = count(1)


@dataclass
class Outcome:
    """What a run did and found."""

    cases: Counter[tuple[str, str]] = field(default_factory=Counter)  # by phase and operation
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)  # by operation and status
    checks: Counter[str] = field(default_factory=Counter)
    meant: Counter[str] = field(default_factory=Counter)  # differences that are none, by their reason
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def seeded(engine: Engine) -> ApiClient:
    """An API with something of everything: a contract in force, with a draft and a submitted version behind it, lists,
    conversions and a statement."""
    runtime = runtime_on(engine)
    client = ApiClient(create_app(runtime, UNLIMITED), Keys(runtime))
    set_up(client)
    author = client.as_("ops", "dana")
    for start in ("1998-01-01", "1999-01-01"):
        author.post(VERSIONS, {"effective_from": start, "rules": rules("7"), "backdated": "restate"})
    author.post(f"{VERSIONS}/3/submit")
    new_rate = {"kind": "payout", "effective_from": "1997-03-01", "body": payout("9"), "backdated": "restate"}
    author.post(f"{VERSIONS}/1/rule-versions", new_rate)
    author.post("/v1/lists", {"id": "vip", "type": "text", "members": ["GOLD"]})
    for number in range(3):
        author.post("/v1/conversions", conversion(f"o{number}"))
    client.post("/v1/billing-runs", {"contract": "acme", "period": "1997-07"})
    return client


def settings(secret: str, examples: int, seed: int) -> SchemathesisConfig:
    """All checks and all phases. What is set otherwise than it comes has its reason beside it."""
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "auth": {"openapi": {"apiKey": {"bearer": secret}}},
            "continue-on-failure": True,
            "checks": {"enabled": True},
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
        }
    )


def run(client: ApiClient, address: str, examples: int, seed: int = 1) -> Outcome:
    """Run everything there is against a served application."""
    config = settings(client.keys.of("admin"), examples, seed)
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)
    known, outcome = Known(client), Outcome()

    @schema.hook("filter_failure")
    def is_a_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
        reasons = [meant.why for meant in MEANT if meant.explains(failure, case, response)]
        outcome.meant.update(reasons[:1])
        return not reasons

    @schema.hook("map_path_parameters")
    def ids_of_address(context: Any, path_parameters: Any) -> Any:
        return known.in_path(path_parameters)

    @schema.hook("map_headers")
    def new_keys(context: Any, headers: Any) -> Any:
        return headers and {name: _mostly_new(name, value) for name, value in headers.items()}

    @schema.hook("map_body")
    def ids_of_body(context: Any, body: Any) -> Any:
        return known.in_body(body)

    for event in from_schema(schema).execute():
        _take(outcome, event)
    return outcome


class Known:
    """What there is. Ids that are drawn hardly ever are of something: most of the good ones become one of these."""

    def __init__(self, client: ApiClient) -> None:
        made = client.get("/v1/decisions?program=cdnow&conversion=o1").get_json()["items"][0]["id"]
        ids = {"contract": "acme", "program": "cdnow", "partner": "acme", "list": "vip", "conversion": "o1"}
        self.ids = {**ids, "decision": made, "period": "1997-07"}

    def in_path(self, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the ids of an address, of something there is."""
        return path_parameters and {name: self._known(name, value) for name, value in path_parameters.items()}

    def in_body(self, body: Any) -> Any:
        """Return a body about a program or contract there is."""
        if not isinstance(body, dict):
            return body
        return {
            name: self._known(name, value) if name in ("program", "contract") else value for name, value in body.items()
        }

    def _known(self, name: str, value: Any) -> Any:
        if name in ("number", "rule_number") and isinstance(value, int) and 1 <= value <= 999_999_999:
            return value if value % 8 == 7 else value % 4 + 1
        is_good = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}", value, re.ASCII)
        return self.ids[name] if is_good and name in self.ids and crc32(value.encode()) % 8 else value


def _mostly_new(name: str, value: Any) -> Any:
    """Return an Idempotency-Key as a new one: short ones are drawn again and again, and their requests refused. One that
    is none stays what it is, and some come again as they are."""
    is_good = name == "Idempotency-Key" and isinstance(value, str) and re.fullmatch("[!-~]{1,200}", value)
    return f"{value}-{next(NUMBERS)}" if is_good and crc32(value.encode()) % 8 else value


def _take(outcome: Outcome, event: Any) -> None:
    if isinstance(event, events.NonFatalError):
        outcome.errors.append(f"{event.label}: {event.value!r}")
        for broken in getattr(event.value, "errors", ()):
            outcome.errors.append(
                f"{broken.name} {broken.source} -> {broken.target}: {[e.message for e in broken.errors]}"
            )
    elif isinstance(event, events.FatalError):
        outcome.errors.append(repr(event.exception))
    elif isinstance(event, events.ScenarioFinished):
        for case_id, node in event.recorder.cases.items():
            outcome.cases[event.phase.value, node.value.operation.label] += 1
            response = event.recorder.find_response(case_id=case_id)
            if response is not None:
                outcome.statuses[node.value.operation.label, response.status_code] += 1
        for name, said in _failures(event.recorder):
            outcome.failures.setdefault(name, f"{event.phase.value}: {said}")
        for nodes in event.recorder.checks.values():
            outcome.checks.update(node.name for node in nodes)


def _failures(recorder: Any) -> Iterator[tuple[str, str]]:
    for case_id, nodes in recorder.checks.items():
        for node in nodes:
            if node.failure_info is not None:
                failure = node.failure_info.failure
                request = recorder.interactions[case_id].request if case_id in recorder.interactions else None
                response = recorder.find_response(case_id=case_id)
                asked = request and f"{request.method} {request.uri} {request.headers} {(request.body or b'')[:400]!r}"
                answered = response and f"{response.status_code} {response.content[:400]!r}"
                yield (
                    f"{node.name} {failure.operation} {failure.title} {response and response.status_code}",
                    f"{failure.message}\n{asked}\n{answered}",
                )
