"""Fleet lists from the command line."""

import json
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.rules.fleet_list import BranchNames, check, to_json

cli = AppGroup("fleet", help="Check and import fleet lists.")

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@cli.command("check", with_appcontext=False)
@click.argument("file", type=_FILE)
@click.option("--branches", type=_FILE, required=True, help="JSON list of branches: name and aliases.")
@click.pass_context
def check_list(context: click.Context, file: Path, branches: Path) -> None:
    """Check a fleet list and print the result as JSON. Needs no database.

    Exit code 1 when nothing of the file can be read.
    """
    result = check(read_workbook(file.read_bytes()), _read_branches(branches))
    _print_json(to_json(result))
    context.exit(1 if result.file_error else 0)


def _read_branches(path: Path) -> list[BranchNames]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
        return [BranchNames(entry["name"], tuple(entry.get("aliases") or ())) for entry in entries]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise click.BadParameter(
            'must be a JSON list of {"name": …, "aliases": […]}', param_hint="--branches"
        ) from error


def _print_json(value: Any) -> None:
    # Bytes, so that Chinese text comes out whole whatever the terminal's encoding is.
    text = json.dumps(value, ensure_ascii=False, indent=1)
    click.echo(text.encode())
