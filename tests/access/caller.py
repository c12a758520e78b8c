"""Calling every operation in every role, each call taken back, so that all of them meet the same world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import Connection, func, select
from werkzeug.test import TestResponse

from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from app.store.models import AuditEvent
from app.web.openapi import operations_of
from tests.access.operations import OPERATIONS, WITH_DRAFTS, Asked
from tests.access.world import HIDDEN, MINE, OF_THEIRS
from tests.builders.trail import noted
from tests.web.client import Keys


@dataclass
class Answered:
    """An answer, and what the audit trail has of a refusal."""

    response: TestResponse
    refusals: list[dict[str, Any]]

    @property
    def status(self) -> int:
        return self.response.status_code


@dataclass
class World:
    """The application over the world of `world.py`."""

    app: Flask
    runtime: Runtime
    connection: Connection
    keys: Keys
    ids: dict[str, Any]
    methods: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        document = self.app.test_client().get("/openapi.json").get_json()
        self.methods = {operation["operationId"]: method for _, method, operation in operations_of(document)}

    def ask(self, role: str, operation: str, path: str) -> Answered:
        """Ask for an operation in a role; a partner asks as acme. Nothing of it stays."""
        name = MINE if role == "partner" else f"the {role}"
        headers = {"Authorization": f"Bearer {self.keys.of(role, name)}"}
        body = OPERATIONS[operation].body
        given = {} if body is None else {"json": body}
        with taken_back(self.connection):
            before = self._last_event()
            method = self.methods[operation].upper()
            client = self.app.test_client()
            headers["Idempotency-Key"] = f"{operation} {path}".replace(" ", "-")
            if method == "PUT":
                headers["If-Match"] = "*"
            response = client.open(self.filled(path), method=method, headers=headers, **given)
            return Answered(response, self._refusals(before))

    def filled(self, path: str) -> str:
        """Return a path with the ids that the world made up."""
        made = {f"{partner}_{name}": value for partner in ("acme", "zulu") for name, value in self.ids[partner].items()}
        return path.format(key=self.ids["key"], run=self.ids["run"], **made)

    def _last_event(self) -> int:
        return self.connection.scalar(select(func.coalesce(func.max(AuditEvent.seq), 0))) or 0

    def _refusals(self, since: int) -> list[dict[str, Any]]:
        found = noted(self.connection, "access.refused", since)
        return [{"actor": event["actor"], **(event["after"] or {})} for event in found]


def leaks(world: World) -> Iterator[str]:
    """Yield everything that a partner is told of another one, or not told of its own."""
    for name, asked in OPERATIONS.items():
        for said in _leaks_of(world, name, asked):
            yield f"{name}: {said}"


def _leaks_of(world: World, name: str, asked: Asked) -> Iterator[str]:
    paths = [path for path in (asked.mine, asked.theirs, asked.nothing, *asked.more) if path]
    answers = {path: world.ask("partner", name, path) for path in paths}
    for path, answered in answers.items():
        # A refusal repeats the id that was asked for; what else it says is compared below.
        found = OF_THEIRS.search(answered.response.data) if answered.status < 400 else None
        if found:
            yield f"{path} shows {found[0]!r}"
    if "partner" not in asked.roles:
        return
    own = answers[asked.mine]
    if own.status != 200:
        yield f"{asked.mine} answers {own.status}"
    if HIDDEN.search(own.response.data):
        yield f"{asked.mine} shows what is not approved"
    if asked.theirs and name not in WITH_DRAFTS and own.response.data != _as_the_house_sees(world, name, asked):
        yield f"{asked.mine} does not show all of it"
    if asked.theirs and asked.nothing:
        theirs, nothing = answers[asked.theirs], answers[asked.nothing]
        if theirs.status != 404 or _alike(world, theirs) != _alike(world, nothing):
            yield f"{asked.theirs} answers {theirs.status} and not as if nothing were there"


def _as_the_house_sees(world: World, name: str, asked: Asked) -> bytes:
    return world.ask("finance", name, asked.mine).response.data


def _alike(world: World, answered: Answered) -> tuple[Any, ...]:
    """Return an answer with the ids that were asked for made the same."""
    text, names = answered.response.text, set(dict(answered.response.headers))
    theirs = world.ids["zulu"]
    for asked in ("zulu", "nobody", theirs["current"], "dec_0", theirs["delivery"], "dlv_0"):
        text = text.replace(asked, "@")
    return answered.status, text, sorted(names - {"X-Request-Id", "Content-Length"})
