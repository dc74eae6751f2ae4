"""The calculation of a claim: the form with its preview, the versions and what changed, the sheet, the file to redo it."""

import json
from typing import Any

from flask import Blueprint, Response, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.errors import Forbidden, NotFound
from service_desk.forms.claim_calculations import FullCalculationForm, Section, form_data
from service_desk.forms.fields import small_number
from service_desk.models.claims import ClaimCalculation
from service_desk.presenters import claim_calculations as words
from service_desk.presenters import claims as claim_words
from service_desk.presenters.claims_pdf import settlement_sheet
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import current_language, in_language, normalise_language
from service_desk.rules.claim_flow import ClaimAction, actions_from
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, submissions
from service_desk.services.claims import calculation_versions, settlement
from service_desk.services.claims.calculating import Frozen
from service_desk.services.claims.files import ClaimFile, read_file
from service_desk.web.calculation_start import suggested, wanted_sections
from service_desk.web.http import actor, again, as_pdf, attempt, done, keep_file

bp = Blueprint("claim_calculations", __name__)

SPARE_ROWS, MORE_ROWS = 2, 8


@bp.get("/claims/<number>/calculation")
@login_required
def calculation(number: str) -> ResponseReturnValue:
    """The form, filled from the last version or the assessment; below it the versions and what changed."""
    file = _file_of_staff(number)
    return render_template("claims/calculation.html", **_context(file, _fresh_form(file)))


@bp.post("/claims/<number>/calculation")
@login_required
def calculate(number: str) -> ResponseReturnValue:
    """Show what would come out, give more rows, or keep it as the next version: by the button that was pressed."""
    file = _file_of_staff(number)
    form = FullCalculationForm()
    form.offer(choices)
    wanted = request.form.get("do")
    if wanted == "more":
        form.widen(MORE_ROWS)
        return render_template("claims/calculation.html", **_context(file, form))
    if wanted == "save":
        return _save(number, form)
    shown: list[Frozen] = []
    if attempt(
        form, lambda: shown.append(calculation_versions.preview(number, form.command(), actor=actor()))
    ):
        return render_template("claims/calculation.html", **_context(file, form, shown[0]))
    return again("claims/calculation.html", **_context(_file_of_staff(number), form))


def _save(number: str, form: FullCalculationForm) -> ResponseReturnValue:
    def keep() -> str:
        kept = settlement.calculate(
            number, form.command(), actor=actor(), now=g.now, version=form.shown_version
        )
        return str(kept.calculation_version)

    if attempt(form, lambda: submissions.once("claim_calculation", form.key, keep, actor=actor(), now=g.now)):
        return done(_("The claim was calculated."), "claims.claim", number=number)
    file = _file_of_staff(number)
    # The page now shows the claim as it is, so what is sent again is based on that.
    form.version.data = str(file.claim.version)
    return again("claims/calculation.html", **_context(file, form))


@bp.get("/claims/<number>/settlement.pdf")
@login_required
def settlement_pdf(number: str) -> ResponseReturnValue:
    """A version's sheet to print, in the reader's language or `?lang=`; the client gets approved ones."""
    file = read_file(number, actor=actor())
    chosen = _chosen(file)
    shown = [one for one in _shown_versions(file) if one.calculation_version <= chosen.calculation_version]
    address = url_for("claims.claim", number=number, _external=True)
    with in_language(normalise_language(request.args.get("lang")) or current_language()):
        content = settlement_sheet(file, chosen, shown, address)
    return as_pdf(content, f"{number}-v{chosen.calculation_version}", account_id=file.claim.account_id)


@bp.get("/claims/<number>/calculation.json")
@login_required
def calculation_json(number: str) -> ResponseReturnValue:
    """A version's inputs as `flask rules settle` reads them, so that anybody can do it again."""
    file = read_file(number, actor=actor())
    chosen = _chosen(file)
    name = f"{number}-v{chosen.calculation_version}"
    if "case" not in chosen.inputs:
        raise NotFound("not_found")
    cases = [{"id": name, "kind": "claim", "inputs": chosen.inputs["case"]}]
    keep_file(f"{name}.json", account_id=file.claim.account_id)
    answer = Response(json.dumps(cases, ensure_ascii=False, indent=1), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return answer


def _file_of_staff(number: str) -> ClaimFile:
    file = read_file(number, actor=actor())
    if actor().side is Side.CLIENT:
        raise Forbidden("not_allowed", action=Action.HANDLE_CLAIMS.value)
    return file


def _chosen(file: ClaimFile) -> ClaimCalculation:
    """The version asked for, else the newest that counts, of those this person may see; NotFound otherwise."""
    shown = {one.calculation_version: one for one in _shown_versions(file)}
    counting = (one.calculation_version for one in file.standing if one.calculation_version in shown)
    wanted = small_number(request.args.get("version")) or max(counting, default=0)
    if wanted not in shown:
        raise NotFound("not_found")
    return shown[wanted]


def _shown_versions(file: ClaimFile) -> list[ClaimCalculation]:
    is_client = actor().side is Side.CLIENT
    return [one for one in file.calculations if one.approved_at is not None or not is_client]


def _fresh_form(file: ClaimFile) -> FullCalculationForm:
    values = form_data(suggested(file)) | {"version": str(file.claim.version)}
    form = FullCalculationForm(formdata=None, data=values)
    form.widen(SPARE_ROWS)
    form.offer(choices)
    return form


def _context(file: ClaimFile, form: FullCalculationForm, frozen: Frozen | None = None) -> dict[str, Any]:
    versions = file.calculations
    next_version = versions[-1].calculation_version + 1 if versions else 1
    return {
        "file": file,
        "claim": file.claim,
        "claim_words": claim_words,
        "form": form,
        "open_sections": {section.value for section in form.filled_sections() | wanted_sections(file)},
        "sections": [section.value for section in Section],
        "may_calculate": access.may(actor(), Action.HANDLE_CLAIMS)
        and ClaimAction.CALCULATE in actions_from(file.claim.state),
        "next_version": next_version,
        "preview": words.kept_table(frozen, next_version) if frozen else None,
        "versions": list(reversed(versions)),
        "compared": _compared(file),
        "shown_version": words.calculation_table(_chosen(file)) if versions else None,
    }


def _compared(file: ClaimFile) -> dict[str, Any] | None:
    """The two versions asked for, else the last two; None where there are not two."""
    by_version = {one.calculation_version: one for one in file.calculations}
    if len(by_version) < 2:
        return None
    last_two = sorted(by_version)[-2:]
    before = small_number(request.args.get("from")) or last_two[0]
    after = small_number(request.args.get("to")) or last_two[1]
    if before not in by_version or after not in by_version:
        raise NotFound("not_found")
    difference = calculation_versions.difference(by_version[before], by_version[after])
    return {"before": before, "after": after, "table": words.compared(difference)}
