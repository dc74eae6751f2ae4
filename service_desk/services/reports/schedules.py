"""When each account's reports are made: one editable row for an account and kind."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.reports import ReportSchedule
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import FREQUENCY, USUAL, Frequency, Schedule, Timing, days_of
from service_desk.services import access, audit
from service_desk.services.reports import makers


@dataclass(frozen=True)
class ScheduleDetails:
    """A day the kind can be due on (see `rules.schedule`) and a time of the account's zone. Not active: paused."""

    day: int
    hour: int
    minute: int
    is_active: bool


@dataclass(frozen=True)
class Planned:
    """A schedule that is kept, as the job reads it: plain values, for rows are stale after a unit of work."""

    schedule_id: int
    account_id: int
    kind: ReportKind
    timing: Timing
    zone: str
    starts_on: date

    @property
    def rule(self) -> Schedule:
        """As the rules read it. Raises for a zone there is not."""
        return Schedule(FREQUENCY[self.kind], self.timing, ZoneInfo(self.zone), self.starts_on)


def has_unscheduled() -> bool:
    """Whether an account lacks a schedule: a look before a write transaction is begun for it."""
    return db.session.scalar(_unscheduled().limit(1)) is not None


def ensure_schedules(now: datetime) -> int:
    """Give every active account the usual schedule of each report it lacks, from now on; how many were given."""
    accounts = db.session.scalars(_unscheduled()).all()
    have = _kinds_by_account([account.id for account in accounts])
    missing = [
        _usual(account, kind, now)
        for account in accounts
        for kind in makers.kinds()
        if kind not in have.get(account.id, ())
    ]
    db.session.add_all(missing)
    return len(missing)


def _unscheduled() -> Select[tuple[KeyAccount]]:
    own = (
        select(func.count())
        .select_from(ReportSchedule)
        .where(ReportSchedule.account_id == KeyAccount.id, ReportSchedule.kind.in_(makers.kinds()))
        .scalar_subquery()
    )
    return select(KeyAccount).where(KeyAccount.is_active, own < len(makers.kinds())).order_by(KeyAccount.id)


def _kinds_by_account(account_ids: Collection[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    rows = select(ReportSchedule.account_id, ReportSchedule.kind)
    for account_id, kind in db.session.execute(rows.where(ReportSchedule.account_id.in_(account_ids))):
        found.setdefault(account_id, set()).add(kind)
    return found


def _usual(account: KeyAccount, kind: ReportKind, now: datetime) -> ReportSchedule:
    timing = USUAL[kind]
    return ReportSchedule(
        account_id=account.id,
        kind=kind.value,
        **_day_columns(kind, timing.day),
        hour=timing.hour,
        minute=timing.minute,
        starts_on=_first_day(now, ZoneInfo(account.zone), timing.hour, timing.minute),
    )


def _first_day(now: datetime, zone: ZoneInfo, hour: int, minute: int) -> date:
    """The first day of sending of what begins now: today, or tomorrow when today's time has passed."""
    today = local_date(now, zone)
    due = datetime.combine(today, time(hour, minute), zone)
    return today if now <= due else today + timedelta(days=1)


def _day_columns(kind: ReportKind, day: int) -> Mapping[str, int | None]:
    is_weekly = FREQUENCY[kind] is Frequency.WEEKLY
    return {"weekday": day if is_weekly else None, "month_day": None if is_weekly else day}


def list_schedules(account_id: int, *, actor: User) -> list[ReportSchedule]:
    """The account's schedules in the order of the kinds; none for a new account, until the next minute."""
    access.require(actor, Action.READ_REPORTS)
    own = select(ReportSchedule).where(
        ReportSchedule.account_id == account_id, ReportSchedule.kind.in_(makers.kinds())
    )
    found = db.session.scalars(access.visible(actor, Action.READ_REPORTS, own, ReportSchedule))
    order = makers.kinds()
    return sorted(found, key=lambda one: order.index(ReportKind(one.kind)))


def find_schedule(account_id: int, kind: ReportKind, *, actor: User) -> ReportSchedule | None:
    """The account's schedule of a kind; None while it has none."""
    return next((one for one in list_schedules(account_id, actor=actor) if one.kind == kind), None)


def get_schedule(schedule_id: int, *, actor: User) -> ReportSchedule:
    """One schedule that the actor may change; NotFound otherwise."""
    access.require(actor, Action.EDIT_SCHEDULES)
    return access.get_visible(actor, Action.EDIT_SCHEDULES, ReportSchedule, ReportSchedule.id == schedule_id)


def timing_of(schedule: ReportSchedule) -> Timing:
    """Its day and time."""
    return Timing(schedule.day, schedule.hour, schedule.minute)


def planned(schedule: ReportSchedule, zone: str) -> Planned:
    """The schedule as plain values."""
    return Planned(
        schedule_id=schedule.id,
        account_id=schedule.account_id,
        kind=ReportKind(schedule.kind),
        timing=timing_of(schedule),
        zone=zone,
        starts_on=schedule.starts_on,
    )


def list_on_schedule() -> Sequence[Planned]:
    """What is made on schedule: of active accounts, not paused, and of a kind that can be made."""
    rows = db.session.execute(
        select(ReportSchedule, KeyAccount.zone)
        .join(KeyAccount, KeyAccount.id == ReportSchedule.account_id)
        .where(ReportSchedule.is_active, KeyAccount.is_active, ReportSchedule.kind.in_(makers.kinds()))
        .order_by(ReportSchedule.account_id, ReportSchedule.id)
    )
    return [planned(schedule, zone) for schedule, zone in rows]


def edit_schedule(
    schedule_id: int, details: ScheduleDetails, version: int, *, actor: User, now: datetime
) -> ReportSchedule:
    """Change when the report is made, or pause it. What fell due during a pause is not sent afterwards."""
    schedule = get_schedule(schedule_id, actor=actor)
    if schedule.version != version:
        raise Conflict("stale")
    kind = ReportKind(schedule.kind)
    if details.day not in days_of(kind):
        raise Invalid("report_day_invalid", field="day")
    if not (0 <= details.hour <= 23 and 0 <= details.minute <= 59):
        raise Invalid("report_time_invalid", field="at")
    account = db.session.get(KeyAccount, schedule.account_id)
    if account is None:
        raise NotFound("not_found")
    resumed = details.is_active and not schedule.is_active
    zone = ZoneInfo(account.zone)
    changes = audit.change(
        schedule,
        **_day_columns(kind, details.day),
        hour=details.hour,
        minute=details.minute,
        is_active=details.is_active,
        starts_on=_first_day(now, zone, details.hour, details.minute) if resumed else schedule.starts_on,
    )
    audit.record(
        "report_schedule_changed", schedule, actor=actor, now=now, label=schedule.kind, changes=changes
    )
    return schedule
