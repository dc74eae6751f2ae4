"""The letter that ends a claim: write it, record that it went out, download it."""

from io import BytesIO
from typing import Any

from flask import Blueprint, g, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.errors import Conflict
from service_desk.forms.claim_money import SendLetterForm, WriteLetterForm
from service_desk.models.accounts import KeyAccount
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.presenters.claim_letters import clause_choices, clause_words, print_letter
from service_desk.presenters.languages import named
from service_desk.rules.claim_letters import LetterKind
from service_desk.rules.permissions import Action
from service_desk.services import access, submissions
from service_desk.services.claims import common, letters, settlement
from service_desk.web.http import actor, again, attempt, done, files, keep_file

bp = Blueprint("claims_letters", __name__)


@bp.route("/claims/<number>/letter", methods=["GET", "POST"])
@login_required
def write(number: str) -> ResponseReturnValue:
    """Write the letter the claim's end calls for."""
    claim = _claim(number)
    form = _form(claim)
    if request.method == "POST":

        def act() -> str:
            letters.write(
                number,
                form.command(),
                print_letter=print_letter,
                files=files(),
                actor=actor(),
                now=g.now,
                version=form.shown_version,
            )
            return number

        if attempt(form, lambda: submissions.once("claim_letter", form.key, act, actor=actor(), now=g.now)):
            return done(_("The letter was written."), "claims.claim", number=number)
        claim = _claim(number)
        form.version.data = str(claim.version)
        return again("claims/money/letter.html", **_page(claim, form))
    return render_template("claims/money/letter.html", **_page(claim, form))


def _claim(number: str) -> Claim:
    """A claim whose end calls for a letter; Conflict when it needs none any more."""
    claim = common.get_claim(number, actor=actor())
    access.require(actor(), Action.HANDLE_CLAIMS)
    if not letters.is_due(claim):
        raise Conflict("no_letter_due")
    return claim


def _form(claim: Claim) -> WriteLetterForm:
    account = db.session.get_one(KeyAccount, claim.account_id)
    denial = letters.denial_of(claim)
    values = {
        "version": str(claim.version),
        "addressee": named(account.name, account.name_en),
        "facts": denial.facts if denial else "",
    }
    form = WriteLetterForm(data=values)
    if letters.kind_for(claim) is LetterKind.REFUSAL and denial is None:
        covers = [cover.code for cover in settlement.list_covers(claim.id)]
        form.clauses.choices = clause_choices(covers)
    else:
        del form.clauses
        del form.clause_text
    return form


def _page(claim: Claim, form: WriteLetterForm) -> dict[str, Any]:
    denial = letters.denial_of(claim)
    return {
        "claim": claim,
        "form": form,
        "kind": letters.kind_for(claim),
        "denial": denial,
        "clauses": [clause_words(code) for code in denial.clauses] if denial else [],
    }


@bp.post("/claims/<number>/letter/sent")
@login_required
def sent(number: str) -> ResponseReturnValue:
    """Record that a confirmation or a notice went out; a refusal has its own step."""
    form, said = SendLetterForm(prefix="letter"), _("The letter was recorded.")
    # Once it is recorded the claim needs no letter any more.
    if submissions.was_done("claim_letter_sent", form.key, actor=actor()):
        return done(said, "claims.claim", number=number)
    _claim(number)

    def act() -> str:
        letters.send(number, form.command(), actor=actor(), now=g.now, version=form.shown_version)
        return number

    if attempt(form, lambda: submissions.once("claim_letter_sent", form.key, act, actor=actor(), now=g.now)):
        return done(said, "claims.claim", number=number)
    claim = _claim(number)
    form.version.data = str(claim.version)
    return again("claims/money/letter_sent.html", claim=claim, form=form)


@bp.get("/claims/<number>/letters/<int:letter_id>/<language>.pdf")
@login_required
def download(number: str, letter_id: int, language: str) -> ResponseReturnValue:
    """A letter as it was written; for the client once it was sent."""
    document = letters.get_document(number, letter_id, language, actor=actor())
    response = send_file(
        BytesIO(files().get(document.storage_key)),
        mimetype="application/pdf",
        as_attachment=True,
        download_name=document.filename,
    )
    keep_file(document.filename, account_id=document.account_id)
    return response
