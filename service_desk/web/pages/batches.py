"""What large orders need: a list of vehicles as the order, progress, everything refused, and bundles by branch."""

from collections.abc import Iterator
from datetime import datetime
from typing import IO, cast
from zipfile import ZIP_STORED, ZipFile

from flask import Blueprint, Response, g, redirect, render_template, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid, NotFound
from service_desk.base.paging import Page
from service_desk.forms.policies import IssueListForm
from service_desk.models.db import db
from service_desk.models.policies import IssueList
from service_desk.presenters import batches as words
from service_desk.presenters import pdf_documents
from service_desk.presenters.languages import branch_name
from service_desk.rules.permissions import Action
from service_desk.services import access, users
from service_desk.services.exports import in_portions
from service_desk.services.policies import batches, issue_lists, rates
from service_desk.web.exports import send_book
from service_desk.web.http import (
    actor,
    again,
    attempt,
    current_account,
    files,
    keep_file,
    page_request,
    uploads,
)
from service_desk.web.pages.policies import POLICIES_A_FILE, parts_of, policy_address, printed_part

bp = Blueprint("batches", __name__)


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

    return send_book(sheets, f"{number}-not-issued.xlsx")


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
