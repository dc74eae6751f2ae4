"""What each use class must be covered for: read by everything that asks for missing cover, changed by version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.text import squeeze
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.models.policies import CoverRequirement
from service_desk.models.users import User
from service_desk.rules.cover_needs import CoverNeeds, NeedVersion, needs_on
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import CoverCode, UseClass
from service_desk.services import access, audit


@dataclass(frozen=True)
class NewRequirement:
    """What a class needs from a day on. `account_id` None: every account without a version of its own."""

    account_id: int | None
    use_class: UseClass | None
    layers: tuple[CoverCode, ...]
    effective_on: date
    source: str = ""


def in_force(account_id: int, on: date) -> CoverNeeds:
    """What the vehicles of an account need on a day."""
    return needs_on(_versions(account_id), account_id, on)


def over_time(account_id: int, first: date, last: date) -> list[tuple[date, CoverNeeds]]:
    """What they need from day to day: on `first`, and on each later day on which it changes."""
    versions = _versions(account_id)
    changes = sorted({one.effective_on for one in versions if first < one.effective_on <= last})
    return [(day, needs_on(versions, account_id, day)) for day in (first, *changes)]


def _versions(account_id: int) -> list[NeedVersion]:
    return [as_rule(row) for row in _versions_of(account_id).objects().scalars()]


@built_once
def _versions_of(account_id: int) -> Select[tuple[CoverRequirement]]:
    return select(CoverRequirement).where(
        or_(CoverRequirement.account_id.is_(None), CoverRequirement.account_id == account_id)
    )


def as_rule(row: CoverRequirement) -> NeedVersion:
    """A version as the rules read it, its layers in their usual order."""
    layers = tuple(layer for layer in CoverCode if layer.value in row.layers)
    return NeedVersion(row.account_id, row.use_class, row.effective_on, layers)


def list_versions(account_id: int, *, actor: User) -> Sequence[tuple[CoverRequirement, User | None]]:
    """The versions that count or counted for an account, with who made each: by class, the newest first."""
    access.require(actor, Action.READ_FLEET)
    access.get_account(actor, account_id)
    statement = (
        select(CoverRequirement, User)
        .outerjoin(User, User.id == CoverRequirement.created_by_id)
        .where(or_(CoverRequirement.account_id.is_(None), CoverRequirement.account_id == account_id))
        .order_by(CoverRequirement.effective_on.desc(), CoverRequirement.id.desc())
    )
    rows = db.session.execute(statement).tuples().all()
    order = list(UseClass)
    return sorted(rows, key=lambda row: (order.index(row[0].use_class), row[0].account_id is None))


def set_requirement(wanted: NewRequirement, *, actor: User, now: datetime) -> CoverRequirement:
    """Say what a class needs from today or a later day on; a version of the same day is put right.

    Invalid: use_class_missing, ctpl_always_needed, requirement_backdated, reason_missing. Conflict: stale.
    """
    access.require(actor, Action.MANAGE_SETTINGS)
    if wanted.account_id is not None:
        access.get_visible(actor, Action.MANAGE_SETTINGS, KeyAccount, KeyAccount.id == wanted.account_id)
    use_class = wanted.use_class
    if use_class is None:
        raise Invalid("use_class_missing", field="use_class")
    if CoverCode.CTPL not in wanted.layers:
        raise Invalid("ctpl_always_needed", field="layers")
    if wanted.effective_on < local_date(now):
        raise Invalid("requirement_backdated", field="effective_on")
    if not wanted.source.strip():
        raise Invalid("reason_missing", field="source")
    row = _same_day(wanted) or CoverRequirement(
        account_id=wanted.account_id, use_class=use_class, effective_on=wanted.effective_on, layers=[]
    )
    values = {
        "layers": [layer.value for layer in CoverCode if layer in wanted.layers],
        "source": squeeze(wanted.source),
    }
    changes = audit.change(row, **values)
    row.created_by_id, row.created_at = actor.id, now
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        # Somebody else set the same class for the same day meanwhile.
        raise Conflict("stale") from None
    label = f"{use_class.value} {wanted.effective_on.isoformat()}"
    audit.record("cover_requirement_set", row, actor=actor, now=now, label=label, changes=changes)
    return row


def _same_day(wanted: NewRequirement) -> CoverRequirement | None:
    """The version of that very day; of two who set it at once the second waits, or is refused as stale."""
    of_account = (
        CoverRequirement.account_id.is_(None)
        if wanted.account_id is None
        else CoverRequirement.account_id == wanted.account_id
    )
    return db.session.scalar(
        select(CoverRequirement)
        .where(
            of_account,
            CoverRequirement.use_class == wanted.use_class,
            CoverRequirement.effective_on == wanted.effective_on,
        )
        .with_for_update()
    )
