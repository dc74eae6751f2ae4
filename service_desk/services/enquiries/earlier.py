"""Earlier contacts on the same matter: found before a second is made of it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from service_desk.base.errors import Conflict
from service_desk.models.db import db
from service_desk.models.enquiries import (
    ContactKind,
    Enquiry,
    EnquiryChannel,
    EnquiryRepeat,
    EnquiryState,
)
from service_desk.models.users import User
from service_desk.rules.first_contact import REMEMBERED, Asking, Closeness, closeness, is_same_matter
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.enquiries.subjects import Subject

MOST_SHOWN = 5
_MOST_READ = 100


@dataclass(frozen=True)
class Earlier:
    """What is shown of an earlier contact beside what was typed, and why it may be the same."""

    number: str
    subject: str
    state: str
    opened_at: datetime
    closed_at: datetime | None
    caller_name: str
    owner_name: str
    owner_staff_no: str
    owner_phone: str
    why: str


def find_earlier(
    account_id: int,
    new: Asking,
    kind: ContactKind,
    *,
    person_id: int | None = None,
    actor: User,
    now: datetime,
) -> list[Earlier]:
    """The contacts that may be the same matter and that the actor sees, the surest first, then open ones, the latest.

    Open, or closed in the last 14 days; complaints are compared with complaints alone, and one about a person by name
    (`person_id`) with those about that person: they read any other.
    """
    reasons = _reasons(new)
    if not reasons:
        return []
    statement = (
        select(Enquiry, User)
        .join(User, User.id == Enquiry.owner_id)
        .where(
            Enquiry.account_id == account_id,
            Enquiry.channel != EnquiryChannel.CLAIM_REPORT,
            *_of_kind(kind, person_id),
            or_(Enquiry.closed_at.is_(None), Enquiry.closed_at >= now - REMEMBERED),
            or_(*reasons),
        )
        .order_by(Enquiry.opened_at.desc(), Enquiry.id.desc())
        .limit(_MOST_READ)
    )
    rows = db.session.execute(access.visible(actor, Action.READ_ENQUIRIES, statement, Enquiry))
    found = [(why, row, owner) for row, owner in rows.tuples() if (why := closeness(new, asking_of(row)))]
    order = list(Closeness)
    found.sort(key=lambda one: (order.index(one[0]), one[1].closed_at is not None))
    return [_shown(row, owner, why) for why, row, owner in found[:MOST_SHOWN]]


def question(found: list[Earlier]) -> Conflict:
    """The question to whoever logs: Conflict `contact_repeated` with `contacts` (dicts) and `count`."""
    contacts: list[dict[str, Any]] = [asdict(one) for one in found]
    return Conflict("contact_repeated", contacts=contacts, count=len(contacts))


def asking_of(enquiry: Enquiry) -> Asking:
    """A contact as the rules compare it."""
    return Asking(
        enquiry.claim_id, enquiry.policy_id, enquiry.vehicle_id, enquiry.phone_key, enquiry.caller_name
    )


def _reasons(new: Asking) -> list[ColumnElement[bool]]:
    pairs: list[tuple[Any, Any]] = [
        (Enquiry.claim_id, new.claim_id),
        (Enquiry.policy_id, new.policy_id),
        (Enquiry.vehicle_id, new.vehicle_id),
        (Enquiry.phone_key, new.phone),
    ]
    reasons: list[ColumnElement[bool]] = [column == value for column, value in pairs if value]
    if new.name:
        same_name = Enquiry.caller_name == new.name
        reasons.append(and_(same_name, Enquiry.phone_key == "") if new.phone else same_name)
    return reasons


def _of_kind(kind: ContactKind, person_id: int | None) -> list[ColumnElement[bool]]:
    is_complaint: ColumnElement[bool] = Enquiry.kind == ContactKind.COMPLAINT
    if kind is not ContactKind.COMPLAINT:
        return [~is_complaint]
    return [is_complaint] if person_id is None else [is_complaint, Enquiry.hidden_from_id == person_id]


def _shown(row: Enquiry, owner: User, why: Closeness) -> Earlier:
    return Earlier(
        row.number,
        row.subject,
        row.state.value,
        row.opened_at,
        row.closed_at,
        row.caller_name,
        owner.name,
        owner.staff_no,
        owner.phone,
        why.value,
    )


def open_on(account_id: int, subject: Subject, kind: ContactKind, person_id: int | None) -> Enquiry | None:
    """The first contact still open on the very claim, policy or vehicle; of a complaint, about the same person."""
    new = subject.asking("", "")
    reasons = _reasons(new)
    if not reasons:
        return None
    statement = select(Enquiry).where(
        Enquiry.account_id == account_id,
        Enquiry.channel != EnquiryChannel.CLAIM_REPORT,
        Enquiry.state != EnquiryState.CLOSED,
        *_of_kind(kind, person_id),
        or_(*reasons),
    )
    found = db.session.scalars(statement.order_by(Enquiry.opened_at, Enquiry.id).limit(_MOST_READ))
    return next((one for one in found if is_same_matter(closeness(new, asking_of(one)))), None)


def is_same(earlier: Enquiry, subject: Subject, person_id: int | None) -> bool:
    """Whether a contact made beside an open one is of the very same claim, policy or vehicle.

    Not a complaint about somebody who reads the earlier one: its words would stand there.
    """
    if earlier.closed_at is not None or person_id not in (None, earlier.hidden_from_id):
        return False
    return is_same_matter(closeness(subject.asking("", ""), asking_of(earlier)))


def count_repeat(earlier: Enquiry, second: Enquiry, now: datetime) -> None:
    db.session.add(
        EnquiryRepeat(
            enquiry_id=earlier.id,
            at=now,
            channel=second.channel,
            caller_name=second.caller_name,
            caller_phone=second.caller_phone,
            words=second.subject,
            taken_by_id=second.opened_by_id,
            second_id=second.id,
        )
    )
