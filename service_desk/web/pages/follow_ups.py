"""Follow-ups: who is to be asked, who was, how they answered, with the figures; planning, and calls without an answer."""

from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import member, small_number
from service_desk.forms.follow_ups import PlanForm, TryForm
from service_desk.models.claims import Claim
from service_desk.presenters import claims as claim_words
from service_desk.presenters import follow_ups as words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name
from service_desk.rules.periods import Preset, period_of
from service_desk.services import submissions
from service_desk.services.claims import follow_up_lists, people, plans
from service_desk.services.claims.common import get_claim
from service_desk.services.claims.files import list_branches
from service_desk.services.claims.follow_up_lists import FollowUpFilter, FollowUpView
from service_desk.web.exports import send_list
from service_desk.web.follow_up_forms import set_plan_choices
from service_desk.web.http import actor, again, attempt, current_account, done, page_request

bp = Blueprint("follow_ups", __name__)

DEFAULT_PERIOD = Preset.LAST_90_DAYS


@bp.get("/follow-ups")
@login_required
def board() -> ResponseReturnValue:
    """The list by saved filter, with the figures of the period."""
    account, wanted = current_account(), _wanted()
    page = follow_up_lists.list_follow_ups(account.id, wanted, page_request(), actor=actor(), now=g.now)
    return render_template(
        "follow_ups/list.html",
        page=page,
        wanted=wanted,
        period=_preset().value,
        periods=choices("compliance_period"),
        figures=follow_up_lists.read_figures(account.id, wanted, actor=actor()),
        views=_views(wanted, account.id),
        branches=[(b.id, branch_name(b)) for b in list_branches(account.id, actor=actor())],
        handlers=[(u.id, f"{u.name} · {u.staff_no}") for u in people.list_handlers(account.id)],
        words=words,
        plate=claim_words.plate,
        branch_name=branch_name,
    )


@bp.get("/follow-ups.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The list as filtered, as a spreadsheet in the reader's language."""
    account, wanted, reader = current_account(), _wanted(), actor().role
    return send_list(
        lambda page: follow_up_lists.list_follow_ups(account.id, wanted, page, actor=actor(), now=g.now),
        lambda rows: words.sheet(rows, wanted.view, reader, g.now),
        _("follow-ups-%(view)s.xlsx", view=label(wanted.view, "follow_up_view")),
        [(_("Period"), label(_preset(), "compliance_period"))],
    )


def _preset() -> Preset:
    found: Preset | None = member(Preset, request.args.get("period"))
    return found or DEFAULT_PERIOD


def _wanted() -> FollowUpFilter:
    """The filter in the address; nonsense means all that is to be called."""
    return FollowUpFilter(
        period=period_of(_preset(), local_date(g.now)),
        view=member(FollowUpView, request.args.get("view")) or FollowUpView.DUE,
        branch_id=small_number(request.args.get("branch")),
        owner_id=small_number(request.args.get("handler")),
        text=request.args.get("q", "")[:100],
    )


def _views(wanted: FollowUpFilter, account_id: int) -> list[dict[str, Any]]:
    counts = follow_up_lists.count_views(account_id, wanted, actor=actor(), now=g.now)
    return [
        {
            "label": label(view, "follow_up_view"),
            "url": url_for(
                "follow_ups.board",
                view=view.value,
                branch=wanted.branch_id,
                handler=wanted.owner_id,
                period=request.args.get("period"),
                q=wanted.text or None,
            ),
            "is_current": view is wanted.view,
            "count": counts[view],
        }
        for view in FollowUpView
    ]


@bp.post("/claims/<number>/follow-up/plan")
@login_required
def plan(number: str) -> ResponseReturnValue:
    """Plan whom the desk asks, and how; a form goes out at once. The same form sent twice plans once."""
    claim, form = get_claim(number, actor=actor()), PlanForm(prefix="plan")
    set_plan_choices(form)

    def act() -> str:
        plans.plan(number, form.command(), actor=actor(), now=g.now, version=form.shown_version)
        return number

    if attempt(form, lambda: submissions.once("follow_up_plan", form.key, act, actor=actor(), now=g.now)):
        return done(_("The follow-up is planned."), "claims.claim", number=number, _anchor="follow-up")
    return _again("follow_ups/plan.html", claim, form)


@bp.post("/claims/<number>/follow-up/try")
@login_required
def record_try(number: str) -> ResponseReturnValue:
    """Record a call that brought no answer. The same form sent twice is one call."""
    claim, form = get_claim(number, actor=actor()), TryForm(prefix="try")
    form.outcome.choices = choices("call_outcome")

    def act() -> str:
        plans.record_try(number, form.command(), actor=actor(), now=g.now, version=form.shown_version)
        return number

    if attempt(form, lambda: submissions.once("follow_up_try", form.key, act, actor=actor(), now=g.now)):
        return done(_("The call was recorded."), "claims.claim", number=number, _anchor="follow-up")
    return _again("follow_ups/try.html", claim, form)


def _again(template: str, claim: Claim, form: PlanForm | TryForm) -> ResponseReturnValue:
    """What was typed, on a page of its own, based on the claim as it is now."""
    form.version.data = str(get_claim(claim.number, actor=actor()).version)
    return again(template, claim=claim, form=form)
