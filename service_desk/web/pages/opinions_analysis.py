"""Figures of opinions by theme and branch, each with the list behind it."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import member
from service_desk.presenters import opinions as words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.opinions import FigureLine
from service_desk.rules.periods import Preset, period_of
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.opinions import figures
from service_desk.services.opinions.figures import Analysis
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, current_account

bp = Blueprint("opinions_analysis", __name__)

USUAL = Preset.THIS_QUARTER


@bp.get("/opinions/analysis")
@login_required
def analysis() -> ResponseReturnValue:
    """Counts, marks, replies and results of a span, against the span before."""
    found, preset = _found(), _preset()
    lines = words.figure_lines(found)
    return render_template(
        "opinions/analysis.html",
        found=found,
        lines=lines,
        chart=words.theme_charts(lines, _url_of),
        themes=[line for line in lines if line.cut == "theme"],
        branches=[line for line in lines if line.cut == "branch"],
        period=preset.value,
        periods=choices("compliance_period"),
        url_of=_url_of,
        words=words,
        may_collect=access.may(actor(), Action.COLLECT_OPINIONS),
    )


@bp.get("/opinions/analysis.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The figures as shown, as a spreadsheet."""
    found = _found()
    return send_list(
        whole(words.figure_lines(found)),
        lambda lines: words.analysis_sheet(lines, found, g.now),
        f"opinions-analysis-{local_date(g.now)}.xlsx",
        [(_("Period"), label(_preset(), "compliance_period"))],
    )


def _preset() -> Preset:
    found: Preset | None = member(Preset, request.args.get("period"))
    return found or USUAL


def _found() -> Analysis:
    account = current_account()
    period = period_of(_preset(), local_date(g.now))
    return figures.analyse(account.id, period, actor=actor(), zone=ZoneInfo(account.zone))


def _url_of(line: FigureLine, view: str) -> str | None:
    """The list behind a figure; None where the reader may not be told whose they are."""
    if not line.has_rows:
        return None
    values: dict[str, Any] = {
        "view": view,
        "period": _preset().value,
        "theme": line.theme.value if line.theme else None,
        "branch": line.branch_id,
    }
    return url_for("opinions.opinions", **values)
