"""Who owns a contact: the people of the desk put to the rules of first contact."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select

from service_desk.base.errors import Conflict
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryState
from service_desk.models.users import User
from service_desk.rules.duty import takers
from service_desk.rules.first_contact import Member, complaint_owner, first_owner
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, duty
from service_desk.services.sla import standing_in

DESK = (Role.UNDERWRITER, Role.CLAIMS)


def owner_of_contact(
    account_id: int, *, earlier_id: int | None, handler_id: int | None, actor: User | None, now: datetime
) -> int:
    """Who owns a new contact; Conflict `nobody_at_desk`. Only people who still work there are asked.

    A handler who is away keeps it only while nobody is on duty: their stand-in gets the clock. What comes while
    nobody is at the desk goes the way of a complaint, to a manager, else to an administrator: no word is lost.
    """
    asked = actor.id if actor is not None and actor.side is Side.INSURER else None
    # Whoever takes it at the desk needs nobody found, unless somebody has the matter already.
    if asked is not None and earlier_id is None:
        return asked
    earlier = earlier_id if earlier_id and serves(account_id, earlier_id) else None
    known = earlier or asked
    desk, handler = ([], None) if known else _asked_now(account_id, handler_id, now)
    found = first_owner(desk, earlier=earlier, asked=asked, handler=handler)
    found = found or owner_of_complaint(account_id, barred=None, actor=None)
    if found is None:
        raise Conflict("nobody_at_desk")
    return found


def _asked_now(account_id: int, handler_id: int | None, now: datetime) -> tuple[list[Member], int | None]:
    """Who may take a new matter now, and the handler unless somebody on duty answers in their place."""
    members = duty.members(account_id, now, *DESK, Role.MANAGER)
    on_duty = {one.user.id for one in members if one.is_on}
    desk = [one.user for one in members if one.is_on or one.user.role is not Role.MANAGER]
    away = standing_in.away_ids([*(one.user.id for one in members if one.may_be_away), handler_id or 0], now)
    able = takers(desk, id_of=lambda user: user.id, away=away, on_duty=on_duty)
    if handler_id is not None and not db.session.get_one(User, handler_id).is_active:
        handler_id = None
    if handler_id in away and on_duty - away:
        handler_id = None
    return _members(able), handler_id


def owner_of_complaint(
    account_id: int, *, barred: int | None, actor: User | None, had: Collection[int] = ()
) -> int | None:
    """Who hears a complaint: a manager, else an administrator; None when nobody is left who has not had it."""
    return complaint_owner(
        _members(access.account_members(account_id, Role.MANAGER)),
        _members(access.administrators()),
        barred=barred,
        had=had,
        asked=actor.id if actor is not None and actor.side is Side.INSURER else None,
    )


def may_hear(account_id: int, barred: int | None) -> list[User]:
    """Who may have a complaint: the managers and the administrators, but for whom it is about."""
    people = [*access.account_members(account_id, Role.MANAGER), *access.administrators()]
    return [user for user in people if user.id != barred]


def may_be_complained_about(account_id: int, *, actor: User) -> list[User]:
    """The desk's people of an account, by staff number, for whoever complains of one of them."""
    access.require(actor, Action.LOG_ENQUIRY)
    access.get_account(actor, account_id)
    return access.account_members(account_id, *DESK, Role.MANAGER)


def serves(account_id: int, user_id: int) -> bool:
    """Whether somebody still works at the account's desk."""
    roles = (*DESK, Role.MANAGER)
    people = [*access.account_members(account_id, *roles), *access.administrators()]
    return user_id in {user.id for user in people}


def _members(people: Sequence[User]) -> list[Member]:
    loads = open_contacts([user.id for user in people])
    return [Member(user.id, user.staff_no, loads.get(user.id, 0)) for user in people]


def open_contacts(user_ids: list[int]) -> dict[int, int]:
    """How many open contacts each of them owns; who owns none is not in it."""
    statement = (
        select(Enquiry.owner_id, func.count())
        .where(Enquiry.state == EnquiryState.OPEN, Enquiry.owner_id.in_(user_ids))
        .group_by(Enquiry.owner_id)
    )
    return dict(db.session.execute(statement).tuples().all())
