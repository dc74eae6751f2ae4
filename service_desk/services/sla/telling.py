"""What a clock has to say: each happening is written once, with its true instant, and its notices queued."""

from datetime import datetime, timedelta
from typing import Any

from service_desk.models.db import db
from service_desk.models.sla import SlaEvent, Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role
from service_desk.rules.sla import EventKind, Happening, HappeningKind, TimerFacts, due_checks
from service_desk.rules.sla.addressees import addressee_of
from service_desk.services import access, notices
from service_desk.services.sla import ledger, starting

NOTICE_KINDS = {
    HappeningKind.WARNING: "clock_warning",
    HappeningKind.BREACH: "clock_breach",
    HappeningKind.ESCALATION: "clock_escalation",
    HappeningKind.PAUSE_END: "pause_ended",
}


def tell_due(timer: Timer, facts: TimerFacts, *, now: datetime) -> list[Happening]:
    """Write and send everything due by `now`, in order, and set when to look again.

    After an outage a warning and its breach come due together: both are kept with their true instants, but
    only the breach is sent, since a warning would come too late to help.
    """
    happenings = due_checks(facts, ledger.told(timer.id), now)
    kinds = {happening.kind for happening in happenings}
    for happening in happenings:
        db.session.add(SlaEvent(timer_id=timer.id, kind=happening.code, at=happening.at, recorded_at=now))
        if happening.kind is HappeningKind.PAUSE_END:
            _write_resumption(timer, happening, now)
        if happening.kind is not HappeningKind.WARNING or HappeningKind.BREACH not in kinds:
            _queue(timer, happening, facts, now)
        if happening.kind is HappeningKind.BREACH and timer.step is not ClockStep.BREACH_REVIEW:
            _start_review_clock(timer, now)
    entries = ledger.entries_of([timer.id])[timer.id]
    ledger.refresh(timer, ledger.events_of(entries), now)
    if timer.next_check_at is not None and timer.next_check_at <= now:
        # At the due instant itself there is no breach yet; without this the sweep would ask again and again.
        timer.next_check_at = now + timedelta(seconds=1)
    return happenings


def managers_of(timer: Timer) -> list[User]:
    """The managers of the timer's account, by staff number."""
    return access.account_members(timer.account_id, Role.MANAGER)


def recipients_of(timer: Timer, happening: Happening) -> list[User]:
    """Whom a happening is told, nobody twice, only people who are still with us.

    A warning and the end of a pause concern the holder, a breach the managers too, an escalation whom the
    promise names for it. Where nobody of them is left, the account's managers hear of it, and without
    managers the administrators: a broken promise is never told to nobody.
    """
    holder = db.session.get_one(User, timer.holder_id)
    if happening.kind is HappeningKind.ESCALATION:
        wanted = _escalation_recipients(timer, happening.level)
    elif happening.kind is HappeningKind.BREACH:
        wanted = [holder, *_above(timer)]
    else:
        wanted = [holder]
    return [user for user in dict.fromkeys(wanted) if user.is_active] or _above(timer)


def _escalation_recipients(timer: Timer, level: int) -> list[User]:
    """Whom the promise names; nobody when that person no longer works for the account."""
    named = addressee_of(timer.escalate_to, level)
    if named.role is Role.ADMIN:
        return access.administrators()
    if named.role is not None:
        return access.account_members(timer.account_id, named.role)
    return [user for user in access.insurer_people(timer.account_id) if user.id == named.user_id]


def _above(timer: Timer) -> list[User]:
    """Who answers for the account: its managers, else the administrators."""
    return managers_of(timer) or access.administrators()


def _write_resumption(timer: Timer, happening: Happening, now: datetime) -> None:
    """The rules let a pause run out by themselves; the ledger says so too, for people to read."""
    ledger.add_entry(timer, EventKind.RESUME, holder_id=timer.holder_id, at=happening.at, actor=None, now=now)


def _queue(timer: Timer, happening: Happening, facts: TimerFacts, now: datetime) -> None:
    holder = db.session.get_one(User, timer.holder_id)
    for user in recipients_of(timer, happening):
        notices.queue(
            NOTICE_KINDS[happening.kind],
            notices.user_recipient(user),
            _params(timer, happening, facts, holder, may_review=access.may(user, Action.REVIEW_BREACHES)),
            dedupe=f"timer:{timer.id}:{happening.code}",
            now=now,
            matter=ledger.matter_of(timer),
        )


def _params(
    timer: Timer, happening: Happening, facts: TimerFacts, holder: User, *, may_review: bool
) -> dict[str, Any]:
    """What the message needs; instants are ISO strings."""
    broken = happening.kind in (HappeningKind.BREACH, HappeningKind.ESCALATION)
    of_matter = timer.matter_kind != starting.BREACH
    return {
        "url": f"/breaches/{timer.id}" if broken and may_review and of_matter else matter_path(timer),
        "step": timer.step.value,
        "number": timer.matter_number,
        "holder": holder.name,
        "staff_no": holder.staff_no,
        "at": happening.at.isoformat(),
        "due_at": facts.due_at.isoformat() if facts.due_at else None,
        "target_value": timer.target_value,
        "target_unit": timer.target_unit.value,
    }


def matter_path(timer: Timer) -> str:
    """The page of what the timer is about."""
    folder = {"claim": "claims", "enquiry": "enquiries"}.get(timer.matter_kind)
    return f"/{folder}/{timer.matter_number}" if folder else f"/breaches/{timer.matter_id}"


def _start_review_clock(timer: Timer, now: datetime) -> None:
    """Every breach must be reviewed, and the review has a clock of its own: a manager's, not the holder's.

    It starts when the breach is told: after an outage nobody could have known of it earlier.
    """
    managers = managers_of(timer)
    reviewer = next((user for user in managers if user.id != timer.holder_id), None)
    if reviewer is not None:
        starting.open_timer(
            starting.review_matter(timer),
            ClockStep.BREACH_REVIEW,
            holder_id=reviewer.id,
            at=now,
            actor=None,
            now=now,
        )
