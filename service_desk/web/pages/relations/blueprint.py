"""The blueprint the pages of this folder share, and what they share besides."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy.orm.exc import StaleDataError

from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.models.db import db
from service_desk.presenters.languages import branch_name
from service_desk.presenters.messages import sentence
from service_desk.services import accounts
from service_desk.web.http import actor
from service_desk.web.pressed import press

bp = Blueprint("relations", __name__)


def branch_choices(account_id: int) -> list[tuple[str, str]]:
    """The branches the reader sees, for a select whose first choice is none."""
    return [(str(one.id), branch_name(one)) for one in accounts.list_branches(account_id, actor=actor())]


def decide(act: Callable[[], object], said: str, back: str) -> ResponseReturnValue:
    """Do it once and say so on the page it belongs to. A refusal is said there too, and nothing is kept."""
    try:
        press(act)
        db.session.flush()
    except (Invalid, InvalidMany, Conflict, StaleDataError) as error:
        db.session.rollback()
        flash(_refusal(error), "bad")
    else:
        flash(said, "ok")
    return redirect(back, 303)


def _refusal(error: Exception) -> str:
    if isinstance(error, InvalidMany):
        return " ".join(sentence(one) for one in error.problems)
    return sentence(error if isinstance(error, Invalid | Conflict) else Conflict("stale"))
