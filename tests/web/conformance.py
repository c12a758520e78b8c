"""The application held against its own API document by schemathesis: what is run, and what it found."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from zlib import crc32

import hypothesis
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from sqlalchemy import Engine

from app.core.ids import derived_id
from app.factory import create_app
from tests.web.billing import billed, computed
from tests.web.bodies import PROGRAM, conversion, payout, rules, set_up
from tests.web.client import ApiClient, Keys
from tests.web.meant import MEANT
from tests.web.served import ROOT, UNLIMITED, runtime_on

# Several contracts: what is done to one of them does not take the others away.
CONTRACTS = ("acme", *(f"partner{number}" for number in range(2, 17)))
ENDING, TERMINATED = CONTRACTS[1::4], CONTRACTS[2::4]
NUMBERS = count(1)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}", re.ASCII)

COUNTED = {"contract": "acme", "delivered_on": "1997-07-02", "placement": "home", "source": "adserver"}

# Of what has zones, days or rules hardly anything that is drawn makes sense: some bodies are these, by their number.
MEANT_BODIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "POST /v1/programs": lambda number: {**PROGRAM, "id": f"meant{number}"},
    "POST /v1/contracts/{contract}/versions": lambda number: {**_draft(number), "rules": rules()},
    "PUT /v1/contracts/{contract}/versions/{number}": lambda number: {**_draft(number), "rules": rules()},
    "POST /v1/contracts/{contract}/versions/{number}/rule-versions": lambda number: {
        "kind": "payout",
        "body": payout(f"{number % 90}"),
        "effective_from": f"1997-04-{number % 28 + 1:02}",
        "backdated": "restate",
    },
    "POST /v1/contracts/{contract}/promotions": lambda number: {
        "rules": {"payout": payout("12")},
        "effective_from": f"1997-05-{number % 28 + 1:02}",
        "until": "1997-06-01",
        "backdated": "restate",
    },
    "POST /v1/quotes": lambda number: {"formula": {"percent": f"{number % 90}", "of": "v"}, "facts": {"v": "12.50"}},
    "POST /v1/conversions/{program}/{conversion}/reversals": lambda number: {
        "id": f"back{number}",
        "reason": "RETURN",
        "amount": "0.01",
    },
    "POST /v1/exchange-rates": lambda number: {
        "from": "EUR",
        "to": "JPY",
        "day": f"1996-{number % 12 + 1:02}-{number % 28 + 1:02}",
        "rate": "130.5",
        "source": "ECB",
    },
    "POST /v1/deliveries": lambda number: {**COUNTED, "revision": number % 9 + 1, "facts": {"impressions": number % 9}},
    "POST /v1/delivery-adjustments": lambda number: {
        "id": f"meant{number}",
        "contract": "acme",
        "kind": "credit",
        "delivered_on": "1997-07-02",
        "repairs_on": "1997-07-01",
        "amount": "1.00",
        "reason": "It was dark",
    },
    "POST /v1/contracts/{contract}/renewals": lambda number: {"months": number % 24 + 1},
    "POST /v1/contracts/{contract}/reinstatements": lambda number: {"effective_from": f"2096-01-{number % 28 + 1:02}"},
}


def _validator(document: dict[str, Any], label: str) -> Draft202012Validator:
    method, _, path = label.partition(" ")
    schema = document["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
    return Draft202012Validator(
        {**schema, "components": document["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def _draft(number: int) -> dict[str, Any]:
    return {"effective_from": f"2040-01-{number % 28 + 1:02}"}


READY = tuple(f"{year}-{month:02}" for year in (1998, 1999) for month in range(1, 13))


@dataclass
class Outcome:
    """What a run did and found."""

    cases: Counter[tuple[str, str]] = field(default_factory=Counter)  # by phase and operation
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)  # by operation and status
    checks: Counter[str] = field(default_factory=Counter)
    meant: Counter[str] = field(default_factory=Counter)  # differences that are none, by their reason
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Add what another shard did and found."""
        for counted in ("cases", "statuses", "checks", "meant"):
            getattr(self, counted).update(getattr(other, counted))
        self.failures = {**other.failures, **self.failures}
        self.errors += other.errors


