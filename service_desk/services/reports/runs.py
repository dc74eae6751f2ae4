"""Making a report: computed, kept and queued to its recipients in one transaction, once per account and week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, exists, func, select
from sqlalchemy.exc import IntegrityError

from service_desk.base.errors import Invalid, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Contact, KeyAccount
from service_desk.models.db import db
from service_desk.models.notices import Channel, DeliveryTry, Notice, NoticeState
from service_desk.models.reports import ReportRun, ReportSchedule
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role, Side
from service_desk.rules.schedule import due_periods, is_over, week_of
from service_desk.services import access, audit, notices
from service_desk.services.notices import Matter, Recipient
from service_desk.services.reports import weekly
from service_desk.services.reports.figures import KIND, WeeklyReport, as_json
from service_desk.services.reports.schedules import rule_of

MATTER_KIND = "report"
SCHEDULED = 0


@dataclass(frozen=True)
class RunNow:
    """A report by hand: of the week a day lies in; sent to the recipients, or only kept to be looked at."""

    week: date
    is_sent: bool


@dataclass(frozen=True)
class Delivery:
    """A mail of a report and its tries, latest first."""

    notice: Notice
    tries: tuple[DeliveryTry, ...]


def list_on_schedule() -> list[int]:
    """The accounts whose report is made on schedule."""
    return list(
        db.session.scalars(
            select(ReportSchedule.account_id)
            .join(KeyAccount, KeyAccount.id == ReportSchedule.account_id)
            .where(ReportSchedule.kind == KIND, ReportSchedule.is_active, KeyAccount.is_active)
            .order_by(ReportSchedule.account_id)
        )
    )


def list_due(account_id: int, now: datetime) -> list[date]:
    """The Mondays of the weeks whose report should exist and does not, oldest first."""
    schedule, zone = db.session.execute(
        select(ReportSchedule, KeyAccount.zone)
        .join(KeyAccount, KeyAccount.id == ReportSchedule.account_id)
        .where(ReportSchedule.kind == KIND, ReportSchedule.account_id == account_id)
    ).one()
    wanted = due_periods(rule_of(schedule, zone), now)
    made = set(
        db.session.scalars(
            select(ReportRun.period_from).where(
                ReportRun.account_id == account_id,
                ReportRun.kind == KIND,
                ReportRun.edition == SCHEDULED,
                ReportRun.period_from.in_(wanted),
            )
        )
    )
    return [period for period in wanted if period not in made]


def make_scheduled(account_id: int, period_from: date, *, now: datetime) -> ReportRun | None:
    """Make and send the scheduled report of a week; None when another process has made it."""
    report = weekly.compute(account_id, period_from, now=now)
    run = _row(report, SCHEDULED, None)
    try:
        with db.session.begin_nested():
            db.session.add(run)
    except IntegrityError:
        return None
    _send(run, report, now)
    audit.record("report_made", run, actor=None, now=now, label=run.period_from.isoformat())
    return run


def run_now(account_id: int, command: RunNow, *, actor: User, now: datetime) -> ReportRun:
    """Make a new edition of a past week's report. Invalid when the week is not over yet."""
    access.require(actor, Action.RUN_REPORTS)
    account = access.get_visible(actor, Action.RUN_REPORTS, KeyAccount, KeyAccount.id == account_id)
    period_from = week_of(command.week)
    if not is_over(period_from, now, ZoneInfo(account.zone)):
        raise Invalid("report_week_not_over", field="week")
    report = weekly.compute(account.id, period_from, now=now)
    # Of two who run the same week at once the second waits here, then numbers its edition after the first.
    db.session.execute(select(KeyAccount.id).where(KeyAccount.id == account.id).with_for_update())
    run = _row(report, _next_edition(account.id, period_from), actor)
    db.session.add(run)
    db.session.flush()
    if command.is_sent:
        _send(run, report, now)
    audit.record("report_made", run, actor=actor, now=now, label=run.period_from.isoformat())
    return run


def _row(report: WeeklyReport, edition: int, actor: User | None) -> ReportRun:
    return ReportRun(
        account_id=report.account_id,
        kind=KIND,
        period_from=report.period_from,
        period_to=report.period_to,
        edition=edition,
        figures=as_json(report),
        made_at=report.made_at,
        made_by_id=actor.id if actor else None,
    )


def _next_edition(account_id: int, period_from: date) -> int:
    latest = db.session.scalar(
        select(func.max(ReportRun.edition)).where(
            ReportRun.account_id == account_id, ReportRun.kind == KIND, ReportRun.period_from == period_from
        )
    )
    return max(latest or SCHEDULED, SCHEDULED) + 1


