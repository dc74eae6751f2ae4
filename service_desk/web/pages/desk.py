"""The home of each person: the desk's, the client's, the administrator's."""

from typing import Any

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required

from service_desk.presenters import desk as words
from service_desk.presenters import relations as relation_words
from service_desk.rules.permissions import Role, Side
from service_desk.services import desk
from service_desk.services.enquiries import matters
from service_desk.services.relations.home import read_home
from service_desk.web.http import actor, current_account
from service_desk.web.threads import unread_of

bp = Blueprint("desk", __name__)


@bp.get("/")
@login_required
def home() -> ResponseReturnValue:
    """Where everybody starts."""
    if actor().role is Role.ADMIN:
        return render_template("desk/admin.html", counts=desk.set_up(actor=actor()))
    account = current_account()
    shared: dict[str, Any] = {
        "words": words,
        "relations": read_home(account.id, actor=actor(), now=g.now),
        "relation_words": relation_words,
        "unread": unread_of(account.id),
    }
    if actor().side is Side.CLIENT:
        found = desk.client_home(account.id, actor=actor(), now=g.now)
        is_group = actor().role is Role.GROUP_INSURANCE
        return render_template("desk/client.html", home=found, is_group=is_group, **shared)
    staff = desk.staff_home(account.id, actor=actor(), now=g.now)
    tasks = [words.task_line(task, g.now) for task in staff.tasks]
    return render_template("desk/staff.html", home=staff, tasks=tasks, path_of=matters.path_of, **shared)
