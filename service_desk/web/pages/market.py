"""The market's published figures, for who keeps settings: listed, added, corrected, hidden."""

from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.market import COMPARABLE_CODES, MarketForm, ShowForm
from service_desk.presenters.dashboard import market_words, measure_unit
from service_desk.presenters.report_documents.words import measure_name
from service_desk.presenters.sheets.settings import market_sheet
from service_desk.services import market, submissions
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("market", __name__)


@bp.get("/settings/market")
@login_required
def lines() -> ResponseReturnValue:
    """All lines with their source, and the form for a new one."""
    return render_template("market/list.html", **_context(_offered(MarketForm())))


@bp.get("/settings/market.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """All lines as a spreadsheet."""
    return send_list(
        whole([(row, market_words(row)) for row in market.list_lines(actor=actor())]),
        lambda rows: market_sheet(rows, g.now),
        f"market-figures-{local_date(g.now)}.xlsx",
        of_desk=True,
    )


@bp.post("/settings/market")
@login_required
def add() -> ResponseReturnValue:
    """Add a line."""
    form = _offered(MarketForm())

    def make() -> str:
        return str(market.add(form.line(), actor=actor(), now=g.now).id)

    if attempt(form, lambda: _once("market_figure", form, make)):
        return done(_("The figure was added."), "market.lines")
    return again("market/list.html", **_context(form))


@bp.route("/settings/market/<int:line_id>", methods=["GET", "POST"])
@login_required
def line(line_id: int) -> ResponseReturnValue:
    """Correct a line."""
    row = market.get_line(line_id, actor=actor())
    form = _offered(MarketForm(data=MarketForm.values_of(row)))

    def make() -> str:
        version = form.version.data or 0
        return str(market.correct(line_id, form.line(), version=version, actor=actor(), now=g.now).id)

    if attempt(form, lambda: _once("market_correction", form, make)):
        return done(_("The figure was corrected. What was sent before stays as it was sent."), "market.lines")
    context = {"form": form, "row": row}
    if request.method == "POST":
        return again("market/line.html", **context)
    return render_template("market/line.html", **context)


@bp.post("/settings/market/<int:line_id>/<step>")
@login_required
def step(line_id: int, step: str) -> ResponseReturnValue:
    """Hide a line, or show it again."""
    said = {"hide": _("The figure is shown no longer."), "show": _("The figure is shown again.")}
    if step not in said:
        raise NotFound("not_found")
    form = ShowForm()

    def act() -> None:
        version = form.version.data or 0
        market.show(line_id, is_shown=step == "show", version=version, actor=actor(), now=g.now)

    if attempt_once(form, act):
        return done(said[step], "market.lines")
    return again("market/list.html", **_context(_offered(MarketForm(formdata=None)), refused=form))


def _once(kind: str, form: MarketForm, make: Any) -> None:
    submissions.once(kind, form.idempotency_key.data or "", make, actor=actor(), now=g.now)


def _offered(form: MarketForm) -> MarketForm:
    form.measure.choices = [
        (code, f"{measure_name(code)} ({measure_unit(code)})") for code in COMPARABLE_CODES
    ]
    return form


def _context(form: MarketForm, refused: ShowForm | None = None) -> dict[str, Any]:
    rows = market.list_lines(actor=actor())
    return {"form": form, "refused": refused, "rows": [(row, market_words(row)) for row in rows]}
