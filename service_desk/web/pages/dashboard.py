"""The managers' overview: every number opens the rows behind it."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.coverage import PeriodForm
from service_desk.forms.fields import member
from service_desk.presenters import dashboard as words
from service_desk.presenters import dashboard_sheets as sheets
from service_desk.presenters import sla
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.report_documents.words import period_words
from service_desk.rules.metrics import AgeBand, MeasureCode
from service_desk.rules.periods import Period, Preset, period_of
from service_desk.services import dashboard
from service_desk.services.dashboard import AsOf, Behind, BehindFilter, Overview, PremiumBehind
from service_desk.web import figure_links as links
from service_desk.web.exports import send_list
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
    wanted = _claims_wanted(behind)
    which = wanted.behind
    return render_template(
        "dashboard/claims.html",
        found=dashboard.list_claims(wanted, page_request(), actor=actor(), now=g.now),
        wanted=wanted,
        is_state=which in dashboard.AS_OF,
        # Of a period that runs it is all there is so far: nothing is known of its end.
        is_over=wanted.period.last < local_date(g.now, ZoneInfo(current_account().zone)),
        title=words.behind_title(which),
        has_value=which not in (Behind.CLOSED, Behind.ROLLING),
        is_score=which in (Behind.ASKED, Behind.ANSWERED, Behind.DISSATISFIED),
        period_words=period_words,
        branch_name=branch_name,
    )


@bp.get("/overview/claims/<behind>.xlsx")
@login_required
def export_claims_behind(behind: str) -> ResponseReturnValue:
    """The same as a spreadsheet."""
    wanted, zone = _claims_wanted(behind), ZoneInfo(current_account().zone)
    chosen = [(_("Period"), period_words(wanted.period.first, wanted.period.last))]
    if wanted.band:
        chosen.append((_("Age"), label(wanted.band, "age_band")))
    return send_list(
        lambda page: dashboard.list_claims(wanted, page, actor=actor(), now=g.now).page,
        lambda rows: sheets.claims_sheet(rows, wanted.behind, zone),
        f"claims-{wanted.behind.value}.xlsx",
        chosen,
    )


def _claims_wanted(behind: str) -> BehindFilter:
    which: Behind | None = member(Behind, behind)
    if which is None:
        raise NotFound("not_found")
    return BehindFilter(
        current_account().id,
        which,
        _days(),
        member(AgeBand, request.args.get("band")),
        member(AsOf, request.args.get("age_from")) or AsOf.REPORT,
    )


@bp.get("/overview/premium/<behind>")
@login_required
def premium_behind(behind: str) -> ResponseReturnValue:
    """The policies and endorsements behind written or earned premium."""
    which, period = _premium_wanted(behind), _days()
    found = dashboard.list_premium(
        current_account().id, which, period, page_request(), actor=actor(), now=g.now
    )
    return render_template(
        "dashboard/premium.html",
        found=found,
        which=which,
        is_earned=which is PremiumBehind.EARNED,
        title=words.behind_title(which),
        period=period,
        period_words=period_words,
    )


@bp.get("/overview/premium/<behind>.xlsx")
@login_required
def export_premium_behind(behind: str) -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account, which, period = current_account(), _premium_wanted(behind), _days()
    return send_list(
        lambda page: dashboard.list_premium(account.id, which, period, page, actor=actor(), now=g.now).page,
        lambda rows: sheets.premium_sheet(rows, which, ZoneInfo(account.zone)),
        f"premium-{which.value}.xlsx",
        [(_("Period"), period_words(period.first, period.last))],
    )


def _premium_wanted(behind: str) -> PremiumBehind:
    which: PremiumBehind | None = member(PremiumBehind, behind)
    if which is None:
        raise NotFound("not_found")
    return which


def _days() -> Period:
    today = local_date(g.now, ZoneInfo(current_account().zone))
    form = PeriodForm(request.args)
    return form.period(Period(today, today))
