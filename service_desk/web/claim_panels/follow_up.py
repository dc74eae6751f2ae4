"""Asking after the claim: what stands against closing it, what is planned, the link to send on, calls without an answer."""

from dataclasses import dataclass
from typing import Any

from flask import current_app, g
from markupsafe import Markup

from service_desk.adapters.pdf import qr_svg
from service_desk.base.errors import Invalid
from service_desk.forms.follow_ups import PlanForm, TryForm
from service_desk.models.claims import FollowUp
from service_desk.models.follow_ups import FollowUpCall, FollowUpLink, FollowUpPlan
from service_desk.models.users import User
from service_desk.presenters import follow_ups as words
from service_desk.presenters.labels import choices
from service_desk.presenters.messages import sentence
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.follow_up import FollowUpMeans, needs_follow_up
from service_desk.rules.permissions import Action, Side
from service_desk.services import access
from service_desk.services.claims import closing, plans
from service_desk.services.claims.files import ClaimFile
from service_desk.web.follow_up_forms import set_plan_choices, values_of

COLUMN = "next"
ORDER = 20

_BEFORE_CLOSING = frozenset({ClaimState.APPROVED, ClaimState.PAID})
# Where on the page each thing is settled.
_PLACES = {
    "payment_open": "next",
    "reserve_open": "next",
    "dispute_open": "dispute",
    "zero_reason_missing": "next",
    "follow_up_not_planned": "next",
    "message_unanswered": "messages",
}


@dataclass(frozen=True)
class FollowUpPanel:
    """What the card shows. `link` is one that still takes an answer, with its address and picture."""

    obstacles: list[tuple[str, str]]
    is_due: bool
    plan: FollowUpPlan | None
    link: FollowUpLink | None
    url: str
    qr: Markup | None
    calls: list[FollowUpCall]
    answers: list[FollowUp]
    plan_form: PlanForm | None
    try_form: TryForm | None


def read(file: ClaimFile, user: User) -> FollowUpPanel | None:
    """The card of the desk's people; before the end only what stands against closing."""
    claim = file.claim
    if user.side is Side.CLIENT:
        return None
    needs = needs_follow_up(claim.state, was_surveyed=claim.surveyed_at is not None)
    is_due = needs and claim.followed_up_at is None
    obstacles = _obstacles(file) if claim.state in _BEFORE_CLOSING else []
    if not (needs or obstacles or file.follow_ups):
        return None
    plan = plans.find_plan(claim) if needs else None
    link = _open_link(plan) if plan and is_due else None
    url = words.form_url(link, current_app.extensions["desk_config"].public_url) if link else ""
    may_work = is_due and access.may(user, Action.HANDLE_CLAIMS)
    return FollowUpPanel(
        obstacles=obstacles,
        is_due=is_due,
        plan=plan,
        link=link,
        url=url,
        # Made by us of an address we made.
        qr=Markup(qr_svg(url)) if url else None,  # noqa: S704
        calls=plans.list_calls(plan) if plan else [],
        answers=file.follow_ups,
        plan_form=_plan_form(file) if may_work else None,
        try_form=_try_form(file) if may_work else None,
    )


def _open_link(plan: FollowUpPlan) -> FollowUpLink | None:
    link = plans.find_link(plan) if plan.means is FollowUpMeans.FORM else None
    return link if link is not None and link.answered_at is None and link.ends_at > g.now else None


def _obstacles(file: ClaimFile) -> list[tuple[str, str]]:
    """What stands against closing as things are, each with the place where it is settled. A plan is made with it."""
    suggested = closing.Close(
        releases_reserve=True, follow_up=plans.planned_or_suggested(file.claim), zero_reason="—"
    )
    problems: list[Invalid] = closing.obstacles(file.claim, suggested)
    return [(sentence(problem), _PLACES[problem.code]) for problem in problems]


def _plan_form(file: ClaimFile) -> PlanForm:
    values: dict[str, Any] = values_of(plans.planned_or_suggested(file.claim))
    form = PlanForm(prefix="plan", data=values | {"version": str(file.claim.version)}, formdata=None)
    set_plan_choices(form)
    return form


def _try_form(file: ClaimFile) -> TryForm:
    form = TryForm(prefix="try", data={"at": g.now, "version": str(file.claim.version)}, formdata=None)
    form.outcome.choices = choices("call_outcome")
    return form
