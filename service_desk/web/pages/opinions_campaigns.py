"""Feedback forms: planning one, whom it asks, sending, closing, links, and who has answered."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.opinions import GUEST_ROWS, AlsoAskedForm, CampaignForm
from service_desk.forms.relations import VersionForm
from service_desk.models.opinions import OpinionCampaign
from service_desk.presenters import opinions as words
from service_desk.presenters.labels import label
from service_desk.presenters.languages import LANGUAGE_NAMES, branch_name
from service_desk.rules.opinions import REMIND_DAYS_BEFORE, USUAL_QUESTIONS, CampaignState
from service_desk.rules.permissions import Action
from service_desk.services import access, submissions
from service_desk.services.opinions import campaigns, joining, lists
from service_desk.services.opinions.visibility import get_campaign
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.sent_twice import attempt_once, decide

bp = Blueprint("opinions_campaigns", __name__)

USUAL_DAYS = 14


@bp.get("/opinions/campaigns")
@login_required
def board() -> ResponseReturnValue:
    """The account's feedback forms with their response."""
    page = lists.list_campaigns(current_account().id, page_request(), actor=actor())
    return render_template("opinions/campaigns.html", page=page, words=words)


@bp.get("/opinions/campaigns.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The feedback forms, as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: lists.list_campaigns(account.id, page, actor=actor()),
        lambda rows: words.campaigns_sheet(rows, g.now),
        f"feedback-forms-{local_date(g.now)}.xlsx",
    )


@bp.route("/opinions/campaigns/new", methods=["GET", "POST"])
@login_required
def plan() -> ResponseReturnValue:
    """Prepare a feedback form. The same form sent twice is one."""
    access.require(actor(), Action.COLLECT_OPINIONS)
    account = current_account()
    form = CampaignForm(data=_usual())
    _set_choices(form, GUEST_ROWS)
    numbers: list[str] = []

    def make() -> str:
        return campaigns.plan(account.id, form.plan(), actor=actor(), now=g.now).number

    def act() -> None:
        key = form.idempotency_key.data or ""
        numbers.append(submissions.once("opinion_campaign", key, make, actor=actor(), now=g.now))

    if attempt(form, act):
        return done(
            _("It is prepared. Look it over and send it."), "opinions_campaigns.campaign", number=numbers[0]
        )
    context = {"form": form, "campaign": None}
    if form.is_submitted():
        return again("opinions/campaign_edit.html", **context)
    return render_template("opinions/campaign_edit.html", **context)


def _usual() -> dict[str, Any]:
    today = local_date(g.now)
    return {
        "from_on": today,
        "until_on": today + timedelta(days=USUAL_DAYS),
        "remind_days": REMIND_DAYS_BEFORE,
        "branch_ids": [
            branch.id
            for branch, officers in campaigns.possible_branches(current_account().id, actor=actor())
            if officers
        ],
        "questions": [
            {"theme": one.theme.value, "is_asked": True, "text": one.text, "text_en": one.text_en}
            for one in USUAL_QUESTIONS
        ],
    }


def _set_choices(form: CampaignForm, blank_rows: int) -> None:
    found = campaigns.possible_branches(current_account().id, actor=actor())
    form.branch_ids.choices = [
        (branch.id, _("%(branch)s (%(count)s)", branch=branch_name(branch), count=officers))
        for branch, officers in found
    ]
    named = [(branch.id, branch_name(branch)) for branch, _officers in found]
    while len(form.guests) < blank_rows:
        form.guests.append_entry()
    for row in form.guests:
        row.form.branch_id.choices = [("", _("None, or the whole account")), *named]
        row.form.language.choices = list(LANGUAGE_NAMES.items())
    for row in form.questions:
        row.form.is_asked.label.text = label(row.form.theme.data, "opinion_theme")


@bp.route("/opinions/campaigns/<number>/edit", methods=["GET", "POST"])
@login_required
def change(number: str) -> ResponseReturnValue:
    """Change a feedback form that was not sent yet."""
    found = get_campaign(number, actor=actor())
    form = CampaignForm(data=_as_planned(found))
    _set_choices(form, GUEST_ROWS)

    def act() -> None:
        campaigns.change(number, form.plan(), form.shown_version, actor=actor(), now=g.now)

    if attempt_once(form, act):
        return done(_("The feedback form was changed."), "opinions_campaigns.campaign", number=number)
    if not form.is_submitted():
        return render_template("opinions/campaign_edit.html", form=form, campaign=found)
    found = get_campaign(number, actor=actor())
    form.version.data = str(found.version)
    return again("opinions/campaign_edit.html", form=form, campaign=found)


def _as_planned(found: OpinionCampaign) -> dict[str, Any]:
    people = campaigns.invitations_of(found.id)
    asked = {one["theme"]: one for one in found.questions}
    return {
        "version": str(found.version),
        "title": found.title,
        "title_en": found.title_en,
        "intro": found.intro,
        "intro_en": found.intro_en,
        "from_on": found.from_on,
        "until_on": found.until_on,
        "remind_days": found.remind_days,
        "branch_ids": sorted({one.branch_id for one in people if one.user_id and one.branch_id}),
        "asks_group": any(one.user_id and not one.branch_id for one in people),
        "guests": [
            {"name": one.name, "email": one.email, "branch_id": one.branch_id, "language": one.language}
            for one in people
            if one.user_id is None
        ],
        "questions": [
            {
                "theme": one.theme.value,
                "is_asked": one.theme.value in asked,
                "text": asked.get(one.theme.value, {"text": one.text})["text"],
                "text_en": asked.get(one.theme.value, {"text_en": one.text_en})["text_en"],
            }
            for one in USUAL_QUESTIONS
        ],
    }


