"""What a claim like this at this time would be promised, and when each thing would happen. Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.models.sla import CalendarVersion, ServiceLevel, WorkingCalendarRow
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action
from service_desk.rules.sla import (
    Condition,
    EventKind,
    HappeningKind,
    LedgerEvent,
    MatterFacts,
    deciding_conditions,
    evaluate,
    matching_levels,
)
from service_desk.rules.sla.addressees import Addressee, addressee_of
from service_desk.rules.vocabulary import Severity
from service_desk.services import access
from service_desk.services.sla import calendars, levels


@dataclass(frozen=True)
class Trial:
    """A case that is thought of. None is unknown."""

    account_id: int
    step: ClockStep
    at: datetime
    severity: Severity | None = None
    is_urban: bool | None = None
    amount_fen: int | None = None


@dataclass(frozen=True)
class EscalationForeseen:
    """When the promise would be taken to whom, if it were still open then."""

    at: datetime
    after_minutes: int
    to: Addressee


@dataclass(frozen=True)
class TrialResult:
    """The level that holds and why, the less specific ones that match too, and all instants that follow.

    `is_provisional`: the due time rests on rest days that are not announced yet.
    """

    trial: Trial
    level: ServiceLevel
    deciding: tuple[Condition, ...]
    others: Sequence[ServiceLevel]
    calendar: WorkingCalendarRow
    calendar_version: CalendarVersion
    warn_at: datetime
    due_at: datetime
    escalations: Sequence[EscalationForeseen]
    is_provisional: bool


def try_out(trial: Trial, *, actor: User) -> TrialResult | None:
    """Choose and count as a clock started at `trial.at` would, on the calendars of today; None without a promise.

    NotFound for an account the actor does not see; Invalid for a year no calendar is kept for.
    """
    access.require(actor, Action.MANAGE_CLOCKS)
    access.get_account(actor, trial.account_id)
    first, last = calendars.FIRST_YEAR, calendars.LAST_YEAR
    if not first <= local_date(trial.at).year <= last:
        raise Invalid("calendar_year_out_of_range", field="at", first=first, last=last)
    rows = {str(row.id): row for row in levels.of_step(trial.step, trial.account_id)}
    rules = [levels.as_rule(row) for row in rows.values()]
    facts = _facts(trial)
    matching = matching_levels(rules, facts)
    if not matching:
        return None
    deciding = deciding_conditions(matching[0], rules, facts)
    return _foresee(trial, [rows[rule.code] for rule in matching], deciding)


def _facts(trial: Trial) -> MatterFacts:
    return levels.matter_facts(
        trial.step,
        on=local_date(trial.at),
        account_id=trial.account_id,
        severity=trial.severity,
        is_urban=trial.is_urban,
        amount_fen=trial.amount_fen,
    )


def _foresee(trial: Trial, matching: Sequence[ServiceLevel], deciding: tuple[Condition, ...]) -> TrialResult:
    level, others = matching[0], matching[1:]
    calendar = calendars.get_calendar(level.calendar_code)
    digest = calendars.current_digest(calendar.code)
    start = LedgerEvent(trial.at, EventKind.START, holder_id=0)
    facts = evaluate([start], levels.target_of(level), calendars.working_calendar(digest), trial.at)
    if facts.due_at is None or facts.warn_at is None:
        raise ValueError("a clock that runs has a due time")
    return TrialResult(
        trial=trial,
        level=level,
        deciding=deciding,
        others=others,
        calendar=calendar,
        calendar_version=calendars.version_of(digest),
        warn_at=facts.warn_at,
        due_at=facts.due_at,
        escalations=[
            EscalationForeseen(
                one.at,
                level.escalate_after_minutes[index],
                addressee_of(level.escalate_to, one.level),
            )
            for index, one in enumerate(
                one for one in facts.happenings if one.kind is HappeningKind.ESCALATION
            )
        ],
        is_provisional=calendars.depends_on_provisional(calendar.code, trial.at, facts.due_at),
    )
