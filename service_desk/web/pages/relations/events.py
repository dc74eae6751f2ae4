"""One event: planning, changing and calling it off, answering its invitation, its calendar file and papers."""

from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, g, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.icalendar import Method, mime_type
from service_desk.base.clock import CHINA, local_date
from service_desk.forms.fields import is_possible, member, small_number
from service_desk.forms.relations import GUEST_ROWS, AnswerForm, EventForm, ReasonForm, VersionForm
from service_desk.models.relations import EventParticipant, RelationEvent
from service_desk.models.users import User
from service_desk.presenters import relations as words
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import LANGUAGE_NAMES
from service_desk.presenters.relations_mail import meeting_calendar
from service_desk.rules.permissions import Action, Side
from service_desk.rules.relation_flow import EventAction, EventKind, EventState, InviteAnswer, actions_for
from service_desk.services import access, submissions
from service_desk.services.relations import event_lists, events, inviting, minutes
from service_desk.services.relations.event_lists import EventFile
from service_desk.services.relations.visibility import get_event
from service_desk.web.http import actor, again, attempt, current_account, done, files, keep_file
from service_desk.web.pages.relations.blueprint import bp, branch_choices
from service_desk.web.sent_twice import attempt_once, decide

USUAL_START, USUAL_LENGTH = time(9, 30), timedelta(hours=2)


@bp.route("/relations/new", methods=["GET", "POST"])
@login_required
def plan() -> ResponseReturnValue:
    """Plan a meeting or visit. The same form sent twice is one event, and one invitation to each."""
    access.require(actor(), Action.PLAN_RELATIONS)
    account = current_account()
    form = EventForm(data=_asked_for())
    _set_choices(form, GUEST_ROWS)
    del form.reason
    numbers: list[str] = []

    def make() -> str:
        return events.plan(account.id, form.plan(), actor=actor(), now=g.now).number

    def act() -> None:
        key = form.idempotency_key.data or ""
        numbers.append(submissions.once("relation_event", key, make, actor=actor(), now=g.now))

    if attempt(form, act):
        return done(_("It is planned; those invited are told."), "relations.event", number=numbers[0])
    context = {"form": form, "event": None}
    if form.is_submitted():
        return again("relations/edit.html", **context)
    return render_template("relations/edit.html", **context)


def _asked_for() -> dict[str, Any]:
    """What the address asks for, as the button of something due does: its kind, branch and day."""
    begins = datetime.combine(_day_asked_for(), USUAL_START, CHINA)
    kind = member(EventKind, request.args.get("kind"))
    return {
        "kind": (kind or EventKind.QUARTERLY_MEETING).value,
        "branch_id": small_number(request.args.get("branch")),
        "from_at": begins,
        "to_at": begins + USUAL_LENGTH,
        "organiser_id": actor().id,
        "ours": [actor().id],
    }


def _day_asked_for() -> date:
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        day = date.min
    return day if is_possible(day) else local_date(g.now) + timedelta(days=7)


def _set_choices(form: EventForm, blank_rows: int) -> None:
    account_id = current_account().id
    people = events.possible_participants(account_id)
    ours = [user for user in people if user.side is Side.INSURER]
    form.kind.choices = choices("event_kind")
    form.branch_id.choices = [("", _("The whole account")), *branch_choices(account_id)]
    form.organiser_id.choices = [(user.id, _named(user)) for user in ours]
    form.ours.choices = [(user.id, _named(user)) for user in ours]
    form.theirs.choices = [(user.id, _named(user)) for user in people if user.side is Side.CLIENT]
    while len(form.guests) < blank_rows:
        form.guests.append_entry()
    for row in form.guests:
        row.form.side.choices = choices("side")
        row.form.language.choices = list(LANGUAGE_NAMES.items())


def _named(user: User) -> str:
    return f"{user.name} · {user.staff_no}"


@bp.get("/relations/<number>")
@login_required
def event(number: str) -> ResponseReturnValue:
    """One event: when and where, who comes, what was said and decided."""
    return render_template("relations/event.html", **_context(number))


def _context(number: str) -> dict[str, Any]:
    file = event_lists.read_event(number, actor=actor())
    may_plan = access.may(actor(), Action.PLAN_RELATIONS)
    allowed = actions_for(file.event.state, has_begun=file.event.from_at <= g.now)
    return {
        "file": file,
        "event": file.event,
        "zone": ZoneInfo(current_account().zone),
        "words": words,
        "sides": list(Side),
        "history": words.event_history(file),
        "may": {action.value: may_plan and action in allowed for action in EventAction},
        "may_answer": _may_answer(file),
        "answers": [one for one in InviteAnswer if one is not InviteAnswer.ASKED],
        "cancel_form": ReasonForm(formdata=None, data={"version": str(file.event.version)}),
        "is_client": actor().side is Side.CLIENT,
    }


