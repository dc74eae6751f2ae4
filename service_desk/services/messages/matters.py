"""The matters that both sides write about: how each is found, who answers for it, and on which page it stands.

Another kind of matter is a line in `_KINDS` and a function that makes it a `Talked`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Forbidden, NotFound
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.messaging import ThreadKind
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, enquiries, sla
from service_desk.services.claims import common
from service_desk.services.enquiries import owners
from service_desk.services.notices import Matter, Recipient


@dataclass(frozen=True)
class Talked:
    """A matter somebody sees and talks about. `title` is a plate or a subject; `opened_by_id` asked or reported."""

    kind: ThreadKind
    matter: Matter
    title: str
    url: str
    owner_id: int
    opened_by_id: int
    closed_at: datetime | None
    row: Claim | Enquiry

    @property
    def number(self) -> str:
        return self.matter.number


def of_claim(claim: Claim) -> Talked:
    """A claim the reader sees."""
    return Talked(
        kind=ThreadKind.CLAIM,
        matter=common.matter_of(claim),
        title=claim.plate,
        url=f"/claims/{claim.number}",
        owner_id=claim.owner_id,
        opened_by_id=claim.reported_by_id,
        closed_at=claim.closed_at,
        row=claim,
    )


def of_enquiry(enquiry: Enquiry) -> Talked:
    """A contact the reader sees."""
    return Talked(
        kind=ThreadKind.ENQUIRY,
        matter=enquiries.matter_of(enquiry),
        title=enquiry.subject,
        url=f"/enquiries/{enquiry.number}",
        owner_id=enquiry.owner_id,
        opened_by_id=enquiry.opened_by_id,
        closed_at=enquiry.closed_at,
        row=enquiry,
    )


def has_thread(enquiry: Enquiry) -> bool:
    """Whether a contact is talked about on its own page. The one of a claim has the claim's."""
    return enquiry.channel is not EnquiryChannel.CLAIM_REPORT


def _get_claim(number: str, actor: User) -> Talked:
    return of_claim(common.get_claim(number, actor=actor))


def _get_enquiry(number: str, actor: User) -> Talked:
    enquiry = enquiries.get_enquiry(number, actor=actor)
    if not has_thread(enquiry):
        raise NotFound("not_found")
    return of_enquiry(enquiry)


def _handles_claim(talked: Talked, actor: User, now: datetime) -> bool:  # noqa: ARG001 - as for contacts
    return access.may(actor, Action.HANDLE_CLAIMS)


def _works_on_enquiry(talked: Talked, actor: User, now: datetime) -> bool:
    if not isinstance(talked.row, Enquiry) or not access.may(actor, Action.ANSWER_ENQUIRIES):
        return False
    return enquiries.may_work_on(talked.row, actor=actor, now=now)


@dataclass(frozen=True)
class _Kind:
    get: Callable[[str, User], Talked]
    may_answer: Callable[[Talked, User, datetime], bool]
    model: type[Claim] | type[Enquiry]


_KINDS = {
    ThreadKind.CLAIM: _Kind(_get_claim, _handles_claim, Claim),
    ThreadKind.ENQUIRY: _Kind(_get_enquiry, _works_on_enquiry, Enquiry),
}


def get_talked(kind: ThreadKind, number: str, *, actor: User) -> Talked:
    """The matter of a number, as the actor may see it; NotFound otherwise."""
    return _KINDS[kind].get(number, actor)


def get_by_id(kind: ThreadKind, matter_id: int, *, actor: User) -> Talked:
    """The same by id, for what only knows that."""
    model = _KINDS[kind].model
    number = db.session.scalar(select(model.number).where(model.id == matter_id))
    if number is None:
        raise NotFound("not_found")
    return get_talked(kind, number, actor=actor)


def may_answer(talked: Talked, *, actor: User, now: datetime) -> bool:
    """Whether the actor writes for the desk: whoever may handle the claim; of a contact its owner, their stand-in, a manager."""
    is_desk = actor.side is Side.INSURER and access.may(actor, Action.WRITE_MESSAGES)
    return is_desk and _KINDS[talked.kind].may_answer(talked, actor, now)


def answerer_of(talked: Talked) -> int:
    """Who is to answer: the owner; where that login is closed a manager, but nobody whom a complaint is about."""
    if db.session.get_one(User, talked.owner_id).is_active:
        return talked.owner_id
    barred = talked.row.hidden_from_id if isinstance(talked.row, Enquiry) else None
    able = owners.may_hear(talked.matter.account_id, barred)
    return able[0].id if able else talked.owner_id


def asked_by(talked: Talked) -> Recipient | None:
    """Who a contact came from, as they can be reached without its page; None where no way is known."""
    return enquiries.client_of(talked.row) if isinstance(talked.row, Enquiry) else None


def require_writer(talked: Talked, *, actor: User, now: datetime) -> None:
    """Forbidden for who may see the matter and not write about it: `not_allowed`, `message_of_owner`."""
    access.require(actor, Action.WRITE_MESSAGES)
    if actor.side is Side.INSURER and not may_answer(talked, actor=actor, now=now):
        raise Forbidden("message_of_owner")


def clock_among(timers: Iterable[Timer]) -> Timer | None:
    """The clock of the answer that the client waits for; None when nobody waits."""
    open_ones = (timer for timer in timers if timer.state in sla.OPEN_STATES)
    return next((timer for timer in open_ones if timer.step is ClockStep.MESSAGE_REPLY), None)


def clock_of(talked: Talked) -> Timer | None:
    """The same, read for one matter."""
    matter = talked.matter
    return clock_among(sla.timers_of(matter.kind, [matter.id], only_open=True)[matter.id])
