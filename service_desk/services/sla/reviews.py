"""A breach and its review: who used the clock, why it broke, and what is corrected by whom until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, SlaEvent, Timer, TimerEntry, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action
from service_desk.rules.sla import consumption
from service_desk.services import access, audit
from service_desk.services.sla import causes, ledger, remedies, starting, telling, timers
from service_desk.services.sla.breaches import holders_in
from service_desk.services.sla.clock_views import ClockView, view_clocks
from service_desk.services.sla.files import TimerFile, read_file

_AUDITED = ("cause", "responsible_id", "correction_owner_id", "correction_due_on")


@dataclass(frozen=True)
class BreachFile:
    """All a breach's page shows.

    `promise` says which level applied and why; `review_clock` is the clock of the review itself. `told` is what people were told and when; empty until the
    sweep has been. `candidates` may answer for the breach, `owners` may make a correction. `other_signers` are
    the managers who should sign instead of the reader, who used the clock; empty when the reader may sign.
    `people` are those whom review and review clock name.
    """

    clock: TimerFile
    promise: ClockView
    branch: Branch | None
    review: BreachReview | None
    review_clock: Timer | None
    told: Sequence[SlaEvent]
    candidates: Sequence[User]
    owners: Sequence[User]
    other_signers: Sequence[User]
    people: dict[int, User]


@dataclass(frozen=True)
class CorrectionAsked:
    """What is to be done so that it does not happen again. `owner_id` None: by the person responsible."""

    text: str
    due_on: date
    owner_id: int | None = None


@dataclass(frozen=True)
class SignReview:
    """What a manager finds.

    `responsible_id` None: nobody of ours, the client, a third party or force majeure. Only then may
    `correction` be None: none is needed.
    """

    cause: str
    responsible_id: int | None
    explanation: str
    correction: CorrectionAsked | None


def get_breach(timer_id: int, *, actor: User, now: datetime) -> BreachFile:
    """A breach with its ledger; NotFound for a clock that broke no promise or is not visible.

    A breach that a corrected time has undone since stays readable when it was reviewed.
    """
    timer = _get_timer(timer_id, actor)
    review = _find_review(timer.id)
    review_clock = _find_review_clock(timer)
    return BreachFile(
        clock=read_file(timer, now),
        promise=view_clocks([timer])[0],
        branch=db.session.get(Branch, timer.branch_id) if timer.branch_id else None,
        review=review,
        review_clock=review_clock,
        told=_told(timer),
        candidates=_candidates(timer),
        owners=_owners(timer),
        other_signers=_other_signers(timer, actor, now) if review is None else (),
        people=_people(review, review_clock),
    )


def sign_review(timer_id: int, command: SignReview, *, actor: User, now: datetime) -> BreachReview:
    """Sign why a promise was broken; it stops the review's own clock and tells who is to correct what.

    Invalid: review_by_responsible, review_by_holder, review_cause_unknown, review_responsible_unknown,
    review_text_missing, review_correction_needed, review_owner_missing, review_owner_unknown,
    review_due_past. Conflict("breach_reviewed") when another manager was first.
    """
    timer = _get_timer(timer_id, actor)
    _check_review(timer, command, actor, now)
    review = _row(timer, command, actor, now)
    try:
        with db.session.begin_nested():
            db.session.add(review)
    except IntegrityError:
        raise Conflict("breach_reviewed") from None
    timers.stop(starting.review_matter(timer), (ClockStep.BREACH_REVIEW,), at=now, actor=actor, now=now)
    audit.record(
        "breach_reviewed",
        review,
        actor=actor,
        now=now,
        label=starting.label_of(timer),
        account_id=timer.account_id,
        changes={name: (None, value) for name in _AUDITED if (value := getattr(review, name)) is not None},
    )
    remedies.ask(timer, review, actor=actor, now=now)
    return review


def _get_timer(timer_id: int, actor: User) -> Timer:
    access.require(actor, Action.REVIEW_BREACHES)
    timer = access.get_visible(actor, Action.REVIEW_BREACHES, Timer, Timer.id == timer_id)
    if timer.step is ClockStep.BREACH_REVIEW:
        raise NotFound("not_found")
    if timer.breached_at is None and _find_review(timer.id) is None:
        raise NotFound("not_found")
    return timer


def _find_review(timer_id: int) -> BreachReview | None:
    return db.session.scalar(select(BreachReview).where(BreachReview.timer_id == timer_id))


def _find_review_clock(timer: Timer) -> Timer | None:
    """The review's clock in its last cycle; a cancelled one says nothing."""
    clocks = timers.timers_of(starting.BREACH, [timer.id])[timer.id]
    return next((clock for clock in reversed(clocks) if clock.state is not TimerState.CANCELLED), None)


