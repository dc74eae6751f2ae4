"""A corrected time of a claim's clock, kept on the claim as well: its record and its clocks say the same."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.models.claims import Claim, Survey
from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerCorrection, TimerEntry
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action
from service_desk.rules.sla import EventKind
from service_desk.rules.sla.history import whole_second
from service_desk.services import access, audit
from service_desk.services.claims import letters
from service_desk.services.claims.common import MATTER_KIND, log_event
from service_desk.services.sla import corrections
from service_desk.services.sla.corrections import Correction, MatterLife

# Which instant of the claim an entry of a step's clock is.
_KEPT_AS = {
    (ClockStep.SURVEY, EventKind.STOP): "arrived_at",
    (ClockStep.ASSESSMENT, EventKind.START): "surveyed_at",
    (ClockStep.LARGE_LOSS_NOTICE, EventKind.STOP): "large_loss_noticed_at",
    (ClockStep.DEFICIENCY_NOTICE, EventKind.STOP): "deficiency_notice_at",
    (ClockStep.CTPL_DOCUMENT_LIST, EventKind.STOP): "deficiency_notice_at",
    (ClockStep.DENIAL_NOTICE, EventKind.STOP): "denial_letter_at",
    (ClockStep.FOLLOWUP, EventKind.STOP): "followed_up_at",
}


def is_of_claim(timer: Timer) -> bool:
    """Whether a clock's times are a claim's, to be corrected here."""
    return timer.matter_kind == MATTER_KIND


def life_of(timer: Timer, now: datetime) -> MatterLife:
    """The life of a clock's claim: from the report until it left the book, or now for what came after that."""
    claim = db.session.get_one(Claim, timer.matter_id)
    ended_at = claim.closed_at if claim.closed_at and timer.started_at < claim.closed_at else None
    return MatterLife(whole_second(claim.reported_at), ended_at or now)


def correct(timer_id: int, command: Correction, *, actor: User, now: datetime) -> list[TimerCorrection]:
    """Put a time of a claim's clock right, and with it the claim's own record and time line.

    Refusals are those of `services.sla.corrections.correct`.
    """
    timer = access.get_visible(
        actor, Action.READ_CLOCKS, Timer, Timer.id == timer_id, Timer.matter_kind == MATTER_KIND
    )
    claim = db.session.get_one(Claim, timer.matter_id, with_for_update=True, populate_existing=True)
    life = life_of(timer, now)
    made = corrections.correct(timer_id, command, life=life, actor=actor, now=now)
    _note(claim, made, actor, now)
    return made


def _note(claim: Claim, made: Sequence[TimerCorrection], actor: User, now: datetime) -> None:
    """Keep both values on the time line, and the true one where the claim had the other."""
    of_ids = select(Timer.step, TimerEntry.id, TimerEntry.kind).join(
        TimerEntry, TimerEntry.timer_id == Timer.id
    )
    rows = db.session.execute(of_ids.where(TimerEntry.id.in_([one.entry_id for one in made]))).all()
    moved = {row.id: (row.step, row.kind) for row in rows}
    changes: dict[str, tuple[Any, Any]] = {}
    for one in made:
        field = _KEPT_AS.get(moved[one.entry_id])
        recorded = getattr(claim, field) if field else None
        if field and recorded and whole_second(recorded) == one.old_at:
            changes |= audit.change(claim, **{field: one.new_at})
            if field == "arrived_at":
                _correct_surveys(claim, one)
            if field == "denial_letter_at":
                _correct_letter(claim, one)
    step, kind = moved[made[0].entry_id]
    params = {
        "step": step.value,
        "entry": kind.value,
        "old_at": made[0].old_at.isoformat(),
        "new_at": made[0].new_at.isoformat(),
    }
    log_event(claim, "time_corrected", actor=actor, at=now, now=now, params=params, note=made[0].reason)
    audit.record("claim_time_corrected", claim, actor=actor, now=now, changes=changes)


def _correct_surveys(claim: Claim, correction: TimerCorrection) -> None:
    for survey in db.session.scalars(select(Survey).where(Survey.claim_id == claim.id)):
        if whole_second(survey.arrived_at) == correction.old_at:
            survey.arrived_at = correction.new_at


def _correct_letter(claim: Claim, correction: TimerCorrection) -> None:
    letter = letters.current_letter(claim)
    if letter and letter.sent_at and whole_second(letter.sent_at) == correction.old_at:
        letter.sent_at = correction.new_at
