"""Every refusal of somebody who can be named is in the audit trail; noise from outside cannot fill it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, func, select

from app.access.operations.create_key import create_key
from app.access.operations.revoke_key import revoke_key
from app.access.secret import new_secret
from app.core.clock import frozen_at
from app.factory import create_app
from app.runtime import Runtime
from app.store.models import Partner
from tests.builders.trail import noted
from tests.web.bodies import rules, set_up
from tests.web.client import ApiClient

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def key_of(runtime: Runtime, name: str = "ann", **given: Any) -> tuple[str, str]:
    """Create a key and return its id and its secret."""
    with replace(runtime, clock=frozen_at(NOW)).work("tester") as ctx:
        row, secret = create_key(ctx, **{"role": "ops", "name": name, **given})
        return row.id, secret


def at(runtime: Runtime, instant: datetime) -> Flask:
    """Return the application at an instant."""
    return create_app(replace(runtime, clock=frozen_at(instant)))


def call(app: Flask, secret: str, method: str = "GET", path: str = "/v1/partners", **kwargs: Any) -> tuple[int, str]:
    """Return the status and code of an answer."""
    response = app.test_client().open(path, method=method, headers={"Authorization": f"Bearer {secret}"}, **kwargs)
    return response.status_code, (response.get_json() or {}).get("code", "")


def refusals(connection: Connection) -> list[tuple[str, str, dict[str, Any]]]:
    """Return actor, subject and details of every refusal in the audit trail."""
    found = noted(connection, "access.refused")
    return [(event["actor"], event["subject"], event["after"]) for event in found]


def test_a_wrong_secret_behind_a_known_prefix_is_noted_once_a_minute(runtime: Runtime, connection: Connection) -> None:
    identifier, secret = key_of(runtime)
    wrong = replace(new_secret(), prefix=secret[:11]).text
    app = at(runtime, NOW)
    for _ in range(20):
        assert call(app, wrong) == (401, "key_unknown")
    ((actor, subject, after),) = refusals(connection)
    assert (actor, subject, after["prefix"], after["code"]) == ("anonymous", identifier, secret[:11], "key_unknown")
    assert (after["operation"], after["path"]) == ("list_partners", "/v1/partners")
    assert call(at(runtime, NOW + timedelta(minutes=1)), wrong) == (401, "key_unknown")
    assert len(refusals(connection)) == 2
    assert call(app, secret)[0] == 200


def test_what_is_no_key_of_ours_is_logged_and_not_stored(
    runtime: Runtime, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    app, stranger = at(runtime, NOW), new_secret().text
    for secret in (stranger, stranger[:-1] + "!", "tl_", "x" * 100_000, "tl_" + "a" * 43, "\xe4\xf6", "a b c"):
        assert call(app, secret) == (401, "key_unknown")
    assert refusals(connection) == []
    logged = capsys.readouterr().out
    assert logged.count("access.refused") == 7
    assert stranger not in logged
    assert "code=key_unknown" in logged


def test_a_pepper_that_is_gone_is_said_to_us_and_not_to_the_caller(runtime: Runtime, connection: Connection) -> None:
    _, secret = key_of(replace(runtime, key_pepper="of a setting that is gone by tomorrow"))
    answer = at(runtime, NOW).test_client().get("/v1/lists", headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_unknown")
    assert "pepper" not in answer.text
    assert [after["reason"] for _, _, after in refusals(connection)] == ["the pepper this key was made with is not set"]


def test_a_letter_that_is_off_is_said(runtime: Runtime) -> None:
    _, secret = key_of(runtime)
    app = at(runtime, NOW)
    typo = secret[:20] + ("A" if secret[20] != "A" else "B") + secret[21:]
    for text, said in ((typo, "a character of it is off"), (new_secret().text, "Check that it is the whole key")):
        answer = app.test_client().get("/v1/partners", headers={"Authorization": f"Bearer {text}"})
        assert said in answer.get_json()["detail"]


def test_a_known_prefix_cannot_be_told_from_an_unknown_one(runtime: Runtime) -> None:
    _, secret = key_of(runtime)
    app = at(runtime, NOW)
    known, unknown = replace(new_secret(), prefix=secret[:11]).text, new_secret().text
    answers = [
        app.test_client().get("/v1/lists", headers={"Authorization": f"Bearer {each}"}) for each in (known, unknown)
    ]
    assert answers[0].data == answers[1].data


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_key_that_has_ended_is_noted_by_its_name(runtime: Runtime, connection: Connection, how: str) -> None:
    identifier, secret = key_of(runtime, expires_at=NOW + timedelta(hours=1))
    if how == "revoked":
        with runtime.work("tester") as ctx:
            revoke_key(ctx, key=identifier)
    assert call(at(runtime, NOW + timedelta(hours=1)), secret) == (401, f"key_{how}")
    ((actor, subject, after),) = refusals(connection)
    assert (actor, subject, after["code"]) == ("ann", identifier, f"key_{how}")


def test_a_refused_role_is_noted_each_time(runtime: Runtime, connection: Connection) -> None:
    identifier, secret = key_of(runtime, role="finance")
    app = at(runtime, NOW)
    for _ in range(3):
        assert call(app, secret, "POST", json={"id": "acme"}) == (403, "role_not_allowed")
    assert [(actor, subject, after["role"], after["operation"]) for actor, subject, after in refusals(connection)] == [
        ("ann", identifier, "finance", "add_partner")
    ] * 3


def test_self_approval_is_noted_though_its_work_is_taken_back(client: ApiClient, connection: Connection) -> None:
    set_up(client, approve=False)
    both = client.as_("admin", "dana2")
    version = {"effective_from": "1997-02-01", "backdated": "restate"}
    assert both.post("/v1/contracts/acme/versions", version | {"rules": rules()}).status_code == 201
    assert both.post("/v1/contracts/acme/versions/2/submit").status_code == 200
    assert both.post("/v1/contracts/acme/versions/2/approve").status_code == 403
    ((actor, _, after),) = refusals(connection)
    assert (actor, after["operation"], after["code"], after["role"]) == ("dana2", "approve", "self_approval", "admin")


def test_no_secret_is_in_the_audit_trail_or_the_log(
    runtime: Runtime, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    _, secret = key_of(runtime, role="finance")
    wrong = replace(new_secret(), prefix=secret[:11]).text
    app = at(runtime, NOW)
    call(app, secret, "POST", json={"id": "acme"})
    call(app, wrong)
    trail = json.dumps(noted(connection))
    logged = capsys.readouterr().out
    for text in (secret, wrong):
        assert text.split("_")[2] not in trail
        assert text.split("_")[2] not in logged


def test_a_key_revoked_while_its_body_comes_in_writes_nothing(runtime: Runtime, connection: Connection) -> None:
    identifier, secret = key_of(runtime)

    class Slow(io.BytesIO):
        """A body whose key is revoked before its last byte."""

        def readinto(self, buffer: Any) -> int:
            with runtime.work("tester") as ctx:
                revoke_key(ctx, key=identifier)
            return super().readinto(buffer)

    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json", "Content-Length": "14"}
    answer = at(runtime, NOW).test_client().post("/v1/partners", headers=headers, input_stream=Slow(b'{"id": "acme"}'))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_revoked")
    assert connection.scalar(select(func.count()).select_from(Partner)) == 0
    assert [after["code"] for _, _, after in refusals(connection)] == ["key_revoked"]
