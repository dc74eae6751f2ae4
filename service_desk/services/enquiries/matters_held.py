"""What somebody owns and that is not over, one statement a kind. Nothing is left out: a leaver hands all of it over."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from service_desk.base.clock import local_date
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.duty import DutyShift
from service_desk.models.enquiries import Enquiry, EnquiryChannel, EnquiryState
from service_desk.models.opinions import Opinion
from service_desk.models.outstanding import ListState, OutstandingList
from service_desk.models.relations import AgreedItem, ItemState
from service_desk.models.renewals import MISSED_COVER, CaseState, MissedCoverCase
from service_desk.models.reports import ReportRecipient, ReportSchedule
from service_desk.models.sla import Absence, BreachReview, Timer
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.opinions import OWED
from service_desk.services import sla

CLAIM, ENQUIRY, LIST = "claim", "enquiry", "outstanding_list"
_NUMBER = 64


@dataclass(frozen=True)
class Held:
    """A matter somebody owns: `number` names it, `subject` says what it is about."""

    id: int
    number: str
    account_id: int
    since: datetime
    subject: str = ""


def is_open_claim(claim: Claim, _now: datetime) -> bool:
    """Whether the claim itself is not over."""
    return claim.state in OPEN_STATES


def is_followed_up(claim: Claim, _now: datetime) -> bool:
    """Whether something of an ended claim is still to be done."""
    return db.session.scalar(select(_has_clock(CLAIM, claim.id))) or False


def is_open_clock(timer: Timer, _now: datetime) -> bool:
    """Whether a clock runs or stands."""
    return timer.state in sla.OPEN_STATES


def claims(user_id: int, _now: datetime) -> list[Held]:
    """Open claims somebody handles."""
    statement = select(Claim).where(Claim.owner_id == user_id, Claim.state.in_(OPEN_STATES))
    return [_of_claim(row) for row in db.session.scalars(statement.order_by(Claim.reported_at, Claim.id))]


def ended_claims(user_id: int, _now: datetime) -> list[Held]:
    """Ended claims of theirs with something left to do: a call to ask after them, a dispute."""
    statement = select(Claim).where(
        Claim.owner_id == user_id, Claim.state.not_in(OPEN_STATES), _has_clock(CLAIM, Claim.id)
    )
    return [_of_claim(row) for row in db.session.scalars(statement.order_by(Claim.reported_at, Claim.id))]


def contacts(user_id: int, _now: datetime) -> list[Held]:
    """Contacts they own; that of a claim they handle goes with the claim."""
    statement = select(Enquiry).where(
        Enquiry.owner_id == user_id,
        Enquiry.state != EnquiryState.CLOSED,
        ~exists().where(
            Claim.id == Enquiry.claim_id,
            Claim.owner_id == user_id,
            or_(Claim.state.in_(OPEN_STATES), _has_clock(CLAIM, Claim.id)),
            Enquiry.channel == EnquiryChannel.CLAIM_REPORT,
        ),
    )
    return [
        Held(row.id, row.number, row.account_id, row.opened_at, row.subject)
        for row in db.session.scalars(statement.order_by(Enquiry.opened_at, Enquiry.id))
    ]


def clocks(user_id: int, _now: datetime) -> list[Held]:
    """Clocks they hold, or another for them while they are away, of matters that are not theirs.

    Those they hold for somebody away go with the absence, or with the shift.
    """
    theirs = or_(
        _owned(Claim, CLAIM, user_id),
        _owned(Enquiry, ENQUIRY, user_id),
        _owned(MissedCoverCase, MISSED_COVER, user_id),
        _owned(OutstandingList, LIST, user_id),
    )
    statement = select(Timer).where(
        func.coalesce(Timer.covered_id, Timer.holder_id) == user_id,
        Timer.state.in_(sla.OPEN_STATES),
        ~theirs,
    )
    return [
        Held(row.id, row.matter_number, row.account_id, row.started_at, row.step.value)
        for row in db.session.scalars(statement.order_by(Timer.started_at, Timer.id))
    ]


def corrections(user_id: int, _now: datetime) -> list[Held]:
    """What reviews ordered them to put right and they have not reported done."""
    statement = (
        select(BreachReview, Timer)
        .join(Timer, Timer.id == BreachReview.timer_id)
        .where(BreachReview.correction_owner_id == user_id, BreachReview.corrected_at.is_(None))
        .order_by(BreachReview.correction_due_on, BreachReview.id)
    )
    return [
        Held(review.id, timer.matter_number, timer.account_id, timer.started_at, review.correction[:200])
        for review, timer in db.session.execute(statement).tuples()
    ]


def missed_cover(user_id: int, _now: datetime) -> list[Held]:
    """Vehicles on the road without cover that they chase."""
    statement = select(MissedCoverCase).where(
        MissedCoverCase.owner_id == user_id, MissedCoverCase.state == CaseState.OPEN
    )
    return [
        Held(row.id, row.number, row.account_id, row.opened_at, row.vehicle_name)
        for row in db.session.scalars(statement.order_by(MissedCoverCase.opened_at, MissedCoverCase.id))
    ]


def items(user_id: int, _now: datetime) -> list[Held]:
    """What both sides agreed that they do."""
    statement = select(AgreedItem).where(AgreedItem.owner_id == user_id, AgreedItem.state == ItemState.OPEN)
    return [
        Held(row.id, row.title[:_NUMBER], row.account_id, row.opened_at, row.title)
        for row in db.session.scalars(statement.order_by(AgreedItem.due_on, AgreedItem.id))
    ]


def opinions(user_id: int, _now: datetime) -> list[Held]:
    """Opinions whose reply they see to."""
    statement = select(Opinion).where(Opinion.owner_id == user_id, Opinion.state.in_(OWED))
    return [
        Held(row.id, row.number, row.account_id, row.given_at, row.theme.value)
        for row in db.session.scalars(statement.order_by(Opinion.due_on, Opinion.id))
    ]


def outstanding_lists(user_id: int, _now: datetime) -> list[Held]:
    """The client's lists they answer."""
    statement = select(OutstandingList).where(
        OutstandingList.owner_id == user_id, OutstandingList.state != ListState.RELEASED
    )
    return [
        Held(row.id, row.number, row.account_id, row.handed_in_at, row.filename)
        for row in db.session.scalars(statement.order_by(OutstandingList.handed_in_at, OutstandingList.id))
    ]


