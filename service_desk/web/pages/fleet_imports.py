"""Fleet lists on their way in: upload, columns, dry run, commit, undo, the file back."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.forms.fields import small_number
from service_desk.forms.fleet import ListUploadForm, UndoForm, column_choices, learnt_branches
from service_desk.models.db import db
from service_desk.models.fleet import FleetImport, ImportState, RowVerdict
from service_desk.presenters import fleet as shown
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import named
from service_desk.presenters.messages import sentence
from service_desk.presenters.sheets.policies import imports_sheet
from service_desk.rules.fleet_list import Field
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts
from service_desk.services.fleet import importing
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

bp = Blueprint("fleet_imports", __name__)

# The tab shown first is the first of these that has rows.
_TABS = (RowVerdict.REJECTED, RowVerdict.CHANGED, RowVerdict.NEW, RowVerdict.SKIPPED, RowVerdict.UNCHANGED)


@bp.get("/vehicles/imports")
@login_required
def imports() -> ResponseReturnValue:
    """All lists of the account."""
    page = importing.list_imports(current_account().id, page_request(), actor=actor())
    return render_template("fleet/imports.html", page=page)


@bp.get("/vehicles/imports.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: importing.list_imports(account.id, page, actor=actor()),
        lambda rows: imports_sheet(rows, _("Fleet lists"), _("Vehicles added"), g.now),
        f"fleet-lists-{local_date(g.now)}.xlsx",
    )


@bp.route("/vehicles/imports/new", methods=["GET", "POST"])
@login_required
def upload() -> ResponseReturnValue:
    """Send a list; it is checked and kept, nothing is imported yet."""
    access.require(actor(), Action.IMPORT_FLEET)
    account, form = current_account(), ListUploadForm()
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
        _say_if_imported_before(kept[0])
        return redirect(url_for("fleet_imports.detail", import_id=kept[0].id), 303)
    if form.is_submitted():
        return again("fleet/upload.html", form=form)
    return render_template("fleet/upload.html", form=form)


def _say_if_imported_before(imported: FleetImport) -> None:
    if imported.state is ImportState.COMMITTED:
        flash(_("This list was imported before. Nothing new was made; this is that import."), "warn")


@bp.get("/vehicles/imports/<int:import_id>")
@login_required
def detail(import_id: int) -> ResponseReturnValue:
    """A list: how it was read, what it does, row by row."""
    return render_template(
        "fleet/import.html", **_context(importing.get_import(import_id, actor=actor()), UndoForm())
    )


def _context(imported: FleetImport, undo_form: UndoForm, refusal: str = "") -> dict[str, Any]:
    verdict = _chosen_tab(imported)
    page = importing.list_rows(imported, verdict, page_request())
    branches = {
        row.id: named(row.name, row.name_en)
        for row in accounts.list_branches(imported.account_id, actor=actor())
    }
    return {
        "imported": imported,
        "is_open": imported.state is ImportState.CHECKED,
        "verdict": verdict.value,
        "tabs": _tabs(imported, verdict),
        "page": page,
        "rows": [shown.shown_row(row, branches) for row in page.rows],
        "unknown": importing.unknown_branches(imported) if imported.state is ImportState.CHECKED else [],
        "branches": branches,
        "field_choices": [(name.value, label(name, "fleet_field")) for name in Field],
        "undo_form": undo_form,
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
            "url": url_for("fleet_imports.detail", import_id=imported.id, rows=code),
            "is_current": code == current.value,
            "count": imported.counts.get(code, 0),
        }
        for code, words in choices("row_verdict")
        if code != RowVerdict.QUESTION
    ]


@bp.post("/vehicles/imports/<int:import_id>/columns")
@login_required
def recheck(import_id: int) -> ResponseReturnValue:
    """Judge the list again, with the columns the person chose."""
    imported = importing.get_import(import_id, actor=actor())
    try:
        chosen = column_choices(imported.mapping, request.form)
        importing.recheck(import_id, chosen, files=files(), actor=actor(), now=g.now)
    except (Invalid, Conflict) as refusal:
        if refusal.code == "column_twice":
            refusal.params["name"] = label(refusal.params["name"], "fleet_field")
        return _refused(imported, refusal)
    return done(_("The list was checked again."), "fleet_imports.detail", import_id=import_id)


@bp.post("/vehicles/imports/<int:import_id>/branches")
@login_required
def learn_branches(import_id: int) -> ResponseReturnValue:
    """Remember what the list calls branches, and judge it again."""
    imported = importing.get_import(import_id, actor=actor())
    try:
        importing.learn_branches(
            import_id, learnt_branches(request.form), files=files(), actor=actor(), now=g.now
        )
    except (Invalid, Conflict) as refusal:
        return _refused(imported, refusal)
    words = _("The names were kept with their branches, and the list was checked again.")
    return done(words, "fleet_imports.detail", import_id=import_id)


@bp.post("/vehicles/imports/<int:import_id>/commit")
@login_required
def commit(import_id: int) -> ResponseReturnValue:
    """Import the list: all its good rows, or nothing."""
    imported = importing.get_import(import_id, actor=actor())
    version = small_number(request.form.get("version")) or 0
    try:
        done_import = importing.commit(import_id, version, actor=actor(), now=g.now)
    except Conflict as refusal:
        return _refused(imported, refusal)
    if done_import.id != import_id:
        _say_if_imported_before(done_import)
        return redirect(url_for("fleet_imports.detail", import_id=done_import.id), 303)
    return done(_("The list was imported."), "fleet_imports.detail", import_id=import_id)


@bp.post("/vehicles/imports/<int:import_id>/undo")
@login_required
def undo(import_id: int) -> ResponseReturnValue:
    """Take an imported list back."""
    form = UndoForm()
    if attempt_once(
        form, lambda: importing.undo(import_id, form.reason.data or "", actor=actor(), now=g.now)
    ):
        return done(_("The list was taken back."), "fleet_imports.detail", import_id=import_id)
    return again("fleet/import.html", **_context(importing.get_import(import_id, actor=actor()), form))


@bp.post("/vehicles/imports/<int:import_id>/put-away")
@login_required
def abandon(import_id: int) -> ResponseReturnValue:
    """Put a checked list away without importing it."""
    press(lambda: importing.abandon(import_id, actor=actor(), now=g.now))
    return done(_("The list was put away. Nothing was imported."), "fleet_imports.imports")


@bp.get("/vehicles/imports/<int:import_id>/checked")
@login_required
def annotated(import_id: int) -> ResponseReturnValue:
    """The same file back, with two columns: what became of each row, and why."""
    imported = importing.get_import(import_id, actor=actor())
    branches = {row.id: row.name for row in accounts.list_branches(imported.account_id, actor=actor())}
    rows = importing.all_rows(imported)
    content, filename = importing.annotated(imported, shown.remarks(imported, rows, branches), files=files())
    keep_export(imported.filename, len(rows), account_id=imported.account_id)
    return download(content, filename)


@bp.get("/vehicles/imports/<int:import_id>/original")
@login_required
def original(import_id: int) -> ResponseReturnValue:
    """The file as it came."""
    imported = importing.get_import(import_id, actor=actor())
    content = importing.original(imported, files=files())
    keep_file(imported.filename, account_id=imported.account_id)
    return download(content, imported.filename)


def _refused(imported: FleetImport, refusal: Invalid | Conflict) -> ResponseReturnValue:
    """The list's page again with the refusal said, and with nothing of what was refused."""
    db.session.rollback()
    context = _context(imported, UndoForm(), sentence(refusal))
    return render_template("fleet/import.html", **context), 409 if isinstance(refusal, Conflict) else 422
