"""The calendar of both sides: a month or a list of events, what is due and not planned, how promises stand."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import small_number
from service_desk.forms.relations import EventFilterForm
from service_desk.forms.work_log import month_typed
from service_desk.models.accounts import KeyAccount
from service_desk.presenters import relations as words
from service_desk.presenters.labels import choices
from service_desk.rules.periods import month_of, months_after
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.relations import due, event_lists
from service_desk.services.relations.event_lists import EventFilter
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import actor, current_account, page_request
from service_desk.web.pages.relations.blueprint import bp, branch_choices


@bp.get("/relations")
@login_required
def calendar() -> ResponseReturnValue:
    """A month of events, or all of them as a list; for those who plan, what is due."""
    account, form = current_account(), _form()
    is_list, may_plan = request.args.get("view") == "list", access.may(actor(), Action.PLAN_RELATIONS)
    context = _list_context(account, form) if is_list else _month_context(account, form)
    if may_plan:
        context |= _promises(account)
    return render_template(
        "relations/calendar.html",
        form=form,
        is_list=is_list,
        views=_views(is_list),
        words=words,
        zone=_zone(account),
        may_plan=may_plan,
        may_lead=access.may(actor(), Action.LEAD_RELATIONS),
        next_events=event_lists.list_next(account.id, actor=actor(), now=g.now),
        **context,
    )


@bp.get("/relations.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The events as filtered, as a spreadsheet; of a month those of the month."""
    account, form = current_account(), _form()
    is_month = bool(request.args.get("month")) and request.args.get("view") != "list"
    wanted = _wanted(form, _month() if is_month else None)
    zone = _zone(account)
    chosen = chosen_in(form) + ([(_("Month"), f"{_month():%Y-%m}")] if is_month else [])
    return send_list(
        lambda page: event_lists.list_events(account.id, wanted, page, actor=actor(), zone=zone),
        lambda rows: words.events_sheet(rows, g.now),
        f"relations-{local_date(g.now)}.xlsx",
        chosen,
    )


def _form() -> EventFilterForm:
    form = EventFilterForm(request.args)
    form.kind.choices = [("", _("All kinds")), *choices("event_kind")]
    form.branch.choices = [("", _("All branches")), *branch_choices(current_account().id)]
    form.state.choices = [("", _("All states")), *choices("event_state")]
    return form


def _wanted(form: EventFilterForm, month: date | None) -> EventFilter:
    """The filter in the address; nonsense means any."""
    return EventFilter(
        kind=form.wanted_kind,
        branch_id=small_number(form.branch.data),
        state=form.wanted_state,
        period=month_of(month) if month else None,
    )


def _month() -> date:
    return month_typed(request.args.get("month"), local_date(g.now))


def _zone(account: KeyAccount) -> ZoneInfo:
    return ZoneInfo(account.zone)


def _list_context(account: KeyAccount, form: EventFilterForm) -> dict[str, Any]:
    wanted = _wanted(form, None)
    page = event_lists.list_events(account.id, wanted, page_request(), actor=actor(), zone=_zone(account))
    return {"page": page}


def _month_context(account: KeyAccount, form: EventFilterForm) -> dict[str, Any]:
    first, zone = _month(), _zone(account)
    rows = event_lists.list_month(account.id, _wanted(form, first), actor=actor(), zone=zone)
    return {
        "weeks": words.month_weeks(rows, month_of(first), local_date(g.now), zone),
        "heads": words.weekday_heads(),
        "month": f"{first:%Y-%m}",
        "month_title": words.month_title(first),
        "month_before": f"{months_after(first, -1).first:%Y-%m}",
        "month_after": f"{months_after(first, 1).first:%Y-%m}",
        "event_count": len(rows),
    }


def _promises(account: KeyAccount) -> dict[str, Any]:
    """What those who plan see besides: due and not planned, held and not minuted, how promises stand."""
    who: dict[str, Any] = {"actor": actor(), "now": g.now}
    return {
        "due": words.due_groups(due.list_due(account.id, **who), local_date(g.now)),
        "to_minute": event_lists.list_to_minute(account.id, **who),
        "progress": words.progress_lines(due.read_progress(account.id, **who)),
    }


def _views(is_list: bool) -> list[dict[str, Any]]:
    kept: dict[str, Any] = {name: request.args.get(name) or None for name in ("kind", "branch", "state")}
    return [
        {"label": _("Month"), "url": url_for("relations.calendar", **kept), "is_current": not is_list},
        {
            "label": _("As a list"),
            "url": url_for("relations.calendar", view="list", **kept),
            "is_current": is_list,
        },
    ]
