"""What the application and a partner may do with each table: the one place. A new table needs a line in TABLES.

The application adds rows, and changes only the columns that are named; it deletes from the work lists and the job queue
alone. A partner reads the rows that its condition lets through and nothing else: PostgreSQL's row-level security adds the
condition to whatever is asked, so no query can forget it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.store.roles import APPLICATION, PARTNER

SETTING = "termline.partner"
ALL = ("*",)


@dataclass(frozen=True, slots=True)
class Access:
    """The rights on one table: the columns that the application updates (ALL, some or none), whether it adds and deletes
    rows, and the condition under which a partner sees a row; without one it sees none."""

    updates: tuple[str, ...] = ()
    adds: bool = True
    deletes: bool = False
    partner: str | None = None


# The partner of the transaction, asked once a query; no row is anybody's when there is none.
ME = f"(SELECT current_setting('{SETTING}', true))"
# Conditions see other tables as the partner does: what is a contract's is the partner's whose contract it is. A draft,
# or what was rejected or withdrawn, is nobody's business yet.
_OF_CONTRACT = "contract_id IN (SELECT id FROM contracts)"
_OF_STATEMENT = "statement_id IN (SELECT id FROM statements)"
_APPROVED = "recorded_at IS NOT NULL"
_IN_PROGRAM = "program_id IN (SELECT program_id FROM contracts)"
_TOUCHED = f"partner = {ME} AND {_IN_PROGRAM}"
# Of a conversion that others touched as well, a partner sees what was bought, and of touches and decisions its own.
_CONCERNED = (
    f"{_IN_PROGRAM} AND (partner = {ME} OR EXISTS (SELECT FROM touches"
    " WHERE touches.program_id = conversions.program_id AND touches.conversion_id = conversions.id)"
    " OR EXISTS (SELECT FROM decisions"
    " WHERE decisions.program_id = conversions.program_id AND decisions.conversion_id = conversions.id))"
)
_OF_CONVERSION = (
    "EXISTS (SELECT FROM conversions"
    " WHERE (conversions.program_id, conversions.id) = (corrections.program_id, corrections.conversion_id))"
)
_WITHOUT_CONTRACT = f"contract_id IS NULL AND partner = {ME} AND {_IN_PROGRAM}"
_PINNED = (
    "EXISTS (SELECT FROM rule_versions WHERE rule_versions.lists -> list_versions.list_id ->> 'version'"
    " = list_versions.number::text)"
)

# Who locks a row needs the right to update a column of it: that is all that contracts and named_lists have theirs for.
TABLES: dict[str, Access] = {
    "accounting_closings": Access(),
    "accrual_lines": Access(),
    "alembic_version": Access(adds=False),
    "api_key_secrets": Access(updates=("slot", "ends_at", "revoked_at", "last_used_at", "refused_at")),
    "api_keys": Access(updates=("revoked_at",)),
    # A partner that reads a version reads who approved it.
    "approvals": Access(
        partner="contract_version_id IN (SELECT id FROM contract_versions)"
        " OR rule_version_id IN (SELECT id FROM rule_versions)"
    ),
    "approval_policies": Access(),
    # A model names partners, and what they may know of each other is nothing.
    "attribution_models": Access(),
    "audit_events": Access(),
    "audit_head": Access(adds=False, updates=ALL),
    "billing_run_progress": Access(updates=("stage", "done", "total", "at", "stop_asked_by")),
    # A trigger lets nothing of a run change but where it is.
    "billing_runs": Access(updates=ALL),
    "contract_versions": Access(updates=ALL, partner=f"{_APPROVED} AND {_OF_CONTRACT}"),
    "contracts": Access(updates=("created_at",), partner=f"partner_id = {ME}"),
    # What changes is what its facts say of it as they were corrected; a trigger sees to it that they were.
    "conversions": Access(updates=("customer_id", "order_id", "corrections"), partner=_CONCERNED),
    "corrections": Access(partner=_OF_CONVERSION),
    "deliveries": Access(partner=_OF_CONTRACT),
    "delivery_adjustments": Access(partner=_OF_CONTRACT),
    "decisions": Access(updates=("retired_at",), partner=f"{_OF_CONTRACT} OR {_WITHOUT_CONTRACT}"),
    # A partner sees on its lines at which rate it was paid.
    "exchange_rates": Access(),
    # Forgotten after a while.
    "idempotency_keys": Access(updates=ALL, deletes=True),
    "installation_secrets": Access(),
    "job_reports": Access(updates=("worker", "started_at", "failed_at", "fault", "message"), deletes=True),
    "list_versions": Access(partner=_PINNED),
    "named_lists": Access(updates=("created_at",), partner="id IN (SELECT list_id FROM list_versions)"),
    "partners": Access(partner=f"id = {ME}"),
    "postings": Access(partner=_OF_STATEMENT),
    # The queue's own functions work in the role of whoever calls them.
    "procrastinate_events": Access(),
    "procrastinate_jobs": Access(
        updates=(
            "status",
            "worker_id",
            "attempts",
            "scheduled_at",
            "priority",
            "queue_name",
            "lock",
            "abort_requested",
        ),
        deletes=True,
    ),
    "procrastinate_periodic_defers": Access(adds=False, updates=("job_id",)),
    "procrastinate_workers": Access(updates=("last_heartbeat",), deletes=True),
    "programs": Access(updates=("facts", "facts_declared_at"), partner="id IN (SELECT program_id FROM contracts)"),
    # What was proposed is forgotten once it is posted, or given up.
    "proposed_lines": Access(deletes=True),
    "proposed_statements": Access(deletes=True),
    "reversals": Access(
        partner="EXISTS (SELECT FROM conversions WHERE conversions.program_id = reversals.program_id"
        " AND conversions.id = reversals.conversion_id)"
    ),
    # A trigger lets nothing but drafts be deleted: an edit of one replaces its rules.
    "rule_versions": Access(
        updates=ALL,
        deletes=True,
        partner=f"{_APPROVED} AND contract_version_id IN (SELECT id FROM contract_versions)",
    ),
    # What a draft said before it was edited is nobody's business but ours.
    "saved_drafts": Access(partner="false"),
    "statement_lines": Access(partner=_OF_STATEMENT),
    "statements": Access(partner=_OF_CONTRACT),
    "touches": Access(partner=_TOUCHED),
    "unsettled_conversions": Access(deletes=True),
    "unsettled_days": Access(updates=("due_at",), deletes=True),
}


def grant_all(connection: Connection) -> None:
    """Make the rights in the present schema those of TABLES. Doing it again changes nothing."""
    schema = connection.scalar(text("SELECT quote_ident(current_schema())"))
    statements = [f"GRANT USAGE ON SCHEMA {schema} TO {APPLICATION}, {PARTNER}"]
    for table in tables_of(connection):
        statements += _rights(table, TABLES.get(table))
    statements += [f"GRANT SELECT ON {view} TO {APPLICATION}" for view in views_of(connection)]
    for sequence, table in _counters(connection):
        statements += _counting(sequence, TABLES.get(table))
    connection.exec_driver_sql("; ".join(statements))


def revoke_all(connection: Connection) -> None:
    """Take all rights in the present schema back, and row-level security off."""
    schema = connection.scalar(text("SELECT quote_ident(current_schema())"))
    everyone = f"{APPLICATION}, {PARTNER}"
    statements = [f"REVOKE ALL ON SCHEMA {schema} FROM {everyone}"]
    for table in tables_of(connection):
        statements += [*_nothing(table), f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"]
    statements += [f"REVOKE ALL ON {view} FROM {everyone}" for view in views_of(connection)]
    statements += [f"REVOKE ALL ON SEQUENCE {sequence} FROM {everyone}" for sequence, _ in _counters(connection)]
    connection.exec_driver_sql("; ".join(statements))


def tables_of(connection: Connection) -> list[str]:
    """Return the tables of the present schema."""
    query = text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
    return list(connection.scalars(query))


def views_of(connection: Connection) -> list[str]:
    """Return the views of the present schema. The application reads them with its own rights on the tables below."""
    query = text("SELECT quote_ident(viewname) FROM pg_views WHERE schemaname = current_schema() ORDER BY 1")
    return list(connection.scalars(query))


def _counters(connection: Connection) -> list[tuple[str, str]]:
    """Return the sequences that number rows by a default, with their tables; identity columns need no right."""
    query = text(
        "SELECT quote_ident(counter.relname), quote_ident(owner.relname) FROM pg_class counter"
        " JOIN pg_depend ON objid = counter.oid AND classid = 'pg_class'::regclass AND deptype = 'a'"
        " JOIN pg_class owner ON owner.oid = refobjid AND refclassid = 'pg_class'::regclass"
        " WHERE counter.relkind = 'S' AND counter.relnamespace = current_schema()::regnamespace ORDER BY 1"
    )
    return [(str(counter), str(owner)) for counter, owner in connection.execute(query)]


def _counting(sequence: str, access: Access | None) -> Iterator[str]:
    yield f"REVOKE ALL ON SEQUENCE {sequence} FROM {APPLICATION}, {PARTNER}"
    if access is not None and access.adds:
        yield f"GRANT USAGE ON SEQUENCE {sequence} TO {APPLICATION}"


def _rights(table: str, access: Access | None) -> Iterator[str]:
    yield from _nothing(table)
    if access is None:
        return
    rights = ["SELECT"] + ["INSERT"] * access.adds + ["DELETE"] * access.deletes
    if access.updates:
        rights.append("UPDATE" if access.updates == ALL else f"UPDATE ({', '.join(access.updates)})")
    yield f"GRANT {', '.join(rights)} ON {table} TO {APPLICATION}"
    if table == "alembic_version":
        return
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"CREATE POLICY application ON {table} TO {APPLICATION} USING (true) WITH CHECK (true)"
    if access.partner:
        yield f"GRANT SELECT ON {table} TO {PARTNER}"
        yield f"CREATE POLICY own ON {table} FOR SELECT TO {PARTNER} USING ({access.partner})"


def _nothing(table: str) -> Iterator[str]:
    yield f"REVOKE ALL ON {table} FROM {APPLICATION}, {PARTNER}"
    yield f"DROP POLICY IF EXISTS application ON {table}"
    yield f"DROP POLICY IF EXISTS own ON {table}"
