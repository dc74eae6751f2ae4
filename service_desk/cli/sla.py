"""Clocks from the command line."""

from typing import Any

import click
from flask.cli import AppGroup

from service_desk.base.clock import utc_now
from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.presenters.languages import LANGUAGE_NAMES, in_language
from service_desk.presenters.sla_ledger import story
from service_desk.services.sla.files import find_file

cli = AppGroup("sla", help="Explain clocks.")


@cli.command("explain")
@click.argument("timer_id", type=int)
@click.option(
    "--language", type=click.Choice(list(LANGUAGE_NAMES)), default="en", help="Language of the story."
)
def explain(timer_id: int, **options: Any) -> None:
    """Tell a timer's ledger in sentences: who held it, what it waited for, how it ended."""
    try:
        file = find_file(timer_id, utc_now())
    except NotFound as error:
        raise click.ClickException(f"There is no timer {timer_id}.") from error
    with in_language(options["language"]):
        lines = story(file)
    db.session.rollback()
    click.echo("\n".join(lines).encode())
