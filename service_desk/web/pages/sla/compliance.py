"""Compliance: the figures, the rows behind each of them, and both as spreadsheets."""

from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.forms.sla_compliance import ComplianceForm, grouping, named_period, rows_wanted
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.users import User
from service_desk.presenters import sla as clocks
from service_desk.presenters import sla_compliance as words
from service_desk.presenters import sla_compliance_sheets as sheets
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name, named
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.periods import Preset
from service_desk.services import accounts
from service_desk.services.exports import in_portions
from service_desk.services.sla.compliance import (
    NOT_SAID,
    ClockRow,
    ComplianceFilter,
    Dimension,
    RowsWanted,
    list_clocks,
    list_holders,
    may_rank_staff,
    read_compliance,
)
from service_desk.services.sla.ledger import seconds_used
from service_desk.web.exports import send_book
from service_desk.web.http import actor, current_account, page_request
from service_desk.web.pages.sla.blueprint import bp
from service_desk.web.pages.sla.breaches import matter_url

# What the client has no figures of.
_OF_DESK = frozenset({ClockStep.BREACH_REVIEW})


@bp.get("/compliance")
@login_required
def compliance() -> ResponseReturnValue:
    """How promises are kept, by whatever the reader asks."""
    asked = _read_address()
    found = read_compliance(asked.wanted, asked.by, actor=actor(), now=g.now)
    return render_template(
        "sla/compliance.html",
        asked=asked,
        found=found,
        form=_filled(asked),
        groups=words.in_order(found.groups, asked.sort),
        trend=words.trend_values(found.trend),
        presets=_presets(asked),
        dimensions=_dimensions(asked),
        chips=_chips(asked),
        how_counted=words.how_counted(ranks_staff=asked.ranks_staff),
        matter_url=matter_url,
        words=words,
        clocks=clocks,
    )


@bp.get("/compliance.xlsx")
@login_required
def compliance_xlsx() -> ResponseReturnValue:
    """The same figures as a spreadsheet."""
    asked = _read_address()

    def read() -> list[TableSheet]:
        found = read_compliance(asked.wanted, asked.by, actor=actor(), now=g.now)
        shown = words.in_order(found.groups, asked.sort)
        return sheets.compliance_sheets(found, shown, asked.about, ranks_staff=asked.ranks_staff)

    name = _("compliance-%(days)s.xlsx", days=_file_days(asked))
    return send_book(read, name, asked=_described(asked))


@bp.get("/compliance/timers")
@login_required
def compliance_timers() -> ResponseReturnValue:
    """The clocks behind a figure."""
    asked, rows = _read_address(), rows_wanted(request.args)
    listed = list_clocks(asked.wanted, rows, page_request(), sort=asked.sort, actor=actor(), now=g.now)
    return render_template(
        "sla/compliance_timers.html",
        asked=asked,
        rows=rows,
        page=listed.page,
        sort=listed.sort,
        title=_rows_title(asked, rows),
        time_heading=_time_heading(asked, rows),
        form=_filled(asked),
        chips=_chips(asked),
        matter_url=matter_url,
        words=words,
        clocks=clocks,
        seconds_used=seconds_used,
    )


@bp.get("/compliance/timers.xlsx")
@login_required
def compliance_timers_xlsx() -> ResponseReturnValue:
    """The same list, all of it, as a spreadsheet."""
    asked, rows = _read_address(), rows_wanted(request.args)

    def page_of(page: PageRequest) -> Page[ClockRow]:
        return list_clocks(asked.wanted, rows, page, sort=asked.sort, actor=actor(), now=g.now).page

    def read() -> list[TableSheet]:
        title, time_heading = _rows_title(asked, rows), _time_heading(asked, rows)
        return [sheets.clocks_sheet(in_portions(page_of), title, time_heading, asked.about)]

    name = _("clocks-%(days)s.xlsx", days=_file_days(asked))
    return send_book(read, name, asked=_described(asked))


@dataclass(frozen=True)
class Asked:
    """What an address asks for. `preset` is None when days were typed."""

    account: KeyAccount
    form: ComplianceForm
    preset: Preset | None
    wanted: ComplianceFilter
    by: Dimension
    sort: str
    people: dict[int, User]
    branches: dict[int, Branch]
    ranks_staff: bool

    def query(self, wanted: ComplianceFilter) -> dict[str, Any]:
        """A filter as an address has it."""
        is_same = self.preset is not None and wanted.period == self.wanted.period
        days = (
            {"period": self.preset}
            if is_same
            else {"from_on": wanted.period.first, "to_on": wanted.period.last}
        )
        return {
            **days,
            "step": wanted.step,
            "branch": wanted.branch_id,
            "alone": 1 if wanted.is_alone else None,
            "person": wanted.holder_id,
            "severity": wanted.severity,
            "zone": wanted.zone_code,
        }

    def page_url(self, wanted: ComplianceFilter | None = None, **changed: Any) -> str:
        """The figures under a filter, this one unless another is given."""
        values = {**self.query(wanted or self.wanted), "by": self.by, **changed}
        return url_for("sla.compliance", **values)

    def rows_url(self, verdicts: str, wanted: ComplianceFilter | None = None, **more: Any) -> str:
        """The clocks behind a figure."""
        values = {**self.query(wanted or self.wanted), "verdict": verdicts, **more}
        return url_for("sla.compliance_timers", **values)

    @property
    def about(self) -> sheets.About:
        return sheets.About(
            account=named(self.account.name, self.account.name_en),
            days=words.days(self.wanted.period),
            chosen=words.chosen(self.wanted, self.people, self.branches),
            now=g.now,
            zone=ZoneInfo(self.account.zone),
        )


