"""The rate limit as HTTP has it: 429, and `RateLimit` headers as the IETF drafts them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, current_app, g, request

from app.core.errors import AppError
from app.web.errors import TooManyRequests
from app.web.rate import Buckets, Limiter, Rate, Verdict

EXTENSION = "termline_limiter"


def register(app: Flask, limiter: Limiter) -> None:
    """Limit what the application's callers ask for, and tell them how much is left."""
    app.extensions[EXTENSION] = limiter
    app.after_request(_say_what_is_left)


@contextmanager
def within_rate() -> Iterator[None]:
    """Let a caller be looked up, if it does not ask too often.

    A key that was let in before has its own bucket, which is asked before the database is. Whoever presents another one
    takes from the bucket of the address, and gets back what was taken if the key is good.
    """
    limiter: Limiter = current_app.extensions[EXTENSION]
    key = hashlib.sha256((request.headers.get("Authorization") or "").encode()).hexdigest()
    address = request.remote_addr or ""
    is_known = limiter.is_known(key)
    if not is_known:
        _take(limiter.addresses, address, "address")
    try:
        if is_known:
            _take(limiter.keys, key, "key")
        yield
    except TooManyRequests:
        raise
    except AppError as refusal:
        if refusal.kind == "unauthenticated":
            limiter.forget(key)
        raise
    if not is_known:
        limiter.addresses.give_back(address)
        limiter.know(key)
        _take(limiter.keys, key, "key")


def _take(buckets: Buckets, name: str, whose: str) -> None:
    verdict = buckets.take(name)
    g.rate = whose, buckets.rate, verdict
    if not verdict.is_allowed:
        raise TooManyRequests(
            f"More requests came from this {whose} than are served at a time. Wait {verdict.retry_after} s.",
            retry_after=verdict.retry_after,
        )


def _say_what_is_left(response: Response) -> Response:
    if "rate" in g:
        whose, rate, verdict = g.rate
        response.headers["RateLimit-Policy"] = policy(whose, rate)
        response.headers["RateLimit"] = left(whose, verdict)
    return response


def policy(whose: str, rate: Rate) -> str:
    """Return a quota as `RateLimit-Policy` has it: so many at once, and again within so many seconds."""
    return f'"{whose}";q={rate.burst};w={rate.window}'


def left(whose: str, verdict: Verdict) -> str:
    """Return what is left of it as `RateLimit` has it, and when it is whole again."""
    return f'"{whose}";r={verdict.left};t={verdict.full_after}'
