"""Service commitments: each promise beside its figures, for both sides; and the next version, for who publishes it."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.commitments import DraftForm, DraftStepForm, PromiseForm
from service_desk.forms.fields import member, small_number
from service_desk.models.commitments import Commitment
from service_desk.presenters import commitments as words
from service_desk.presenters.commitments import PromiseWords
from service_desk.presenters.report_documents.words import period_words
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, commitments, submissions
from service_desk.services.commitments import Board, Move, PublishedVersion
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, current_account, done
from service_desk.web.promise_links import rows_url
from service_desk.web.sent_twice import attempt_once, press

bp = Blueprint("commitments", __name__)


@bp.get("/promises")
@login_required
def promises() -> ResponseReturnValue:
    """The version in force, or another one by its number: each promise, its figures, whether it is kept."""
    version = _wanted()
    board = _board(version.list.id) if version else None
    return render_template(
        "commitments/promises.html",
        version=version,
        board=board,
        rows=_rows(board) if board else [],
        today=_today(),
        words=words,
        period_words=period_words,
        other=_other(),
        may_publish=access.may(actor(), Action.PUBLISH_COMMITMENTS),
        is_client=actor().side is Side.CLIENT,
    )


@bp.get("/promises.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The promises with the figures of twelve months as a spreadsheet."""
    version = _wanted()
    if version is None:
        raise NotFound("not_found")
    board = _board(version.list.id)
    return send_list(
        whole(_rows(board)),
        lambda rows: words.board_sheet(rows, board.months, g.now),
        f"promises-v{version.list.number}-{_today()}.xlsx",
        [(_("Version"), str(version.list.number)), (_("Whose figures"), words.scope_words(board))],
    )


@bp.get("/promises/versions")
@login_required
def versions() -> ResponseReturnValue:
    """All versions that were ever published, each readable as it was."""
    found = commitments.list_versions(current_account().id, actor=actor())
    return render_template("commitments/versions.html", versions=found, today=_today(), words=words)


@bp.get("/promises/versions.xlsx")
@login_required
def export_versions() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    found = commitments.list_versions(current_account().id, actor=actor())
    return send_list(
        whole(found),
        lambda rows: words.versions_sheet(rows, _today(), g.now),
        f"promise-versions-{_today()}.xlsx",
    )


@bp.post("/promises/draft/start")
@login_required
def start() -> ResponseReturnValue:
    """Begin the next version, or go to the one that is begun."""
    commitments.start_draft(current_account().id, actor=actor(), now=g.now)
    return done(
        _("The draft is a copy of the latest version. Readers see it once it is published."),
        "commitments.draft",
    )


@bp.route("/promises/draft", methods=["GET", "POST"])
@login_required
def draft() -> ResponseReturnValue:
    """The draft with the figures its promises would show today."""
    row, _promises = commitments.get_draft(current_account().id, actor=actor())
    form = DraftForm(data=DraftForm.values_of(row))

    def act() -> None:
        commitments.change_draft(
            row.account_id, form.terms(), version=form.shown_version, actor=actor(), now=g.now
        )

    if attempt_once(form, act):
        return done(_("The draft was saved."), "commitments.draft")
    if request.method == "POST":
        return again("commitments/draft.html", **_draft_context(form))
    return render_template("commitments/draft.html", **_draft_context(form))


def _draft_context(form: DraftForm, refused: DraftStepForm | None = None) -> dict[str, Any]:
    row, _promises = commitments.get_draft(current_account().id, actor=actor())
    board = _board(row.id)
    return {
        "draft": row,
        "form": form,
        "refused": refused,
        "board": board,
        "rows": _rows(board),
        "words": words,
        "period_words": period_words,
    }


@bp.get("/promises/draft/publish")
@login_required
def before_publishing() -> ResponseReturnValue:
    """What publishing will do, asked once more: nothing of it can be taken back."""
    row, promises_found = commitments.get_draft(current_account().id, actor=actor())
    former = commitments.list_versions(row.account_id, actor=actor())
    return render_template(
        "commitments/publish.html",
        draft=row,
        promises=promises_found,
        former=former[0] if former else None,
        told=commitments.list_told(row.account_id, actor=actor()),
        words=words,
    )


@bp.post("/promises/draft/publish")
@login_required
def publish() -> ResponseReturnValue:
    """Publish the draft. Sent twice it is published once."""
    row = commitments.find_draft(current_account().id, actor=actor())
    # Sent again there is no draft any more, but what was said of it.
    number = row.number if row else press(str)
    if not number:
        return redirect(url_for("commitments.promises"), 303)
    said = _("Version %(number)s is published.", number=number)
    if row is None:
        return done(said, "commitments.promises", version=number)
    return _finished(commitments.publish, said, version=number)


