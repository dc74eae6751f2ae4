"""Somebody leaves: all that is theirs is offered, accepted or assigned, and only then is the login closed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from service_desk.base.errors import Conflict, DomainError, Invalid, NotFound
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.duty import DutySwap, SwapState
from service_desk.models.enquiries import Handover, HandoverState, MatterKind
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import CLIENT_ROLES, Action, Role, Side, may, side_of
from service_desk.services import access, audit, notices, users
from service_desk.services.duty import swaps
from service_desk.services.enquiries import handovers, many, matters, unanswered
from service_desk.services.enquiries.handovers import Offered
from service_desk.services.enquiries.many import Outcome
from service_desk.services.enquiries.matters_held import Held
from service_desk.services.sla import absences
from service_desk.services.users import UserDetails

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
    held = _seen(user, actor, now)
    offers = _last_offers(user.id)
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
        offered_to=_waiting_for(user, actor),
        swaps=_swaps_of(user, actor),
        accepted=db.session.scalar(accepted) or 0,
        colleagues=_colleagues(user),
    )


def count_left(user_id: int, now: datetime) -> int:
    """How many open matters are with a person, offers and exchanges that wait for them included."""
    held = matters.count_of(matters.held_by(user_id, now))
    return held + len(_offered_to(user_id)) + len(_open_swaps(user_id))


def offer(
    user_id: int, keys: Sequence[Key], to_ids: Sequence[int], note: str, *, actor: User, now: datetime
) -> Outcome:
    """Offer matters of a leaver to one colleague, or to several in turns, each what they may do.

    Invalid: nothing_ticked, too_many_ticked, taker_missing.
    """
    user = get_leaver(user_id, actor=actor)
    chosen = _chosen(user, keys, actor, now)
    if not to_ids:
        raise Invalid("taker_missing", field="to_ids")
    done: list[Handover] = []
    left: list[tuple[str, DomainError]] = []
    portions: dict[int, list[Offered]] = {}
    able: dict[tuple[int, MatterKind], list[int]] = {}
    for place, one in enumerate(chosen):
        if (one.account_id, one.kind) not in able:
            takers = handovers.possible_takers(one.account_id, one.kind, one.owner_id)
            able[one.account_id, one.kind] = [to.id for to in takers if to.id in to_ids]
        suitable = able[one.account_id, one.kind]
        if not suitable:
            left.append((one.number, Invalid("taker_unsuitable", field="to_ids")))
            continue
        portions.setdefault(suitable[place % len(suitable)], []).append(one)
    for to_id, portion in portions.items():
        outcome = many.offer_many(portion, to_id, note, actor=actor, now=now)
        done += outcome.done
        left += outcome.left
    return Outcome(done, left)


def assign(
    user_id: int, keys: Sequence[Key], to_id: int, reason: str, *, actor: User, now: datetime
) -> Outcome:
    """Give matters to a colleague without their consent: only those nobody has accepted within the time, with a reason.

    What is the client's person's can be given at once: nobody there can be asked at the desk. Invalid:
    reason_missing, nothing_ticked, too_many_ticked; of each matter: assign_too_early, taker_unsuitable.
    """
    user = get_leaver(user_id, actor=actor)
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    offers, since = _last_offers(user.id), now - timedelta(hours=unanswered.hours().assign)
    done: list[Handover] = []
    left: list[tuple[str, DomainError]] = []
    for one in _chosen(user, keys, actor, now):
        last = offers.get((one.kind, one.id))
        try:
            with db.session.begin_nested():
                done.append(_assign(user, one, last, since, to_id, one_line(reason)[:200], actor, now))
        except (Invalid, Conflict) as refusal:
            left.append((one.number, refusal))
    _tell_assigned(done, actor, now)
    return Outcome(done, left)


def take_back(user_id: int, *, actor: User, now: datetime) -> int:
    """Take back what waits for an answer of somebody who leaves: offers to them, exchanges of shifts; how many."""
    user = get_leaver(user_id, actor=actor)
    waiting, open_swaps = _waiting_for(user, actor), _swaps_of(user, actor)
    for row, _ in waiting:
        changes = audit.change(row, state=HandoverState.WITHDRAWN, decided_at=now)
        audit.record(
            "handover_withdrawn", row, actor=actor, now=now, label=row.matter_number, changes=changes
        )
    for one in open_swaps:
        swaps.withdraw(one.id, actor=actor, now=now)
    return len(waiting) + len(open_swaps)


def close_login(user_id: int, *, actor: User, now: datetime) -> None:
    """Close the login of somebody with whom nothing is left (administrator). Conflict: matters_left."""
    user = users.get_user(user_id, actor=actor)
    if user.id == actor.id:
        raise Invalid("own_rights", field="role")
    db.session.refresh(user, with_for_update=True)
    if user.is_active:
        _require_nothing(user, now)
        users.close_user(user, actor=actor, now=now, reason="")


def change_login(user_id: int, details: UserDetails, version: int, *, actor: User, now: datetime) -> User:
    """Change a login; closing it, or taking an account from it, is refused while matters are left with it.

    So is a role in which they could not go on with what is theirs. Conflict: matters_left, matters_of_account,
    matters_of_role.
    """
    user = users.get_user(user_id, actor=actor)
    closes = user.is_active and not details.is_active
    if closes and user.id != actor.id:
        _require_nothing(user, now)
    if user.is_active and not closes and user.id != actor.id:
        _require_fitting(user, details.role, now)
    if user.is_active and not closes and details.role is not Role.ADMIN:
        _require_nothing_of(user, set(users.account_ids_of(user)) - set(details.account_ids), now)
    return users.change_user(user_id, details, version, actor=actor, now=now, may_close=closes)


def close_by_command(username: str, reason: str, *, leaves_matters: bool, now: datetime) -> int:
    """Close a login from the command line; how many matters stay with it.

    Conflict `matters_left` unless it `leaves_matters`, which needs the reason. NotFound for an unknown name.
    """
    user = db.session.scalar(select(User).where(User.username == username.strip().casefold(), User.is_active))
    if user is None:
        raise NotFound("not_found")
    left = count_left(user.id, now)
    if left and not leaves_matters:
        raise Conflict("matters_left", name=user.name, count=left)
    if left and not reason.strip():
        raise Invalid("reason_missing", field="reason")
    users.close_user(user, actor=None, now=now, reason=one_line(reason)[:200], left=left)
    return left


def get_leaver(user_id: int, *, actor: User) -> User:
    """Whose matters an actor may give away: an administrator anybody's, a manager their people's."""
    access.require(actor, Action.MANAGE_CLOCKS)
    if access.may(actor, Action.MANAGE_USERS):
        return users.get_user(user_id, actor=actor)
    found = next((user for user in absences.people_of(actor) if user.id == user_id), None)
    if found is None:
        raise NotFound("not_found")
    return found


def _require_nothing(user: User, now: datetime) -> None:
    left = count_left(user.id, now)
    if left:
        raise Conflict("matters_left", name=user.name, count=left)


def _require_nothing_of(user: User, account_ids: set[int], now: datetime) -> None:
    """Nobody keeps what they would not see any more."""
    if not account_ids:
        return
    held = [one.account_id for rows in matters.held_by(user.id, now).values() for one in rows]
    held += [row.account_id for row, _giver in _offered_to(user.id)]
    left = sum(account_id in account_ids for account_id in held)
    if left:
        raise Conflict("matters_of_account", name=user.name, count=left)


def _require_fitting(user: User, role: Role, now: datetime) -> None:
    """Nobody keeps what they could not work on in another role."""
    if role is user.role:
        return
    counts: Counter[MatterKind] = Counter()
    for kind, rows in matters.held_by(user.id, now).items():
        counts[kind] += len(rows)
    counts.update(row.matter_kind for row, _giver in _offered_to(user.id))
    counts[MatterKind.SHIFT] += len(_open_swaps(user.id))
    left = {kind: count for kind, count in counts.items() if count and not _goes_on(user.role, role, kind)}
    if left:
        raise Conflict("matters_of_role", name=user.name, count=sum(left.values()), matters=left)


def _goes_on(before: Role, role: Role, kind: MatterKind) -> bool:
    rules = matters.KINDS[kind]
    stays_client = {side_of(before), side_of(role)} == {Side.CLIENT}
    return role in rules.takers or (stays_client and may(role, rules.work))


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
    return Line(kind, held, shown, taker, _is_late(last, since, user))


def _is_late(last: Handover | None, since: datetime, user: User) -> bool:
    """Whether it may be given without consent. An offer taken back was nobody's to answer."""
    if user.side is Side.CLIENT:
        return True
    answered = last is not None and last.state in {HandoverState.ASKED, HandoverState.REFUSED}
    return answered and last is not None and last.asked_at <= since