def _may_answer(file: EventFile) -> bool:
    return file.mine is not None and file.event.state is EventState.PLANNED and file.event.to_at > g.now


@bp.route("/relations/<number>/edit", methods=["GET", "POST"])
@login_required
def change(number: str) -> ResponseReturnValue:
    """Move it or change it; those invited get a new invitation."""
    found = get_event(number, actor=actor())
    access.require(actor(), Action.PLAN_RELATIONS)
    people = events.participants_of(found.id)
    form = EventForm(data=_as_planned(found, people))
    guests = sum(one.user_id is None for one in people)
    _set_choices(form, guests + 2)

    def act() -> None:
        events.change(
            number, form.plan(), form.reason.data or "", form.shown_version, actor=actor(), now=g.now
        )

    if attempt_once(form, act):
        return done(_("It was changed; those invited are told."), "relations.event", number=number)
    if not form.is_submitted():
        return render_template("relations/edit.html", form=form, event=found)
    found = get_event(number, actor=actor())
    form.version.data = str(found.version)
    return again("relations/edit.html", form=form, event=found)


def _as_planned(found: RelationEvent, people: list[EventParticipant]) -> dict[str, Any]:
    def logins(side: Side) -> list[int]:
        return [one.user_id for one in people if one.user_id is not None and one.side is side]

    return {
        "version": str(found.version),
        "kind": found.kind.value,
        "title": found.title,
        "branch_id": found.branch_id,
        "place": found.place,
        "from_at": found.from_at,
        "to_at": found.to_at,
        "organiser_id": found.organiser_id,
        "agenda": found.agenda,
        "ours": logins(Side.INSURER),
        "theirs": logins(Side.CLIENT),
        "guests": [
            {"name": one.name, "email": one.email, "side": one.side.value, "language": one.language}
            for one in people
            if one.user_id is None
        ],
    }


@bp.post("/relations/<number>/cancel")
@login_required
def cancel(number: str) -> ResponseReturnValue:
    """Call it off, with the reason."""
    get_event(number, actor=actor())
    form = ReasonForm()
    return decide(
        lambda: events.cancel(number, form.reason.data or "", form.shown_version, actor=actor(), now=g.now),
        _("It was called off; those invited are told."),
        url_for("relations.event", number=number),
    )


@bp.post("/relations/<number>/held")
@login_required
def hold(number: str) -> ResponseReturnValue:
    """Note that it took place; the minutes may follow."""
    get_event(number, actor=actor())
    form = VersionForm()
    return decide(
        lambda: events.hold(number, form.shown_version, actor=actor(), now=g.now),
        _("It is noted as held."),
        url_for("relations.event", number=number),
    )


@bp.post("/relations/<number>/answer")
@login_required
def answer(number: str) -> ResponseReturnValue:
    """Say for oneself whether one comes."""
    get_event(number, actor=actor())
    form = AnswerForm()
    return decide(
        lambda: events.answer(number, form.said, actor=actor(), now=g.now),
        _("Your answer is noted."),
        url_for("relations.event", number=number),
    )


@bp.get("/relations/<number>/calendar.ics")
@login_required
def ics(number: str) -> Response:
    """The event for one's own calendar."""
    found = get_event(number, actor=actor())
    method = Method.CANCEL if found.state is EventState.CANCELLED else Method.PUBLISH
    text = meeting_calendar(inviting.facts_of(found), method, stamped_at=g.now)
    return send_file(
        BytesIO(text.encode()),
        mimetype=mime_type(method),
        as_attachment=True,
        download_name=f"{found.number}.ics",
    )


@bp.get("/relations/<number>/papers/<int:document_id>")
@login_required
def paper(number: str, document_id: int) -> ResponseReturnValue:
    """A paper of the event, for whoever sees the event; always as a download."""
    document = minutes.get_paper(number, document_id, actor=actor())
    response = send_file(
        BytesIO(files().get(document.storage_key)),
        mimetype=document.content_type,
        as_attachment=True,
        download_name=document.filename,
    )
    keep_file(document.filename, account_id=document.account_id)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
