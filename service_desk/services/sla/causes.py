"""The causes a review may name: one list for all accounts, in the order in which it is offered."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.text import one_line, squeeze
from service_desk.models.db import db
from service_desk.models.sla import BreachCause, BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit

# A code is part of an address and of exports; a long name need not be spelled out in it.
_LONGEST_CODE = 40


@dataclass(frozen=True)
class CauseNames:
    """A cause in both languages. Readers of English see the Chinese name where there is no English one."""

    name: str
    name_en: str = ""


@dataclass(frozen=True)
class CauseUse:
    """A cause and how many reviews the reader may see name it."""

    cause: BreachCause
    review_count: int


def active_causes() -> list[BreachCause]:
    """What a new review may name, in the order people gave the list."""
    statement = select(BreachCause).where(BreachCause.is_active)
    return list(db.session.scalars(statement.order_by(BreachCause.ordinal, BreachCause.code)))


def all_causes() -> dict[str, BreachCause]:
    """Every cause by its code, retired ones too: old reviews name them for ever."""
    statement = select(BreachCause).order_by(BreachCause.ordinal, BreachCause.code)
    return {cause.code: cause for cause in db.session.scalars(statement)}


def list_causes(*, actor: User) -> list[CauseUse]:
    """The list for those who keep it: what is offered first, then what was retired."""
    access.require(actor, Action.MANAGE_CLOCKS)
    used = select(BreachReview.cause, func.count()).join(Timer, Timer.id == BreachReview.timer_id)
    visible = access.visible(actor, Action.MANAGE_CLOCKS, used.group_by(BreachReview.cause), Timer)
    counts = dict(db.session.execute(visible).tuples().all())
    causes = sorted(all_causes().values(), key=lambda cause: not cause.is_active)
    return [CauseUse(cause, counts.get(cause.code, 0)) for cause in causes]


def get_cause(code: str, *, actor: User) -> BreachCause:
    """One cause, to change it."""
    access.require(actor, Action.MANAGE_CLOCKS)
    cause = db.session.get(BreachCause, code)
    if cause is None:
        raise NotFound("not_found")
    return cause


def add(names: CauseNames, *, actor: User, now: datetime) -> BreachCause:
    """Offer a new cause, at the end of the list. Invalid: cause_name_missing, cause_known, cause_retired."""
    access.require(actor, Action.MANAGE_CLOCKS)
    known = all_causes()
    names = _checked(names, known)
    code = _free_code(names.name_en, known)
    cause = BreachCause(code=code, name=names.name, name_en=names.name_en, ordinal=_next_ordinal(known))
    try:
        with db.session.begin_nested():
            db.session.add(cause)
    except IntegrityError:
        raise Conflict("stale") from None
    _record("cause_added", cause, {"name": (None, cause.name)}, actor, now)
    return cause


def rename(code: str, names: CauseNames, *, version: int, actor: User, now: datetime) -> BreachCause:
    """Word a cause otherwise; reviews that name it show the new words. Its code stays."""
    cause = _get_current(code, version, actor)
    others = {other: row for other, row in all_causes().items() if other != code}
    names = _checked(names, others)
    _record("cause_renamed", cause, audit.change(cause, name=names.name, name_en=names.name_en), actor, now)
    return cause


def move_up(code: str, *, version: int, actor: User, now: datetime) -> BreachCause:
    """Offer a cause one place earlier; the first one stays where it is."""
    cause = _get_current(code, version, actor)
    offered = active_causes()
    place = next((index for index, one in enumerate(offered) if one.code == code), 0)
    if place == 0:
        return cause
    offered[place - 1], offered[place] = offered[place], offered[place - 1]
    for ordinal, one in enumerate(offered, start=1):
        one.ordinal = ordinal
    _record("cause_moved", cause, {"ordinal": (place + 1, place)}, actor, now)
    return cause


def retire(code: str, *, version: int, actor: User, now: datetime) -> BreachCause:
    """Offer a cause no longer. Invalid("cause_last"): a review must be able to name something."""
    cause = _get_current(code, version, actor)
    # Locked, or two managers could each retire one of the last two.
    active = db.session.scalars(select(BreachCause.code).where(BreachCause.is_active).with_for_update()).all()
    if active == [code]:
        raise Invalid("cause_last")
    _record("cause_retired", cause, audit.change(cause, is_active=False), actor, now)
    return cause


def bring_back(code: str, *, version: int, actor: User, now: datetime) -> BreachCause:
    """Offer a retired cause again, at the end of the list."""
    cause = _get_current(code, version, actor)
    if cause.is_active:
        return cause
    changes = audit.change(cause, is_active=True, ordinal=_next_ordinal(all_causes()))
    _record("cause_brought_back", cause, changes, actor, now)
    return cause


def _get_current(code: str, version: int, actor: User) -> BreachCause:
    cause = get_cause(code, actor=actor)
    if cause.version != version:
        raise Conflict("stale")
    return cause


def _checked(names: CauseNames, others: dict[str, BreachCause]) -> CauseNames:
    """The names as they are kept. Two causes of one name would split every count of causes."""
    clean = CauseNames(one_line(names.name), one_line(names.name_en))
    if not clean.name:
        raise Invalid("cause_name_missing", field="name")
    for field, name in (("name", clean.name), ("name_en", clean.name_en)):
        known = next((row for row in others.values() if name and _is_called(row, name)), None)
        if known is not None:
            raise Invalid("cause_known" if known.is_active else "cause_retired", field=field, name=name)
    return clean


def _is_called(cause: BreachCause, name: str) -> bool:
    return _folded(name) in (_folded(cause.name), _folded(cause.name_en))


def _folded(name: str) -> str:
    return squeeze(name).casefold()


def _next_ordinal(known: dict[str, BreachCause]) -> int:
    return max((cause.ordinal for cause in known.values()), default=0) + 1


def _free_code(name_en: str, known: dict[str, BreachCause]) -> str:
    """`police_report_late` of its English name; `cause_12` without one."""
    stem = re.sub(r"[^a-z0-9]+", "_", name_en.lower()).strip("_")[:_LONGEST_CODE].strip("_")
    if stem and stem not in known:
        return stem
    number = len(known) + 1
    while f"{stem or 'cause'}_{number}" in known:
        number += 1
    return f"{stem or 'cause'}_{number}"


def _record(action: str, cause: BreachCause, changes: dict[str, Any], actor: User, now: datetime) -> None:
    audit.record(action, cause, actor=actor, now=now, label=cause.name, changes=changes)
