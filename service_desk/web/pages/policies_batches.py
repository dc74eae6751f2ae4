"""Batches: a list of vehicles as the order, progress, everything refused, bundles by branch, delivery and undoing."""

from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any, cast
from zipfile import ZIP_STORED, ZipFile

from flask import Blueprint, Response, g, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid, NotFound
from service_desk.base.paging import Page
from service_desk.forms.fields import small_number
from service_desk.forms.policies import DeliveryForm, IssueListForm, UndoForm
from service_desk.models.db import db
from service_desk.models.policies import IssueList
from service_desk.presenters import batches as words
from service_desk.presenters import pdf_documents
from service_desk.presenters import policies as policy_words
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sheets.policies import batches_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, users
from service_desk.services.exports import in_portions
from service_desk.services.policies import batches, issue_lists, rates, undoing
from service_desk.web.exports import send_book, send_list
from service_desk.web.http import (
    actor,
    again,
    as_pdf,
    attempt,
    current_account,
    done,
    files,
    keep_file,
    page_request,
    uploads,
)
from service_desk.web.pages.policies import policy_address
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("policies_batches", __name__)

# A page of a bundle takes memory while it is laid out, so a large batch is printed in several files.
POLICIES_A_FILE = 400


@bp.get("/batches", endpoint="batches")
@login_required
def batches_page() -> ResponseReturnValue:
    """Batches of the account; those not handed over yet are marked."""
    page = batches.list_batches(current_account().id, page_request(), actor=actor())
    return render_template("policies/batches.html", page=page)


@bp.get("/batches.xlsx")
@login_required
def export_batches() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: batches.list_batches(account.id, page, actor=actor()),
        lambda rows: batches_sheet(rows, g.now),
        f"batches-{local_date(g.now)}.xlsx",
    )


@bp.get("/batches/<number>")
@login_required
def batch(number: str) -> ResponseReturnValue:
    """One batch: how far it is, what was issued and what was not, the bundles, the delivery."""
    return render_template("policies/batch.html", **_batch_context(number))


def _batch_context(
    number: str, *, form: DeliveryForm | None = None, undo_form: UndoForm | None = None
) -> dict[str, Any]:
    view = batches.get_batch(number, page_request(), actor=actor(), now=g.now)
    return {
        "view": view,
        "form": form or DeliveryForm(formdata=None),
        "undo_form": undo_form or UndoForm(formdata=None),
        "may_undo": undoing.may_undo(view.batch, now=g.now) and not view.is_open,
        "refused_rows": words.refused_rows(view.refused.rows, view.refused.branches),
        "reasons": words.reason_counts(view.reasons),
        "parts": parts_of(view.batch.policy_count),
        "parts_of": parts_of,
        "words": policy_words,
        "progress_words": words.progress_words,
    }


