"""How figures are counted: the definition of every measure that is shown or sent."""

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.presenters.dashboard import market_lines
from service_desk.presenters.measures import glossary
from service_desk.presenters.sheets.settings import measures_sheet
from service_desk.services.market import shown_lines
from service_desk.web.exports import send_list, whole

bp = Blueprint("measures", __name__)


@bp.get("/measures", endpoint="measures")
@login_required
def measures_page() -> ResponseReturnValue:
    """Every measure by group. Definitions are no secret: whoever signs in may read them."""
    return render_template("measures/list.html", groups=glossary(), market=market_lines(shown_lines()))


@bp.get("/measures.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """Every measure with its definition, as a spreadsheet."""
    return send_list(
        whole([(group.name, one) for group in glossary() for one in group.measures]),
        lambda rows: measures_sheet(rows, g.now),
        f"measures-{local_date(g.now)}.xlsx",
        of_desk=True,
    )
