"""All that is theirs, as who answers for a leaver sees it, and what still waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.models.duty import DutySwap, SwapState
from service_desk.models.enquiries import Handover, HandoverState, MatterKind
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import CLIENT_ROLES, Action, Side
from service_desk.services import access, users
from service_desk.services.enquiries import matters, unanswered
from service_desk.services.enquiries.matters_held import Held
from service_desk.services.sla import absences

Key = tuple[MatterKind, int]


@dataclass(frozen=True)
class Line:
    """A matter of the leaver with its last offer, and to whom. `may_assign`: nobody has accepted it within the time."""

    kind: MatterKind
    held: Held
    offer: Handover | None
    taker: User | None
    may_assign: bool

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.held.id}"

    @property
    def is_waiting(self) -> bool:
        return self.offer is not None and self.offer.state is HandoverState.ASKED


@dataclass(frozen=True)
class Departure:
    """What stands between somebody and the closing of their login.

    `offered_to` are offers that wait for their answer, `swaps` exchanges of shifts that do; `accepted` counts what
    colleagues have taken over from them.
    """

    user: User
    lines: dict[MatterKind, list[Line]]
    offered_to: list[tuple[Handover, User]]
    swaps: list[DutySwap]
    accepted: int
    colleagues: list[User]

    @property
    def left(self) -> int:
        return sum(map(len, self.lines.values())) + len(self.offered_to) + len(self.swaps)

    @property
    def waiting(self) -> int:
        return sum(line.is_waiting for lines in self.lines.values() for line in lines)


def list_people(*, actor: User) -> list[User]:
    """The insurer's people an actor answers for, by staff number."""
    access.require(actor, Action.MANAGE_CLOCKS)
    return absences.people_of(actor)


def read_departure(user_id: int, *, actor: User, now: datetime) -> Departure:
    """All that is theirs. For managers of their accounts and administrators; NotFound for anybody else's people."""
    user = get_leaver(user_id, actor=actor)
    held = matters_seen(user, actor, now)
    offers = last_offers(user.id)
    takers = _users({one.to_id for one in offers.values()})
    since = now - timedelta(hours=unanswered.hours().assign)
    lines = {
        kind: [_line(kind, one, offers.get((kind, one.id)), takers, since, user) for one in rows]
        for kind, rows in held.items()
    }
    accepted = select(func.count(Handover.id)).where(
        Handover.from_id == user.id, Handover.state == HandoverState.ACCEPTED
    )
    return Departure(
        user=user,
        lines=lines,
        offered_to=waiting_for(user, actor),
        swaps=swaps_of(user, actor),
        accepted=db.session.scalar(accepted) or 0,
        colleagues=_colleagues(user),
    )


def count_left(user_id: int, now: datetime) -> int:
    """How many open matters are with a person, offers and exchanges that wait for them included."""
    held = matters.count_of(matters.held_by(user_id, now))
    return held + len(offered_to_person(user_id)) + len(open_swaps_of(user_id))


def get_leaver(user_id: int, *, actor: User) -> User:
    """Whose matters an actor may give away: an administrator anybody's, a manager their people's."""
    access.require(actor, Action.MANAGE_CLOCKS)
    if access.may(actor, Action.MANAGE_USERS):
        return users.get_user(user_id, actor=actor)
    found = next((user for user in absences.people_of(actor) if user.id == user_id), None)
    if found is None:
        raise NotFound("not_found")
    return found


def _line(
    kind: MatterKind,
    held: Held,
    last: Handover | None,
    takers: dict[int, User],
    since: datetime,
    user: User,
) -> Line:
    shown = last if last is not None and last.state is not HandoverState.WITHDRAWN else None
    taker = takers.get(shown.to_id) if shown else None
    return Line(kind, held, shown, taker, is_late(last, since, user))


def is_late(last: Handover | None, since: datetime, user: User) -> bool:
    """Whether it may be given without consent. An offer taken back was nobody's to answer."""
    if user.side is Side.CLIENT:
        return True
    answered = last is not None and last.state in {HandoverState.ASKED, HandoverState.REFUSED}
    return answered and last is not None and last.asked_at <= since


def last_offers(user_id: int) -> dict[Key, Handover]:
    """The latest offer of each matter that a person has made, or that was made for them."""
    statement = select(Handover).where(Handover.from_id == user_id)
    rows = db.session.scalars(statement.order_by(Handover.asked_at, Handover.id))
    return {(row.matter_kind, row.matter_id): row for row in rows}


def offered_to_person(user_id: int) -> list[tuple[Handover, User]]:
    statement = (
        select(Handover, User)
        .join(User, User.id == Handover.from_id)
        .where(Handover.to_id == user_id, Handover.state == HandoverState.ASKED)
        .order_by(Handover.asked_at, Handover.id)
    )
    return list(db.session.execute(statement).tuples())


def open_swaps_of(user_id: int) -> list[DutySwap]:
    theirs = or_(DutySwap.to_id == user_id, DutySwap.giver_id == user_id)
    statement = select(DutySwap).where(theirs, DutySwap.state == SwapState.ASKED)
    return list(db.session.scalars(statement.order_by(DutySwap.id)))


def _users(ids: set[int]) -> dict[int, User]:
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def _colleagues(user: User) -> list[User]:
    """Who could take something of theirs: the insurer's active people on any account of theirs."""
    accounts = select(UserAccount.account_id).where(UserAccount.user_id == user.id)
    serving = select(UserAccount.user_id).where(UserAccount.account_id.in_(accounts))
    statement = select(User).where(
        User.is_active, User.role.not_in(CLIENT_ROLES), User.id != user.id, User.id.in_(serving)
    )
    return list(db.session.scalars(statement.order_by(User.staff_no, User.id)))


def matters_seen(user: User, actor: User, now: datetime) -> dict[MatterKind, list[Held]]:
    """What is theirs on the actor's accounts, but for complaints about the actor."""
    held, accounts = matters.held_by(user.id, now), _accounts(actor)
    hidden = access.hidden_from([one.number for rows in held.values() for one in rows])
    found = {
        kind: [one for one in rows if one.account_id in accounts and hidden.get(one.number) != actor.id]
        for kind, rows in held.items()
    }
    return {kind: rows for kind, rows in found.items() if rows}


def waiting_for(user: User, actor: User) -> list[tuple[Handover, User]]:
    waiting, accounts = offered_to_person(user.id), _accounts(actor)
    hidden = access.hidden_from([row.matter_number for row, _ in waiting])
    return [
        (row, giver)
        for row, giver in waiting
        if row.account_id in accounts and hidden.get(row.matter_number) != actor.id
    ]


def swaps_of(user: User, actor: User) -> list[DutySwap]:
    accounts = _accounts(actor)
    return [one for one in open_swaps_of(user.id) if one.account_id in accounts]


def _accounts(actor: User) -> set[int]:
    return {account.id for account in access.list_accounts(actor)}
