"""Offers nobody answers: told again, then to the managers; after how many hours is a setting of the desk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from service_desk.base.errors import Invalid
from service_desk.models.db import db
from service_desk.models.enquiries import Handover, HandoverState
from service_desk.models.settings import Setting
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role
from service_desk.services import access, audit, settings
from service_desk.services.enquiries import matters, overtaken
from service_desk.services.notices import queue, user_recipient

KEY = "handover_hours"
SHOWN = 100
_MOST_HOURS = 24 * 14


@dataclass(frozen=True)
class Hours:
    """After how many hours an offer is told again, told to the managers, and may be decided without consent."""

    remind: int = 4
    tell_managers: int = 8
    assign: int = 24


def hours() -> Hours:
    """The desk's hours."""
    kept: Mapping[str, Any] = settings.read(KEY, {})
    usual = Hours()
    return Hours(
        int(kept.get("remind", usual.remind)),
        int(kept.get("tell_managers", usual.tell_managers)),
        int(kept.get("assign", usual.assign)),
    )


def set_hours(wanted: Hours, *, actor: User, now: datetime) -> None:
    """Set them (administrator). Invalid: handover_hours_order unless each is later than the one before."""
    access.require(actor, Action.MANAGE_SETTINGS)
    if not 0 < wanted.remind < wanted.tell_managers <= wanted.assign <= _MOST_HOURS:
        raise Invalid("handover_hours_order", field="remind", most=_MOST_HOURS)
    before = hours()
    settings.write(
        KEY, {"remind": wanted.remind, "tell_managers": wanted.tell_managers, "assign": wanted.assign}
    )
    changes = {
        name: (getattr(before, name), getattr(wanted, name)) for name in ("remind", "tell_managers", "assign")
    }
    kept = db.session.get_one(Setting, KEY)
    audit.record("handover_hours_set", kept, actor=actor, now=now, label=KEY, changes=changes)


def list_due(now: datetime) -> list[int]:
    """The open offers of which something is to be told, and those that were overtaken."""
    after = hours()
    is_due = or_(
        Handover.reminded_at.is_(None) & (Handover.asked_at <= now - timedelta(hours=after.remind)),
        Handover.escalated_at.is_(None) & (Handover.asked_at <= now - timedelta(hours=after.tell_managers)),
    )
    statement = select(Handover.id).where(Handover.state == HandoverState.ASKED, is_due)
    late = db.session.scalars(statement.order_by(Handover.asked_at, Handover.id))
    return list(dict.fromkeys((*late, *overtaken.list_overtaken(now))))


def tell(offer_id: int, *, now: datetime) -> None:
    """Tell who was asked again, and the managers once it is late; each once.

    Of what has ended, or has come to somebody else meanwhile, nobody is told: the offer is taken back.
    """
    row = db.session.get_one(Handover, offer_id)
    matter = matters.KINDS[row.matter_kind].locked(row.matter_id)
    db.session.refresh(row, with_for_update=True)
    if row.state is not HandoverState.ASKED:
        return
    if not overtaken.is_standing(row, matter, now):
        overtaken.take_back(row, now=now)
        return
    after = hours()
    if row.reminded_at is None and row.asked_at <= now - timedelta(hours=after.remind):
        row.reminded_at = now
        _queue(row, db.session.get_one(User, row.to_id), now, to_manager=False)
    if row.escalated_at is None and row.asked_at <= now - timedelta(hours=after.tell_managers):
        row.escalated_at = now
        for manager in _managers(row):
            _queue(row, manager, now, to_manager=True)


def _managers(row: Handover) -> list[User]:
    """Whom a late answer is told: the managers, else the administrators; a complaint not to whom it is about."""
    barred = {row.to_id, access.hidden_from([row.matter_number]).get(row.matter_number)}
    people = access.account_members(row.account_id, Role.MANAGER) or access.administrators()
    return [user for user in people if user.id not in barred]


def list_open(*, actor: User, now: datetime) -> list[tuple[Handover, User, User]]:
    """The undecided offers one has made; a manager's are all of the accounts. The oldest first, with both people."""
    giver, taker = aliased(User), aliased(User)
    statement = (
        select(Handover, giver, taker)
        .join(giver, giver.id == Handover.from_id)
        .join(taker, taker.id == Handover.to_id)
        .where(Handover.state == HandoverState.ASKED)
        .order_by(Handover.asked_at, Handover.id)
        .limit(SHOWN)
    )
    if access.may(actor, Action.MANAGE_CLOCKS):
        statement = access.visible(actor, Action.ANSWER_ENQUIRIES, statement, Handover)
    else:
        statement = statement.where(Handover.from_id == actor.id)
    rows = db.session.execute(statement).tuples().all()
    left = overtaken.standing([row[0] for row in rows], now)
    return [row for row in rows if row[0].id in left]


def list_refused(*, actor: User, now: datetime, days: int = 14) -> list[tuple[Handover, User]]:
    """What colleagues have sent back to one in the last days, the newest first, with who did."""
    statement = (
        select(Handover, User)
        .join(User, User.id == Handover.to_id)
        .where(
            Handover.from_id == actor.id,
            Handover.state == HandoverState.REFUSED,
            Handover.decided_at > now - timedelta(days=days),
        )
        .order_by(Handover.decided_at.desc(), Handover.id.desc())
        .limit(SHOWN)
    )
    return list(db.session.execute(statement).tuples())


def _queue(row: Handover, user: User, now: datetime, *, to_manager: bool) -> None:
    giver, taker = db.session.get_one(User, row.from_id), db.session.get_one(User, row.to_id)
    params = {
        "url": "/handovers",
        "number": row.matter_number,
        "giver": giver.name,
        "giver_no": giver.staff_no,
        "taker": taker.name,
        "taker_no": taker.staff_no,
        "asked_at": row.asked_at.isoformat(),
        "to_manager": to_manager,
        "note": row.note,
    }
    queue(
        "handover_unanswered",
        user_recipient(user),
        params,
        dedupe=f"handover_unanswered:{row.id}:{'manager' if to_manager else 'taker'}",
        now=now,
        account_id=row.account_id,
        matter=matters.notice_matter(row.matter_kind, row.matter_id, row.matter_number, row.account_id),
        is_shared=False,
    )
