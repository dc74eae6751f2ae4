"""Alembic's door: migrations run on the app's own engine, in one transaction each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy.engine import Connection

from service_desk.models import all_tables  # noqa: F401 - registers the metadata
from service_desk.models.db import Base


@contextmanager
def keys_unchecked(connection: Connection) -> Iterator[None]:
    """Let SQLite tables be made anew under the rows that refer to them.

    SQLite changes a table by copying it and dropping the old one, which with keys checked would drop, or refuse
    to drop, what refers to it. The setting counts only outside a transaction; `keys_hold` checks before the end.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def keys_hold(ctx: Any, **_step: Any) -> None:
    """Refuse a migration that leaves a row referring to nothing; its transaction is rolled back."""
    if ctx.dialect.name == "sqlite":
        broken = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise RuntimeError(f"rows refer to nothing: {broken[:5]}")


def run_on(connection: Connection) -> None:
    """Run the wanted migrations on a connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=True,
        user_module_prefix="db.",
        on_version_apply=keys_hold,
    )
    with keys_unchecked(connection), context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run_on(given)
else:
    with current_app.extensions["migrate"].db.engine.connect() as own:
        run_on(own)
        own.commit()
