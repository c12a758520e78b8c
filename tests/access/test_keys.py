"""Keys and their secrets: how they are written and stored, how they end, and that there are never three."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from app.access import errors
from app.access.operations import issue_secret
from app.access.operations.authenticate import authenticate
from app.access.operations.create_key import create_key
from app.access.operations.revoke_key import revoke_key
from app.access.operations.rotate_key import rotate_key
from app.access.secret import LETTERS, Secret, checksum, new_secret, read_secret
from app.core.errors import AppError
from app.engine.reference import ReferenceMatcher
from app.partners.operations.create_partner import create_partner
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.store.migrate import migrate
from app.store.models import ApiKey, ApiKeySecret, InstallationSecret
from app.store.session import engine_for
from tests.builders.trail import events

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
def then(ctx: Context) -> Context:
    return ctx.at(NOW)


def bearer(secret: str) -> str:
    return f"Bearer {secret}"


def used(ctx: Context, secret: str) -> str:
    """Use a secret and return its key's name, or the code of the refusal."""
    try:
        return authenticate(ctx, bearer(secret))[0].name
    except AppError as refusal:
        return refusal.code


# How a secret is written


def test_a_secret_has_a_prefix_much_chance_and_a_checksum() -> None:
    secrets = {new_secret().text for _ in range(1000)}
    assert len(secrets) == 1000
    for secret in secrets:
        tl, prefix, random, check = secret.split("_")
        assert (tl, len(prefix), len(random), len(check)) == ("tl", 8, 43, 6)
        assert read_secret(secret) is not None


def test_a_letter_off_or_two_changed_over_is_told_without_the_database() -> None:
    secret = new_secret().text
    for place, letter in enumerate(secret):
        for other in {"a", "Z", "0", LETTERS[(LETTERS.find(letter) + 1) % 62]} - {letter}:
            assert read_secret(secret[:place] + other + secret[place + 1 :]) is None
        assert read_secret(secret[:place] + secret[place + 1 :]) is None
        swapped = secret[:place] + secret[place : place + 2][::-1] + secret[place + 2 :]
        assert swapped == secret or read_secret(swapped) is None


def test_the_checksum_is_the_crc_that_others_can_check() -> None:
    """CRC-32 of "123456789" is 0xCBF43926 in every description of it; in letters of 62 it is this."""
    number = 0
    for letter in checksum("123456789"):
        number = number * 62 + LETTERS.index(letter)
    assert number == 0xCBF43926


def test_a_secret_is_in_no_repr() -> None:
    secret = new_secret()
    assert secret.random not in repr(secret)
    assert "a pepper" not in repr(Runtime(None, None, None, key_pepper="a pepper"))  # type: ignore[arg-type]
    assert "a pepper" not in repr(Context(None, None, "a", None, None, key_pepper="a pepper"))  # type: ignore[arg-type]


# How it is stored


def test_a_secret_is_stored_nowhere(then: Context) -> None:
    _, first = create_key(then, role="ops", name="ann")
    _, second = rotate_key(then, key=_key(then, "ann").id)
    tables = then.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")).all()
    for table in tables:
        stored = then.session.scalars(text(f"SELECT t::text FROM {table} t")).all()
        for secret in (first, second):
            assert not [row for row in stored if secret.split("_")[2] in row], table


def test_what_is_stored_needs_the_pepper(then: Context) -> None:
    _, secret = create_key(then, role="ops", name="ann")
    pepper = then.session.scalar(select(InstallationSecret.value))
    assert pepper is not None
    assert len(pepper) >= 43
    assert used(replace(then, key_pepper="of a setting, long enough to be one"), secret) == "ann"
    other = replace(then, key_pepper="another one, that came with a setting")
    _, newer = create_key(other, role="ops", name="bob")
    assert used(other, newer) == "bob"
    assert used(then, newer) == "key_unknown"  # the setting is gone, and what was made with it cannot be told


def test_a_row_that_somebody_put_in_is_no_key_without_the_pepper(then: Context) -> None:
    key, _ = create_key(then, role="admin", name="ann")
    forged = new_secret()
    then.session.add(
        ApiKeySecret(
            prefix=forged.prefix,
            key_id=key.id,
            slot=2,
            algorithm="hmac-sha256",
            pepper="000000000000",
            hash=checksum(forged.text),
            created_at=NOW,
        )
    )
    then.session.flush()
    assert used(then, forged.text) == "key_unknown"


