"""Making a report: computed, kept and queued to its recipients in one transaction, once per account, kind and period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.reports import ReportRun, ReportSchedule
from service_desk.models.users import User
from service_desk.rules.periods import Period
from service_desk.rules.permissions import CLIENT_ROLES, Action, Side
from service_desk.rules.report_document import Report, ReportKind, from_json, to_json
from service_desk.rules.schedule import FREQUENCY, due_periods, is_over, period_at
from service_desk.services import access, audit, notices
from service_desk.services.notices import Matter, Message
from service_desk.services.reports import recipients
from service_desk.services.reports.makers import MAKERS, weekly_claims
from service_desk.services.reports.schedules import Planned

MATTER_KIND = "report"
SCHEDULED = 0


@dataclass(frozen=True)
class RunNow:
    """A report by hand: of the period a day lies in; sent to the recipients, or only kept to be looked at."""

    day: date
    is_sent: bool
    kind: ReportKind = ReportKind.WEEKLY_CLAIMS


@dataclass(frozen=True)
class Due:
    """A report that a schedule asks for."""

    account_id: int
    kind: ReportKind
    period: Period


def notice_kind(kind: ReportKind) -> str:
    """The kind of its message, which names the templates. The weekly one was there before there were others."""
    return kind.value if kind is ReportKind.WEEKLY_CLAIMS else f"report_{kind.value}"


def wanted(schedule: Planned, now: datetime) -> list[Due]:
    """The reports that should exist by now, oldest first, whether they do or not."""
    return [Due(schedule.account_id, schedule.kind, period) for period in due_periods(schedule.rule, now)]


def not_made(due: Sequence[Due]) -> list[Due]:
    """Those of them that no scheduled run has made, in their order; one query for all."""
    if not due:
        return []
    rows = db.session.execute(
        select(ReportRun.account_id, ReportRun.kind, ReportRun.period_from).where(
            ReportRun.account_id.in_({one.account_id for one in due}),
            ReportRun.edition == SCHEDULED,
            ReportRun.period_from >= min(one.period.first for one in due),
        )
    )
    made = {tuple(row) for row in rows}
    return [one for one in due if (one.account_id, one.kind.value, one.period.first) not in made]


def work_out(due: Due, now: datetime) -> Report | None:
    """The report of a period that is due, or None when it was made meanwhile. Reads only.

    Apart from keeping it, for the figures of a large account take seconds in which nobody else could write to SQLite.
    """
    if not not_made([due]):
        return None
    return MAKERS[due.kind].make(db.session.get_one(KeyAccount, due.account_id), due.period, now=now)


def make_scheduled(due: Due, *, now: datetime, report: Report | None = None) -> ReportRun | None:
    """Keep and send a scheduled report, worked out before or now.

    None when another process has made it, or somebody has paused it. Who comes while another keeps it waits at the
    schedule and then has nothing to do; the key of the run decides where there is no schedule to wait at.
    """
    own = (ReportSchedule.account_id == due.account_id, ReportSchedule.kind == due.kind)
    is_active = db.session.scalar(select(ReportSchedule.is_active).where(*own).with_for_update())
    # Paused meanwhile: the reports before this one may have taken their time.
    if is_active is False or not not_made([due]):
        return None
    report = report or work_out(due, now)
    if report is None:
        return None
    run = _row(report, SCHEDULED, None)
    try:
        with db.session.begin_nested():
            db.session.add(run)
    except IntegrityError:
        return None
    _send(run, report, now)
    _record(run, None, now)
    return run


def run_now(account_id: int, command: RunNow, *, actor: User, now: datetime) -> ReportRun:
    """Make a new edition of a past period's report. Invalid when the period is not over yet."""
    kind = command.kind
    access.require(actor, Action.RUN_REPORTS)
    account = access.get_visible(actor, Action.RUN_REPORTS, KeyAccount, KeyAccount.id == account_id)
    if kind not in MAKERS:
        raise NotFound("not_found")
    period = period_at(FREQUENCY[kind], command.day)
    if not is_over(period, now, ZoneInfo(account.zone)):
        raise Invalid("report_period_not_over", field="day")
    report = MAKERS[kind].make(account, period, now=now)
    # Of two who run the same period at once the second waits here, then numbers its edition after the first.
    db.session.execute(select(KeyAccount.id).where(KeyAccount.id == account.id).with_for_update())
    run = _row(report, _next_edition(account.id, kind, period), actor)
    db.session.add(run)
    db.session.flush()
    if command.is_sent:
        _send(run, report, now)
    _record(run, actor, now)
    return run


def preview(account_id: int, kind: ReportKind, *, actor: User, now: datetime) -> Report:
    """The report of the running period as far as it has gone. It is not kept and goes to nobody."""
    access.require(actor, Action.RUN_REPORTS)
    account = access.get_visible(actor, Action.RUN_REPORTS, KeyAccount, KeyAccount.id == account_id)
    if kind not in MAKERS:
        raise NotFound("not_found")
    today = local_date(now, ZoneInfo(account.zone))
    return MAKERS[kind].make(account, Period(period_at(FREQUENCY[kind], today).first, today), now=now)