@bp.post("/promises/draft/drop")
@login_required
def drop() -> ResponseReturnValue:
    """Give the draft up."""
    if commitments.find_draft(current_account().id, actor=actor()) is None:
        return redirect(url_for("commitments.promises"), 303)
    return _finished(commitments.drop_draft, _("The draft was given up."))


def _finished(act: Callable[..., Any], said: str, **address: Any) -> ResponseReturnValue:
    row, _promises = commitments.get_draft(current_account().id, actor=actor())
    form, account_id = DraftStepForm(), row.account_id
    number = str(row.number)

    def run() -> str:
        act(account_id, version=form.shown_version, actor=actor(), now=g.now)
        return number

    if attempt(form, lambda: press(run)):
        return done(said, "commitments.promises", **address)
    return _draft_again(form)


def _draft_again(refused: DraftStepForm) -> ResponseReturnValue:
    """The draft's page after a refused act on it, with nothing of the act."""
    row, _promises = commitments.get_draft(current_account().id, actor=actor())
    shown = DraftForm(formdata=None, data=DraftForm.values_of(row))
    return again("commitments/draft.html", **_draft_context(shown, refused))


@bp.route("/promises/draft/new", methods=["GET", "POST"])
@login_required
def new_promise() -> ResponseReturnValue:
    """Add a promise to the draft. The same form sent twice is one promise."""
    row, _promises = commitments.get_draft(current_account().id, actor=actor())
    form = _offered(PromiseForm(data={"version": row.version}))

    def make() -> str:
        return str(
            commitments.add_promise(
                row.account_id, form.terms(), version=form.shown_version, actor=actor(), now=g.now
            ).id
        )

    def act() -> None:
        submissions.once("promise", form.idempotency_key.data or "", make, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The promise was added to the draft."), "commitments.draft")
    if request.method == "POST":
        return again("commitments/promise.html", form=form, promise=None)
    return render_template("commitments/promise.html", form=form, promise=None)


@bp.route("/promises/draft/<int:promise_id>", methods=["GET", "POST"])
@login_required
def promise(promise_id: int) -> ResponseReturnValue:
    """Change a promise of the draft."""
    row, all_promises = commitments.get_draft(current_account().id, actor=actor())
    found = _of(all_promises, promise_id)
    form = _offered(PromiseForm(data=PromiseForm.values_of(found, row.version)))

    def act() -> None:
        commitments.change_promise(
            row.account_id, promise_id, form.terms(), version=form.shown_version, actor=actor(), now=g.now
        )

    if attempt_once(form, act):
        return done(_("The promise was changed."), "commitments.draft")
    if request.method == "POST":
        return again("commitments/promise.html", form=form, promise=found)
    return render_template("commitments/promise.html", form=form, promise=found)


@bp.post("/promises/draft/<int:promise_id>/<step>")
@login_required
def arrange(promise_id: int, step: str) -> ResponseReturnValue:
    """Move a promise up or down, or leave it out."""
    row, _promises = commitments.get_draft(current_account().id, actor=actor())
    form, move, account_id = DraftStepForm(), member(Move, step), row.account_id
    if move is None and step != "drop":
        raise NotFound("not_found")

    def act() -> None:
        asked = {"version": form.shown_version, "actor": actor(), "now": g.now}
        if move is None:
            commitments.drop_promise(account_id, promise_id, **asked)
        else:
            commitments.move_promise(account_id, promise_id, move, **asked)

    if attempt_once(form, act):
        return done(_("The draft was saved."), "commitments.draft")
    return _draft_again(form)


def _of(promises_found: list[Commitment], promise_id: int) -> Commitment:
    for one in promises_found:
        if one.id == promise_id:
            return one
    raise NotFound("not_found")


def _offered(form: PromiseForm) -> PromiseForm:
    form.tie.choices = words.tie_choices()
    return form


def _wanted() -> PublishedVersion | None:
    """The version in the address; without one the version in force, else the next that will be."""
    account_id, text = current_account().id, request.args.get("version")
    if text:
        return commitments.get_version(account_id, small_number(text) or 0, actor=actor())
    current = commitments.find_current(account_id, actor=actor(), on=_today())
    if current is not None:
        return current
    found = commitments.list_versions(account_id, actor=actor())
    return found[0] if found else None


def _other() -> PublishedVersion | None:
    """A version that is published and not in force yet: readers of today's are told of it."""
    found = commitments.list_versions(current_account().id, actor=actor())
    return next((one for one in found if words.state_words(one, _today())[1] == "warn"), None)


def _board(list_id: int) -> Board:
    return commitments.read_board(current_account().id, list_id, actor=actor(), now=g.now)


def _rows(board: Board) -> list[PromiseWords]:
    reader, today = actor(), _today()
    return words.board_words(board, lambda tie, month: rows_url(tie, month, today, reader))


def _today() -> Any:
    return local_date(g.now, ZoneInfo(current_account().zone))
