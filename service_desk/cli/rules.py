"""The pure rules from the command line, for auditors: working time and settlements, without a database."""

import json
from collections.abc import Callable
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from service_desk.adapters.statutory_days import statutory_year
from service_desk.base.errors import Invalid
from service_desk.presenters.messages import in_all_languages
from service_desk.rules.calendar import run_vectors
from service_desk.rules.legal_days import RestDay, statutory_rest_days
from service_desk.rules.settlement.audit import settle_document

cli = AppGroup("rules", help="Answer files of worked cases. Needs no database.")

_FILE = click.Path(path_type=Path)


@cli.command("clock")
@click.argument("file", type=_FILE)
def clock(file: Path) -> None:
    """Print [{"id", "result"}] for a file of working-time cases."""
    _answer(file, run_vectors)


@cli.command("settle")
@click.argument("file", type=_FILE)
def settle(file: Path) -> None:
    """Print [{"id", "expected", "working"}] for a file of settlement cases."""
    _answer(file, partial(settle_document, is_rest_day=_is_rest_day))


def _is_rest_day(day: date) -> bool:
    """Whether the State Council's calendar, or else the weekday, makes a day one of rest."""
    return _calendar_of(day.year)(day)


@cache
def _calendar_of(year: int) -> RestDay:
    days = statutory_year(year).days
    return statutory_rest_days(
        {one.day for one in days if not one.is_working}, {one.day for one in days if one.is_working}
    )


def _answer(file: Path, answer: Callable[[Any], list[dict[str, Any]]]) -> None:
    try:
        answers = answer(_read(file))
    except Invalid as error:
        place = f"{file}, {error.field}" if error.field else str(file)
        raise click.ClickException(f"{place}:\n{in_all_languages(error)}") from error
    # Bytes, so that Chinese text comes out whole whatever the terminal's encoding is.
    click.echo(json.dumps(answers, ensure_ascii=False, indent=1).encode())


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Invalid("json_file_unreadable", reason=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise Invalid("json_file_broken", reason=str(error)) from error
