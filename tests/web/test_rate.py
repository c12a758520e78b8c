"""A key may send so many requests at once and so many a second; who has none is limited by address."""

from __future__ import annotations

import random
import re
from threading import Thread

import pytest

from app.access.gate import KeyGate
from app.factory import ROOMS
from app.runtime import Runtime
from app.web import limits
from app.web.application import application
from app.web.openapi import operations_of
from app.web.rate import SECOND, Buckets, Limiter, Rate
from tests.web.client import ApiClient, Keys


class Ticks:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)


def test_a_burst_is_let_through_and_no_more() -> None:
    buckets = Buckets(Rate(10, 5), Ticks())
    verdicts = [buckets.take("a") for _ in range(7)]
    assert [v.is_allowed for v in verdicts] == [True] * 5 + [False] * 2
    assert [v.left for v in verdicts] == [4, 3, 2, 1, 0, 0, 0]
    assert verdicts[-1].retry_after == 1
    assert buckets.take("b").is_allowed


def test_it_fills_again_at_its_rate() -> None:
    ticks = Ticks()
    buckets = Buckets(Rate(10, 5), ticks)
    for _ in range(5):
        buckets.take("a")
    ticks.pass_(0.099)
    assert not buckets.take("a").is_allowed
    ticks.pass_(0.001)
    assert buckets.take("a").is_allowed
    assert not buckets.take("a").is_allowed
    ticks.pass_(3600)
    assert sum(buckets.take("a").is_allowed for _ in range(9)) == 5


def test_it_lets_through_what_a_bucket_of_tokens_would() -> None:
    """Against the plain thing: tokens that drip in, and are taken out."""
    for seed in range(50):
        draw, ticks = random.Random(seed), Ticks()
        rate = Rate(draw.choice([1, 2, 5, 8]), draw.choice([1, 3, 10]))
        buckets, tokens, drip = Buckets(rate, ticks), rate.burst * SECOND, rate.per_second
        for _ in range(300):
            waited = draw.choice([0, 0, SECOND // 8, SECOND // 4, SECOND])
            ticks.now += waited
            tokens = min(rate.burst * SECOND, tokens + waited * drip)
            expected = tokens >= SECOND
            tokens -= SECOND if expected else 0
            verdict = buckets.take("a")
            assert verdict.is_allowed == expected, (seed, rate)
            if expected:
                assert verdict.left == tokens // SECOND


def test_what_it_says_to_wait_is_enough_and_not_much_more() -> None:
    for rate in (Rate(1, 1), Rate(1, 5), Rate(7, 3), Rate(200, 10)):
        ticks = Ticks()
        buckets = Buckets(rate, ticks)
        while (verdict := buckets.take("a")).is_allowed:
            pass
        ticks.pass_(verdict.retry_after)
        assert buckets.take("a").is_allowed
        assert verdict.retry_after == 1


def test_memory_is_bounded() -> None:
    buckets = Buckets(Rate(1, 1), Ticks(), most=100)
    for number in range(1000):
        buckets.take(f"key {number}")
    assert len(buckets) == 100
    assert not buckets.take("key 999").is_allowed


def test_a_clock_that_was_set_back_does_not_shut_out() -> None:
    ticks = Ticks()
    buckets = Buckets(Rate(1, 2), ticks)
    buckets.take("a")
    ticks.now = 0
    assert buckets.take("a").is_allowed


def test_threads_share_a_bucket() -> None:
    buckets, allowed = Buckets(Rate(1, 100), Ticks()), []
    threads = [Thread(target=lambda: allowed.extend(buckets.take("a").is_allowed for _ in range(50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 100


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def client(runtime: Runtime, keys: Keys, ticks: Ticks) -> ApiClient:
    """A client of an API that serves a key 10 requests at once, and an address 2 without a good one."""
    app = application(runtime, KeyGate(), ROOMS, Rate(10, 20))
    app.extensions[limits.EXTENSION] = Limiter(Rate(10, 20), ticks)
    return ApiClient(app, keys)


def test_a_key_that_asks_too_often_is_told_to_wait(client: ApiClient, ticks: Ticks) -> None:
    answers = [client.get("/v1/partners") for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    refused = answers[-1]
    assert refused.get_json()["code"] == "too_many_requests"
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit-Policy"] == '"key";q=20;w=2'
    assert [answer.headers["RateLimit"] for answer in answers[:2]] == ['"key";r=19;t=1', '"key";r=18;t=1']
    assert refused.headers["RateLimit"] == '"key";r=0;t=2'
    assert client.as_("ops", "dana").get("/v1/partners").status_code == 200
    ticks.pass_(0.1)
    assert [client.get("/v1/partners").status_code for _ in range(2)] == [200, 429]


def test_a_refusal_costs_as_much_as_an_answer(client: ApiClient) -> None:
    codes = [client.post("/v1/partners", data=b"{", content_type="application/json").status_code for _ in range(21)]
    assert codes == [400] * 20 + [429]


def test_guessing_is_slow_and_does_not_shut_others_out(client: ApiClient, ticks: Ticks) -> None:
    assert client.get("/v1/partners").status_code == 200
    guesses = [client.get("/v1/partners", headers={"Authorization": f"Bearer tl_{n}"}) for n in range(5)]
    assert [guess.status_code for guess in guesses] == [401, 401, 429, 429, 429]
    assert guesses[0].headers["RateLimit-Policy"] == '"address";q=2;w=2'
    assert client.get("/v1/partners").status_code == 200  # whoever was let in before still is
    ticks.pass_(1)
    assert client.get("/v1/partners", headers={"Authorization": None}).status_code == 401


def test_a_new_key_takes_nothing_from_its_address(client: ApiClient) -> None:
    for number in range(5):
        assert client.as_("ops", f"dana{number}").get("/v1/partners").status_code == 200
    assert client.get("/v1/partners", headers={"Authorization": "Bearer tl_no"}).status_code == 401


def test_what_needs_no_key_is_not_limited(client: ApiClient) -> None:
    assert {client.app.test_client().get("/problems/fault").status_code for _ in range(60)} == {200}


def test_every_operation_says_that_it_may_answer_429(client: ApiClient) -> None:
    for path, method, operation in operations_of(client.document):
        assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= set(operation["responses"]["429"]["headers"]), (
            path,
            method,
        )


def test_the_ordinary_limit_is_generous(runtime: Runtime, keys: Keys) -> None:
    client = ApiClient(application(runtime, KeyGate(), ROOMS, Rate()), keys)
    shown = client.get("/v1/partners").headers
    assert re.fullmatch(r'"key";q=1000;w=5', shown["RateLimit-Policy"])
    assert shown["RateLimit"] == '"key";r=999;t=1'
