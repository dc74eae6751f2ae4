"""Minutes of an event, with what was decided and the papers; corrected by another version."""

from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.relations import MinutesForm
from service_desk.models.relations import RelationEvent
from service_desk.presenters import relations as words
from service_desk.rules.permissions import Action, Side
from service_desk.rules.relation_flow import EventState, InviteAnswer
from service_desk.services import access, submissions
from service_desk.services.documents import Upload
from service_desk.services.relations import event_lists, items, minutes
from service_desk.services.relations.event_lists import EventFile
from service_desk.services.relations.visibility import get_event
from service_desk.web import kept_uploads
from service_desk.web.http import actor, again, attempt, done, files, uploads
from service_desk.web.pages.relations.blueprint import bp


@bp.route("/relations/<number>/minutes", methods=["GET", "POST"])
@login_required
def write_minutes(number: str) -> ResponseReturnValue:
    """Write the minutes with the decisions, or correct them. The same form sent twice is one version."""
    found = get_event(number, actor=actor())
    access.require(actor(), Action.PLAN_RELATIONS)
    file = event_lists.read_event(number, actor=actor())
    form = MinutesForm(data=_as_known(file))
    _set_choices(form, file)
    kept = kept_uploads.restore(request.form.getlist("kept"))
    sent = tuple(uploads("papers"))
    papers = (*(one.upload for one in kept), *sent)

    def make() -> str:
        written = form.written(found.branch_id, papers)
        minutes.write(number, written, form.shown_version, files=files(), actor=actor(), now=g.now)
        return number

    def act() -> None:
        key = form.idempotency_key.data or ""
        submissions.once("event_minutes", key, make, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The minutes are kept and mailed."), "relations.event", number=number)
    if not form.is_submitted():
        return render_template("relations/minutes.html", **_context(form, file, []))
    return _again(number, form, [*kept, *_kept_now(form, sent)])


def _kept_now(form: MinutesForm, sent: tuple[Upload, ...]) -> list[kept_uploads.KeptUpload]:
    return [] if form.papers.errors else kept_uploads.keep(sent, or_pdf=True)


def _again(number: str, form: MinutesForm, kept: list[kept_uploads.KeptUpload]) -> ResponseReturnValue:
    file = event_lists.read_event(number, actor=actor())
    form.version.data = str(file.event.version)
    return again("relations/minutes.html", **_context(form, file, kept))


def _context(form: MinutesForm, file: EventFile, kept: list[kept_uploads.KeptUpload]) -> dict[str, Any]:
    return {"form": form, "file": file, "event": file.event, "kept": kept, "words": words}


def _as_known(file: EventFile) -> dict[str, Any]:
    """Before there are minutes everybody who has not declined counts as there; afterwards what they say."""
    event = file.event
    known: dict[str, Any] = {"version": str(event.version)}
    if not file.versions:
        came = [one.id for one in file.participants if one.answer is not InviteAnswer.DECLINED]
        return known | {"present": came}
    latest = file.versions[0]
    named = {one.name for one in file.participants if one.is_present}
    others = [one for one in latest.present if one["name"] not in named]
    return known | {
        "words": latest.words,
        "present": [one.id for one in file.participants if one.is_present],
        "others_ours": ", ".join(one["name"] for one in others if one["side"] == Side.INSURER.value),
        "others_theirs": ", ".join(one["name"] for one in others if one["side"] == Side.CLIENT.value),
    }


def _set_choices(form: MinutesForm, file: EventFile) -> None:
    event: RelationEvent = file.event
    form.present.choices = [(one.id, one.name) for one in file.participants]
    owners = [(user.id, f"{user.name} · {user.staff_no}") for user in items.possible_owners(event.account_id)]
    for row in form.decisions:
        row.form.owner_id.choices = [("", "—"), *owners]
    if event.state is not EventState.MINUTED:
        del form.reason
