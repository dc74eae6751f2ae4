"""A corrected time of a first contact's clock, kept on the contact as well: when it came, when it was answered."""

from datetime import datetime

from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.sla import Timer, TimerCorrection
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.sla.history import whole_second
from service_desk.services import access, audit
from service_desk.services.enquiries.contacts import MATTER_KIND
from service_desk.services.sla import corrections
from service_desk.services.sla.corrections import Correction, MatterLife


def is_of_enquiry(timer: Timer) -> bool:
    """Whether a clock's times are a first contact's, to be corrected here."""
    return timer.matter_kind == MATTER_KIND


def life_of(timer: Timer, now: datetime) -> MatterLife:
    """The life of a clock's contact: from when it was logged until it was closed, or now."""
    enquiry = db.session.get_one(Enquiry, timer.matter_id)
    return MatterLife(whole_second(enquiry.opened_at), enquiry.closed_at or now)


def correct(timer_id: int, command: Correction, *, actor: User, now: datetime) -> list[TimerCorrection]:
    """Put a time of a contact's clock right, and with it when the contact was answered.

    Refusals are those of `services.sla.corrections.correct`.
    """
    timer = access.get_visible(
        actor, Action.READ_CLOCKS, Timer, Timer.id == timer_id, Timer.matter_kind == MATTER_KIND
    )
    enquiry = db.session.get_one(Enquiry, timer.matter_id, with_for_update=True, populate_existing=True)
    made = corrections.correct(timer_id, command, life=life_of(timer, now), actor=actor, now=now)
    answered_at = enquiry.answered_at
    if answered_at is not None and whole_second(answered_at) == made[0].old_at:
        changes = audit.change(enquiry, answered_at=made[0].new_at)
        audit.record("enquiry_time_corrected", enquiry, actor=actor, now=now, changes=changes)
    return made
