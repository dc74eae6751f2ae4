"""A claim's photos: by group, one by one with what is known of each, added and put into other groups."""

from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from flask_login import login_required

from service_desk.base.errors import NotFound
from service_desk.forms.claims_intake import PhotosForm, RegroupForm
from service_desk.forms.fields import small_number
from service_desk.presenters import claims as words
from service_desk.presenters import claims_intake
from service_desk.presenters.labels import choices
from service_desk.rules.claim_photos import PhotoGroup
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, submissions
from service_desk.services.claims import photos as service
from service_desk.web.http import actor, again, attempt, done, files, uploads

bp = Blueprint("claims_photos", __name__)


@bp.get("/claims/<number>/photos")
@login_required
def photos(number: str) -> ResponseReturnValue:
    """All photos of a claim, small, by group."""
    return render_template("claims/photos.html", **_context(number, new_photos_form(), _regroup_form()))


@bp.post("/claims/<number>/photos")
@login_required
def add(number: str) -> ResponseReturnValue:
    """Keep photos of one group at once. From the page on site it goes back there."""
    form, sent = new_photos_form(), uploads("photos")

    def act() -> None:
        command = service.AddPhotos(tuple(sent), PhotoGroup(form.group.data))
        key = form.idempotency_key.data or ""
        service.add(number, command, key=key, actor=actor(), now=g.now, files=files())

    if attempt(form, act):
        said = ngettext("%(num)s photo was kept.", "%(num)s photos were kept.", len(sent))
        place = "claims_site.site" if request.args.get("to") == "site" else "claims_photos.photos"
        return done(said, place, number=number)
    return again("claims/photos.html", **_context(number, form, _regroup_form()))


@bp.post("/claims/<number>/photos/regroup")
@login_required
def regroup(number: str) -> ResponseReturnValue:
    """Put the ticked photos into another group."""
    form = _regroup_form()
    ids = [one for one in map(small_number, request.form.getlist("photo_id")) if one is not None]

    def run() -> str:
        group = PhotoGroup(form.group.data)
        return str(service.regroup(number, ids, group, actor=actor(), now=g.now))

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("photos_regroup", key, run, actor=actor(), now=g.now)):
        said = ngettext("%(num)s photo was regrouped.", "%(num)s photos were regrouped.", len(ids))
        return done(said, "claims_photos.photos", number=number, group=form.group.data)
    return again("claims/photos.html", **_context(number, new_photos_form(empty=True), form))


@bp.get("/claims/<number>/photos/<int:document_id>")
@login_required
def photo(number: str, document_id: int) -> ResponseReturnValue:
    """One photo, large, with its data and those before and after it."""
    claim, shown = service.list_photos(number, actor=actor())
    ids = [one.document.id for one in shown]
    if document_id not in ids:
        raise NotFound("not_found")
    at = ids.index(document_id)
    view = shown[at]
    return render_template(
        "claims/photo.html",
        claim=claim,
        words=words,
        photo=view,
        before=ids[at - 1] if at else None,
        after=ids[at + 1] if at + 1 < len(ids) else None,
        place=at + 1,
        total=len(ids),
        warnings=claims_intake.warning_words(view, claim) if not _is_client() else [],
        metres=claims_intake.metres,
        is_client=_is_client(),
    )


def new_photos_form(*, empty: bool = False) -> PhotosForm:
    """The form for photos of one group; `empty` takes nothing from this request."""
    form = PhotosForm(formdata=None) if empty else PhotosForm()
    form.group.choices = choices("photo_group")
    return form


def _regroup_form() -> RegroupForm:
    form = RegroupForm()
    form.group.choices = choices("photo_group")
    return form


def _context(number: str, form: PhotosForm, regroup_form: RegroupForm) -> dict[str, Any]:
    claim, shown = service.list_photos(number, actor=actor())
    group = request.args.get("group", "")
    return {
        "claim": claim,
        "words": words,
        "tabs": claims_intake.photo_tabs(shown),
        "group": group,
        "photos": claims_intake.in_group(shown, group),
        "total": len(shown),
        "warning_words": lambda one: [] if _is_client() else claims_intake.warning_words(one, claim),
        "form": form,
        "regroup_form": regroup_form,
        "may_add": service.may_add(claim, actor()),
        "may_regroup": access.may(actor(), Action.HANDLE_CLAIMS),
    }


def _is_client() -> bool:
    return actor().side is Side.CLIENT
