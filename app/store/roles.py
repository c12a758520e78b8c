"""The two roles of the database that the product works in. What each may do is in `grants.py`."""

from __future__ import annotations

from sqlalchemy import Connection, text

from app.core.errors import AppError

APPLICATION, PARTNER = "termline_app", "termline_partner"
ROLES = (APPLICATION, PARTNER)

# Roles belong to the server: another database of it may be making them at this moment.
_CREATE = """
DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
"""
# Others use a role as long as anything anywhere on the server is granted to it.
_DROP = """
DO $$ BEGIN DROP ROLE {role};
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege OR undefined_object THEN NULL; END $$
"""
_SET_OPTION_SINCE = 160000


class DatabaseRolesMissing(AppError):
    """The database user cannot work in the product's roles, and may not see to it itself."""

    code = "database_roles_missing"
    kind = "unavailable"


def ensure_roles(connection: Connection) -> None:
    """Make the roles, and let the database user work in them. Refuses with what a superuser has to run instead."""
    user = connection.scalar(text("SELECT current_user"))
    for role in ROLES:
        if may_work_in(connection, role):
            continue
        if not _may_create(connection):
            raise _missing(str(user))
        connection.execute(text(_CREATE.format(role=role)))
        if not may_work_in(connection, role):
            _join(connection, role, str(user))


def check_roles(connection: Connection) -> None:
    """Refuse a database user that cannot work in the roles."""
    if not all(may_work_in(connection, role) for role in ROLES):
        raise _missing(str(connection.scalar(text("SELECT current_user"))))


def may_work_in(connection: Connection, role: str) -> bool:
    """Tell whether the database user may SET ROLE to a role."""
    kind = "SET" if _version(connection) >= _SET_OPTION_SINCE else "MEMBER"
    query = text("SELECT pg_has_role(current_user, oid, :kind) FROM pg_roles WHERE rolname = :role")
    return bool(connection.scalar(query, {"kind": kind, "role": role}))


def drop_unused_roles(connection: Connection) -> None:
    """Drop the roles, unless another database or schema of the server uses them."""
    for role in ROLES:
        connection.execute(text(_DROP.format(role=role)))


def _join(connection: Connection, role: str, user: str) -> None:
    option = " WITH SET TRUE, INHERIT FALSE" if _version(connection) >= _SET_OPTION_SINCE else ""
    nested = connection.begin_nested()
    try:
        connection.execute(text(f"GRANT {role} TO CURRENT_USER{option}"))
    except Exception as error:
        nested.rollback()
        if may_work_in(connection, role):  # another database of the server was faster
            return
        raise _missing(user) from error
    nested.commit()


def _may_create(connection: Connection) -> bool:
    query = text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    return bool(connection.scalar(query))


def _version(connection: Connection) -> int:
    return int(connection.scalar(text("SHOW server_version_num")) or 0)


def _missing(user: str) -> DatabaseRolesMissing:
    name = user.replace('"', '""')
    return DatabaseRolesMissing(
        f"The database user {user!r} may not make the roles {' and '.join(ROLES)} or work in them. Let a superuser run "
        f'`CREATE ROLE {APPLICATION} NOLOGIN; CREATE ROLE {PARTNER} NOLOGIN; GRANT {", ".join(ROLES)} TO "{name}";` '
        "(without the roles that exist), then run `termline migrate`."
    )
