"""`termline key`, in this process: what it prints, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from app.cli import group
from app.store.migrate import migrate
from app.store.session import engine_for

Key = Callable[..., Result]


@pytest.fixture
def key(fresh_database: str) -> Key:
    """Run `termline key` on the module's database."""
    engine = engine_for(fresh_database)
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()
    return lambda *arguments: CliRunner().invoke(group, ["key", *arguments], env={"DATABASE_URL": fresh_database})


def test_a_key_is_listed_rotated_and_revoked(key: Key) -> None:
    first = key("create", "--role", "qa", "--name", "quinn", "--scope", "read", "--expires", "2999-01-01")
    assert first.exit_code == 0, first.stderr
    second = key("rotate", "quinn", "--old-ends", "2998-12-31T00:00:00+01:00")
    assert second.stdout.startswith("tl_"), second.stderr
    (quinn,) = [key for key in json.loads(key("list", "--json").stdout) if key["name"] == "quinn"]
    assert (quinn["scopes"], quinn["expires_at"]) == (["read"], "2999-01-01T00:00:00Z")
    assert [secret["prefix"] for secret in quinn["secrets"]] == [first.stdout[:11], second.stdout[:11]]
    assert [secret["ends_at"] for secret in quinn["secrets"]] == ["2998-12-30T23:00:00Z", "2999-01-01T00:00:00Z"]
    assert key("revoke", "quinn", "--prefix", first.stdout[:11]).stdout == f"Revoked {first.stdout[:11]}.\n"
    assert key("revoke", "quinn").stdout == "Revoked quinn.\n"
    listed = key("list").stdout
    assert "quinn" in listed
    assert first.stdout.strip() not in listed
    again = key("rotate", "quinn")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "is revoked or has expired" in again.stderr
    assert "There is no API key named 'nobody'" in key("revoke", "nobody").stderr


def test_a_key_with_a_wrong_end_or_partner_is_refused(key: Key) -> None:
    for options, says in (
        (("--role", "ops", "--expires", "tomorrow"), "'tomorrow' is no date YYYY-MM-DD"),
        (("--role", "ops", "--expires", "2001-01-01"), "2001-01-01T00:00:00Z is not in the future"),
        (("--role", "partner", "--partner", "nobody"), "there is no partner 'nobody'"),
    ):
        done = key("create", "--name", "x", *options)
        assert (done.exit_code, done.stdout) == (2, "")
        assert says in done.stderr
