"""Getting a database ready: migrations and the rows no desk can do without. `flask desk prepare` for deployments."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
import structlog
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import text

from service_desk.base.clock import utc_now
from service_desk.models.db import db, unit_of_work
from service_desk.services import market, sla
from service_desk.services.claims import authority
from service_desk.services.knowledge import starting_set
from service_desk.services.policies import rates
from service_desk.services.reports import schedules
from service_desk.services.sla.segments import fill_segments, list_without_segments

cli = AppGroup("desk", help="The desk's database.")

# Any number that no other user of the same PostgreSQL database takes for an advisory lock.
_ADVISORY_LOCK = 7_301_946
_CLOCKS_AT_A_TIME = 500

log = structlog.get_logger()


@cli.command("prepare")
@with_appcontext
def prepare_command() -> None:
    """Migrate the database and fill in what every desk needs. Safe to repeat, and to run twice at once."""
    with alone():
        migrated = migrate()
        install_defaults(utc_now())
    click.echo("The database was migrated." if migrated else "The database is up to date.")


@cli.command("add-guides")
@with_appcontext
def add_guides_command() -> None:
    """Add the guides and safety cases that come with the desk and are missing. Nothing that is there changes."""
    with unit_of_work():
        number = starting_set.install_missing(utc_now())
    click.echo(f"{number} articles were added.")


@contextmanager
def alone() -> Iterator[None]:
    """Only one process of this database is in the block; others wait. A process that dies lets go."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})
        return
    path = db.engine.url.database
    if not path or path == ":memory:":
        yield
        return
    # Beside the database, so that two copies of the desk on one file meet at the same lock.
    with Path(f"{path}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def migrate() -> bool:
    """Bring the tables to the newest version; whether there was anything to do.

    CommandError when the database was made by a newer desk than this one.
    """
    config = _alembic_config()
    with db.engine.connect() as connection:
        heads = set(ScriptDirectory.from_config(config).get_heads())
        if set(MigrationContext.configure(connection).get_current_heads()) == heads:
            return False
        connection.rollback()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    _keep_old_segments()
    return True


def _keep_old_segments() -> None:
    """Write the segments of clocks that stopped before segments were kept, a batch a transaction.

    A batch that cannot be read must not keep the desk from starting: the nightly housekeeping does it clock by clock.
    """
    last_id = 0
    while timer_ids := list_without_segments(_CLOCKS_AT_A_TIME, after_id=last_id):
        last_id = timer_ids[-1]
        try:
            with unit_of_work():
                fill_segments(timer_ids, now=utc_now())
        except Exception:
            log.exception("segments_not_kept", first=timer_ids[0], last=last_id)


def _alembic_config() -> AlembicConfig:
    folder = Path(current_app.extensions["migrate"].directory)
    config = AlembicConfig(folder / "alembic.ini")
    # Alembic expands per cent signs, which a path may hold.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def install_defaults(now: datetime) -> None:
    """Add what is missing of calendars, service levels, price tables (marked as samples), authority, market
    figures and schedules; to a desk that nobody uses yet also guides and safety cases.

    What people changed stays.
    """
    with unit_of_work():
        sla.install_defaults(now)
        rates.install_sample_rates(now=now)
        authority.install_defaults()
        market.install_published()
        starting_set.install_for_new_desk(now)
        schedules.ensure_schedules(now)
