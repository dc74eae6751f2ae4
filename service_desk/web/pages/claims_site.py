"""The surveyor on site, on a phone: arrive by one tap, photos as they are taken, a sketch, the survey."""

from typing import Any

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.errors import Forbidden
from service_desk.forms.claims import StepForm
from service_desk.forms.claims_intake import SketchForm
from service_desk.models.documents import DocumentKind
from service_desk.presenters import claims as words
from service_desk.presenters import claims_intake
from service_desk.rules.claim_flow import ClaimAction
from service_desk.rules.permissions import Action
from service_desk.services import access, submissions
from service_desk.services.claims import photos as service
from service_desk.services.claims import places
from service_desk.services.claims.files import ClaimFile, read_file
from service_desk.web.claim_steps import STEPS, build_form, possible_steps
from service_desk.web.http import actor, again, attempt, done, files, uploads
from service_desk.web.pages.claims_photos import new_photos_form

bp = Blueprint("claims_site", __name__)

ARRIVE, SURVEY = ClaimAction.ARRIVE, ClaimAction.SURVEY


@bp.get("/claims/<number>/on-site")
@login_required
def site(number: str) -> ResponseReturnValue:
    """All that a surveyor needs at the scene, on one page for a phone."""
    return render_template("claims/on_site.html", **_context(_read(number), {}))


@bp.post("/claims/<number>/on-site/arrival")
@login_required
def arrive(number: str) -> ResponseReturnValue:
    """The surveyor is there: now by the server's clock, or a time that is typed in with a reason."""
    return _step(number, ARRIVE)


@bp.post("/claims/<number>/on-site/survey")
@login_required
def survey(number: str) -> ResponseReturnValue:
    """The survey itself. What was drafted on the phone is not needed any more."""
    return _step(number, SURVEY)


@bp.post("/claims/<number>/on-site/sketch")
@login_required
def sketch(number: str) -> ResponseReturnValue:
    """Keep a sketch of the scene: the pad's drawing, or a photo of one on paper."""
    _read(number)
    form, sent = SketchForm(), uploads("sketch")

    def act() -> None:
        command = service.AddPhotos(tuple(sent), is_sketch=True)
        key = form.idempotency_key.data or ""
        service.add(number, command, key=key, actor=actor(), now=g.now, files=files())

    if attempt(form, act):
        return done(_("The sketch was kept."), "claims_site.site", number=number)
    return again("claims/on_site.html", **_context(_read(number), {}, form))


def _step(number: str, action: ClaimAction) -> ResponseReturnValue:
    form = build_form(action, _read(number), sent=True)

    def run() -> str:
        STEPS[action].run_for(number, form)
        return number

    kind = f"claim_{action.value}"
    if attempt(form, lambda: submissions.once(kind, form.key, run, actor=actor(), now=g.now)):
        return done(str(STEPS[action].said), "claims_site.site", number=number)
    return again("claims/on_site.html", **_context(_read(number), {action: form}))


def _read(number: str) -> ClaimFile:
    """The claim's file for who handles claims; others have no business here."""
    file = read_file(number, actor=actor())
    if not access.may(actor(), Action.HANDLE_CLAIMS):
        raise Forbidden("not_allowed", action=Action.HANDLE_CLAIMS.value)
    return file


def _context(
    file: ClaimFile, refused: dict[ClaimAction, StepForm], sketch_form: SketchForm | None = None
) -> dict[str, Any]:
    possible, claim = possible_steps(file, actor()), file.claim
    steps = {action: build_form(action, file) for action in (ARRIVE, SURVEY) if action in possible} | refused
    for form in refused.values():
        form.version.data = str(claim.version)
    pictures = [one for one in file.documents if one.kind in service.PHOTO_KINDS and one.width is not None]
    views = service.views_of(claim, pictures, actor=actor())
    drawn = [one for one in views if one.document.kind is DocumentKind.SURVEY_SKETCH]
    taken = [one for one in views if one.document.kind is not DocumentKind.SURVEY_SKETCH]
    return {
        "claim": claim,
        "file": file,
        "words": words,
        "arrive_form": steps.get(ARRIVE),
        "survey_form": steps.get(SURVEY),
        "is_refused": bool(refused),
        "arrival": places.find_arrival(claim),
        "metres": claims_intake.metres,
        "sketches": drawn,
        "tabs": [
            (tab, claims_intake.in_group(taken, tab.code)) for tab in claims_intake.photo_tabs(taken)[1:]
        ],
        "photo_count": len(taken),
        "photos_form": new_photos_form(empty=True),
        "sketch_form": sketch_form or SketchForm(formdata=None),
        "may_add": service.may_add(claim, actor()),
        "draft": f"survey:{claim.number}:{claim.round}:{actor().id}",
    }
