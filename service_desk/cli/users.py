"""`flask users`: the first administrator of an empty desk."""

import click
from flask.cli import AppGroup, with_appcontext

from service_desk.base.clock import utc_now
from service_desk.base.errors import DomainError, InvalidMany
from service_desk.models.db import unit_of_work
from service_desk.presenters.messages import sentence
from service_desk.rules.permissions import Role
from service_desk.services import departures, users

cli = AppGroup("users", help="Logins.")


@cli.command("add-admin")
@click.argument("username")
@click.option("--name", prompt=True, help="The person's name.")
@click.option("--staff-no", default="0001", show_default=True, help="Staff number.")
@click.password_option(help="At least 10 characters.")
@with_appcontext
def add_admin(username: str, name: str, staff_no: str, password: str) -> None:
    """Add an administrator named USERNAME."""
    details = users.UserDetails(
        username=username,
        name=name,
        staff_no=staff_no,
        phone="",
        email="",
        role=Role.ADMIN,
        account_ids=(),
        branch_id=None,
    )
    try:
        with unit_of_work():
            users.add_user(details, password, actor=None, now=utc_now())
    except InvalidMany as error:
        raise click.ClickException(" ".join(sentence(problem) for problem in error.problems)) from error
    except DomainError as error:
        raise click.ClickException(sentence(error)) from error
    click.echo(f"Added administrator {username}. Sign in and add key accounts and people.")


@cli.command("close")
@click.argument("username")
@click.option("--leave-matters", is_flag=True, help="Close it although open matters stay with it.")
@click.option("--reason", default="", help="Why; goes into the audit trail. Needed with --leave-matters.")
@with_appcontext
def close(username: str, leave_matters: bool, reason: str) -> None:
    """Let USERNAME sign in no more. Refused while open matters are theirs."""
    try:
        with unit_of_work():
            left = departures.close_by_command(username, reason, leaves_matters=leave_matters, now=utc_now())
    except DomainError as error:
        raise click.ClickException(sentence(error)) from error
    click.echo(f"Closed the login {username}; open matters that stay with it: {left}.")
