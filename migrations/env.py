"""Alembic's door: migrations run on the app's own engine, in one transaction each."""

from alembic import context
from flask import current_app
from sqlalchemy.engine import Connection

from service_desk.models import all_tables  # noqa: F401 - registers the metadata
from service_desk.models.db import Base


def run_on(connection: Connection) -> None:
    """Run the wanted migrations on a connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=True,
        user_module_prefix="db.",
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run_on(given)
else:
    with current_app.extensions["migrate"].db.engine.connect() as own:
        run_on(own)
        own.commit()