def _last_offers(user_id: int) -> dict[Key, Handover]:
    """The latest offer of each matter that a person has made, or that was made for them."""
    statement = select(Handover).where(Handover.from_id == user_id)
    rows = db.session.scalars(statement.order_by(Handover.asked_at, Handover.id))
    return {(row.matter_kind, row.matter_id): row for row in rows}


def _offered_to(user_id: int) -> list[tuple[Handover, User]]:
    statement = (
        select(Handover, User)
        .join(User, User.id == Handover.from_id)
        .where(Handover.to_id == user_id, Handover.state == HandoverState.ASKED)
        .order_by(Handover.asked_at, Handover.id)
    )
    return list(db.session.execute(statement).tuples())


def _open_swaps(user_id: int) -> list[DutySwap]:
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


def _seen(user: User, actor: User, now: datetime) -> dict[MatterKind, list[Held]]:
    """What is theirs on the actor's accounts, but for complaints about the actor."""
    held, accounts = matters.held_by(user.id, now), _accounts(actor)
    hidden = access.hidden_from([one.number for rows in held.values() for one in rows])
    found = {
        kind: [one for one in rows if one.account_id in accounts and hidden.get(one.number) != actor.id]
        for kind, rows in held.items()
    }
    return {kind: rows for kind, rows in found.items() if rows}