def seeded(engine: Engine) -> ApiClient:
    """An API with something of everything: a contract in force, with a draft and a submitted version behind it, lists,
    conversions, impressions and a statement."""
    runtime = runtime_on(engine)
    client = ApiClient(create_app(runtime, UNLIMITED), Keys(runtime))
    set_up(client)
    author, approver = client.as_("ops", "dana"), client.as_("approver", "sam")
    for contract in CONTRACTS:
        if contract != "acme":
            author.post("/v1/partners", {"id": contract})
            author.post("/v1/contracts", {"id": contract, "program": "cdnow", "partner": contract})
            author.post(f"/v1/contracts/{contract}/versions", {"effective_from": "1997-01-01", "rules": rules()})
            author.post(f"/v1/contracts/{contract}/versions/1/submit")
            approver.post(f"/v1/contracts/{contract}/versions/1/approve")
        _with_a_life(author, approver, contract)
    author.post("/v1/lists", {"id": "vip", "type": "text", "members": ["GOLD"]})
    author.post("/v1/exchange-rates", {"from": "EUR", "to": "USD", "day": "1997-07-02", "rate": "1.1", "source": "ECB"})
    for number in range(3):
        author.post("/v1/conversions", conversion(f"o{number}"))
    author.post("/v1/conversions/cdnow/o1/corrections", {"facts": {"order_value": "9.00"}, "reason": "Net"})
    author.post("/v1/deliveries", {**COUNTED, "facts": {"impressions": 0}})
    billed(client, {"contract": "acme", "period": "1997-07"})
    for period in READY:
        computed(client, {"program": "cdnow", "period": period})
    return client


def _with_a_life(author: ApiClient, approver: ApiClient, contract: str) -> None:
    """Version 2 a draft, 3 submitted, 4 approved for later; payout rules 2 a draft, 3 submitted, 4 approved. Some
    contracts have an end, some are terminated."""
    versions = f"/v1/contracts/{contract}/versions"
    more = {"ends_on": "2090-01-01"} if contract in ENDING else {}
    for number, start in ((2, "1998-01-01"), (3, "1999-01-01"), (4, "2080-01-01")):
        said = {"effective_from": start, "rules": rules("7"), "backdated": "restate", **(more if number == 4 else {})}
        if number == 4 and contract in TERMINATED:
            said = {"effective_from": start, "termination": True}
        author.post(versions, said)
    rate = {"kind": "payout", "body": payout("9"), "backdated": "restate"}
    for day in (1, 2, 3):
        author.post(f"{versions}/1/rule-versions", {**rate, "effective_from": f"1997-03-0{day}"})
    of_rules = f"{versions}/1/rule-versions/payout"
    for one in (f"{versions}/3", f"{versions}/4", f"{of_rules}/3", f"{of_rules}/4"):
        author.post(f"{one}/submit")
    for one in (f"{versions}/4", f"{of_rules}/4"):
        approver.post(f"{one}/approve")


# What one process tries: a share of the operations each by itself, or all of them one after the other along the links.
# With fewer, one of them goes on alone for minutes.
OF_OPERATIONS = ("first", "second", "third", "fourth")
SHARDS = (*OF_OPERATIONS, "stateful")


def settings(secret: str, examples: int, seed: int, shard: str) -> SchemathesisConfig:
    """All checks, and the phases of a shard. What is set otherwise than it comes has its reason beside it."""
    is_stateful = shard == "stateful"
    phases = {phase: {"enabled": not is_stateful} for phase in ("examples", "coverage", "fuzzing")}
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "phases": {**phases, "stateful": {"enabled": is_stateful}},
            "auth": {"openapi": {"apiKey": {"bearer": secret}}},
            "continue-on-failure": True,
            "checks": {"enabled": True},
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
        }
    )


def run(client: ApiClient, address: str, examples: int, seed: int = 1) -> Outcome:
    """Run everything there is against a served application, shard by shard at once."""
    made = client.get("/v1/decisions?program=cdnow&conversion=o1").get_json()["items"][0]["id"]
    spare = [client.post("/v1/api-keys", {"name": f"spare {n}", "role": "qa"}).get_json()["id"] for n in range(16)]
    given = [address, client.keys.of("admin"), ",".join([made, *spare]), str(examples), str(seed)]
    command = [sys.executable, "-m", "tests.web.conformance", *given]
    processes = [subprocess.Popen([*command, shard], cwd=ROOT, stdout=subprocess.PIPE) for shard in SHARDS]
    whole = Outcome()
    for process in processes:
        written, _ = process.communicate()
        assert process.returncode == 0, process.args
        whole.add(pickle.loads(written))
    return whole


