"""Lists of outstanding claims: hand in, columns, questions, the comparison, the answer file."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.forms.fields import member, small_number
from service_desk.forms.outstanding import OutstandingListForm, ReleaseForm, answers, column_choices
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.outstanding import ListState, OutstandingList, OutstandingRow
from service_desk.models.users import User
from service_desk.presenters import outstanding as words
from service_desk.presenters import sla as clock_words
from service_desk.presenters.labels import label
from service_desk.presenters.messages import sentence
from service_desk.presenters.sheets.claims import outstanding_sheet
from service_desk.rules.outstanding_columns import Field
from service_desk.rules.outstanding_match import Change, RowKind
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts, submissions
from service_desk.services.claims import outstanding
from service_desk.web.exports import send_list
from service_desk.web.http import (
    actor,
    again,
    attempt,
    current_account,
    done,
    files,
    keep_export,
    keep_file,
    page_request,
    uploads,
)
from service_desk.web.pages.fleet import download
from service_desk.web.sent_twice import press

bp = Blueprint("outstanding", __name__)

_GONE = "gone"


@bp.get("/outstanding")
@login_required
def lists() -> ResponseReturnValue:
    """All lists of the account, newest first."""
    page = outstanding.list_lists(current_account().id, page_request(), actor=actor())
    return render_template("outstanding/lists.html", page=page, words=words, pill=clock_words.pill)


@bp.get("/outstanding.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: outstanding.list_lists(account.id, page, actor=actor()),
        lambda rows: outstanding_sheet(rows, g.now),
        f"outstanding-lists-{local_date(g.now)}.xlsx",
    )


@bp.route("/outstanding/new", methods=["GET", "POST"])
@login_required
def upload() -> ResponseReturnValue:
    """Hand a list in; it is compared at once."""
    access.require(actor(), Action.COMPARE_OUTSTANDING)
    account, form = current_account(), OutstandingListForm()
    kept: list[OutstandingList] = []

    def act() -> None:
        sent = uploads("file")
        if not sent:
            raise Invalid("file_missing", field="file")
        kept.append(outstanding.hand_in(sent[0], account.id, files=files(), actor=actor(), now=g.now))

    if attempt(form, act):
        if kept[0].handed_in_at != g.now:
            flash(_("This file was handed in before. This is its comparison."), "warn")
        return redirect(url_for("outstanding.comparison", number=kept[0].number), 303)
    if form.is_submitted():
        return again("outstanding/upload.html", form=form)
    return render_template("outstanding/upload.html", form=form)


@bp.get("/outstanding/<number>")
@login_required
def comparison(number: str) -> ResponseReturnValue:
    """A list: how it was read, what it asks, what we say to each row, what is new and gone since the last."""
    listed = outstanding.get_list(number, actor=actor())
    return render_template("outstanding/list.html", **_context(listed))


def _context(
    listed: OutstandingList, *, form: ReleaseForm | None = None, refusal: str = ""
) -> dict[str, Any]:
    kind, change = _chosen(listed)
    is_gone = request.args.get("rows") == _GONE
    page = (
        outstanding.gone_rows(listed, page_request())
        if is_gone
        else outstanding.list_rows(listed, page_request(), kind, change)
    )
    claims = outstanding.candidates_of([row for row, _enquiry in page.rows], actor=actor())
    branches = {one.id: one for one in accounts.list_branches(listed.account_id, actor=actor())}
    row_words, progress = words.RowWords(listed, branches), outstanding.progress_of(listed)
    is_open = listed.state is ListState.CHECKED
    current = _GONE if is_gone else (change or kind or RowKind.SAME).value
    return {
        "listed": listed,
        "is_open": is_open,
        "may_release": is_open and access.may(actor(), Action.HANDLE_CLAIMS),
        "may_enquire": access.may(actor(), Action.READ_ENQUIRIES),
        "current": current,
        "tabs": _tabs(listed, current),
        "changes": _changes(listed, current, progress.gone),
        "page": page,
        "rows": [row_words.shown(row, enquiry, claims) for row, enquiry in page.rows],
        "progress": progress,
        "timer": progress.timer,
        "pill": clock_words.pill,
        "field_choices": [(name.value, label(name, "outstanding_field")) for name in Field],
        "form": form or ReleaseForm(data={"version": listed.version}),
        "refusal": refusal,
    }


def _chosen(listed: OutstandingList) -> tuple[RowKind | None, Change | None]:
    """The rows asked for in the address; without, the first kind that has some."""
    asked = request.args.get("rows", "")
    kind, change = member(RowKind, asked), member(Change, asked)
    if kind or change:
        return kind, change
    return next((one for one in words.KINDS if listed.counts.get(one.value)), RowKind.SAME), None


def _tabs(listed: OutstandingList, current: str) -> list[dict[str, Any]]:
    return [
        _tab(listed, kind.value, label(kind, "outstanding_kind"), listed.counts.get(kind.value, 0), current)
        for kind in words.KINDS
    ]


def _changes(listed: OutstandingList, current: str, gone: int) -> list[dict[str, Any]]:
    """What is different from the list before; nothing for the first."""
    if listed.previous_id is None:
        return []
    found = [
        _tab(
            listed,
            change.value,
            label(change, "outstanding_change"),
            listed.counts.get(f"change_{change.value}", 0),
            current,
        )
        for change in Change
    ]
    return [*found, _tab(listed, _GONE, _("Gone from the list"), gone, current)]


def _tab(listed: OutstandingList, code: str, name: str, count: int, current: str) -> dict[str, Any]:
    return {
        "code": code,
        "label": name,
        "url": url_for("outstanding.comparison", number=listed.number, rows=code),
        "is_current": code == current,
        "count": count,
    }


@bp.post("/outstanding/<number>/columns")
@login_required
def columns(number: str) -> ResponseReturnValue:
    """Read the list again with the columns the person chose."""
    listed = outstanding.get_list(number, actor=actor())

    def act() -> None:
        chosen = column_choices(listed.mapping, request.form)
        outstanding.choose_columns(number, chosen, files=files(), actor=actor(), now=g.now)

    return _after(listed, act, _("The list was compared again."))


@bp.post("/outstanding/<number>/answers")
@login_required
def decide(number: str) -> ResponseReturnValue:
    """Say which claims rows mean, or take such an answer back."""
    listed = outstanding.get_list(number, actor=actor())
    asked, version = answers(listed.mapping, request.form), small_number(request.form.get("version"))

    def act() -> None:
        outstanding.decide(number, asked, files=files(), actor=actor(), now=g.now, version=version)

    return _after(listed, act, _("The answers were kept, and the list was compared again."))


def _after(listed: OutstandingList, act: Callable[[], None], said: str) -> ResponseReturnValue:
    number = listed.number
    try:
        press(act)
    except (Invalid, Conflict) as refusal:
        if refusal.code == "column_twice":
            refusal.params["name"] = label(refusal.params["name"], "outstanding_field")
        db.session.rollback()
        context = _context(outstanding.get_list(number, actor=actor()), refusal=sentence(refusal))
        status = 409 if isinstance(refusal, Conflict) else 422
        return render_template("outstanding/list.html", **context), status
    return done(said, "outstanding.comparison", number=number)


@bp.post("/outstanding/<number>/release")
@login_required
def release(number: str) -> ResponseReturnValue:
    """Send the answer: the file is written, kept with its hash, and whoever handed the list in is told."""
    form = ReleaseForm()

    def run() -> str:
        outstanding.release(
            number, _write, files=files(), actor=actor(), now=g.now, version=form.version.data or 0
        )
        return number

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("outstanding_release", key, run, actor=actor(), now=g.now)):
        return done(_("The list was answered."), "outstanding.comparison", number=number)
    listed = outstanding.get_list(number, actor=actor())
    form.version.data = listed.version
    return again("outstanding/list.html", **_context(listed, form=form))


def _write(
    listed: OutstandingList, rows: Sequence[tuple[OutstandingRow, Enquiry | None]], content: bytes
) -> tuple[bytes, str]:
    """The answer in the language of whoever handed the list in."""
    sender = db.session.get_one(User, listed.handed_in_by_id)
    branches = accounts.list_branches(listed.account_id, actor=actor())
    return words.answer_file(listed, rows, content, branches, g.now, sender.language or "zh")


@bp.get("/outstanding/<number>/answer")
@login_required
def answer(number: str) -> ResponseReturnValue:
    """The file that was sent back."""
    listed = outstanding.get_list(number, actor=actor())
    content, filename = outstanding.answer_file(listed, files=files())
    keep_export(listed.number, sum(listed.counts.values()), account_id=listed.account_id)
    return download(content, filename)


@bp.get("/outstanding/<number>/original")
@login_required
def original(number: str) -> ResponseReturnValue:
    """The file as it came."""
    listed = outstanding.get_list(number, actor=actor())
    content = outstanding.original(listed, files=files())
    keep_file(listed.filename, account_id=listed.account_id)
    return download(content, listed.filename)
