"""Where a phone sends the reports it kept: who is signed in, the vehicles it may report, facts, photos in pieces."""

import json
from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required
from flask_wtf.csrf import generate_csrf

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.forms.claim_reports import PhoneReportForm
from service_desk.forms.fields import small_number
from service_desk.presenters import phone_reports as words
from service_desk.presenters.messages import sentence
from service_desk.rules.permissions import Action
from service_desk.services import access, policies
from service_desk.services.claims import intake, phone_reports
from service_desk.services.claims.phone_reports import AnnouncedPhoto, PhoneCommand, Received
from service_desk.web.http import actor, attempt, current_account, files, uploads

bp = Blueprint("phone_reports", __name__)

# As many vehicles as a phone keeps; a branch has fewer.
_KEPT_VEHICLES = 5_000


@bp.get("/claims/kept")
@login_required
def kept() -> ResponseReturnValue:
    """The reports that wait on this phone. The page itself holds none: the phone fills it in."""
    access.require(actor(), Action.REPORT_CLAIM)
    return render_template("claim_reports/kept.html")


@bp.get("/api/phone/session")
@login_required
def session() -> ResponseReturnValue:
    """Who is signed in, and a fresh token for what the phone is about to send."""
    return {"person": person(), "csrf_token": generate_csrf()}


@bp.get("/api/phone/vehicles")
@login_required
def vehicles() -> ResponseReturnValue:
    """The vehicles the person may report, with their cover, to be kept on the phone."""
    access.require(actor(), Action.REPORT_CLAIM)
    found = intake.suggest_vehicles(current_account().id, "", actor=actor(), limit=_KEPT_VEHICLES)
    coverage = policies.coverage_of([vehicle.id for vehicle in found], g.now)
    return words.snapshot(found, coverage, person(), g.now)


@bp.post("/api/phone/reports")
@login_required
def report() -> ResponseReturnValue:
    """Take a report's facts. 422 and 409 say what the person has to change or to answer first."""
    access.require(actor(), Action.REPORT_CLAIM)
    if request.form.get("person") != person():
        raise Conflict("other_person")
    form, account_id = PhoneReportForm(), _account_id()
    taken: list[Received] = []
    questions: list[Conflict] = []

    def act() -> None:
        command = _command(form, account_id)
        try:
            taken.append(phone_reports.take(command, actor=actor(), now=g.now, files=files()))
        except Conflict as error:
            if error.code == "possible_duplicate":
                questions.append(error)
            raise

    if attempt(form, act):
        return _taken(taken[0])
    return _question(questions[0], form) if questions else _refused(form)


def _command(form: PhoneReportForm, account_id: int) -> PhoneCommand:
    return PhoneCommand(
        form.command(account_id),
        key=form.idempotency_key.data or "",
        facts=form.facts(),
        photos=_announced(request.form.get("photos", "")),
        waited=form.waited,
    )


def _refused(form: PhoneReportForm) -> ResponseReturnValue:
    fields = {field.name: [str(one) for one in field.errors] for field in form if field.errors}
    messages = [str(one) for one in form.form_errors]
    return {"state": "refused", "fields": fields, "messages": messages}, g.get("refusal_status", 422)


def person() -> str:
    """Who is signed in, as a phone remembers it with each report."""
    return str(actor().id)


def _account_id() -> int:
    """The account the report was typed in, which need not be the one chosen since; NotFound when it is not theirs."""
    account_id = small_number(request.form.get("account"))
    if account_id not in {account.id for account in access.list_accounts(actor())}:
        raise NotFound("no_account")
    return account_id


def _announced(text: str) -> tuple[AnnouncedPhoto, ...]:
    """The photos to come. Invalid for what no phone of ours sends."""
    try:
        return tuple(
            AnnouncedPhoto(
                key=_short(one["key"]),
                filename=str(one["name"])[:200],
                size_bytes=int(one["size"]),
                sha256=_short(one.get("sha256", "")),
            )
            for one in json.loads(text or "[]")
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise Invalid("photos_unreadable", field="photos") from None


def _short(value: Any) -> str:
    """A key or a hash; ValueError for what is too long or no text."""
    if not isinstance(value, str) or len(value) > 64 or "\0" in value:
        raise ValueError
    return value


def _taken(received: Received) -> ResponseReturnValue:
    return {
        "state": "taken",
        "number": received.claim.number,
        "url": url_for("claim_reports.reported", number=received.claim.number),
        "photos": {photo.photo_key: words.photo_state(photo) for photo in received.photos},
    }


def _question(error: Conflict, form: PhoneReportForm) -> ResponseReturnValue:
    """The report may be of an accident we know: the phone asks, and sends the answer with the same key.

    `html` is the comparison as the page of a report shows it, with the answers as its buttons.
    """
    html = render_template("claim_reports/_similar.html", form=form, similar=error.params)
    claims = [{name: str(value) for name, value in one.items()} for one in error.params.get("claims", [])]
    return {"state": "question", "message": sentence(error), "claims": claims, "html": html}, 409


@bp.get("/api/phone/reports/<key>/photos/<photo_key>")
@login_required
def photo(key: str, photo_key: str) -> ResponseReturnValue:
    """How much of a photo is here."""
    return words.photo_state(phone_reports.find_photo(key, photo_key, actor=actor()))


@bp.post("/api/phone/reports/<key>/photos/<photo_key>")
@login_required
def piece(key: str, photo_key: str) -> ResponseReturnValue:
    """Take a piece of a photo at an offset. 409 with `received` for one that does not begin where the last ended."""
    pieces = uploads("piece")
    offset = small_number(request.form.get("offset"))
    if offset is None or len(pieces) != 1:
        raise Invalid("photos_unreadable")
    try:
        found = phone_reports.receive(
            key, photo_key, offset, pieces[0].content, actor=actor(), now=g.now, files=files()
        )
    except Conflict as error:
        if error.code != "photo_offset":
            raise
        return {"state": "open", "received": error.params["received"], "message": sentence(error)}, 409
    return words.photo_state(found)