def run_shard(address: str, secret: str, made: str, examples: int, seed: int, shard: str) -> Outcome:
    """Run one shard."""
    # It would climb towards inputs that are accepted, and does not come down again where bodies are as large as lists are.
    hypothesis.target = lambda observation, *, label="": observation
    config = settings(secret, examples, seed, shard)
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)
    if shard != "stateful":
        found = sorted(result.ok().definition.raw["operationId"] for result in schema.get_all_operations())
        schema = schema.include(operation_id=found[OF_OPERATIONS.index(shard) :: len(OF_OPERATIONS)])
    known, outcome = Known(schema.raw_schema, *made.split(",")), Outcome()

    @schema.hook("filter_failure")
    def is_a_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
        reasons = [meant.why for meant in MEANT if meant.explains(failure, case, response)]
        outcome.meant.update(reasons[:1])
        return not reasons

    @schema.hook("map_path_parameters")
    def ids_of_address(context: Any, path_parameters: Any) -> Any:
        return known.in_path(path_parameters)

    @schema.hook("map_query")
    def contracts_of_query(context: Any, query: Any) -> Any:
        return query and {name: known.contract(value) if name == "contract" else value for name, value in query.items()}

    @schema.hook("map_headers")
    def new_keys(context: Any, headers: Any) -> Any:
        return headers and {name: _mostly_new(name, value, shard) for name, value in headers.items()}

    @schema.hook("map_body")
    def ids_of_body(context: Any, body: Any) -> Any:
        return known.in_body(body, context.operation.label if context.operation else "")

    for event in from_schema(schema).execute():
        _take(outcome, event)
    return outcome


class Known:
    """What there is. Ids that are drawn hardly ever are of something: most of the good ones become one of these."""

    def __init__(self, document: dict[str, Any], decision: str, *keys: str) -> None:
        self.keys = keys
        self.fits = {label: _validator(document, label) for label in MEANT_BODIES}
        ids = {"program": "cdnow", "kind": "payout", "partner": "acme", "list": "vip", "conversion": "o1"}
        ids |= {"source": "EUR", "target": "USD", "day": "1997-07-02"}
        delivery = derived_id("dlv", *COUNTED.values(), "1")
        self.ids = {**ids, "decision": decision, "period": "1997-07", "delivery": delivery}
        # One that is posted, and those that are ready: whoever posts one, or cancels it, leaves others.
        self.runs = [derived_id("run", "cdnow", "acme", "1997-07", "1")] * 6
        self.runs += [derived_id("run", "cdnow", "", period, "1") for period in READY]

    def in_path(self, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the ids of an address, of something there is."""
        found = {name: self._known(name, value) for name, value in (path_parameters or {}).items()}
        number = found.get("number")
        if found.get("kind") == "payout" and isinstance(number, int) and number % 8 in (2, 3):
            found["number"] = 1  # where the rule versions are
        return path_parameters and found

    def in_body(self, body: Any, label: str) -> Any:
        """Return a body about a program or contract there is, or now and then one that is meant."""
        if not isinstance(body, dict):
            return body
        if label in MEANT_BODIES and next(NUMBERS) % 2 and self.fits[label].is_valid(body):
            return MEANT_BODIES[label](next(NUMBERS))
        return {
            name: self._known(name, value) if name in ("program", "contract") else value for name, value in body.items()
        }

    def contract(self, value: Any) -> Any:
        """Return a contract there is in place of most that are drawn."""
        return self._known("contract", value)

    def _known(self, name: str, value: Any) -> Any:
        if name in ("number", "rule_number") and isinstance(value, int) and 1 <= value <= 999_999_999:
            return value if value % 8 == 7 else value % 4 + 1
        if name == "api_key" and isinstance(value, str):
            return self.keys[crc32(value.encode()) % len(self.keys)]
        if name == "run" and isinstance(value, str):
            return self.runs[crc32(value.encode()) % len(self.runs)]
        if name == "contract" and isinstance(value, str) and _IDENTIFIER.fullmatch(value):
            place = crc32(value.encode())
            return CONTRACTS[place // 8 % len(CONTRACTS)] if place % 8 else value
        is_good = isinstance(value, str) and _IDENTIFIER.fullmatch(value)
        return self.ids[name] if is_good and name in self.ids and crc32(value.encode()) % 8 else value


def _mostly_new(name: str, value: Any, shard: str) -> Any:
    """Return an Idempotency-Key as a new one: short ones are drawn again and again, and their requests refused. One that
    is none stays what it is, and some come again as they are."""
    is_good = name == "Idempotency-Key" and isinstance(value, str) and re.fullmatch("[!-~]{1,200}", value)
    return f"{value}-{shard}{next(NUMBERS)}" if is_good and crc32(value.encode()) % 8 else value


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


def main(address: str, secret: str, made: str, examples: str, seed: str, shard: str) -> None:
    """Run a shard and write what it found to the standard output."""
    out = sys.stdout.buffer
    sys.stdout = sys.stderr
    # Pickled under the name by which others import it.
    found = run_shard(address, secret, made, int(examples), int(seed), shard)
    out.write(pickle.dumps(found))


if __name__ == "__main__":
    from tests.web import conformance

    conformance.main(*sys.argv[1:])
