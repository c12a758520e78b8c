"""Many at once, on a real database: one key does one thing, one tag lets one editor in, and a lost connection frees both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from app.access.gate import KeyGate
from app.adapters.fact_files import shipped_catalogue
from app.engine.reference import ReferenceMatcher
from app.factory import ROOMS
from app.runtime import Runtime
from app.web.application import application
from app.web.rate import Rate
from tests.builders.own_database import own_database
from tests.web.bodies import rules, set_up
from tests.web.client import ApiClient, Keys

VERSIONS = "/v1/contracts/acme/versions"
DRAFT = {"effective_from": "1998-01-01", "rules": rules("7"), "backdated": "restate"}
HOLD = text("SELECT id FROM contracts WHERE id = 'acme' FOR UPDATE")
WAITING = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture(scope="module")
def engine(server_url: str) -> Iterator[Engine]:
    with own_database(server_url, pool_size=20) as engine:
        yield engine


@pytest.fixture(scope="module")
def client(engine: Engine) -> ApiClient:
    """A client of an API with a contract in force, each request in a transaction of its own."""
    client = client_of(engine)
    set_up(client)
    return client


def client_of(engine: Engine, keys: Keys | None = None) -> ApiClient:
    """A client of another process on the same database."""
    runtime = Runtime(bind=engine, matcher=ReferenceMatcher(), catalogue=shipped_catalogue())
    return ApiClient(application(runtime, KeyGate(), ROOMS, Rate(10**6, 10**6)), keys or Keys(runtime))


def at_once(count: int, act: Callable[[int], TestResponse]) -> list[TestResponse]:
    """Let so many act at the same moment."""
    start = Barrier(count)

    def run(number: int) -> TestResponse:
        start.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def versions(engine: Engine) -> int:
    """How many versions the contract has."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM contract_versions")) or 0)


@pytest.mark.parametrize("threads", [2, 3, 4, 8, 16])
def test_of_many_requests_with_one_key_one_is_done(client: ApiClient, engine: Engine, threads: int) -> None:
    client.keys.of("admin")
    for number in range(6):
        before, headers = versions(engine), {"Idempotency-Key": f"race-{threads}-{number}"}
        answers = at_once(threads, lambda _, headers=headers: client.post(VERSIONS, DRAFT, headers=headers))
        assert versions(engine) == before + 1
        done = [a for a in answers if a.status_code == 201 and "Idempotent-Replayed" not in a.headers]
        assert len(done) == 1
        for answer in answers:
            if answer.status_code == 201:
                assert answer.data == done[0].data
            else:
                assert (answer.status_code, answer.get_json()["code"]) == (409, "idempotency_in_progress")
                assert answer.headers["Retry-After"] == "1"
        again = client.post(VERSIONS, DRAFT, headers=headers)
        assert (again.data, again.headers["Idempotent-Replayed"]) == (done[0].data, "true")


def test_a_request_that_is_running_is_not_waited_for(client: ApiClient, engine: Engine) -> None:
    headers = {"Idempotency-Key": "slow"}
    with ThreadPoolExecutor(1) as pool:
        with engine.connect() as other, other.begin():
            other.execute(HOLD)
            first = pool.submit(client.post, VERSIONS, DRAFT, headers=headers)
            backend_that_waits(engine)
            second = client.post(VERSIONS, DRAFT, headers=headers)
            assert (second.status_code, second.headers["Retry-After"]) == (409, "1")
            reused = client.post("/v1/partners", {"id": "bolt"}, headers=headers)
            assert reused.status_code == 409  # what the first one is for is known when it is done
            another = client.as_("ops", "dana").post("/v1/partners", {"id": "bolt"}, headers=headers)
            assert another.status_code == 201
        answer = first.result(30)
    assert answer.status_code == 201
    assert client.post(VERSIONS, DRAFT, headers=headers).data == answer.data


def test_a_connection_lost_in_the_middle_frees_the_key(client: ApiClient, engine: Engine) -> None:
    headers, before = {"Idempotency-Key": "lost"}, versions(engine)
    with ThreadPoolExecutor(1) as pool:
        with engine.connect() as other, other.begin():
            other.execute(HOLD)
            first = pool.submit(client.post, VERSIONS, DRAFT, headers=headers)
            with engine.begin() as admin:
                admin.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend_that_waits(engine)})
            assert first.result(30).status_code == 503
        assert versions(engine) == before
    done = client.post(VERSIONS, DRAFT, headers=headers)
    assert (done.status_code, done.headers.get("Idempotent-Replayed"), versions(engine)) == (201, None, before + 1)


def test_an_answer_that_was_lost_is_given_by_another_process(
    client: ApiClient, engine: Engine, server_url: str
) -> None:
    headers = {"Idempotency-Key": "answer-lost"}
    lost = client.post(VERSIONS, DRAFT, headers=headers).data
    assert client_of(engine, client.keys).post(VERSIONS, DRAFT, headers=headers).data == lost


def test_of_two_editors_with_one_tag_one_wins(client: ApiClient) -> None:
    drafted = client.post(VERSIONS, DRAFT)
    path, tag = drafted.headers["Location"], client.get(drafted.headers["Location"]).headers["ETag"]
    for number in range(100):
        bodies = [{**DRAFT, "reason": f"{number}{letter}"} for letter in "ab"]
        headers = {"If-Match": tag}
        answers = at_once(2, lambda n, bodies=bodies, headers=headers: client.put(path, bodies[n], headers=headers))
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        (won,) = [n for n, answer in enumerate(answers) if answer.status_code == 200]
        shown = client.get(path)
        assert shown.get_json()["reason"] == bodies[won]["reason"]
        tag = shown.headers["ETag"]


def backend_that_waits(engine: Engine) -> int:
    """The one backend that has claimed a key, once there is one."""
    for _ in range(500):
        with engine.connect() as connection:
            pids = connection.scalars(WAITING).all()
        if pids:
            return int(pids[0])
        time.sleep(0.02)
    raise AssertionError("no request has claimed its key")
