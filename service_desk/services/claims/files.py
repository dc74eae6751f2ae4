"""Everything that is kept of one claim, read in a bounded number of queries."""

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select

from service_desk.models.accounts import Branch
from service_desk.models.claims import (
    Assessment,
    Claim,
    ClaimCalculation,
    ClaimCover,
    ClaimEvent,
    ClaimPayment,
    FollowUp,
    ReserveEntry,
    Survey,
    WantedDocument,
)
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.enquiries import Enquiry, EnquiryChannel, Handover, MatterKind
from service_desk.models.fleet import Vehicle
from service_desk.models.sla import Timer, TimerEntry
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, documents, enquiries, policies, sla
from service_desk.services.claims.common import MATTER_KIND, get_claim, still_counts
from service_desk.services.claims.papers import list_wanted
from service_desk.services.sla import ClockView

T = TypeVar("T")


@dataclass(frozen=True)
class ClaimFile:
    """A claim with all that belongs to it. Lists are in the order they came about; `people` by user id.

    `needed_lines` are those the vehicle had to have at the time of loss. `standing` are the calculations that were not
    taken back with their round.
    """

    claim: Claim
    branch: Branch
    vehicle: Vehicle
    people: dict[int, User]
    covers: list[ClaimCover]
    events: list[ClaimEvent]
    surveys: list[Survey]
    assessments: list[Assessment]
    reserve_entries: list[ReserveEntry]
    wanted: list[WantedDocument]
    documents: list[Document]
    calculations: list[ClaimCalculation]
    standing: list[ClaimCalculation]
    payments: list[ClaimPayment]
    follow_ups: list[FollowUp]
    timers: list[Timer]
    clocks: list[ClockView]
    timer_entries: dict[int, list[TimerEntry]]
    first_contact: Enquiry | None
    offer: Handover | None
    needed_lines: tuple[PolicyLine, ...]

    @property
    def owner(self) -> User:
        return self.people[self.claim.owner_id]

    @property
    def calculation(self) -> ClaimCalculation | None:
        """The newest version that counts."""
        return self.standing[-1] if self.standing else None

    @property
    def due_fen(self) -> int:
        """What is approved and not yet paid."""
        return self.claim.approved_fen - self.claim.paid_fen


def read_file(number: str, *, actor: User) -> ClaimFile:
    """The whole file of a claim the actor may see; NotFound otherwise."""
    claim = get_claim(number, actor=actor)
    timers = sla.timers_of(MATTER_KIND, [claim.id])[claim.id]
    offers = enquiries.open_offers(MatterKind.CLAIM, [claim.id])
    calculations = _calculations(claim)
    parts: dict[str, Any] = {
        "covers": _of(ClaimCover, claim),
        "events": _of(ClaimEvent, claim, ClaimEvent.at),
        "surveys": _of(Survey, claim),
        "assessments": _of(Assessment, claim),
        "reserve_entries": _of(ReserveEntry, claim, ReserveEntry.at),
        "calculations": [one for one, _counts in calculations],
        "standing": [one for one, counts in calculations if counts],
        "payments": _of(ClaimPayment, claim),
        "follow_ups": _of(FollowUp, claim),
        "documents": documents.list_for(MATTER_KIND, claim.id),
        "timer_entries": sla.entries_of([timer.id for timer in timers]),
    }
    first_contact = _first_contact(claim)
    offer = offers[claim.id][0] if claim.id in offers else None
    vehicle = db.session.get_one(Vehicle, claim.vehicle_id)
    return ClaimFile(
        claim=claim,
        branch=db.session.get_one(Branch, claim.branch_id),
        vehicle=vehicle,
        people=_people(claim, parts, timers, first_contact, offer),
        wanted=list_wanted(claim.id),
        timers=timers,
        clocks=sla.view_clocks(timers),
        first_contact=first_contact,
        offer=offer,
        needed_lines=policies.required_lines(vehicle, claim.loss_at),
        **parts,
    )


def _of(model: type[T], claim: Claim, *order: Any) -> list[T]:
    row: Any = model
    statement = select(model).where(row.claim_id == claim.id).order_by(*order, row.id)
    return list(db.session.scalars(statement))


def _calculations(claim: Claim) -> list[tuple[ClaimCalculation, bool]]:
    """All versions, oldest first, each with whether it still counts."""
    statement = select(ClaimCalculation, still_counts()).where(ClaimCalculation.claim_id == claim.id)
    return [
        (one, counts)
        for one, counts in db.session.execute(statement.order_by(ClaimCalculation.calculation_version))
    ]


def _first_contact(claim: Claim) -> Enquiry | None:
    statement = select(Enquiry).where(
        Enquiry.claim_id == claim.id, Enquiry.channel == EnquiryChannel.CLAIM_REPORT
    )
    return db.session.scalar(statement.order_by(Enquiry.id).limit(1))


_PERSON_COLUMNS = (
    "actor_id",
    "surveyor_id",
    "assessor_id",
    "calculated_by_id",
    "approved_by_id",
    "paid_by_id",
    "returned_by_id",
    "by_id",
    "uploaded_by_id",
)


def _people(
    claim: Claim,
    parts: dict[str, Any],
    timers: list[Timer],
    first_contact: Enquiry | None,
    offer: Handover | None,
) -> dict[int, User]:
    """Everybody the page names, in one query."""
    ids = {claim.owner_id, claim.reported_by_id, *(timer.holder_id for timer in timers)}
    for rows in parts.values():
        for row in rows if isinstance(rows, list) else [e for entries in rows.values() for e in entries]:
            ids |= {getattr(row, name) for name in _PERSON_COLUMNS if getattr(row, name, None)}
    for event in parts["events"]:
        ids |= {event.params[name] for name in ("from_id", "to_id") if name in event.params}
    if first_contact is not None:
        ids |= {first_contact.owner_id, first_contact.first_owner_id}
    if offer is not None:
        ids |= {offer.from_id, offer.to_id}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def list_branches(account_id: int, *, actor: User) -> list[Branch]:
    """The branches whose claims the actor may see, for the queue's filter."""
    statement = select(Branch).where(Branch.account_id == account_id, Branch.is_active)
    return list(
        db.session.scalars(
            access.visible(actor, Action.READ_CLAIMS, statement, Branch).order_by(Branch.name, Branch.id)
        )
    )
