"""The blueprint the pages of this folder share, and what they share besides."""

from flask import Blueprint

from service_desk.presenters.languages import branch_name
from service_desk.services import accounts
from service_desk.web.http import actor

bp = Blueprint("relations", __name__)


def branch_choices(account_id: int) -> list[tuple[str, str]]:
    """The branches the reader sees, for a select whose first choice is none."""
    return [(str(one.id), branch_name(one)) for one in accounts.list_branches(account_id, actor=actor())]
