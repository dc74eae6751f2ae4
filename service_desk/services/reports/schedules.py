"""When each account's weekly report is made: one editable row an account."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.reports import ReportSchedule
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.schedule import WeeklySchedule
from service_desk.services import access, audit
from service_desk.services.reports.figures import KIND


@dataclass(frozen=True)
class ScheduleDetails:
    """`weekday` 0 is Monday; hour and minute are of the account's zone. Not active: paused."""

    weekday: int
    hour: int
    minute: int
    is_active: bool


def has_unscheduled() -> bool:
    """Whether an account has no schedule yet: a look before a write transaction is begun for it."""
    return db.session.scalar(_unscheduled().limit(1)) is not None


def ensure_schedules(now: datetime) -> int:
    """Give every active account without one the usual schedule, from today on; how many got one."""
    accounts = db.session.scalars(_unscheduled()).all()
    db.session.add_all(
        ReportSchedule(account_id=account.id, kind=KIND, starts_on=local_date(now, ZoneInfo(account.zone)))
        for account in accounts
    )
    return len(accounts)


def _unscheduled() -> Select[tuple[KeyAccount]]:
    have = select(ReportSchedule.account_id).where(ReportSchedule.kind == KIND)
    return select(KeyAccount).where(KeyAccount.is_active, KeyAccount.id.not_in(have)).order_by(KeyAccount.id)


def find_schedule(account_id: int, *, actor: User) -> ReportSchedule | None:
    """The account's schedule; None while it has none (a new account, until the next minute)."""
    access.require(actor, Action.READ_REPORTS)
    own = select(ReportSchedule).where(ReportSchedule.account_id == account_id, ReportSchedule.kind == KIND)
    found: ReportSchedule | None = db.session.scalar(
        access.visible(actor, Action.READ_REPORTS, own, ReportSchedule)
    )
    return found


def rule_of(schedule: ReportSchedule, zone: str) -> WeeklySchedule:
    """The schedule as the rules read it."""
    return WeeklySchedule(
        schedule.weekday, schedule.hour, schedule.minute, ZoneInfo(zone), schedule.starts_on
    )


def edit_schedule(
    schedule_id: int, details: ScheduleDetails, version: int, *, actor: User, now: datetime
) -> ReportSchedule:
    """Change when the report is made, or pause it. What fell due during a pause is not sent afterwards."""
    access.require(actor, Action.EDIT_SCHEDULES)
    schedule = access.get_visible(
        actor, Action.EDIT_SCHEDULES, ReportSchedule, ReportSchedule.id == schedule_id
    )
    if schedule.version != version:
        raise Conflict("stale")
    if not (0 <= details.weekday <= 6 and 0 <= details.hour <= 23 and 0 <= details.minute <= 59):
        raise Invalid("report_time_invalid", field="at")
    account = db.session.get(KeyAccount, schedule.account_id)
    if account is None:
        raise NotFound("not_found")
    resumed = details.is_active and not schedule.is_active
    changes = audit.change(
        schedule,
        weekday=details.weekday,
        hour=details.hour,
        minute=details.minute,
        is_active=details.is_active,
        starts_on=local_date(now, ZoneInfo(account.zone)) if resumed else schedule.starts_on,
    )
    audit.record(
        "report_schedule_changed", schedule, actor=actor, now=now, label=account.name, changes=changes
    )
    return schedule