def _told(timer: Timer) -> Sequence[SlaEvent]:
    statement = select(SlaEvent).where(SlaEvent.timer_id == timer.id)
    return db.session.scalars(statement.order_by(SlaEvent.at, SlaEvent.id)).all()


def _candidates(timer: Timer) -> list[User]:
    """Who held the clock first, then everybody of the account; who has left since may still answer for it."""
    held = select(TimerEntry.holder_id).where(TimerEntry.timer_id == timer.id)
    holders = db.session.scalars(select(User).where(User.id.in_(held)).order_by(User.staff_no, User.id))
    return list(dict.fromkeys([*holders, *holders_in(timer.account_id)]))


def _owners(timer: Timer) -> list[User]:
    """A correction is work still to be done, so only people who are here, and nobody a complaint is about."""
    barred = access.hidden_from([timer.matter_number]).get(timer.matter_number)
    return [user for user in holders_in(timer.account_id) if user.is_active and user.id != barred]


def _other_signers(timer: Timer, actor: User, now: datetime) -> list[User]:
    """Managers who used none of the clock, when the actor used some of it: nobody judges the own delay."""
    used = consumption(ledger.facts_of(timer, now).segments).users
    if actor.id not in used:
        return []
    return [user for user in telling.managers_of(timer) if user.id not in used]


def _people(review: BreachReview | None, review_clock: Timer | None) -> dict[int, User]:
    ids: set[int | None] = {review_clock.holder_id} if review_clock else set()
    if review is not None:
        ids |= {review.responsible_id, review.signed_by_id}
        ids |= {review.correction_owner_id, review.corrected_by_id}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids - {None})))}


def _check_review(timer: Timer, command: SignReview, actor: User, now: datetime) -> None:
    if _find_review(timer.id) is not None:
        raise Conflict("breach_reviewed")
    if command.cause not in {cause.code for cause in causes.active_causes()}:
        raise Invalid("review_cause_unknown", field="cause")
    _check_people(timer, command, actor, now)
    if not command.explanation.strip():
        raise Invalid("review_text_missing", field="explanation")
    if command.correction is not None:
        _check_correction(timer, command.correction, command.responsible_id, now)
    elif command.responsible_id is not None:
        raise Invalid("review_correction_needed", field="correction")


def _check_people(timer: Timer, command: SignReview, actor: User, now: datetime) -> None:
    if command.responsible_id == actor.id:
        raise Invalid("review_by_responsible", field="responsible_id")
    others = [user for user in _other_signers(timer, actor, now) if user.id != command.responsible_id]
    if others:
        raise Invalid("review_by_holder")
    known = {None, *(user.id for user in _candidates(timer))}
    if command.responsible_id not in known:
        raise Invalid("review_responsible_unknown", field="responsible_id")


def _check_correction(
    timer: Timer, correction: CorrectionAsked, responsible_id: int | None, now: datetime
) -> None:
    if not correction.text.strip():
        raise Invalid("review_text_missing", field="correction")
    owner_id = correction.owner_id or responsible_id
    if owner_id is None:
        raise Invalid("review_owner_missing", field="correction_owner_id")
    if owner_id not in {user.id for user in _owners(timer)}:
        raise Invalid("review_owner_unknown", field="correction_owner_id")
    if correction.due_on < local_date(now):
        raise Invalid("review_due_past", field="correction_due_on")


def _row(timer: Timer, command: SignReview, actor: User, now: datetime) -> BreachReview:
    review = BreachReview(
        timer_id=timer.id,
        cause=command.cause,
        explanation=command.explanation.strip(),
        responsible_id=command.responsible_id,
        correction="",
        signed_by_id=actor.id,
        signed_at=now,
    )
    if command.correction is not None:
        review.correction = command.correction.text.strip()
        review.correction_owner_id = command.correction.owner_id or command.responsible_id
        review.correction_due_on = command.correction.due_on
    return review