def parts_of(count: int) -> list[tuple[int, int, int]]:
    """The files that so many policies are printed in: number, first and last policy of each, from 1."""
    return [
        (first // POLICIES_A_FILE + 1, first + 1, min(first + POLICIES_A_FILE, count))
        for first in range(0, count, POLICIES_A_FILE)
    ]


@bp.get("/batches/<number>.pdf")
@login_required
def bundle(number: str) -> ResponseReturnValue:
    """The policies of a batch in one file, or a part of a large batch."""
    return printed_part(number)


def printed_part(number: str, branch_id: int | None = None) -> ResponseReturnValue:
    """The asked part of a batch, or of one branch in it, as a PDF; NotFound when there is no such part."""
    part = small_number(request.args.get("part")) or 1
    first = max(part - 1, 0) * POLICIES_A_FILE
    views = batches.policies_to_print(
        number, first=first, count=POLICIES_A_FILE, actor=actor(), now=g.now, branch_id=branch_id
    )
    if not views:
        raise NotFound("not_found")
    names = [number, *([str(branch_id)] if branch_id else []), *([str(part)] if first else [])]
    content = pdf_documents.policies_pdf(views, policy_address, tagged=len(views) == 1)
    return as_pdf(content, "-".join(names), account_id=views[0].policy.account_id)


@bp.post("/batches/<number>/deliver")
@login_required
def deliver(number: str) -> ResponseReturnValue:
    """Note to whom the printed policies were handed."""
    form = DeliveryForm()
    if attempt_once(
        form, lambda: batches.deliver(number, form.delivered_to.data or "", actor=actor(), now=g.now)
    ):
        return done(_("The delivery was noted."), "policies_batches.batch", number=number)
    return again("policies/batch.html", **_batch_context(number, form=form))


@bp.post("/batches/<number>/undo")
@login_required
def undo(number: str) -> ResponseReturnValue:
    """Take a batch back on the day it was issued."""
    form = UndoForm()
    if attempt_once(form, lambda: undoing.undo(number, form.reason.data or "", actor=actor(), now=g.now)):
        return done(_("The batch was taken back."), "policies_batches.batch", number=number)
    return again("policies/batch.html", **_batch_context(number, undo_form=form))


@bp.route("/issue/list", methods=["GET", "POST"])
@login_required
def upload() -> ResponseReturnValue:
    """Send a list of vehicles; it is read and kept, and the preview shows what it would issue."""
    access.require(actor(), Action.ISSUE_POLICIES)
    account, form, kept = current_account(), IssueListForm(), list[IssueList]()
    codes = {
        code for table in rates.in_force(account.id, local_date(g.now)).values() for code in table.cover_sets
    }

    def act() -> None:
        sent = uploads("file")
        if not sent:
            raise Invalid("file_missing", field="file")
        kept.append(
            issue_lists.upload_list(
                sent[0],
                account.id,
                names=words.cover_set_names(codes),
                files=files(),
                actor=actor(),
                now=g.now,
                key=form.idempotency_key.data or "",
            )
        )

    if attempt(form, act):
        return redirect(url_for("policies.issue", list=kept[0].id), 303)
    if form.is_submitted():
        return again("policies/list_upload.html", form=form)
    return render_template("policies/list_upload.html", form=form)


@bp.get("/batches/<number>/progress")
@login_required
def progress(number: str) -> ResponseReturnValue:
    """How far a batch is, as a part of its page that asks again."""
    run = batches.find_progress(number, actor=actor())
    if run is None:
        raise NotFound("not_found")
    return render_template(
        "policies/_progress.html", run=run, number=number, progress_words=words.progress_words
    )


@bp.get("/batches/<number>/refused")
@login_required
def refused(number: str) -> ResponseReturnValue:
    """Everything of a batch's order that was not issued."""
    asked = page_request()
    found = batches.list_refused(number, asked, actor=actor())
    rows = words.refused_rows(found.rows, found.branches)
    return render_template(
        "policies/refused.html", number=number, page=Page(rows, found.total, asked.number, asked.size)
    )


@bp.get("/batches/<number>/refused.xlsx")
@login_required
def refused_export(number: str) -> ResponseReturnValue:
    """The same as a spreadsheet."""
    title = _("What was not issued of batch %(number)s", number=number)

    def sheets() -> list[TableSheet]:
        lines = in_portions(lambda page: batches.list_refused_lines(number, page, actor=actor()))
        return [words.refused_sheet(lines, title, local_date(g.now))]

    account_id = batches.find_batch(number, actor()).account_id
    return send_book(sheets, f"{number}-not-issued.xlsx", account_id=account_id)


@bp.get("/batches/<number>/branches/<int:branch_id>.pdf")
@login_required
def branch_bundle(number: str, branch_id: int) -> ResponseReturnValue:
    """The policies of one branch in a batch, or a part of them."""
    return printed_part(number, branch_id)


@bp.get("/batches/<number>.zip")
@login_required
def bundles(number: str) -> ResponseReturnValue:
    """All policies of a batch, a PDF a branch (or several of a large one), in one archive."""
    found = batches.branches_to_print(number, actor=actor())
    if not found:
        raise NotFound("not_found")
    parts = [
        (
            branch.id,
            f"{branch_name(branch)}-{part}.pdf" if count > POLICIES_A_FILE else f"{branch_name(branch)}.pdf",
            part,
        )
        for branch, count in found
        for part, _first, _last in parts_of(count)
    ]
    keep_file(f"{number}.zip", account_id=found[0][0].account_id)
    content = _archive(number, parts, token=actor().get_id(), now=g.now)
    answer = Response(stream_with_context(content), mimetype="application/zip")
    answer.headers["Content-Disposition"] = f"attachment; filename={number}.zip"
    return answer


def _archive(number: str, parts: list[tuple[int, str, int]], *, token: str, now: datetime) -> Iterator[bytes]:
    """The archive piece by piece: each PDF is made when the one before has been sent, and none is kept.

    By then the request's session has been closed; this one's reader is read anew, and it is closed at the end.
    """
    try:
        yield from _pieces(number, parts, token, now)
    finally:
        db.session.remove()


def _pieces(number: str, parts: list[tuple[int, str, int]], token: str, now: datetime) -> Iterator[bytes]:
    reader, out = users.load_user(token), _Outbox()
    if reader is None:
        raise NotFound("not_found")
    with ZipFile(cast("IO[bytes]", out), "w", ZIP_STORED) as archive:
        for branch_id, name, part in parts:
            views = batches.policies_to_print(
                number,
                first=(part - 1) * POLICIES_A_FILE,
                count=POLICIES_A_FILE,
                actor=reader,
                now=now,
                branch_id=branch_id,
            )
            if views:
                content = pdf_documents.policies_pdf(views, policy_address, tagged=len(views) == 1)
                archive.writestr(_file_name(name), content)
                yield out.taken()
    yield out.taken()


def _file_name(name: str) -> str:
    """A branch's name as a file's: signs that some systems refuse become blanks."""
    return "".join(" " if sign in '\\/:*?"<>|' else sign for sign in name)


class _Outbox:
    """A file that is only written to; what was written since is taken and sent."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content