def test_a_prefix_that_is_taken_is_drawn_again(then: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    create_key(then, role="ops", name="ann")
    taken = then.session.scalars(select(ApiKeySecret.prefix)).one()
    drawn = iter([Secret(taken, "x" * 43), Secret(taken, "y" * 43), Secret("tl_00000000", "z" * 43)])
    monkeypatch.setattr(issue_secret, "new_secret", lambda: next(drawn))
    _, secret = create_key(then, role="ops", name="bob")
    assert secret.startswith("tl_00000000_zzz")
    monkeypatch.setattr(issue_secret, "new_secret", lambda: Secret(taken, "x" * 43))
    with pytest.raises(AppError, match="are all taken"):
        create_key(then, role="ops", name="carl")


# How it ends


def test_a_key_counts_up_to_its_end_and_not_at_it(then: Context) -> None:
    _, secret = create_key(then, role="ops", name="ann", expires_at=NOW + timedelta(days=1))
    end = NOW + timedelta(days=1)
    assert used(then.at(end - TICK), secret) == "ann"
    assert used(then.at(end), secret) == "key_expired"
    assert used(then.at(end + TICK), secret) == "key_expired"


def test_a_server_whose_clock_is_behind_takes_a_new_key(then: Context) -> None:
    _, secret = create_key(then, role="ops", name="ann")
    assert used(then.at(NOW - timedelta(minutes=5)), secret) == "ann"


def test_a_revoked_key_is_refused_with_every_secret(then: Context) -> None:
    key, first = create_key(then, role="ops", name="ann")
    _, second = rotate_key(then, key=key.id)
    revoke_key(then, key=key.id)
    assert {used(then, first), used(then, second)} == {"key_revoked"}
    assert used(then.at(NOW - timedelta(days=1)), first) == "key_revoked"
    with pytest.raises(errors.KeyHasEnded):
        rotate_key(then, key=key.id)


def test_revoking_again_changes_nothing(then: Context) -> None:
    key, _ = create_key(then, role="ops", name="ann")
    revoke_key(then, key=key.id)
    revoke_key(then.at(NOW + timedelta(days=1)), key=key.id)
    assert _key(then, "ann").revoked_at == NOW
    assert len(events(then, action="api_key.revoked")) == 1


def test_rotation_has_two_secrets_live_and_the_old_one_end(then: Context) -> None:
    key, first = create_key(then, role="ops", name="ann")
    _, second = rotate_key(then, key=key.id)
    end = NOW + timedelta(days=7)
    assert {used(then, first), used(then.at(end - TICK), first), used(then, second)} == {"ann"}
    assert (used(then.at(end), first), used(then.at(end), second)) == ("key_expired", "ann")


def test_a_third_secret_waits_for_an_end_or_a_revocation(then: Context) -> None:
    key, first = create_key(then, role="ops", name="ann")
    end = NOW + timedelta(hours=1)
    _, second = rotate_key(then, key=key.id, old_ends_at=end)
    with pytest.raises(errors.TwoSecretsLive, match="Revoke one, or wait until 2026-03-01T13:00:30Z"):
        rotate_key(then.at(end - TICK), key=key.id)
    _, third = rotate_key(then.at(end), key=key.id)
    assert [used(then.at(end), secret) for secret in (first, second, third)] == ["key_expired", "ann", "ann"]
    revoke_key(then.at(end), key=key.id, prefix=second[:11])
    _, fourth = rotate_key(then.at(end), key=key.id)
    assert [used(then.at(end), each) for each in (second, third, fourth)] == ["key_revoked", "ann", "ann"]


def test_an_end_that_was_near_is_not_put_off_by_rotating(then: Context) -> None:
    key, first = create_key(then, role="ops", name="ann")
    rotate_key(then, key=key.id, old_ends_at=NOW + timedelta(hours=1))
    revoke_key(then, key=key.id, prefix=_live_besides(then, first))
    rotate_key(then, key=key.id)
    assert used(then.at(NOW + timedelta(hours=1)), first) == "key_expired"


@pytest.mark.parametrize("slot", [1, 3])
def test_the_database_has_no_third_slot(then: Context, slot: int) -> None:
    key, _ = create_key(then, role="ops", name="ann")
    more = ApiKeySecret(
        prefix="tl_x", key_id=key.id, slot=slot, algorithm="sha256", hash="x", created_at=NOW, pepper=None
    )
    with pytest.raises(IntegrityError, match="slot"), then.session.begin_nested():
        then.session.add(more)


def test_of_many_rotations_at_once_one_is_done(own_database: Engine, catalogue: Catalogue) -> None:
    runtime = Runtime(own_database, ReferenceMatcher(), catalogue)
    with runtime.work("tester") as ctx:
        identifier = create_key(ctx, role="ops", name="ann")[0].id
    together = Barrier(6)

    def rotate(_: int) -> str:
        together.wait()
        try:
            with runtime.work("tester") as ctx:
                return rotate_key(ctx, key=identifier)[1]
        except errors.TwoSecretsLive as refusal:
            return refusal.code

    with ThreadPoolExecutor(6) as pool:
        found = sorted(pool.map(rotate, range(6)))
    assert found[1:] == ["two_secrets_live"] * 5
    with runtime.work("tester") as ctx:
        assert used(ctx, found[0]) == "ann"


# How it is used


def test_the_last_use_is_kept_to_the_minute(then: Context) -> None:
    _, secret = create_key(then, role="ops", name="ann")
    seen = []
    for seconds in (0, 10, 29, 30, 31, -600):
        assert used(then.at(NOW + timedelta(seconds=seconds)), secret) == "ann"
        seen.append(then.session.scalars(select(ApiKeySecret.last_used_at)).one())
    minute = NOW.replace(second=0)
    assert seen == [minute] * 3 + [minute + timedelta(minutes=1)] * 3


def test_who_finds_the_row_held_does_not_wait(own_database: Engine, catalogue: Catalogue) -> None:
    runtime = Runtime(own_database, ReferenceMatcher(), catalogue)
    with runtime.work("tester") as ctx:
        _, secret = create_key(ctx, role="ops", name="held")
    with runtime.work("tester") as holder:
        assert used(holder, secret) == "held"  # marks the minute, and has not committed
        with runtime.work("tester") as other:
            other.session.execute(text("SET LOCAL lock_timeout = '100ms'"))
            assert used(other, secret) == "held"


# What a key may be


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"role": "partner"}, "/partner"),
        ({"role": "partner", "partner": "nobody"}, "/partner"),
        ({"role": "partner", "partner": "a\0b"}, "/partner"),
        ({"role": "ops", "partner": "acme"}, "/partner"),
        ({"role": "ops", "scopes": []}, "/scopes"),
        ({"role": "ops", "scopes": ["read", "approve"]}, "/scopes/1"),
        ({"role": "partner", "partner": "acme", "scopes": ["read"]}, "/scopes/0"),
        ({"role": "ops", "expires_at": NOW}, "/expires_at"),
    ],
)
def test_a_key_that_cannot_be_so_is_refused(then: Context, given: dict[str, Any], pointer: str) -> None:
    create_partner(then, id="acme")
    with pytest.raises(errors.KeyRefused) as caught:
        create_key(then, name="ann", **given)
    assert [finding.pointer for finding in caught.value.findings] == [pointer]


