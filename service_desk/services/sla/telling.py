"""What a clock has to say: each happening is written once, with its true instant, and its notices queued."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from service_desk.models.db import db, table_of
from service_desk.models.sla import SlaEvent, Timer, TimerEntry
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role
from service_desk.rules.sla import (
    EventKind,
    Happening,
    HappeningKind,
    TimerFacts,
    consumption,
    due_checks,
)
from service_desk.rules.sla.timer import next_check
from service_desk.services import access, notices
from service_desk.services.sla import calendars, ledger, posting, review_clocks, starting
from service_desk.services.sla.people import People

NOTICE_KINDS = {
    HappeningKind.WARNING: "clock_warning",
    HappeningKind.BREACH: "clock_breach",
    HappeningKind.ESCALATION: "clock_escalation",
    HappeningKind.PAUSE_END: "pause_ended",
}


@dataclass(frozen=True)
class Judged:
    """A clock with what follows from its ledger now: what it has to tell, and when to look at it next."""

    timer: Timer
    facts: TimerFacts
    due: Sequence[Happening]
    next_check_at: datetime | None


_Due = tuple[Judged, Happening]


def judged(timer: Timer, facts: TimerFacts, told: AbstractSet[str], now: datetime) -> Judged:
    """Find what is to be told now; `told` is what was told before."""
    due = due_checks(facts, told, now)
    following = next_check(facts.happenings, {*told, *(happening.code for happening in due)})
    if following is not None and following <= now:
        # At the due instant itself there is no breach yet; without this the sweep would ask again and again.
        following = now + timedelta(seconds=1)
    return Judged(timer, facts, due, following)


def tell_due(timer: Timer, facts: TimerFacts, *, now: datetime) -> Sequence[Happening]:
    """Write and send everything due by `now` on one timer, and set when to look again."""
    clock = judged(timer, facts, ledger.told(timer.id), now)
    tell([clock], now=now)
    timer.next_check_at = clock.next_check_at
    db.session.flush()
    return clock.due


def tell(clocks: Sequence[Judged], *, now: datetime) -> None:
    """Write and send what clocks have to tell, in order of time. The caller writes their rows.

    After an outage a warning and its breach come due together: both are kept with their true instants, but
    only the breach is sent, since a warning would come too late to help.
    """
    due = [(clock, happening) for clock in clocks for happening in clock.due]
    if not due:
        return
    due.sort(key=lambda pair: (pair[1].at, pair[0].timer.id))
    _write_events(due, now)
    _write_resumptions(due, now)
    people = People([clock.timer for clock, _ in due])
    posting.post(list(_messages(due, people)), now=now)
    broken = [clock for clock, one in due if one.kind is HappeningKind.BREACH]
    to_review = [clock for clock in broken if clock.timer.step is not ClockStep.BREACH_REVIEW]
    review_clocks.open_for([_breach(clock) for clock in to_review], people, now)


def _breach(clock: Judged) -> review_clocks.Breach:
    return review_clocks.Breach(clock.timer, consumption(clock.facts.segments).users)


def _write_events(due: Sequence[_Due], now: datetime) -> None:
    db.session.execute(
        insert(table_of(SlaEvent)),
        [
            {"timer_id": clock.timer.id, "kind": one.code, "at": one.at, "recorded_at": now}
            for clock, one in due
        ],
    )


def _write_resumptions(due: Sequence[_Due], now: datetime) -> None:
    """The rules let a pause run out by themselves; the ledger says so too, for people to read."""
    rows = [
        {
            "timer_id": clock.timer.id,
            "at": one.at,
            "kind": EventKind.RESUME,
            "holder_id": _holder_at(clock, one.at),
            "recorded_at": now,
        }
        for clock, one in due
        if one.kind is HappeningKind.PAUSE_END
    ]
    if rows:
        db.session.execute(insert(TimerEntry), rows)


def _holder_at(clock: Judged, pause_ended_at: datetime) -> int:
    paused = (part for part in clock.facts.segments if part.reason is not None)
    return next((part.holder_id for part in paused if part.to_at == pause_ended_at), clock.timer.holder_id)


def managers_of(timer: Timer) -> list[User]:
    """The managers of the timer's account, by staff number, but for whom a complaint is about."""
    hidden = access.hidden_from([timer.matter_number]).get(timer.matter_number)
    return [one for one in access.account_members(timer.account_id, Role.MANAGER) if one.id != hidden]


def _messages(due: Sequence[_Due], people: People) -> Iterator[notices.Message]:
    breached = {clock.timer.id for clock, one in due if one.kind is HappeningKind.BREACH}
    for clock, happening in due:
        timer = clock.timer
        if happening.kind is HappeningKind.WARNING and timer.id in breached:
            continue
        params = _params(clock, happening, people.holder(timer))
        broken = happening.kind in (HappeningKind.BREACH, HappeningKind.ESCALATION)
        has_review = broken and timer.matter_kind != starting.BREACH
        matter = ledger.matter_of(timer)
        for user in people.recipients(timer, happening):
            to_review = has_review and access.may(user, Action.REVIEW_BREACHES)
            yield notices.Message(
                NOTICE_KINDS[happening.kind],
                notices.user_recipient(user),
                {**params, "url": f"/breaches/{timer.id}"} if to_review else params,
                f"timer:{timer.id}:{happening.code}",
                matter,
                is_shared=not people.is_complaint(timer),
            )


def _params(clock: Judged, happening: Happening, holder: User) -> dict[str, Any]:
    """What the message needs; instants are ISO strings."""
    timer, due_at = clock.timer, clock.facts.due_at
    return {
        "url": matter_path(timer),
        "step": timer.step.value,
        "number": timer.matter_number,
        "holder": holder.name,
        "staff_no": holder.staff_no,
        "at": happening.at.isoformat(),
        "due_at": due_at.isoformat() if due_at else None,
        "is_provisional": calendars.counts_on_provisional(timer, due_at),
        "target_value": timer.target_value,
        "target_unit": timer.target_unit.value,
    }


def matter_path(timer: Timer) -> str:
    """The page of what the timer is about."""
    folders = {
        "claim": "claims",
        "enquiry": "enquiries",
        "vehicle_request": "vehicle-requests",
        "missed_cover": "renewals/missed",
        "outstanding_list": "outstanding",
    }
    folder = folders.get(timer.matter_kind)
    return f"/{folder}/{timer.matter_number}" if folder else f"/breaches/{timer.matter_id}"
