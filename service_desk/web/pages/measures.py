"""How figures are counted: the definition of every measure that is shown or sent."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required

from service_desk.presenters.dashboard import market_lines
from service_desk.presenters.measures import glossary
from service_desk.services.market import shown_lines

bp = Blueprint("measures", __name__)


@bp.get("/measures", endpoint="measures")
@login_required
def measures_page() -> ResponseReturnValue:
    """Every measure by group. Definitions are no secret: whoever signs in may read them."""
    return render_template("measures/list.html", groups=glossary(), market=market_lines(shown_lines()))
