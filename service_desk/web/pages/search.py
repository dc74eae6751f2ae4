"""The search box in the header."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.enquiries import Enquiry
from service_desk.models.fleet import Vehicle
from service_desk.models.opinions import Opinion
from service_desk.models.policies import Policy
from service_desk.models.relations import RelationEvent
from service_desk.rules.policy_flow import last_covered_day
from service_desk.services import search
from service_desk.services.knowledge import Guide
from service_desk.web.http import actor

bp = Blueprint("search", __name__)


@bp.get("/search")
@login_required
def results() -> ResponseReturnValue:
    """One hit opens it, several are listed by group."""
    found = search.search(request.args.get("q", ""), actor=actor())
    if found.only is not None:
        return redirect(address_of(found.only))
    return render_template(
        "search/list.html",
        found=found,
        address_of=address_of,
        last_covered_day=last_covered_day,
        shortest=search.SHORTEST,
    )


def address_of(row: Any) -> str:
    """Where a found record is shown."""
    if isinstance(row, Vehicle):
        return url_for("fleet.vehicle", vehicle_id=row.id)
    if isinstance(row, Policy):
        return url_for("policies.policy", number=row.number)
    if isinstance(row, Claim):
        return url_for("claims.claim", number=row.number)
    if isinstance(row, Enquiry):
        return url_for("enquiries.enquiry", number=row.number)
    if isinstance(row, Branch):
        return url_for("fleet.vehicles", branch=row.id)
    if isinstance(row, RelationEvent):
        return url_for("relations.event", number=row.number)
    if isinstance(row, Opinion):
        return url_for("opinions.opinion", number=row.number)
    if isinstance(row, Guide):
        return url_for("knowledge.article", slug=row.slug)
    return url_for("accounts.account")
