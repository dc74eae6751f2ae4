"""Giving a matter to its new owner, one function a kind: the row, its clocks, its own log. The caller has checked all."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.duty import DutyShift
from service_desk.models.enquiries import Enquiry, EnquiryChannel, EnquiryState
from service_desk.models.outstanding import OutstandingList
from service_desk.models.relations import AgreedItem, ItemStep, ItemStepKind
from service_desk.models.renewals import ChaseKind, MissedCoverCase
from service_desk.models.reports import ReportRecipient
from service_desk.models.sla import Absence, BreachReview, Timer
from service_desk.models.users import User
from service_desk.services import audit, sla
from service_desk.services.duty import reading as roster
from service_desk.services.duty import swaps
from service_desk.services.notices import Matter
from service_desk.services.policies import chase
from service_desk.services.sla import absences, covering, standing_in, timers


def move_claim(claim: Claim, from_id: int, to_id: int, note: str, actor: User, now: datetime) -> None:
    """The claim with its clocks; its own first contact comes along when the same person had it."""
    claim.owner_id = to_id
    matter = Matter("claim", claim.id, claim.number, claim.account_id, claim.branch_id)
    sla.hand_over(matter, to_id=to_id, at=now, actor=actor, now=now)
    own = select(Enquiry).where(
        Enquiry.claim_id == claim.id,
        Enquiry.channel == EnquiryChannel.CLAIM_REPORT,
        Enquiry.owner_id == from_id,
        Enquiry.state != EnquiryState.CLOSED,
    )
    for contact in db.session.scalars(own.order_by(Enquiry.id).with_for_update()):
        contact.owner_id = to_id
    db.session.add(
        ClaimEvent(
            claim_id=claim.id,
            round=claim.round,
            at=now,
            recorded_at=now,
            kind="handed_over",
            from_state=claim.state.value,
            to_state=claim.state.value,
            actor_id=actor.id,
            params={"from_id": from_id, "to_id": to_id},
            note=note,
        )
    )


def move_contact(enquiry: Enquiry, _from_id: int, to_id: int, _note: str, actor: User, now: datetime) -> None:
    """The contact with its clocks."""
    enquiry.owner_id = to_id
    matter = Matter("enquiry", enquiry.id, enquiry.number, enquiry.account_id, enquiry.branch_id)
    sla.hand_over(matter, to_id=to_id, at=now, actor=actor, now=now)


def move_clock(timer: Timer, _from_id: int, to_id: int, _note: str, actor: User, now: datetime) -> None:
    """One clock of a matter that is somebody else's. Conflict: taker_may_not."""
    if not standing_in.may_take(db.session.get_one(User, to_id), timer):
        raise Conflict("taker_may_not")
    timers.hand_over_one(timer, to_id=to_id, at=now, actor=actor, now=now)


def move_correction(
    review: BreachReview, from_id: int, to_id: int, _note: str, actor: User, now: datetime
) -> None:
    """What a review ordered to be put right."""
    review.correction_owner_id = to_id
    timer = db.session.get_one(Timer, review.timer_id)
    audit.record(
        "correction_passed_on",
        review,
        actor=actor,
        now=now,
        label=timer.matter_number,
        account_id=timer.account_id,
        changes={"correction_owner_id": (from_id, to_id)},
    )


def move_case(
    case: MissedCoverCase, _from_id: int, to_id: int, note: str, actor: User, now: datetime
) -> None:
    """A vehicle without cover that is chased, with its clock and a line in its log."""
    changes = audit.change(case, owner_id=to_id)
    chase.add_entry(case, ChaseKind.REASSIGNED, actor=actor, now=now, text=note, changes=changes)
    sla.hand_over(chase.matter_of(case), to_id=to_id, at=now, actor=actor, now=now)


def move_owned(row: Any, from_id: int, to_id: int, _note: str, actor: User, now: datetime) -> None:
    """A row whose owner is all there is to change."""
    row.owner_id = to_id
    label = str(getattr(row, "title", "") or getattr(row, "number", ""))
    audit.record(
        "matter_passed_on", row, actor=actor, now=now, label=label, changes={"owner_id": (from_id, to_id)}
    )


def move_item(item: AgreedItem, from_id: int, to_id: int, note: str, actor: User, now: datetime) -> None:
    """What both sides agreed, with a line in its history."""
    move_owned(item, from_id, to_id, note, actor, now)
    step = ItemStep(
        item_id=item.id, kind=ItemStepKind.GIVEN, at=now, by_id=actor.id, note=note, owner_id=to_id
    )
    db.session.add(step)


def move_list(row: OutstandingList, from_id: int, to_id: int, note: str, actor: User, now: datetime) -> None:
    """A client's list that is to be answered, with its clock."""
    move_owned(row, from_id, to_id, note, actor, now)
    matter = Matter("outstanding_list", row.id, row.number, row.account_id, None)
    sla.hand_over(matter, to_id=to_id, at=now, actor=actor, now=now)


def move_shift(shift: DutyShift, from_id: int, to_id: int, _note: str, actor: User, now: datetime) -> None:
    """A shift of the roster. Conflict: duty_swap_away, duty_swap_busy."""
    roster.require_able(to_id, shift)
    swaps.call_off([shift.id], now=now)
    shift.user_id = to_id
    audit.record(
        "duty_shift_changed",
        shift,
        actor=actor,
        now=now,
        label=f"{local_date(shift.from_at)}",
        changes={"user_id": (from_id, to_id)},
    )


def move_stand_in(absence: Absence, from_id: int, to_id: int, _note: str, actor: User, now: datetime) -> None:
    """Standing in for a colleague; the clocks that are covered go over at once. Invalid as for any stand-in."""
    absences.check_cover(absence, to_id, now)
    absence.substitute_id = to_id
    if absence.has_begun:
        covering.pass_on(absence, now)
    name = db.session.get_one(User, absence.user_id).name
    changes = {"substitute_id": (from_id, to_id)}
    audit.record("absence_changed", absence, actor=actor, now=now, label=name, changes=changes)
    covering.tell_plan(absence, "absence_changed", actor=actor, now=now)


def move_report(
    row: ReportRecipient, from_id: int, to_id: int, _note: str, actor: User, now: datetime
) -> None:
    """A place among a report's readers; who has one already keeps their own."""
    theirs = select(ReportRecipient.id).where(
        ReportRecipient.schedule_id == row.schedule_id, ReportRecipient.user_id == to_id
    )
    changes = {"user_id": (from_id, to_id)}
    audit.record("report_reader_passed_on", row, actor=actor, now=now, label="", changes=changes)
    if db.session.scalar(theirs) is None:
        row.user_id = to_id
    else:
        db.session.delete(row)
