"""The documents of a claim on a page of their own: the client photographs them line by line, the desk judges them."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.claim_papers import (
    AcceptFileForm,
    FeaturesForm,
    LineForm,
    LineReasonForm,
    NoticeForm,
    RejectFileForm,
    UploadForm,
)
from service_desk.forms.fields import Form
from service_desk.presenters import claim_papers as words
from service_desk.presenters.claims import plate
from service_desk.presenters.labels import choices
from service_desk.presenters.sheets.claims import later_demands_sheet
from service_desk.rules.claim_documents import RULE_OF
from service_desk.rules.claim_flow import ClaimAction, transition
from service_desk.rules.knowledge import HelpMoment
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, knowledge, submissions
from service_desk.services.claims import checklists, paper_files, papers
from service_desk.services.claims.paper_files import PaperFile
from service_desk.web.exports import send_list
from service_desk.web.http import (
    actor,
    again,
    as_pdf,
    attempt,
    current_account,
    done,
    files,
    page_request,
    uploads,
)
from service_desk.web.papers import address_of

bp = Blueprint("claim_papers", __name__)

# The forms of a line, by the last part of their address.
_LINE_FORMS: dict[str, type[Form]] = {
    "files": UploadForm,
    "accept": AcceptFileForm,
    "reject": RejectFileForm,
    "original": LineForm,
    "waive": LineReasonForm,
}


@bp.get("/claims/<number>/documents")
@login_required
def documents(number: str) -> ResponseReturnValue:
    """What is missing, what has come, what was sent back and why."""
    return render_template("claims/papers.html", **_context(number))


@bp.get("/claims/<number>/documents/<path:_left>")
@login_required
def left_behind(number: str, _left: str) -> ResponseReturnValue:
    """A refused step leaves its address behind; reloaded it is the page."""
    return redirect(url_for("claim_papers.documents", number=number))


@bp.get("/claims/<number>/documents/notice-<int:notice>.pdf")
@login_required
def notice_paper(number: str, notice: int) -> ResponseReturnValue:
    """A notice to print, as it was sent."""
    file = paper_files.read_papers(number, actor=actor())
    return as_pdf(print_notice(file, notice), f"{number}-N{notice}", account_id=file.claim.account_id)


def print_notice(file: PaperFile, number: int) -> bytes:
    """A notice of the claim as PDF; its code leads to the page of the documents."""
    notice = paper_files.get_notice(file, number)
    page_url = address_of("claim_papers.documents", file.claim.number)
    return words.notice_pdf(file.claim, file.branch, file.owner, notice, page_url)


@bp.post("/claims/<number>/documents/<code>/<act>")
@login_required
def line_act(number: str, code: str, act: str) -> ResponseReturnValue:
    """Do something with one line: send files, accept or reject one, tick the paper off, do without it."""
    if act not in _LINE_FORMS or code not in RULE_OF:
        raise NotFound("not_found")
    form: Any = _LINE_FORMS[act](prefix=f"{code}-{act}")
    run, said = _line_acts(number, code, form)[act]
    return _run(number, f"{code}-{act}", form, run, said)


def _line_acts(number: str, code: str, form: Any) -> dict[str, tuple[Callable[[], Any], str]]:
    who: dict[str, Any] = {"actor": actor(), "now": g.now}

    def send() -> None:
        papers.receive(number, form.command(code, uploads(form.files.name)), files=files(), **who)

    return {
        "files": (send, _("The documents were sent.") if _is_client() else _("The documents were taken in.")),
        "accept": (lambda: papers.judge_file(number, form.command(), **who), _("The file is accepted.")),
        "reject": (
            lambda: papers.judge_file(number, form.command(), **who),
            _("The file was sent back; the client reads the reason."),
        ),
        "original": (lambda: papers.see_original(number, code, **who), _("The paper is ticked off.")),
        "waive": (
            lambda: papers.waive(number, form.command(code), **who),
            _("The document is not needed any more."),
        ),
    }


@bp.post("/claims/<number>/documents/notice")
@login_required
def send_notice(number: str) -> ResponseReturnValue:
    """Tell the client all that is missing, once."""
    form = NoticeForm(prefix="notice")

    def run() -> None:
        papers.request_documents(number, form.reason.data or "", actor=actor(), now=g.now)

    return _run(number, "notice", form, run, _("The client was told what is missing."))


@bp.post("/claims/<number>/documents/features")
@login_required
def change_features(number: str) -> ResponseReturnValue:
    """Say anew what the claim is about."""
    form = _features_form(sent=True)

    def run() -> None:
        chosen, reason = form.chosen(), form.reason.data or ""
        checklists.change_features(number, chosen, reason, actor=actor(), now=g.now)

    return _run(number, "features", form, run, _("The checklist was changed."))


def _run(number: str, name: str, form: Form, run: Callable[[], Any], said: str) -> ResponseReturnValue:
    """Act once however often the form comes; a refusal shows the page with what was typed."""

    def once() -> str:
        run()
        return number

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("claim_papers", key, once, actor=actor(), now=g.now)):
        return done(said, "claim_papers.documents", number=number)
    return again("claims/papers.html", **_context(number, {name: form}))


def _context(number: str, refused: dict[str, Form] | None = None) -> dict[str, Any]:
    file = paper_files.read_papers(number, actor=actor())
    lines = [words.paper_line(row, file.files.get(row.id, []), file.people) for row in file.lines]
    forms = _forms(file, lines) | (refused or {})
    return {
        "claim": file.claim,
        "owner": file.owner,
        "branch": file.branch,
        "plate": plate(file.claim.plate),
        "lines": sorted(lines, key=lambda line: not line.is_missing) if _is_client() else lines,
        "missing": [line for line in lines if line.is_missing],
        "notices": [words.notice_line(notice, file.people) for notice in file.notices],
        "forms": forms,
        "refused": list(refused or {}),
        "is_client": _is_client(),
        "may_send": _possible(file, ClaimAction.RECEIVE_DOCUMENT),
        "may_judge": _possible(file, ClaimAction.REJECT_DOCUMENT),
        "may_read_demands": access.may(actor(), Action.READ_DASHBOARD),
        "guides": knowledge.guides_for(
            file.claim.account_id, HelpMoment.DOCUMENTS, features=file.features, actor=actor()
        ),
    }


def _possible(file: PaperFile, action: ClaimAction) -> bool:
    step = transition(file.claim.state, action)
    return step is not None and access.may(actor(), step.permission)


def _forms(file: PaperFile, lines: list[words.PaperLine]) -> dict[str, Form]:
    """The empty forms of the page. Each line has its own, and their fields have names of their own."""
    forms: dict[str, Form] = {}
    for line in lines:
        for act, kind in _LINE_FORMS.items():
            form: Any = kind(formdata=None, prefix=f"{line.code}-{act}")
            if "line_version" in form:
                form.line_version.data = str(line.version)
            forms[f"{line.code}-{act}"] = form
    forms["notice"] = NoticeForm(formdata=None, prefix="notice")
    forms["features"] = _features_form()
    forms["features"]["features"].data = sorted(feature.value for feature in file.features)
    return forms


def _features_form(*, sent: bool = False) -> FeaturesForm:
    form = FeaturesForm(prefix="features") if sent else FeaturesForm(formdata=None, prefix="features")
    form.features.choices = choices("claim_feature")
    return form


@bp.get("/claims/later-demands")
@login_required
def later_demands() -> ResponseReturnValue:
    """What was asked of clients a second time, for managers."""
    page = papers.list_later_demands(current_account().id, page_request(), actor=actor())
    return render_template("claims/later_demands.html", page=page, plate=plate)


@bp.get("/claims/later-demands.xlsx")
@login_required
def export_later_demands() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: papers.list_later_demands(account.id, page, actor=actor()),
        lambda rows: later_demands_sheet(rows, g.now),
        f"later-demands-{local_date(g.now)}.xlsx",
    )


def _is_client() -> bool:
    return actor().side is Side.CLIENT
