"""Everything one contact's page shows, read in a bounded number of queries."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import (
    ClientWord,
    Enquiry,
    EnquiryRepeat,
    Handover,
    HandoverState,
    MatterKind,
)
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Policy
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, sla
from service_desk.services.enquiries.client_word import words_of
from service_desk.services.enquiries.contacts import MATTER_KIND, get_enquiry
from service_desk.services.enquiries.handovers import history
from service_desk.services.sla import ClockView


@dataclass(frozen=True)
class ContactFile:
    """A contact, whom it names (by user id), what it is about as far as the reader sees it, and its chain of owners.

    `seconds` are the numbers of the contacts made of repeats, by id, as far as the reader sees them;
    `repeats_number` is the earlier contact this one repeats. `said`: the client's words, oldest first.
    """

    enquiry: Enquiry
    people: dict[int, User]
    branch: Branch | None
    vehicle: Vehicle | None
    claim: Claim | None
    policy: Policy | None
    timers: list[Timer]
    clocks: list[ClockView]
    handovers: list[Handover]
    repeats: list[EnquiryRepeat]
    seconds: dict[int, str]
    repeats_number: str
    said: list[ClientWord]

    @property
    def owner(self) -> User:
        return self.people[self.enquiry.owner_id]

    @property
    def offer(self) -> Handover | None:
        """The offer nobody has decided yet."""
        return next((one for one in self.handovers if one.state is HandoverState.ASKED), None)


def read_contact(number: str, *, actor: User) -> ContactFile:
    """The file of a contact the actor may see; NotFound otherwise."""
    enquiry = get_enquiry(number, actor=actor)
    chain = history(MatterKind.ENQUIRY, enquiry.id)
    ids = {enquiry.owner_id, enquiry.first_owner_id, enquiry.opened_by_id}
    ids |= {user_id for one in chain for user_id in (one.from_id, one.to_id)}
    repeats = _repeats(enquiry)
    said = words_of(enquiry.id)
    ids |= {one.taken_by_id for one in repeats} | {one.owner_id for one in said}
    ids |= {one.recorded_by_id for one in said} | {enquiry.hidden_from_id or enquiry.owner_id}
    timers = sla.timers_of(MATTER_KIND, [enquiry.id])[enquiry.id]
    return ContactFile(
        enquiry=enquiry,
        people={user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))},
        branch=db.session.get(Branch, enquiry.branch_id) if enquiry.branch_id else None,
        vehicle=_linked(actor, Action.READ_FLEET, Vehicle, enquiry.vehicle_id),
        claim=_linked(actor, Action.READ_CLAIMS, Claim, enquiry.claim_id),
        policy=_linked(actor, Action.READ_POLICIES, Policy, enquiry.policy_id),
        timers=timers,
        clocks=sla.view_clocks(timers),
        handovers=chain,
        repeats=repeats,
        seconds=_numbers(actor, [one.second_id for one in repeats if one.second_id]),
        repeats_number=_repeated(actor, enquiry),
        said=said,
    )


def _repeats(enquiry: Enquiry) -> list[EnquiryRepeat]:
    statement = select(EnquiryRepeat).where(EnquiryRepeat.enquiry_id == enquiry.id)
    return list(db.session.scalars(statement.order_by(EnquiryRepeat.at, EnquiryRepeat.id)))


def _repeated(actor: User, enquiry: Enquiry) -> str:
    """The number of the contact that this one repeats; empty where it repeats none that the actor sees."""
    first = select(EnquiryRepeat.enquiry_id).where(EnquiryRepeat.second_id == enquiry.id)
    return next(iter(_numbers(actor, first).values()), "")


def _numbers(actor: User, ids: Any) -> dict[int, str]:
    if ids == []:
        return {}
    statement = select(Enquiry.id, Enquiry.number).where(Enquiry.id.in_(ids))
    found = db.session.execute(access.visible(actor, Action.READ_ENQUIRIES, statement, Enquiry))
    return dict(found.tuples().all())


def _linked(actor: User, action: Action, model: Any, row_id: int | None) -> Any:
    if row_id is None:
        return None
    return db.session.scalar(access.visible(actor, action, select(model).where(model.id == row_id), model))
