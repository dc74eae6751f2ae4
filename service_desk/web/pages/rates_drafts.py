"""A new version of a price table on its way: lines, prices, cover sets, the workbook, the differences, confirming."""

from typing import Any

from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.errors import Invalid, NotFound
from service_desk.forms.rates import (
    ConfirmForm,
    CoverSetsForm,
    DetailsForm,
    LineForm,
    PricesForm,
    WorkbookForm,
)
from service_desk.presenters import policies as words
from service_desk.presenters import price_tables as shown
from service_desk.presenters.labels import choices
from service_desk.rules.price_sheet import COVERS, PriceRow, cover_field, values_of
from service_desk.rules.price_sheet.layout import COVER_PARTS
from service_desk.services.policies import rate_drafts
from service_desk.services.policies.rate_drafts import DraftView
from service_desk.web.http import actor, again, attempt, done, uploads
from service_desk.web.sent_twice import attempt_once, press

bp = Blueprint("rates_drafts", __name__)


@bp.get("/rates/drafts/<int:draft_id>")
@login_required
def draft(draft_id: int) -> ResponseReturnValue:
    """The draft: what is wrong, what it changes, its lines."""
    return render_template("rates/draft.html", **_context(rate_drafts.get_draft(draft_id, actor=actor())))


def _context(view: DraftView, **forms: Any) -> dict[str, Any]:
    draft = view.draft
    usual: dict[str, Any] = {
        "prices_form": lambda: PricesForm.for_rows(_readable(view))(formdata=None),
        "details_form": lambda: DetailsForm(
            formdata=None, data={"effective_on": draft.effective_on, "source": draft.source}
        ),
        "workbook_form": lambda: WorkbookForm(formdata=None),
        "confirm_form": lambda: ConfirmForm(formdata=None),
    }
    return {
        "view": view,
        "problems": shown.problem_rows(view),
        "overlaps": shown.overlap_words(view),
        "holes": shown.hole_words(view),
        "changes": shown.change_rows(view),
        "words": words,
        "shown": shown,
        **{name: forms.get(name) or make() for name, make in usual.items()},
    }


def _readable(view: DraftView) -> list[PriceRow]:
    """The rows that can be shown as lines; the others stand among the refusals."""
    return [row for row in view.rows if row.id in view.judged.rates]


def _refused(draft_id: int, **forms: Any) -> ResponseReturnValue:
    """The draft again with a form that was refused; what was typed is still in it."""
    view = rate_drafts.get_draft(draft_id, actor=actor())
    return again("rates/draft.html", **_context(view, **forms))


@bp.post("/rates/drafts/<int:draft_id>/prices")
@login_required
def save_prices(draft_id: int) -> ResponseReturnValue:
    """Change premiums and take lines out."""
    form = PricesForm.for_rows(_readable(rate_drafts.get_draft(draft_id, actor=actor())))()
    if attempt(form, lambda: rate_drafts.save_prices(draft_id, form.prices(), form.removed(), actor=actor())):
        return done(_("The draft was saved."), "rates_drafts.draft", draft_id=draft_id)
    return _refused(draft_id, prices_form=form)


@bp.post("/rates/drafts/<int:draft_id>/details")
@login_required
def save_details(draft_id: int) -> ResponseReturnValue:
    """Change the first day and the source."""
    form = DetailsForm()
    if attempt(
        form,
        lambda: rate_drafts.save_details(
            draft_id, form.effective_on.data, form.source.data or "", actor=actor(), now=g.now
        ),
    ):
        return done(_("The draft was saved."), "rates_drafts.draft", draft_id=draft_id)
    return _refused(draft_id, details_form=form)


@bp.post("/rates/drafts/<int:draft_id>/file")
@login_required
def replace_rows(draft_id: int) -> ResponseReturnValue:
    """Take the rows of a workbook in place of all that is there."""
    form = WorkbookForm()

    def act() -> None:
        sent = uploads("file")
        if not sent:
            raise Invalid("file_missing", field="file")
        rate_drafts.replace_rows(draft_id, sent[0], actor=actor())

    if attempt(form, act):
        return done(
            _("The workbook was read. Look at the differences."), "rates_drafts.draft", draft_id=draft_id
        )
    return _refused(draft_id, workbook_form=form)


@bp.route("/rates/drafts/<int:draft_id>/lines/new", methods=["GET", "POST"])
@login_required
def new_line(draft_id: int) -> ResponseReturnValue:
    """Add a line."""
    return _line_page(rate_drafts.get_draft(draft_id, actor=actor()), None)


