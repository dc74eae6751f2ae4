"""How an account's reports stand: when each is made next, how the last one fared, who gets it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from service_desk.models.accounts import KeyAccount
from service_desk.models.notices import NoticeState
from service_desk.models.reports import ReportFault, ReportRun, ReportSchedule
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Side
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import AUDIENCE, next_period, period_after, sent_at
from service_desk.services import access
from service_desk.services.reports import deliveries, faults, recipients, runs, schedules
from service_desk.services.reports.runs import Due


class ScheduleState(StrEnum):
    """`LATE`: due and not made; within a minute or two it will be."""

    ON = "on"
    PAUSED = "paused"
    LATE = "late"


@dataclass(frozen=True)
class Overview:
    """A schedule as a manager sees it. `next_at` is None while it is paused.

    `fault`: the oldest report of it that could not be made, for who keeps the schedules.
    """

    schedule: ReportSchedule
    kind: ReportKind
    state: ScheduleState
    next_at: datetime | None
    recipients: int
    last_run: ReportRun | None
    last_deliveries: dict[NoticeState, int]
    fault: ReportFault | None = None


def read_overview(account: KeyAccount, *, actor: User, now: datetime) -> Sequence[Overview]:
    """The account's schedules in the order of their kinds; the client sees those of the reports it gets."""
    found = schedules.list_schedules(account.id, actor=actor)
    if actor.side is Side.CLIENT:
        found = [one for one in found if Side.CLIENT in AUDIENCE[ReportKind(one.kind)]]
    latest = runs.latest_runs(account.id, actor=actor)
    fared = deliveries.count_deliveries([run.id for run in latest.values()])
    people = recipients.count_by_schedule(found)
    coming = next_runs(found, account, now)
    late = _late(found, account, now)
    known = faults.faults_of(late) if access.may(actor, Action.EDIT_SCHEDULES) else {}
    fails = {fault.kind: fault for fault in sorted(known.values(), key=_age, reverse=True)}
    return [
        Overview(
            schedule=one,
            kind=ReportKind(one.kind),
            state=_state(one, {due.kind for due in late}),
            next_at=coming.get(one.id),
            recipients=people[one.id],
            last_run=latest.get(one.kind),
            last_deliveries=fared[latest[one.kind].id] if one.kind in latest else {},
            fault=fails.get(one.kind),
        )
        for one in found
    ]


def next_runs(found: Sequence[ReportSchedule], account: KeyAccount, now: datetime) -> dict[int, datetime]:
    """The instant of the next scheduled report of an account's schedules, by their id; none of what is paused.

    A period is made once: where the schedule was moved to a later day than it was made on, the next one comes.
    """
    coming: dict[int, list[tuple[Due, datetime]]] = {}
    for plan in (schedules.planned(one, account.zone) for one in found if one.is_active):
        rule = plan.rule
        first = next_period(rule, now)
        coming[plan.schedule_id] = [
            (Due(plan.account_id, plan.kind, period), sent_at(rule, period))
            for period in (first, period_after(rule.frequency, first))
        ]
    to_make = set(runs.not_made([due for pairs in coming.values() for due, _at in pairs]))
    return {
        schedule_id: next((at for due, at in pairs if due in to_make), pairs[-1][1])
        for schedule_id, pairs in coming.items()
    }


def failing(schedule: ReportSchedule, account: KeyAccount, now: datetime) -> list[ReportFault]:
    """The reports of a schedule that could not be made, the oldest first, for the page of who keeps it."""
    return sorted(faults.faults_of(_late([schedule], account, now)).values(), key=_age)


def _age(fault: ReportFault) -> date:
    return fault.period_from


def _late(found: Sequence[ReportSchedule], account: KeyAccount, now: datetime) -> list[Due]:
    active = [schedules.planned(one, account.zone) for one in found if one.is_active]
    return runs.not_made([due for one in active for due in runs.wanted(one, now)])


def _state(schedule: ReportSchedule, late: set[ReportKind]) -> ScheduleState:
    if not schedule.is_active:
        return ScheduleState.PAUSED
    return ScheduleState.LATE if schedule.kind in late else ScheduleState.ON