@pytest.mark.parametrize(
    "values", [{"role": "partner"}, {"partner_id": "acme"}, {"role": "king"}, {"scopes": []}], ids=str
)
def test_the_database_refuses_such_a_key_as_well(then: Context, values: dict[str, Any]) -> None:
    create_partner(then, id="acme")
    row = {"id": "k", "name": "k", "role": "ops", "created_at": NOW, **values}
    with pytest.raises(IntegrityError), then.session.begin_nested():
        then.session.add(ApiKey(**row))


@pytest.mark.parametrize("name", ["anonymous", "Anonymous", "cli"])
def test_nobody_is_named_like_somebody_without_a_key(then: Context, name: str) -> None:
    with pytest.raises(errors.KeyNameRefused):
        create_key(then, role="ops", name=name)


@pytest.fixture(scope="module")
def own_database(database: Engine) -> Iterator[Engine]:
    """A database that these tests may commit to."""
    name = f"{database.url.database}_keys"
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine = engine_for(database.url.set(database=name).render_as_string(hide_password=False), pool_size=10)
    with engine.begin() as connection:
        migrate(connection)
    yield engine
    engine.dispose()
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


def _key(ctx: Context, name: str) -> ApiKey:
    return ctx.session.scalars(select(ApiKey).where(ApiKey.name == name)).one()


def _live_besides(ctx: Context, secret: str) -> str:
    query = select(ApiKeySecret.prefix).where(ApiKeySecret.slot.is_not(None), ApiKeySecret.prefix != secret[:11])
    return ctx.session.scalars(query).one()
