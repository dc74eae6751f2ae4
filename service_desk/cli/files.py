"""Kept files from the command line."""

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from service_desk.services import documents
from service_desk.services.documents import Difference

cli = AppGroup("files", help="Check the files that are kept.")


@cli.command("verify")
@with_appcontext
@click.pass_context
def verify(context: click.Context) -> None:
    """Read every kept file again and compare it with its SHA-256.

    Prints each that is missing or changed, then the counts. Exit code 1 when there is any.
    """
    checked = differing = 0
    for found in documents.verify(current_app.extensions["file_store"]):
        if isinstance(found, Difference):
            differing += 1
            matter = f"{found.matter_kind} {found.matter_id or ''}".strip()
            click.echo(f"document {found.document_id} ({matter}): {found.part} {found.state}: {found.key}")
        else:
            checked += 1
    click.echo(f"{checked} documents checked, {differing} files missing or changed.")
    context.exit(1 if differing else 0)