def _send(run: ReportRun, report: WeeklyReport, now: datetime) -> None:
    params = {
        "url": f"/reports/{run.id}",
        "run_id": run.id,
        "edition": run.edition,
        "account_name": report.account_name,
        "account_name_en": report.account_name_en,
        "period_from": report.period_from.isoformat(),
        "period_to": report.period_to.isoformat(),
    }
    matter = Matter(MATTER_KIND, run.id, f"{KIND}-{report.period_from}", run.account_id)
    for recipient in list_recipients(run.account_id):
        notices.queue(KIND, recipient, params, dedupe=f"report:{run.id}", now=now, matter=matter)


def list_recipients(account_id: int) -> list[Recipient]:
    """The group insurance department's logins, and the contact people who get reports; each address once."""
    users = [notices.user_recipient(u) for u in access.account_members(account_id, Role.GROUP_INSURANCE)]
    contacts = db.session.scalars(
        select(Contact)
        .where(Contact.account_id == account_id, Contact.is_active, Contact.gets_reports, Contact.email != "")
        .order_by(Contact.id)
    )
    known = {user.email.casefold() for user in users}
    found = list(users)
    for contact in contacts:
        if contact.email.casefold() not in known:
            known.add(contact.email.casefold())
            found.append(notices.contact_recipient(contact))
    return found


def list_runs(account_id: int, page: PageRequest, *, actor: User) -> Page[ReportRun]:
    """The account's reports, newest week and edition first; the client sees those that were sent."""
    access.require(actor, Action.READ_REPORTS)
    statement = _visible(actor, select(ReportRun).where(ReportRun.account_id == account_id))
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ordered = statement.order_by(ReportRun.period_from.desc(), ReportRun.edition.desc(), ReportRun.id.desc())
    rows = db.session.scalars(ordered.limit(page.size).offset(page.offset)).all()
    return Page(rows, total, page.number, page.size)


def get_run(run_id: int, *, actor: User) -> ReportRun:
    """One report the actor may see; NotFound otherwise."""
    access.require(actor, Action.READ_REPORTS)
    run = db.session.scalar(_visible(actor, select(ReportRun).where(ReportRun.id == run_id)))
    if run is None:
        raise NotFound("not_found")
    return run


def _visible(actor: User, statement: Select[tuple[ReportRun]]) -> Select[tuple[ReportRun]]:
    statement = access.visible(actor, Action.READ_REPORTS, statement, ReportRun)
    if actor.side is Side.CLIENT:
        statement = statement.where(
            exists().where(Notice.matter_kind == MATTER_KIND, Notice.matter_id == ReportRun.id)
        )
    return statement


def find_report(run_id: int) -> WeeklyReport | None:
    """The figures a run keeps, for its mail; None when there is no such run."""
    run = db.session.get(ReportRun, run_id)
    return WeeklyReport.from_json(run.figures) if run else None


def count_deliveries(run_ids: Sequence[int]) -> dict[int, dict[NoticeState, int]]:
    """How many mails of each report wait, were sent, or failed."""
    rows = db.session.execute(
        select(Notice.matter_id, Notice.state, func.count())
        .where(
            Notice.matter_kind == MATTER_KIND, Notice.matter_id.in_(run_ids), Notice.channel == Channel.MAIL
        )
        .group_by(Notice.matter_id, Notice.state)
    )
    counts: dict[int, dict[NoticeState, int]] = {run_id: {} for run_id in run_ids}
    for run_id, state, number in rows:
        counts[run_id][state] = number
    return counts


def send_again(run: ReportRun, notice_id: int, *, actor: User, now: datetime) -> Notice:
    """Put one mail of a report back into the queue; NotFound when it is not a mail of this report."""
    if notice_id not in {one.notice.id for one in list_deliveries(run, actor=actor)}:
        raise NotFound("not_found")
    return notices.send_again(notice_id, actor=actor, now=now)


def list_deliveries(run: ReportRun, *, actor: User) -> list[Delivery]:
    """The mails of a report with their tries, for those who may read the delivery log; else nothing."""
    if not access.may(actor, Action.READ_DELIVERY_LOG):
        return []
    mails = db.session.scalars(
        select(Notice)
        .where(Notice.matter_kind == MATTER_KIND, Notice.matter_id == run.id, Notice.channel == Channel.MAIL)
        .order_by(Notice.id)
    ).all()
    tries = db.session.scalars(
        select(DeliveryTry)
        .where(DeliveryTry.notice_id.in_([mail.id for mail in mails]))
        .order_by(DeliveryTry.at.desc(), DeliveryTry.id.desc())
    ).all()
    return [Delivery(mail, tuple(t for t in tries if t.notice_id == mail.id)) for mail in mails]
