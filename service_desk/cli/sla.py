"""Clocks from the command line."""

import click
from flask.cli import AppGroup

from service_desk.base.clock import utc_now
from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.presenters.languages import LANGUAGE_NAMES, in_language
from service_desk.presenters.messages import in_all_languages
from service_desk.presenters.sla_story import story
from service_desk.services.sla.files import TimerFile, find_file

cli = AppGroup("sla", help="Explain clocks.")


@cli.command("explain")
@click.argument("timer_id", type=click.IntRange(1, 2**63 - 1))
@click.option(
    "--lang",
    "--language",
    "language",
    type=click.Choice(list(LANGUAGE_NAMES)),
    help="Language of the story; without it both.",
)
def explain(timer_id: int, language: str | None) -> None:
    """Tell a timer's ledger in sentences: who held it, what it waited for, what was changed, how it ended."""
    try:
        file = find_file(timer_id, utc_now())
    except NotFound as error:
        unknown = NotFound("timer_unknown", number=timer_id)
        raise click.ClickException(f"TIMER_ID:\n{in_all_languages(unknown)}") from error
    stories = [_told(file, language) for language in ([language] if language else LANGUAGE_NAMES)]
    db.session.rollback()
    click.echo("\n\n".join(stories).encode())


def _told(file: TimerFile, language: str) -> str:
    with in_language(language):
        return "\n".join(story(file))
