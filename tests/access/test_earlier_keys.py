"""Keys that an earlier release made go on working after the migration, and are rotated like others."""

from __future__ import annotations

import hashlib

from alembic import command
from sqlalchemy import Engine, text

from app.access.operations.authenticate import authenticate
from app.access.operations.rotate_key import rotate_key
from app.core.errors import AppError
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.scenarios.scratch import scratch_database
from app.store.migrate import migrate, migration_config

SECRET = "tl_" + "aB_-" * 10 + "xyz"
BEFORE = "2026_11_24_values_of_rules"
AT = "2026-01-01T00:00:00Z"


def test_an_earlier_key_works_and_can_be_rotated(database: Engine, catalogue: Catalogue) -> None:
    with scratch_database(database) as connection:
        command.downgrade(migration_config(connection), BEFORE)
        for name, role, secret in (("ann", "ops", SECRET), ("shop", "partner", SECRET[:-1] + "Z")):
            hashed = hashlib.sha256(secret.encode()).hexdigest()
            connection.execute(
                text(
                    "INSERT INTO api_keys (id, name, role, key_hash, created_at) VALUES (:id, :name, :role, :hash, :at)"
                ),
                {"id": f"key_{name}", "name": name, "role": role, "hash": hashed, "at": AT},
            )
        migrate(connection, alone=True)
        with Runtime(connection, ReferenceMatcher(), catalogue).work("tester") as ctx:
            assert used(ctx, SECRET) == "ann"
            assert used(ctx, SECRET[:-1] + "Z") == "key_revoked"  # it could do nothing, and belongs to no partner
            assert used(ctx, SECRET[:-1] + "A") == "key_unknown"
            _, newer = rotate_key(ctx, key="key_ann")
            assert {used(ctx, SECRET), used(ctx, newer)} == {"ann"}
        command.downgrade(migration_config(connection), BEFORE)
        stored = connection.scalars(text("SELECT key_hash FROM api_keys ORDER BY id")).all()
        assert stored[0] == hashlib.sha256(SECRET.encode()).hexdigest()
        assert len(stored) == 2


def used(ctx: Context, secret: str) -> str:
    """Use a secret and return its key's name, or the code of the refusal."""
    try:
        return authenticate(ctx, f"Bearer {secret}")[0].name
    except AppError as refusal:
        return refusal.code