def _waiting_for(user: User, actor: User) -> list[tuple[Handover, User]]:
    waiting, accounts = _offered_to(user.id), _accounts(actor)
    hidden = access.hidden_from([row.matter_number for row, _ in waiting])
    return [
        (row, giver)
        for row, giver in waiting
        if row.account_id in accounts and hidden.get(row.matter_number) != actor.id
    ]


def _swaps_of(user: User, actor: User) -> list[DutySwap]:
    accounts = _accounts(actor)
    return [one for one in _open_swaps(user.id) if one.account_id in accounts]


def _accounts(actor: User) -> set[int]:
    return {account.id for account in access.list_accounts(actor)}


def _chosen(user: User, keys: Sequence[Key], actor: User, now: datetime) -> list[Offered]:
    """The matters that were ticked, as far as they are still theirs."""
    if not keys:
        raise Invalid("nothing_ticked")
    if len(keys) > many.MOST_AT_ONCE:
        raise Invalid("too_many_ticked", most=many.MOST_AT_ONCE)
    wanted = set(keys)
    return [
        Offered(kind, one.id, one.number, one.account_id, user.id)
        for kind, rows in _seen(user, actor, now).items()
        for one in rows
        if (kind, one.id) in wanted
    ]


def _assign(
    user: User,
    one: Offered,
    last: Handover | None,
    since: datetime,
    to_id: int,
    reason: str,
    actor: User,
    now: datetime,
) -> Handover:
    if not _is_late(last, since, user):
        raise Conflict("assign_too_early", hours=unanswered.hours().assign)
    matters.KINDS[one.kind].locked(one.id)
    if last is not None and last.state is HandoverState.ASKED:
        changes = audit.change(last, state=HandoverState.WITHDRAWN, decided_at=now)
        audit.record("handover_withdrawn", last, actor=actor, now=now, label=one.number, changes=changes)
        db.session.flush()
    row = handovers.offer(one, to_id, "", actor=actor, now=now, tells=False)
    row.assigned_by_id, row.assigned_reason = actor.id, reason
    changes = handovers.take(row, actor=actor, now=now, note=reason)
    changes["assigned_reason"] = (None, reason)
    audit.record("handover_assigned", row, actor=actor, now=now, label=one.number, changes=changes)
    return row


def _tell_assigned(rows: Sequence[Handover], actor: User, now: datetime) -> None:
    """One message to who got them."""
    if not rows or rows[0].to_id == actor.id:
        return
    params = {
        "url": "/",
        "count": len(rows),
        "matters": many.listed(rows),
        "who": {"name": actor.name, "staff_no": actor.staff_no, "phone": actor.phone},
        "reason": rows[0].assigned_reason,
    }
    notices.queue(
        "handovers_assigned",
        notices.user_recipient(db.session.get_one(User, rows[0].to_id)),
        params,
        dedupe=f"handovers_assigned:{rows[0].id}",
        now=now,
        account_id=rows[0].account_id,
        is_shared=False,
    )
