"""Cases sent to the real application: every answer is one of those documented, and none is a fault."""

from __future__ import annotations

from random import Random

from werkzeug.test import TestResponse

from app.factory import create_app
from app.runtime import Runtime
from tests.hostile.families import Case
from tests.hostile.trial import Hurt
from tests.web.bodies import set_up
from tests.web.client import ApiClient, Keys

RULES = b'{"effective_from":"2030-01-01","rules":{"payout":%s}}'
ADDRESSES = {
    "rules": (
        ("/v1/rules/check", b"%s"),
        ("/v1/contracts/acme/versions", RULES),
        ("/v1/contracts/acme/versions", b"%s"),
    ),
    "conversion": (("/v1/conversions", b"%s"), ("/v1/decisions/preview", b"%s"), ("/v1/programs", b"%s")),
}


def client_of(runtime: Runtime) -> ApiClient:
    """Return a client of an application that has a program, a partner and a contract."""
    client = ApiClient(create_app(runtime), Keys(runtime))
    set_up(client)
    return client


def sent(client: ApiClient, case: Case) -> int:
    """Send a case to an address that reads its kind, and return the status. Raises Hurt for a fault."""
    path, around = Random(case.text).choice(ADDRESSES[case.reader])
    response = client.post(path, data=around.replace(b"%s", case.text), content_type="application/json")
    if response.status_code >= 500:
        raise Hurt(f"{path} answers {response.status_code}: {response.text[:300]}")
    if response.status_code == 400 and not _says_where(response):
        raise Hurt(f"{path} answers 400 without a place: {response.text[:300]}")
    return response.status_code


def _says_where(response: TestResponse) -> bool:
    detail = response.get_json()["detail"]
    return "line 1 column" in detail or "line" in detail or "is empty" in detail or "NUL" in detail