@bp.route("/rates/drafts/<int:draft_id>/lines/<int:row_id>", methods=["GET", "POST"])
@login_required
def line(draft_id: int, row_id: int) -> ResponseReturnValue:
    """Change a line, or mend one that was refused."""
    view = rate_drafts.get_draft(draft_id, actor=actor())
    row = next((row for row in view.rows if row.id == row_id), None)
    if row is None:
        raise NotFound("not_found")
    return _line_page(view, row)


def _line_page(view: DraftView, row: PriceRow | None) -> ResponseReturnValue:
    draft = view.draft
    form = LineForm.for_line(draft.line)(data=_typed(view, row))
    _with_choices(form, view)
    if attempt(
        form,
        lambda: rate_drafts.save_line(draft.id, row.id if row else None, form.values(), actor=actor()),
    ):
        return redirect(url_for("rates_drafts.draft", draft_id=draft.id, _anchor="lines"), 303)
    context = {
        "form": form,
        "view": view,
        "row": row,
        "covers": [
            (cover, [form[cover_field(cover, part)] for part in COVER_PARTS]) for cover in COVERS[draft.line]
        ],
        "problems": [problem for problem in shown.problem_rows(view) if row and problem.row_id == row.id],
        "shown": shown,
        "words": words,
    }
    if form.is_submitted():
        return again("rates/line.html", **context)
    return render_template("rates/line.html", **context)


def _typed(view: DraftView, row: PriceRow | None) -> dict[str, Any]:
    """What the fields show at first: the row with words put into codes where they are understood."""
    if row is None:
        return {"measure": "seats"}
    rate = view.judged.rates.get(row.id)
    values: dict[str, Any] = dict(row.values if rate is None else values_of(rate))
    values["per_seat"] = rate.per_seat if rate else values.get("per_seat", "") in {"yes", "是"}
    return values


def _with_choices(form: Any, view: DraftView) -> None:
    """Offer the codes with their words; one that is none of them stays and is told."""
    offered = {
        "cover_set": [(code, shown.set_name(code, view.judged.names)) for code in view.judged.names],
        "use_class": choices("use_class"),
        "measure": choices("band_measure"),
    }
    for name in form.fields_in_order:
        form[name].label.text = shown.field_words(name)
        if name.endswith("_per"):
            form[name].choices = [("", _("as usual for this cover")), *choices("limit_per")]
        elif name in offered:
            known = offered[name]
            data = form[name].data
            strange = [(data, data)] if data and data not in dict(known) else []
            form[name].choices = [("", _("Choose")), *known, *strange]


@bp.post("/rates/drafts/<int:draft_id>/lines/<int:row_id>/remove")
@login_required
def remove_line(draft_id: int, row_id: int) -> ResponseReturnValue:
    """Take a line out of the draft."""
    rate_drafts.save_prices(draft_id, {}, [row_id], actor=actor())
    return done(_("The line was taken out of the draft."), "rates_drafts.draft", draft_id=draft_id)


@bp.route("/rates/drafts/<int:draft_id>/cover-sets", methods=["GET", "POST"])
@login_required
def cover_sets(draft_id: int) -> ResponseReturnValue:
    """Codes and names of the cover sets."""
    view = rate_drafts.get_draft(draft_id, actor=actor())
    form = CoverSetsForm.for_rows(view.cover_sets)()
    numbers = {row.id: row.row_no for row in view.cover_sets}
    if attempt_once(form, lambda: rate_drafts.save_cover_sets(draft_id, form.rows(numbers), actor=actor())):
        return done(_("The draft was saved."), "rates_drafts.draft", draft_id=draft_id)
    context = {"form": form, "view": view, "problems": shown.problem_rows(view), "words": words}
    if form.is_submitted():
        return again("rates/cover_sets.html", **context)
    return render_template("rates/cover_sets.html", **context)


@bp.post("/rates/drafts/<int:draft_id>/confirm")
@login_required
def confirm(draft_id: int) -> ResponseReturnValue:
    """Make the version."""
    form = ConfirmForm()
    made: list[int] = []

    def act() -> None:
        key = form.idempotency_key.data or ""
        accepts = bool(form.accepts_holes.data)
        made.append(rate_drafts.confirm(draft_id, accepts_holes=accepts, key=key, actor=actor(), now=g.now))

    if attempt(form, act):
        return done(
            _("The new version was made. The old one stays as it was."), "rates.table", table_id=made[0]
        )
    return _refused(draft_id, confirm_form=form)


@bp.post("/rates/drafts/<int:draft_id>/discard")
@login_required
def discard(draft_id: int) -> ResponseReturnValue:
    """Throw the draft away."""
    press(lambda: rate_drafts.discard(draft_id, actor=actor()))
    return done(_("The draft was thrown away. No version was touched."), "rates.rates")
