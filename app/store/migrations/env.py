"""How Alembic runs our migrations: over the connection it is given, inside its transaction."""

from alembic import context

from app.store import models  # noqa: F401 - registers the tables
from app.store.base import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata)
context.run_migrations()
