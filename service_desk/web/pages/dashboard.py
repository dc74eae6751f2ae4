"""The manager's overview: every number opens the rows behind it."""

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required

from service_desk.presenters import follow_ups, reports, sla
from service_desk.presenters.languages import branch_name
from service_desk.services import dashboard
from service_desk.web.http import actor, current_account

bp = Blueprint("dashboard", __name__)


@bp.get("/overview")
@login_required
def overview() -> ResponseReturnValue:
    """Where time is being lost, what breaks next, what is outstanding."""
    found = dashboard.overview(current_account().id, actor=actor(), now=g.now)
    return render_template(
        "dashboard/overview.html",
        overview=found,
        percent=reports.percent,
        share=reports.share,
        fraction=reports.fraction,
        pill_of=lambda timer: sla.pill(timer, g.now, named=False),
        branch_name=branch_name,
        follow_up_words=follow_ups,
    )