def _row(report: Report, edition: int, actor: User | None) -> ReportRun:
    return ReportRun(
        account_id=report.account_id,
        kind=report.kind.value,
        period_from=report.period_from,
        period_to=report.period_to,
        edition=edition,
        figures=to_json(report),
        made_at=report.made_at,
        made_by_id=actor.id if actor else None,
    )


def _next_edition(account_id: int, kind: ReportKind, period: Period) -> int:
    latest = db.session.scalar(
        select(func.max(ReportRun.edition)).where(
            ReportRun.account_id == account_id, ReportRun.kind == kind, ReportRun.period_from == period.first
        )
    )
    return max(latest or SCHEDULED, SCHEDULED) + 1


def _record(run: ReportRun, actor: User | None, now: datetime) -> None:
    label = f"{run.kind} {run.period_from.isoformat()}"
    audit.record("report_made", run, actor=actor, now=now, label=label)


def _send(run: ReportRun, report: Report, now: datetime) -> None:
    params = {
        "url": f"/reports/{run.id}",
        "run_id": run.id,
        "report_kind": run.kind,
        "edition": run.edition,
        "account_name": report.account.zh,
        "account_name_en": report.account.en or report.account.zh,
        "period_from": report.period_from.isoformat(),
        "period_to": report.period_to.isoformat(),
    }
    matter = Matter(MATTER_KIND, run.id, f"{run.kind}-{report.period_from}", run.account_id)
    notices.queue_many(
        [
            Message(notice_kind(report.kind), person, params, f"report:{run.id}", matter, channels=channels)
            for person, channels in recipients.to_send(run.account_id, report.kind)
        ],
        now=now,
    )


def list_runs(
    account_id: int, page: PageRequest, *, actor: User, kind: ReportKind | None = None
) -> Page[ReportRun]:
    """The account's reports without their figures, latest made first; the client sees those that were sent to it."""
    statement = visible_runs(actor, account_id)
    if kind is not None:
        statement = statement.where(ReportRun.kind == kind)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ordered = statement.order_by(ReportRun.made_at.desc(), ReportRun.id.desc())
    rows = db.session.scalars(
        ordered.options(defer(ReportRun.figures)).limit(page.size).offset(page.offset)
    ).all()
    return Page(rows, total, page.number, page.size)


def latest_runs(account_id: int, *, actor: User) -> dict[str, ReportRun]:
    """The latest run of each kind, by kind, without its figures."""
    access.require(actor, Action.READ_REPORTS)
    latest = _visible(
        actor, select(func.max(ReportRun.id)).where(ReportRun.account_id == account_id)
    ).group_by(ReportRun.kind)
    found = db.session.scalars(
        select(ReportRun).where(ReportRun.id.in_(latest)).options(defer(ReportRun.figures))
    )
    return {run.kind: run for run in found}


def list_kinds(account_id: int, *, actor: User) -> list[ReportKind]:
    """The kinds of which the actor can see a report, in their own order."""
    found = set(
        db.session.scalars(visible_runs(actor, account_id).with_only_columns(ReportRun.kind).distinct())
    )
    return [kind for kind in ReportKind if kind in found]


def get_run(run_id: int, *, actor: User) -> ReportRun:
    """One report the actor may see; NotFound otherwise."""
    access.require(actor, Action.READ_REPORTS)
    own = _visible(actor, select(ReportRun).where(ReportRun.id == run_id))
    run: ReportRun | None = db.session.scalar(own)
    if run is None:
        raise NotFound("not_found")
    return run


def visible_runs(actor: User, account_id: int) -> Select[tuple[ReportRun]]:
    """A select of the account's reports that the actor may see."""
    access.require(actor, Action.READ_REPORTS)
    return _visible(actor, select(ReportRun).where(ReportRun.account_id == account_id))


def _visible(actor: User, statement: Select[Any]) -> Select[Any]:
    """What the actor may see: the client only what went to somebody of the client."""
    statement = access.visible(actor, Action.READ_REPORTS, statement, ReportRun)
    if actor.side is Side.CLIENT:
        client = select(User.id).where(User.role.in_(CLIENT_ROLES))
        to_contact = and_(Notice.user_id.is_(None), Notice.channel == Channel.MAIL)
        statement = statement.where(
            exists().where(
                Notice.matter_kind == MATTER_KIND,
                Notice.matter_id == ReportRun.id,
                or_(to_contact, Notice.user_id.in_(client)),
            )
        )
    return statement


def document_of(run: ReportRun) -> Report:
    """The report as it was made, whatever changed since."""
    # Weekly reports were kept before all reports had one shape; theirs had no version.
    return from_json(run.figures) if "version" in run.figures else weekly_claims.from_kept(run.figures)


def find_document(run_id: int) -> Report | None:
    """The report of a run, for its mail; None when there is no such run."""
    run = db.session.get(ReportRun, run_id)
    return document_of(run) if run else None