def _read_address() -> Asked:
    account = current_account()
    form = ComplianceForm(request.args)
    today = local_date(g.now, ZoneInfo(account.zone))
    preset, period = named_period(request.args.get("period"), today)
    own = form.own_period(today)
    wanted = form.wanted(own or period, account.id, is_alone=request.args.get("alone") == "1")
    ranks_staff = may_rank_staff(actor())
    named_people = [one for one in (wanted.holder_id, rows_wanted(request.args).used_by_id) if one]
    people = list_holders(account.id, also=named_people) if ranks_staff else []
    branches = accounts.list_branches(account.id, actor=actor())
    return Asked(
        account=account,
        form=form,
        preset=None if own else preset,
        wanted=wanted,
        by=grouping(request.args.get("by")),
        sort=request.args.get("sort", ""),
        people={person.id: person for person in people},
        branches={branch.id: branch for branch in branches},
        ranks_staff=ranks_staff,
    )


def _filled(asked: Asked) -> ComplianceForm:
    form = asked.form
    steps = [
        (code, words) for code, words in choices("clock_step") if asked.ranks_staff or code not in _OF_DESK
    ]
    form.step.choices = [("", _("All steps")), *steps]
    form.branch.choices = [
        ("", _("All branches")),
        *((b.id, branch_name(b)) for b in asked.branches.values()),
    ]
    form.severity.choices = [("", _("Either")), *choices("severity"), (NOT_SAID, _("Not stated"))]
    form.zone.choices = [*choices("accident_place"), (NOT_SAID, _("Not stated"))]
    if asked.ranks_staff:
        everybody = [(str(one.id), words.person_name(one)) for one in asked.people.values()]
        form.person.choices = [("", _("Everybody")), *everybody]
    else:
        del form.person
    return form


def _presets(asked: Asked) -> list[dict[str, Any]]:
    tabs = [
        {
            "label": label(preset, "compliance_period"),
            "url": asked.page_url(period=preset.value, from_on=None, to_on=None),
            "is_current": preset is asked.preset,
        }
        for preset in Preset
    ]
    if asked.preset is None:
        tabs.append({"label": words.days(asked.wanted.period), "url": asked.page_url(), "is_current": True})
    return tabs


def _dimensions(asked: Asked) -> list[dict[str, Any]]:
    shown = [one for one in Dimension if asked.ranks_staff or one is not Dimension.PERSON]
    return [
        {
            "label": label(one, "compliance_by"),
            "url": asked.page_url(by=one.value) + "#by",
            "is_current": one is asked.by,
        }
        for one in shown
    ]


def _chips(asked: Asked) -> list[dict[str, str]]:
    """Each filter in use, with the address that drops it; the days stand in the row of periods."""
    chips = []
    for key, what, choice in words.chosen(asked.wanted, asked.people, asked.branches):
        values: dict[str, Any] = {**request.args, key: None, "page": None}
        if key == "branch":
            values["alone"] = None
        url = url_for(request.endpoint or "sla.compliance", **values)
        chips.append({"label": what + _(": ") + choice, "remove_url": url})
    return chips


def _rows_title(asked: Asked, rows: RowsWanted) -> str:
    return _time_heading(asked, rows) or label(rows.verdicts, "compliance_list")


def _time_heading(asked: Asked, rows: RowsWanted) -> str | None:
    """Whose or which time a list asks for; None when it asks for none."""
    if rows.used_by_id is not None:
        person = asked.people.get(rows.used_by_id)
        return _("Hours of %(person)s", person=person.name if person else "—")
    if rows.paused_for is not None:
        return _("Pause: %(reason)s", reason=label(rows.paused_for, "pause_reason"))
    return None


def _described(asked: Asked) -> str:
    """What was exported, as the audit trail keeps it: the address with its days, which a named period does not say."""
    names = ("verdict", "used_by", "paused_for", "age", "by", "sort")
    values = {
        **asked.query(replace(asked.wanted)),
        "from_on": asked.wanted.period.first,
        "to_on": asked.wanted.period.last,
        **{name: request.args.get(name) for name in names},
    }
    return f"{request.path}?" + "&".join(
        f"{name}={value}" for name, value in values.items() if value is not None
    )


def _file_days(asked: Asked) -> str:
    return f"{asked.wanted.period.first:%Y%m%d}-{asked.wanted.period.last:%Y%m%d}"
