"""Chain the audit trail by hash, and let it only grow.

Data and schema go together here, against the rule: between two steps there would be a trail that nothing holds
together, and events are the one thing that may not be lost. What there is, is chained in the order of its ids.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC
from typing import Any

import rfc8785
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_audit_chain"
down_revision = "2026_11_25_z_invariants"
branch_labels = None
depends_on = None

BATCH = 2_000
# As in app/audit/chain.py, which may change: what was written by this migration does not.
EVENT, GENESIS = b"termline/audit/1\0", b"termline/audit/1/genesis\0"

FUNCTIONS = (
    # A time in UTC, written with its Z, is the same instant whatever a session's time zone is; PostgreSQL cannot know.
    """CREATE FUNCTION audit_instant(text) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT
       AS 'SELECT $1::timestamptz'""",
    """CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RAISE EXCEPTION 'the audit trail only grows: % on % is refused', TG_OP, TG_TABLE_NAME;
       END $$""",
    """CREATE FUNCTION audit_head_follows() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF pg_trigger_depth() < 2 OR NEW.seq < OLD.seq OR NEW.installation <> OLD.installation THEN
           RAISE EXCEPTION 'the head of the audit trail follows its events and is not moved otherwise';
         END IF;
         RETURN NEW;
       END $$""",
    # Looks at all events of a statement at once: one by one, a million copied rows would move the head a million times.
    r"""CREATE FUNCTION audit_continues() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
       DECLARE
         head audit_head;
         wrong bigint;
       BEGIN
         SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
         SELECT min(seq) INTO wrong FROM (
           SELECT seq, hash, body, head.seq + row_number() OVER along AS due, lag(hash, 1, head.hash) OVER along AS previous
           FROM added WINDOW along AS (ORDER BY seq)
         ) AS each
         WHERE seq <> due
            OR hash <> sha256(convert_to('termline/audit/1', 'UTF8') || '\x00'::bytea || previous || convert_to(body, 'UTF8'));
         IF wrong IS NOT NULL THEN
           RAISE EXCEPTION 'the audit event % does not continue the chain after %', wrong, head.seq;
         END IF;
         UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM added ORDER BY seq DESC LIMIT 1)
         WHERE EXISTS (SELECT FROM added);
         RETURN NULL;
       END $$""",
)
TRIGGERS = (
    """CREATE TRIGGER audit_events_continue AFTER INSERT ON audit_events
       REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_continues()""",
    """CREATE TRIGGER audit_events_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
       FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()""",
    """CREATE TRIGGER audit_head_stays BEFORE INSERT OR DELETE OR TRUNCATE ON audit_head
       FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()""",
    """CREATE TRIGGER audit_head_follows BEFORE UPDATE ON audit_head
       FOR EACH ROW EXECUTE FUNCTION audit_head_follows()""",
)


def upgrade() -> None:
    op.drop_index("ix_audit_events_subject", "audit_events")
    op.execute("ALTER TABLE audit_events RENAME TO audit_events_unchained")
    op.execute("ALTER INDEX pk_audit_events RENAME TO pk_audit_events_unchained")
    op.execute(FUNCTIONS[0])
    _create_tables()
    installation = str(uuid.uuid4())
    _chain_what_there_is(installation)
    for statement in (*FUNCTIONS[1:], *TRIGGERS):
        op.execute(statement)
    op.drop_table("audit_events_unchained")


def _create_tables() -> None:
    def of_body(name: str) -> sa.Column[Any]:
        made = sa.Computed(f"((body)::jsonb ->> '{name}'::text)", persisted=True)
        return sa.Column(name, sa.Text(collation="C"), made, nullable=False)

    op.create_table(
        "audit_events",
        sa.Column(
            "seq",
            sa.BigInteger(),
            sa.Computed("(((body)::jsonb ->> 'seq'::text))::bigint", persisted=True),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("body", sa.Text(collation="C"), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            sa.Computed("audit_instant(((body)::jsonb ->> 'at'::text))", persisted=True),
            nullable=False,
        ),
        of_body("actor"),
        of_body("action"),
        of_body("subject"),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_audit_events_seq")),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_audit_events_hash")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_events")),
    )
    for name in ("subject", "actor", "action"):
        op.create_index(f"ix_audit_events_{name}", "audit_events", [name, "seq"])
    op.create_index("ix_audit_events_at", "audit_events", ["at"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("installation", sa.Text(collation="C"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_audit_head_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )


def _chain_what_there_is(installation: str) -> None:
    connection = op.get_bind()
    seq, previous, last_id = 0, hashlib.sha256(GENESIS + installation.encode()).digest(), -1
    columns = "id, at, actor, action, subject, summary, before, after"
    query = sa.text(f"SELECT {columns} FROM audit_events_unchained WHERE id > :last ORDER BY id LIMIT {BATCH}")
    add = sa.text("INSERT INTO audit_events (body, hash) VALUES (:body, :hash)")
    while rows := connection.execute(query, {"last": last_id}).mappings().all():
        chained = []
        for row in rows:
            seq, last_id = seq + 1, row["id"]
            body = rfc8785.dumps(_event(seq, row))
            previous = hashlib.sha256(EVENT + previous + body).digest()
            chained.append({"body": body.decode(), "hash": previous})
        connection.execute(add, chained)
    head = {"installation": installation, "seq": seq, "hash": previous}
    connection.execute(sa.text("INSERT INTO audit_head VALUES (1, :installation, :seq, :hash)"), head)


def _event(seq: int, row: Any) -> dict[str, Any]:
    at = row["at"].astimezone(UTC).isoformat().replace("+00:00", "Z")
    kept = {name: row[name] for name in ("actor", "action", "subject", "summary", "before", "after")}
    return {"seq": seq, "at": at, "reason": None, **kept}


def downgrade() -> None:
    """Go back to rows. What they cannot hold, reasons, ids of requests and hashes, is left behind."""
    op.execute("ALTER TABLE audit_events RENAME TO audit_events_chained")
    op.execute("ALTER INDEX pk_audit_events RENAME TO pk_audit_events_chained")
    op.drop_index("ix_audit_events_subject", "audit_events_chained")
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("summary", sa.Text(collation="C"), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_subject"), "audit_events", ["subject"], unique=False)
    op.execute(
        """INSERT INTO audit_events (at, actor, action, subject, summary, before, after)
           SELECT at, actor, action, subject, body::jsonb ->> 'summary',
                  nullif(body::jsonb -> 'before', 'null'), nullif(body::jsonb -> 'after', 'null')
           FROM audit_events_chained ORDER BY seq"""
    )
    op.drop_table("audit_events_chained")
    op.drop_table("audit_head")
    for name in ("audit_continues()", "audit_head_follows()", "audit_refuses()", "audit_instant(text)"):
        op.execute(f"DROP FUNCTION {name}")
