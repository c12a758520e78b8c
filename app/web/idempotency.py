"""`Idempotency-Key`: a request that is sent again is answered with what it did, and does it once.

The key belongs to its caller. It is claimed, and the answer kept, in the transaction of the work (ADR 0019).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from flask import Response, request

from app.runtime import Context
from app.store.done_requests import claim, done_under, forget, keep
from app.web.errors import IdempotencyInProgress, IdempotencyKeyMalformed, IdempotencyKeyMissing, IdempotencyKeyReused

# Whether a write asks for a key: where sending it twice would do it twice; where it is safe anyway but one may be sent;
# or where nothing is written, so that there is nothing to remember.
Once = Literal["required", "optional", "needless"]
HEADER, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
PATTERN = "^[!-~]{1,255}$"
KEPT_FOR = timedelta(days=30)
KEPT_HEADERS = ("Content-Type", "Location", "ETag")
# Each request that is remembered has this many forgotten whose time is over: the table cannot grow beyond its traffic.
FORGOTTEN_AT_ONCE = 10


def key_of_request(once: Once) -> str | None:
    """Return the request's key, or None where it has none and needs none."""
    if once == "needless":
        return None
    keys = request.headers.getlist(HEADER)
    if not keys and once == "optional":
        return None
    if not keys:
        raise IdempotencyKeyMissing(
            f"Send `{HEADER}` with a value of your own, such as a UUID. Sent twice, this would be done twice otherwise."
        )
    if len(keys) > 1 or not re.fullmatch(PATTERN.strip("^$"), keys[0], re.ASCII):
        raise IdempotencyKeyMalformed(f"`{HEADER}` is sent once and has 1 to 255 visible ASCII characters.")
    return keys[0]


def answered_once(ctx: Context, key: str | None, answer: Callable[[], Response]) -> Response:
    """Return the answer of a request: the kept one, if it was done already, else the one it gets now.

    What is refused raises, and takes its transaction back: it has done nothing, so nothing is remembered of it.
    """
    if key is None:
        return answer()
    if not claim(ctx.session, ctx.actor, key):
        raise IdempotencyInProgress(
            f"A request with this `{HEADER}` is running. Send it again in a moment for its answer.", retry_after=1
        )
    payload = payload_hash()
    done = done_under(ctx.session, ctx.actor, key, ctx.now() - KEPT_FOR)
    if done is None:
        response = answer()
        _remember(ctx, key, payload, response)
        return response
    if done.payload_hash != payload:
        raise IdempotencyKeyReused(
            f"This `{HEADER}` was used for another request, {done.request}, or for another body of it. Choose a new one."
        )
    return Response(zlib.decompress(done.body), done.status, {**done.headers, REPLAYED: "true"})


def payload_hash() -> str:
    """Return the hash of what the present request asks for. Its body has been read."""
    query = sorted(request.args.items(multi=True))
    found = hashlib.sha256(repr((request.method, request.path, query, request.mimetype)).encode())
    found.update(request.get_data())
    return found.hexdigest()


def _remember(ctx: Context, key: str, payload: str, response: Response) -> None:
    keep(
        ctx.session,
        actor=ctx.actor,
        key=key,
        request=f"{request.method} {request.path}",
        payload_hash=payload,
        status=response.status_code,
        headers={name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
        body=zlib.compress(response.get_data(), 1),
        created_at=ctx.now(),
    )
    # Last, and without waiting for anybody, so that two of these never wait for each other.
    forget(ctx.session, ctx.now() - KEPT_FOR, FORGOTTEN_AT_ONCE)
