"""The pure rules from the command line, for auditors: working time and settlements, without a database."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from service_desk.base.errors import Invalid
from service_desk.presenters.messages import in_all_languages
from service_desk.rules.calendar import run_vectors
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
    _answer(file, settle_document)


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