def shifts(user_id: int, now: datetime) -> list[Held]:
    """Their shifts that are not over."""
    statement = select(DutyShift).where(DutyShift.user_id == user_id, DutyShift.to_at > now)
    return [
        Held(row.id, f"{local_date(row.from_at)}", row.account_id, row.from_at, row.kind.value)
        for row in db.session.scalars(statement.order_by(DutyShift.from_at, DutyShift.id))
    ]


def stand_ins(user_id: int, _now: datetime) -> list[Held]:
    """Absences of others in which they stand in."""
    statement = (
        select(Absence, User, func.min(UserAccount.account_id))
        .join(User, User.id == Absence.user_id)
        .join(UserAccount, UserAccount.user_id == Absence.user_id)
        .where(Absence.substitute_id == user_id, Absence.next_change_at.is_not(None))
        .group_by(Absence.id, User.id)
        .order_by(Absence.from_at, Absence.id)
    )
    return [
        Held(absence.id, user.name[:_NUMBER], account_id, absence.from_at, user.name)
        for absence, user, account_id in db.session.execute(statement).tuples()
    ]


def reports(user_id: int, _now: datetime) -> list[Held]:
    """Reports they were added to as a reader; those of their role go to whoever has it."""
    statement = (
        select(ReportRecipient, ReportSchedule)
        .join(ReportSchedule, ReportSchedule.id == ReportRecipient.schedule_id)
        .where(ReportRecipient.user_id == user_id, ReportRecipient.is_muted.is_(False))
        .order_by(ReportSchedule.kind, ReportRecipient.id)
    )
    return [
        Held(row.id, schedule.kind[:_NUMBER], schedule.account_id, _BEGINNING, schedule.kind)
        for row, schedule in db.session.execute(statement).tuples()
    ]


_BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def _of_claim(row: Claim) -> Held:
    return Held(row.id, row.number, row.account_id, row.reported_at, row.plate)


def _has_clock(kind: str, matter_id: Any) -> ColumnElement[bool]:
    return exists().where(
        Timer.matter_kind == kind, Timer.matter_id == matter_id, Timer.state.in_(sla.OPEN_STATES)
    )


def _owned(model: Any, kind: str, user_id: int) -> ColumnElement[bool]:
    owned: Select[Any] = select(model.id).where(model.owner_id == user_id)
    return and_(Timer.matter_kind == kind, Timer.matter_id.in_(owned))
