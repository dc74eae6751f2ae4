"""Reports that could not be made: tried again after growing delays, shown to the managers, and told to them once."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError

from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.reports import ReportFault, ReportSchedule
from service_desk.models.users import User
from service_desk.rules.notice_subjects import REPORT_NOT_MADE
from service_desk.rules.permissions import Role
from service_desk.rules.schedule import is_failing_long, is_time_to_retry, retry_after
from service_desk.services import access, audit, notices
from service_desk.services.notices import Message
from service_desk.services.reports import runs, schedules
from service_desk.services.reports.runs import Due

_LONGEST_CODE = 64

Key = tuple[int, str, date]


def key_of(due: Due) -> Key:
    """What tells one report that is due from another."""
    return due.account_id, due.kind.value, due.period.first


def faults_of(due: Sequence[Due]) -> dict[Key, ReportFault]:
    """What is known of the reports that failed, by key; one query for all."""
    if not due:
        return {}
    found = db.session.scalars(
        select(ReportFault)
        .where(
            ReportFault.account_id.in_({one.account_id for one in due}),
            ReportFault.period_from >= min(one.period.first for one in due),
        )
        .order_by(ReportFault.id)
    )
    keys = {key_of(one) for one in due}
    return {key: fault for fault in found if (key := _key(fault)) in keys}


def _key(fault: ReportFault) -> Key:
    return fault.account_id, fault.kind, fault.period_from


def to_try(due: Sequence[Due], known: Mapping[Key, ReportFault], now: datetime) -> list[Due]:
    """Those that may be tried now: never tried, or their delay is over."""
    return [
        one
        for one in due
        if (fault := known.get(key_of(one))) is None or is_time_to_retry(fault.next_try_at, now)
    ]


def to_tell(known: Mapping[Key, ReportFault], now: datetime) -> list[int]:
    """Those of which the managers do not know yet and should, by id."""
    return [
        fault.id
        for fault in known.values()
        if fault.told_at is None and is_failing_long(fault.since_at, fault.failed_at, now)
    ]


def note(due: Due, code: str, *, now: datetime) -> None:
    """Keep that a report could not be made and when it is tried next.

    Of several processes that failed with it at once one counts; nothing is noted when another has made it.
    """
    if not runs.not_made([due]):
        return
    own = _own(due)
    fault = db.session.scalar(select(ReportFault).where(*own).with_for_update())
    if fault is None:
        _add(due, code, now)
    elif is_time_to_retry(fault.next_try_at, now):
        fault.tries += 1
        fault.code, fault.failed_at = code[:_LONGEST_CODE], now
        fault.next_try_at = now + retry_after(fault.tries)


def _add(due: Due, code: str, now: datetime) -> None:
    fault = ReportFault(
        account_id=due.account_id,
        kind=due.kind.value,
        period_from=due.period.first,
        period_to=due.period.last,
        code=code[:_LONGEST_CODE],
        since_at=now,
        failed_at=now,
        next_try_at=now + retry_after(1),
    )
    try:
        with db.session.begin_nested():
            db.session.add(fault)
    except IntegrityError:
        # Another process has just noted the same.
        return


def forget(due: Due) -> None:
    """The report was made."""
    db.session.execute(delete(ReportFault).where(*_own(due)))


def _own(due: Due) -> tuple[ColumnElement[bool], ...]:
    account_id, kind, first = key_of(due)
    return (
        ReportFault.account_id == account_id,
        ReportFault.kind == kind,
        ReportFault.period_from == first,
    )


def tell(fault_id: int, *, now: datetime) -> None:
    """Tell the account's managers, or the administrators where there is none, that a report is not made."""
    fault = db.session.get(ReportFault, fault_id, with_for_update=True, populate_existing=True)
    if fault is None or fault.told_at is not None:
        return
    fault.told_at = now
    account = db.session.get_one(KeyAccount, fault.account_id)
    schedule_id = db.session.scalar(
        select(ReportSchedule.id).where(
            ReportSchedule.account_id == fault.account_id, ReportSchedule.kind == fault.kind
        )
    )
    params = {
        "url": f"/reports/schedules/{schedule_id}",
        "report_kind": fault.kind,
        "account_name": account.name,
        "account_name_en": account.name_en or account.name,
        "period_from": fault.period_from.isoformat(),
        "period_to": fault.period_to.isoformat(),
        "since": f"{fault.since_at.astimezone(ZoneInfo(account.zone)):%Y-%m-%d %H:%M}",
        "tries": fault.tries,
        "code": fault.code,
    }
    dedupe = f"{REPORT_NOT_MADE}:{fault.account_id}:{fault.kind}:{fault.period_from.isoformat()}"
    managers = access.account_members(fault.account_id, Role.MANAGER) or access.administrators()
    notices.queue_many(
        [
            Message(
                REPORT_NOT_MADE,
                notices.user_recipient(user),
                params,
                dedupe,
                account_id=fault.account_id,
                is_shared=False,
            )
            for user in managers
        ],
        now=now,
    )


def try_now(schedule_id: int, *, actor: User, now: datetime) -> int:
    """Let the next run of the job try again what fails of a schedule; how many reports. Twice is as once."""
    schedule = schedules.get_schedule(schedule_id, actor=actor)
    own = (ReportFault.account_id == schedule.account_id, ReportFault.kind == schedule.kind)
    waiting = update(ReportFault).where(*own, ReportFault.next_try_at > now).values(next_try_at=now)
    count = len(db.session.execute(waiting.returning(ReportFault.id)).all())
    if count:
        audit.record("report_try_asked", schedule, actor=actor, now=now, label=schedule.kind)
    return count
