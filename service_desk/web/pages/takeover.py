"""Lists of policies on their way in: upload, questions, totals, take-over, undo, the file back."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.forms.fleet import UndoForm, learnt_branches
from service_desk.forms.takeover import PolicyListForm, TakeOverForm, answers, column_choices
from service_desk.models.db import db
from service_desk.models.fleet import FleetImport, ImportState, RowVerdict
from service_desk.presenters import takeover as shown
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import named
from service_desk.presenters.messages import sentence
from service_desk.presenters.sheets.policies import imports_sheet
from service_desk.rules.permissions import Action
from service_desk.rules.policy_list import Field
from service_desk.services import access, accounts
from service_desk.services.fleet import lists
from service_desk.services.policies.takeover import importing
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
from service_desk.web.sent_twice import attempt_once, press

bp = Blueprint("policies_takeover", __name__)

# The tab shown first is the first of these that has rows.
_TABS = (
    RowVerdict.QUESTION,
    RowVerdict.REJECTED,
    RowVerdict.NEW,
    RowVerdict.CHANGED,
    RowVerdict.SKIPPED,
    RowVerdict.UNCHANGED,
)


@bp.get("/policies/lists")
@login_required
def imports() -> ResponseReturnValue:
    """All lists of policies of the account."""
    page = importing.list_imports(current_account().id, page_request(), actor=actor())
    return render_template("takeover/imports.html", page=page)


@bp.get("/policies/lists.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: importing.list_imports(account.id, page, actor=actor()),
        lambda rows: imports_sheet(rows, _("Policy lists"), _("Taken over"), g.now),
        f"policy-lists-{local_date(g.now)}.xlsx",
    )


@bp.route("/policies/lists/new", methods=["GET", "POST"])
@login_required
def upload() -> ResponseReturnValue:
    """Send a list; it is checked and kept, nothing is taken over yet."""
    access.require(actor(), Action.IMPORT_FLEET)
    access.require(actor(), Action.ISSUE_POLICIES)
    account, form = current_account(), PolicyListForm()
    kept: list[FleetImport] = []

    def act() -> None:
        sent = uploads("file")
        if not sent:
            raise Invalid("file_missing", field="file")
        key = form.idempotency_key.data or ""
        kept.append(
            importing.upload_list(sent[0], account.id, files=files(), actor=actor(), now=g.now, key=key)
        )

    if attempt(form, act):
        _say_if_known(kept[0])
        return redirect(url_for("policies_takeover.detail", import_id=kept[0].id), 303)
    if form.is_submitted():
        return again("takeover/upload.html", form=form)
    return render_template("takeover/upload.html", form=form)


def _say_if_known(imported: FleetImport) -> None:
    if imported.state is ImportState.COMMITTED:
        flash(_("This list was taken over before. Nothing new was made; this is that import."), "warn")


@bp.get("/policies/lists/<int:import_id>")
@login_required
def detail(import_id: int) -> ResponseReturnValue:
    """A list: how it was read, what it asks, what it comes to, row by row."""
    imported = importing.get_import(import_id, actor=actor())
    return render_template("takeover/import.html", **_context(imported))


def _context(
    imported: FleetImport,
    *,
    undo_form: UndoForm | None = None,
    form: TakeOverForm | None = None,
    refusal: str = "",
) -> dict[str, Any]:
    verdict = _chosen_tab(imported)
    page = lists.list_rows(imported, verdict, page_request())
    is_open = imported.state is ImportState.CHECKED
    branches = accounts.list_branches(imported.account_id, actor=actor())
    return {
        "imported": imported,
        "is_open": is_open,
        "verdict": verdict.value,
        "tabs": _tabs(imported, verdict),
        "page": page,
        "rows": [shown.shown_row(row) for row in page.rows],
        "totals": shown.totals_of(imported),
        "has_differences": bool(importing.differences(imported)),
        "unknown": lists.unknown_branches(imported) if is_open else [],
        "addable": importing.addable_vins(imported) if is_open else [],
        "insurers": importing.other_insurers(imported) if is_open else [],
        "branches": {row.id: named(row.name, row.name_en) for row in branches},
        "field_choices": [(name.value, label(name, "policy_list_field")) for name in Field],
        "form": form or TakeOverForm(data={"version": imported.version}),
        "undo_form": undo_form or UndoForm(),
        "refusal": refusal,
    }


def _chosen_tab(imported: FleetImport) -> RowVerdict:
    asked = request.args.get("rows", "")
    if asked in {verdict.value for verdict in RowVerdict}:
        return RowVerdict(asked)
    return next((verdict for verdict in _TABS if imported.counts.get(verdict.value)), RowVerdict.NEW)


def _tabs(imported: FleetImport, current: RowVerdict) -> list[dict[str, object]]:
    return [
        {
            "code": code,
            "label": words,
            "url": url_for("policies_takeover.detail", import_id=imported.id, rows=code),
            "is_current": code == current.value,
            "count": imported.counts.get(code, 0),
        }
        for code, words in choices("takeover_verdict")
    ]


@bp.post("/policies/lists/<int:import_id>/columns")
@login_required
def recheck(import_id: int) -> ResponseReturnValue:
    """Judge the list again, with the columns the person chose."""
    imported = importing.get_import(import_id, actor=actor())
    try:
        chosen = column_choices(imported.mapping, request.form)
        importing.recheck(import_id, chosen, files=files(), actor=actor(), now=g.now)
    except (Invalid, Conflict) as refusal:
        if refusal.code == "column_twice":
            refusal.params["name"] = label(refusal.params["name"], "policy_list_field")
        return _refused(imported, refusal)
    return done(_("The list was checked again."), "policies_takeover.detail", import_id=import_id)


@bp.post("/policies/lists/<int:import_id>/branches")
@login_required
def learn_branches(import_id: int) -> ResponseReturnValue:
    """Remember what the list calls branches, and judge it again."""
    imported = importing.get_import(import_id, actor=actor())
    try:
        names = learnt_branches(request.form)
        importing.learn_branches(import_id, names, files=files(), actor=actor(), now=g.now)
    except (Invalid, Conflict) as refusal:
        return _refused(imported, refusal)
    words = _("The names were kept with their branches, and the list was checked again.")
    return done(words, "policies_takeover.detail", import_id=import_id)


@bp.post("/policies/lists/<int:import_id>/answers")
@login_required
def answer(import_id: int) -> ResponseReturnValue:
    """Say which vehicles are meant and which are to be added, and judge the list again."""
    imported = importing.get_import(import_id, actor=actor())
    try:
        said = answers(request.form, request.form.getlist("add"), request.form.getlist("ours"))
        importing.answer(import_id, said, files=files(), actor=actor(), now=g.now)
    except (Invalid, Conflict) as refusal:
        return _refused(imported, refusal)
    words = _("The answers were kept, and the list was checked again.")
    return done(words, "policies_takeover.detail", import_id=import_id)


@bp.post("/policies/lists/<int:import_id>/commit")
@login_required
def commit(import_id: int) -> ResponseReturnValue:
    """Take the list over: all its good rows, or nothing."""
    imported = importing.get_import(import_id, actor=actor())
    form = TakeOverForm()
    made: list[FleetImport] = []

    def act() -> None:
        version, reason = form.version.data or 0, form.reason.data or ""
        made.append(importing.commit(import_id, version, reason, files=files(), actor=actor(), now=g.now))

    if not attempt(form, act):
        return again(
            "takeover/import.html", **_context(importing.get_import(imported.id, actor=actor()), form=form)
        )
    if made[0].id != import_id:
        _say_if_known(made[0])
        return redirect(url_for("policies_takeover.detail", import_id=made[0].id), 303)
    return done(_("The policies were taken over."), "policies_takeover.detail", import_id=import_id)


@bp.post("/policies/lists/<int:import_id>/undo")
@login_required
def undo(import_id: int) -> ResponseReturnValue:
    """Take a list back."""
    form = UndoForm()
    if attempt_once(
        form, lambda: importing.undo(import_id, form.reason.data or "", actor=actor(), now=g.now)
    ):
        return done(_("The list was taken back."), "policies_takeover.detail", import_id=import_id)
    imported = importing.get_import(import_id, actor=actor())
    return again("takeover/import.html", **_context(imported, undo_form=form))


@bp.post("/policies/lists/<int:import_id>/put-away")
@login_required
def abandon(import_id: int) -> ResponseReturnValue:
    """Put a checked list away without taking it over."""
    press(lambda: importing.abandon(import_id, actor=actor(), now=g.now))
    return done(_("The list was put away. Nothing was taken over."), "policies_takeover.imports")


@bp.get("/policies/lists/<int:import_id>/checked")
@login_required
def annotated(import_id: int) -> ResponseReturnValue:
    """The same file back, with two columns: what became of each row, and why."""
    imported = importing.get_import(import_id, actor=actor())
    rows = lists.all_rows(imported)
    content, filename = lists.annotated(imported, shown.remarks(imported, rows), files=files())
    keep_export(imported.filename, len(rows), account_id=imported.account_id)
    return download(content, filename)


@bp.get("/policies/lists/<int:import_id>/original")
@login_required
def original(import_id: int) -> ResponseReturnValue:
    """The file as it came."""
    imported = importing.get_import(import_id, actor=actor())
    content = lists.original(imported, files=files())
    keep_file(imported.filename, account_id=imported.account_id)
    return download(content, imported.filename)


def _refused(imported: FleetImport, refusal: Invalid | Conflict) -> ResponseReturnValue:
    """The list's page again with the refusal said, and with nothing of what was refused."""
    db.session.rollback()
    context = _context(imported, refusal=sentence(refusal))
    return render_template("takeover/import.html", **context), 409 if isinstance(refusal, Conflict) else 422
