"""The accident report: one form in three steps, and the page that answers it at once."""

from datetime import datetime
from io import BytesIO
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from service_desk.adapters import pictures
from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, NotFound
from service_desk.forms.claim_reports import ClientReportForm, ReportForm
from service_desk.forms.fields import is_possible
from service_desk.models.claims import ReportChannel
from service_desk.presenters import claims as claim_words
from service_desk.presenters import intake as words
from service_desk.presenters import phone_reports as phone_words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.messages import sentence
from service_desk.rules.knowledge import HelpMoment
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, knowledge, policies
from service_desk.services.claims import accidents, intake, phone_reports
from service_desk.services.claims.files import read_file
from service_desk.services.documents import MAX_FILES
from service_desk.web import kept_uploads
from service_desk.web.http import actor, again, attempt, current_account, files, uploads
from service_desk.web.kept_uploads import KeptUpload

bp = Blueprint("claim_reports", __name__)

# As many plates as a phone can list without a search; a branch has fewer.
_LISTED_PLATES = 200


@bp.route("/claims/report", methods=["GET", "POST"])
@login_required
def report() -> ResponseReturnValue:
    """Take a report. The same form sent twice is one claim, and the second answer equals the first."""
    access.require(actor(), Action.REPORT_CLAIM)
    account, form = current_account(), _form()
    if not form.is_submitted():
        return render_template("claim_reports/report.html", **_context(form, account.id, []))
    kept = kept_uploads.restore(request.form.getlist("kept"))
    sent = uploads("photos")
    numbers: list[str] = []
    asked: list[Conflict] = []

    def act() -> None:
        try:
            numbers.append(
                intake.report(
                    form.command(account.id),
                    photos=[*(one.upload for one in kept), *sent],
                    key=form.idempotency_key.data or "",
                    actor=actor(),
                    now=g.now,
                    files=files(),
                )
            )
        except Conflict as error:
            asked.append(error)
            raise

    if attempt(form, act):
        return redirect(url_for("claim_reports.reported", number=numbers[0]), 303)
    kept += kept_uploads.keep(sent[:MAX_FILES])
    similar = asked[0].params if asked and asked[0].code == "possible_duplicate" else None
    return again("claim_reports/report.html", **_context(form, account.id, kept, similar))


def _form() -> ReportForm:
    """The form as first shown: now, and a client's own name and number."""
    known: dict[str, Any] = {"loss_at": g.now, "plate": request.args.get("plate", "")}
    if _is_client():
        known |= {"reporter_name": actor().name, "callback_phone": actor().phone}
        return ClientReportForm(data=known)
    form = ReportForm(data=known)
    form.channel.choices = choices("report_taken")
    return form


def _context(
    form: ReportForm, account_id: int, kept: list[KeptUpload], similar: dict[str, Any] | None = None
) -> dict[str, Any]:
    is_branch = actor().role is Role.BRANCH_SAFETY
    listed = intake.suggest_vehicles(account_id, "", actor=actor(), limit=_LISTED_PLATES) if is_branch else []
    return {
        "form": form,
        "kept": kept,
        "similar": similar,
        "plates": [(vehicle.plate, vehicle.model) for vehicle in listed],
        "is_client": _is_client(),
        "cover": _cover(account_id, form.plate.data or "", form.loss_at.at or g.now),
        "guides": knowledge.guides_for(account_id, HelpMoment.REPORTING, with_text=True, actor=actor()),
    }


@bp.get("/api/report-vehicles")
@login_required
def vehicles() -> ResponseReturnValue:
    """Plates that hold what is being typed, for the suggestions."""
    access.require(actor(), Action.REPORT_CLAIM)
    found = intake.suggest_vehicles(current_account().id, request.args.get("q", "")[:64], actor=actor())
    return [
        {
            "value": vehicle.plate,
            "label": claim_words.plate(vehicle.plate or ""),
            "detail": " ".join(
                part for part in (vehicle.model, label(vehicle.use_class, "use_class")) if part
            ),
        }
        for vehicle in found
    ]


@bp.get("/api/claim-cover")
@login_required
def cover() -> ResponseReturnValue:
    """The vehicle of a plate and what covered it at a local time, as a fragment for the form."""
    access.require(actor(), Action.REPORT_CLAIM)
    at = _moment(request.args.get("at", "")) or g.now
    found = _cover(current_account().id, request.args.get("plate", "")[:64], at)
    return render_template("claim_reports/_cover.html", cover=found)


def _cover(account_id: int, plate: str, at: datetime) -> dict[str, Any] | None:
    if not plate.strip():
        return None
    vehicle = intake.find_vehicle(account_id, plate, at, actor=actor())
    if vehicle is None:
        return {"vehicle": None, "refusal": sentence(intake.plate_refusal(plate))}
    held = policies.covers_at(vehicle.id, at)
    return {
        "vehicle": vehicle,
        "plate": claim_words.plate(vehicle.plate or vehicle.vin or ""),
        "lines": words.cover_lines(held, policies.required_lines(vehicle, at)),
        "lacks_ctpl": words.lacks_ctpl(held),
    }


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=CHINA)
    except ValueError:
        return None
    return moment if is_possible(moment) else None


@bp.get("/claims/report/photos/<token>")
@login_required
def kept_photo(token: str) -> ResponseReturnValue:
    """A photo of a refused form, made safe to show; nobody else's token finds it."""
    kept = kept_uploads.find(token)
    if kept is None:
        raise NotFound("not_found")
    return send_file(BytesIO(pictures.make_safe(kept.upload.content).content), mimetype="image/jpeg")


@bp.get("/claims/<number>/reported")
@login_required
def reported(number: str) -> ResponseReturnValue:
    """The answer to a report: its number, the handler, the cover found, and what happens next."""
    file = read_file(number, actor=actor())
    held = policies.covers_at(file.claim.vehicle_id, file.claim.loss_at)
    return render_template(
        "claim_reports/reported.html",
        claim=file.claim,
        handler=file.owner,
        plate=claim_words.plate(file.claim.plate),
        cover=words.cover_lines(held, file.needed_lines),
        lacks_ctpl=words.lacks_ctpl(held),
        clocks={timer.step.value: timer for timer in claim_words.running_clocks(file)},
        photo_count=len(file.documents),
        from_phone=[phone_words.arrived(*one) for one in phone_reports.reports_of(file.claim.id)],
        accident=accidents.read_event(file.claim, actor=actor()),
        is_late=claim_words.is_late_report(file.claim),
        is_client=_is_client(),
        by_phone=file.claim.channel is not ReportChannel.PORTAL,
    )


def _is_client() -> bool:
    return actor().side is Side.CLIENT