@bp.get("/opinions/campaigns/<number>")
@login_required
def campaign(number: str) -> ResponseReturnValue:
    """One feedback form: what it asks, whom, and who has answered."""
    return render_template("opinions/campaign.html", **_shown(number))


def _shown(number: str, also_form: AlsoAskedForm | None = None) -> dict[str, Any]:
    """All that its page shows. `also_form`: somebody more to be asked, as it was refused."""
    found = get_campaign(number, actor=actor())
    page = lists.list_invitations(number, page_request(), actor=actor())
    is_open = found.state is CampaignState.OPEN
    return {
        "campaign": found,
        "page": page,
        "response": lists.response_of(found),
        "questions": campaigns.questions_of(found),
        "link_mark": campaigns.link_mark,
        "links": {row.invitation.id: _link(row.invitation) for row in page.rows},
        "is_planned": found.state is CampaignState.PLANNED,
        "is_open": is_open,
        "also_form": (also_form or _also_form(found, AlsoAskedForm(None))) if is_open else None,
        "also_refused": also_form is not None,
        "words": words,
    }


def _also_form(found: OpinionCampaign, form: AlsoAskedForm) -> AlsoAskedForm:
    people = joining.people_to_ask(found)
    form.user_id.choices = [("", "—"), *((one.id, f"{one.name} · {one.staff_no}") for one in people)]
    branches = campaigns.possible_branches(found.account_id, actor=actor())
    named = [(branch.id, branch_name(branch)) for branch, _officers in branches]
    form.branch_id.choices = [("", _("None, or the whole account")), *named]
    form.language.choices = list(LANGUAGE_NAMES.items())
    return form


@bp.post("/opinions/campaigns/<number>/people")
@login_required
def ask_also(number: str) -> ResponseReturnValue:
    """Ask somebody more while it is out. The same form sent twice asks them once."""
    form = _also_form(get_campaign(number, actor=actor()), AlsoAskedForm())

    def make() -> str:
        who = {"actor": actor(), "now": g.now}
        if form.user_id.data:
            return str(joining.ask_login(number, form.user_id.data, **who).id)
        return str(joining.ask_guest(number, form.guest(), **who).id)

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("opinion_also_asked", key, make, actor=actor(), now=g.now)):
        return done(_("It asks them too; they are told."), "opinions_campaigns.campaign", number=number)
    return again("opinions/campaign.html", **_shown(number, form))


def _link(invitation: Any) -> str:
    """The whole address of somebody's form, for whoever sends it on; empty for a login or a link that ended."""
    token = campaigns.token_of(invitation)
    public = current_app.extensions["desk_config"].public_url
    return f"{public}{url_for('opinions_forms.form', token=token)}" if token else ""


@bp.get("/opinions/campaigns/<number>.xlsx")
@login_required
def people_export(number: str) -> ResponseReturnValue:
    """Whom a feedback form asks and who has answered, as a spreadsheet."""
    account_id = get_campaign(number, actor=actor()).account_id
    return send_list(
        lambda page: lists.list_invitations(number, page, actor=actor()),
        lambda rows: words.invitations_sheet(rows, g.now),
        f"{number}.xlsx",
        [(_("Feedback form"), number)],
        account_id=account_id,
    )


@bp.post("/opinions/campaigns/<number>/send")
@login_required
def send(number: str) -> ResponseReturnValue:
    """Send it now."""
    get_campaign(number, actor=actor())
    form = VersionForm()
    return decide(
        lambda: campaigns.send(number, form.shown_version, actor=actor(), now=g.now),
        _("It is sent; those asked are told."),
        url_for("opinions_campaigns.campaign", number=number),
    )


@bp.post("/opinions/campaigns/<number>/close")
@login_required
def close(number: str) -> ResponseReturnValue:
    """End it before its day."""
    get_campaign(number, actor=actor())
    form = VersionForm()
    return decide(
        lambda: campaigns.close(number, form.shown_version, actor=actor(), now=g.now),
        _("It takes no answers any more."),
        url_for("opinions_campaigns.campaign", number=number),
    )


@bp.post("/opinions/campaigns/<number>/people/<int:invitation_id>/revoke")
@login_required
def revoke(number: str, invitation_id: int) -> ResponseReturnValue:
    """Withdraw somebody's link."""
    get_campaign(number, actor=actor())
    return decide(
        lambda: campaigns.revoke_link(number, invitation_id, actor=actor(), now=g.now),
        _("The link is withdrawn."),
        url_for("opinions_campaigns.campaign", number=number),
    )


@bp.post("/opinions/campaigns/<number>/people/<int:invitation_id>/renew")
@login_required
def renew(number: str, invitation_id: int) -> ResponseReturnValue:
    """Give somebody another link in place of the one there was."""
    get_campaign(number, actor=actor())
    shown = request.form.get("shown", "")
    return decide(
        lambda: campaigns.renew_link(number, invitation_id, shown, actor=actor(), now=g.now),
        _("There is a new link; the one before has ended."),
        url_for("opinions_campaigns.campaign", number=number),
    )
