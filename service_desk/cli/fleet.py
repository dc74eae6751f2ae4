"""Fleet lists from the command line."""

import json
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.base.clock import utc_now
from service_desk.base.errors import DomainError
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import FleetImport, FleetImportRow, ImportState, RowVerdict
from service_desk.models.users import User
from service_desk.presenters.fleet import place_of, reason_of
from service_desk.presenters.labels import label
from service_desk.presenters.messages import sentence
from service_desk.rules.fleet_list import BranchNames, check, to_json
from service_desk.rules.permissions import Action, Role
from service_desk.services import access
from service_desk.services.documents import Upload
from service_desk.services.fleet import importing

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


@cli.command("import")
@click.argument("file", type=_FILE)
@click.option("--account", required=True, help="Code of the key account.")
@click.option("--user", "username", help="Who imports it; the first administrator unless given.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen; nothing is written.")
@with_appcontext
def import_list(file: Path, account: str, username: str | None, dry_run: bool) -> None:
    """Import a fleet list for an account: all its good rows, or nothing.

    Prints the counts and each refused row. Exit code 1 when nothing of the file can be read.
    """
    key_account = db.session.scalar(select(KeyAccount).where(KeyAccount.code == account.strip().upper()))
    if key_account is None:
        raise click.BadParameter(f"there is no key account {account}", param_hint="--account")
    upload = Upload(file.name, file.read_bytes())
    try:
        if dry_run:
            judged = importing.preview(upload, key_account.id)
            _print_result(judged.counts, [FleetImportRow(**row) for row in judged.rows])
        else:
            _import(upload, key_account, _importer(username))
    except DomainError as error:
        db.session.rollback()
        raise click.ClickException(sentence(error)) from error


def _import(upload: Upload, account: KeyAccount, user: User) -> None:
    # The lock is taken at once, as a request that writes takes it.
    db.session.rollback()
    db.session.connection(execution_options={"begin_immediate": True})
    now, files = utc_now(), current_app.extensions["file_store"]
    imported = importing.upload_list(upload, account.id, files=files, actor=user, now=now)
    if imported.state is ImportState.COMMITTED:
        db.session.rollback()
        click.echo(f"Imported before, on {imported.committed_at:%Y-%m-%d %H:%M} UTC. Nothing was changed.")
        return
    imported = importing.commit(imported.id, imported.version, actor=user, now=now)
    _print_import(imported)
    db.session.commit()


def _importer(username: str | None) -> User:
    statement = select(User).where(User.is_active).order_by(User.id)
    wanted = User.username == username if username else User.role == Role.ADMIN
    user = db.session.scalars(statement.where(wanted).limit(1)).first()
    if user is None or not access.may(user, Action.IMPORT_FLEET):
        raise click.UsageError(
            "No such user who may import lists. Name one with --user, or add an administrator first."
        )
    return user


def _print_import(imported: FleetImport) -> None:
    _print_result(imported.counts, importing.all_rows(imported))


def _print_result(counts: dict[str, int], rows: list[FleetImportRow]) -> None:
    for verdict in RowVerdict:
        click.echo(f"{label(verdict, 'row_verdict')}: {counts[verdict.value]}")
    for row in rows:
        if row.verdict is RowVerdict.REJECTED:
            click.echo(f"  {place_of(row.sheet, row.row_no)}: {reason_of(row)}".encode())


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
