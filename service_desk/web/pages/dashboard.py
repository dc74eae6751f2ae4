"""The managers' overview: every number opens the rows behind it."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.coverage import PeriodForm
from service_desk.forms.fields import member
from service_desk.presenters import dashboard as words
from service_desk.presenters import sla
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import branch_name
from service_desk.presenters.report_documents.words import period_words
from service_desk.rules.metrics import AgeBand, MeasureCode
from service_desk.rules.periods import Period, Preset, period_of
from service_desk.services import dashboard
from service_desk.services.dashboard import AsOf, Behind, BehindFilter, Overview, PremiumBehind
from service_desk.web import figure_links as links
from service_desk.web.http import actor, current_account, page_request

bp = Blueprint("dashboard", __name__)


@bp.get("/overview")
@login_required
def overview() -> ResponseReturnValue:
    """Where time is being lost, what breaks next, what is outstanding, and how it was before."""
    account = current_account()
    preset = member(Preset, request.args.get("period")) or Preset.THIS_WEEK
    period = period_of(preset, local_date(g.now, ZoneInfo(account.zone)))
    found = dashboard.overview(account.id, period, actor=actor(), now=g.now)
    return render_template(
        "dashboard/overview.html",
        overview=found,
        presets=_presets(preset),
        market=words.own_values(found.flow, found.market, found.zone),
        words=words,
        links=links,
        period_words=period_words,
        pill_of=lambda timer: sla.pill(timer, g.now, named=False),
        branch_name=branch_name,
        **_figures(found),
    )


def _presets(chosen: Preset) -> list[dict[str, Any]]:
    return [
        {"label": text, "url": url_for("dashboard.overview", period=code), "is_current": code == chosen}
        for code, text in choices("compliance_period")
    ]


def _figures(found: Overview) -> dict[str, list[words.Figure]]:
    def shown(compared: dashboard.Compared, codes: tuple[MeasureCode, ...], *of: words.Link) -> Any:
        return words.figures(compared, codes, found.market, found.zone, (of[0], of[1]))

    return {
        "now_figures": shown(found.state, dashboard.OF_NOW, links.url_now, links.url_then),
        "flow_figures": [
            *shown(found.flow, dashboard.OF_PERIOD, links.url_of, links.url_of),
            *shown(found.months, dashboard.OF_MONTH, links.url_of, links.url_of),
        ],
    }


@bp.get("/overview/claims/<behind>")
@login_required
def claims_behind(behind: str) -> ResponseReturnValue:
    """The claims behind a figure, of the days in the address; without them as of today."""
    which: Behind | None = member(Behind, behind)
    if which is None:
        raise NotFound("not_found")
    period = _days()
    wanted = BehindFilter(
        current_account().id,
        which,
        period,
        member(AgeBand, request.args.get("band")),
        member(AsOf, request.args.get("age_from")) or AsOf.REPORT,
    )
    return render_template(
        "dashboard/claims.html",
        found=dashboard.list_claims(wanted, page_request(), actor=actor(), now=g.now),
        wanted=wanted,
        is_state=which in dashboard.AS_OF,
        title=words.behind_title(which),
        has_value=which not in (Behind.CLOSED, Behind.ROLLING),
        is_score=which in (Behind.ASKED, Behind.ANSWERED, Behind.DISSATISFIED),
        period_words=period_words,
        branch_name=branch_name,
    )


@bp.get("/overview/premium/<behind>")
@login_required
def premium_behind(behind: str) -> ResponseReturnValue:
    """The policies and endorsements behind written or earned premium."""
    which: PremiumBehind | None = member(PremiumBehind, behind)
    if which is None:
        raise NotFound("not_found")
    period = _days()
    found = dashboard.list_premium(
        current_account().id, which, period, page_request(), actor=actor(), now=g.now
    )
    return render_template(
        "dashboard/premium.html",
        found=found,
        is_earned=which is PremiumBehind.EARNED,
        title=words.behind_title(which),
        period=period,
        period_words=period_words,
    )


def _days() -> Period:
    today = local_date(g.now, ZoneInfo(current_account().zone))
    form = PeriodForm(request.args)
    return form.period(Period(today, today))
