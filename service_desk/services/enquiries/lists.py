"""Reading contacts: the list with its saved filters."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select, true

from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import (
    ContactKind,
    Enquiry,
    EnquiryChannel,
    EnquiryRepeat,
    EnquiryState,
)
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, sla
from service_desk.services.enquiries.contacts import MATTER_KIND

_OF_RECORD = 10


class ContactView(StrEnum):
    """The saved filters of the list. MINE: those I own; at the client, those I wrote. WAITING: without an answer yet."""

    MINE = "mine"
    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True)
class ContactFilter:
    """Which contacts are wanted; None means any."""

    view: ContactView = ContactView.MINE
    branch_id: int | None = None
    text: str = ""
    kind: ContactKind | None = None
    channel: EnquiryChannel | None = None
    is_repeated: bool = False


@dataclass(frozen=True)
class ContactRow:
    """A line of the list. `timers` are the contact's clocks, open and ended; `repeats` how often it was asked again."""

    enquiry: Enquiry
    owner: User
    branch: Branch | None
    timers: list[Timer]
    repeats: int = 0


def list_enquiries(
    account_id: int, wanted: ContactFilter, page: PageRequest, *, actor: User
) -> Page[ContactRow]:
    """Contacts of an account with their owners, the newest first."""
    conditions = [Enquiry.account_id == account_id, _view(wanted.view, actor), *_narrowing(wanted)]
    statement = access.visible(actor, Action.READ_ENQUIRIES, select(Enquiry).where(*conditions), Enquiry)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ordered = _with_people(statement).order_by(Enquiry.opened_at.desc(), Enquiry.id.desc())
    return Page(_with_timers(ordered.limit(page.size).offset(page.offset)), total, page.number, page.size)


def list_owned(*, actor: User, limit: int = 20) -> tuple[list[ContactRow], int]:
    """The contacts the actor has to see to, those without an answer first, and how many there are.

    The contact of a claim whose handler they are is left out: the claim itself is on their desk.
    """
    conditions = (
        Enquiry.owner_id == actor.id,
        Enquiry.state != EnquiryState.CLOSED,
        ~exists().where(
            Claim.id == Enquiry.claim_id,
            Claim.owner_id == actor.id,
            Enquiry.channel == EnquiryChannel.CLAIM_REPORT,
        ),
    )
    total = db.session.scalar(select(func.count(Enquiry.id)).where(*conditions)) or 0
    statement = _with_people(select(Enquiry).where(*conditions))
    order = (case((Enquiry.state == EnquiryState.OPEN, 0), else_=1), Enquiry.opened_at, Enquiry.id)
    return _with_timers(statement.order_by(*order).limit(limit)), total


def count_views(account_id: int, wanted: ContactFilter, *, actor: User) -> dict[ContactView, int]:
    """How many contacts each saved filter holds under the same branch and text, in one query."""
    counts = [func.count(Enquiry.id).filter(_view(view, actor)) for view in ContactView]
    conditions = [Enquiry.account_id == account_id, *_narrowing(wanted)]
    statement = access.visible(actor, Action.READ_ENQUIRIES, select(*counts).where(*conditions), Enquiry)
    return dict(zip(ContactView, db.session.execute(statement).one(), strict=True))


def _view(view: ContactView, actor: User) -> ColumnElement[bool]:
    if view is ContactView.MINE:
        return _mine(actor) & (Enquiry.state != EnquiryState.CLOSED)
    if view is ContactView.WAITING:
        return (Enquiry.state == EnquiryState.OPEN) & (Enquiry.channel != EnquiryChannel.CLAIM_REPORT)
    if view is ContactView.OPEN:
        return Enquiry.state != EnquiryState.CLOSED
    return Enquiry.state == EnquiryState.CLOSED if view is ContactView.CLOSED else true()


def _mine(actor: User) -> ColumnElement[bool]:
    """Staff: those they own. Clients: those they wrote; the contact of a claim they reported is the claim itself."""
    if actor.side is Side.INSURER:
        return Enquiry.owner_id == actor.id
    return (Enquiry.opened_by_id == actor.id) & (Enquiry.channel != EnquiryChannel.CLAIM_REPORT)


def _narrowing(wanted: ContactFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.branch_id:
        conditions.append(Enquiry.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.kind is not None:
        conditions.append(Enquiry.kind == wanted.kind)
    if wanted.channel is not None:
        conditions.append(Enquiry.channel == wanted.channel)
    if wanted.is_repeated:
        conditions.append(exists().where(EnquiryRepeat.enquiry_id == Enquiry.id))
    if wanted.text.strip():
        pattern = like_pattern(squeeze(wanted.text))
        columns = (Enquiry.number, Enquiry.subject, Enquiry.caller_name, Enquiry.caller_phone)
        conditions.append(or_(*(column.ilike(pattern, escape="\\") for column in columns)))
    return conditions


def _with_people(statement: Select[Any]) -> Select[Any]:
    return (
        statement.add_columns(User, Branch)
        .join(User, User.id == Enquiry.owner_id)
        .outerjoin(Branch, Branch.id == Enquiry.branch_id)
    )


def _with_timers(statement: Select[Any]) -> list[ContactRow]:
    rows = db.session.execute(statement).all()
    ids = [row[0].id for row in rows]
    timers, repeats = sla.timers_of(MATTER_KIND, ids), _repeats(ids)
    return [ContactRow(row[0], row[1], row[2], timers[row[0].id], repeats.get(row[0].id, 0)) for row in rows]


def _repeats(ids: list[int]) -> dict[int, int]:
    statement = (
        select(EnquiryRepeat.enquiry_id, func.count())
        .where(EnquiryRepeat.enquiry_id.in_(ids))
        .group_by(EnquiryRepeat.enquiry_id)
    )
    return dict(db.session.execute(statement).tuples().all()) if ids else {}


def list_of_record(
    *, claim_id: int = 0, policy_id: int = 0, vehicle_id: int = 0, actor: User
) -> list[ContactRow]:
    """The latest contacts about a claim, a policy or a vehicle, as far as the actor sees them, open ones first.

    A claim's own contact is the claim itself. The caller has checked that the record is visible.
    """
    pairs = ((Enquiry.claim_id, claim_id), (Enquiry.policy_id, policy_id), (Enquiry.vehicle_id, vehicle_id))
    column, value = next((pair for pair in pairs if pair[1]), pairs[0])
    if not access.may(actor, Action.READ_ENQUIRIES):
        return []
    conditions = (column == value, Enquiry.channel != EnquiryChannel.CLAIM_REPORT)
    statement = access.visible(actor, Action.READ_ENQUIRIES, select(Enquiry).where(*conditions), Enquiry)
    order = (Enquiry.closed_at.is_not(None), Enquiry.opened_at.desc(), Enquiry.id.desc())
    return _with_timers(_with_people(statement).order_by(*order).limit(_OF_RECORD))
