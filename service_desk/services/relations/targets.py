"""How much work is wanted a month, of a role or of one person, and how much of it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.relations import WorkTarget
from service_desk.models.users import User
from service_desk.rules.periods import month_of
from service_desk.rules.permissions import CLIENT_ROLES, Action, Role
from service_desk.rules.work_log import WorkKind
from service_desk.services import access, audit
from service_desk.services.relations.work import count_work, people_of

MOST_TIMES = 500


@dataclass(frozen=True)
class TargetWanted:
    """A target as typed: of a role, or of the person alone; from the first of a month on, until another is set."""

    role: Role | None
    user_id: int | None
    kind: WorkKind
    from_on: date
    times: int


@dataclass(frozen=True)
class Standing:
    """A person's month in one kind of work: done, and wanted where there is a target."""

    user: User
    kind: WorkKind
    done: int
    wanted: int | None


def read_month(
    account_id: int, month: date, *, actor: User, zone: ZoneInfo, users: Sequence[User] | None = None
) -> list[Standing]:
    """How those whose logs the actor may read stand in a month, person by person; `users` narrows them."""
    allowed = people_of(account_id, actor=actor)
    chosen = allowed if users is None else [user for user in allowed if user in users]
    period = month_of(month)
    counts = count_work(account_id, [user.id for user in chosen], period, zone)
    targets = _in_force(account_id, period.first)
    return [
        Standing(user, kind, counts.get((user.id, kind), 0), wanted)
        for user in chosen
        for kind in WorkKind
        for wanted in [targets.get((user.id, kind), targets.get((user.role, kind)))]
        if wanted is not None or (user.id, kind) in counts
    ]


def _in_force(account_id: int, month: date) -> dict[tuple[int | Role, WorkKind], int]:
    """The targets of a month by person or role: the last ones set up to it."""
    statement = select(WorkTarget).where(WorkTarget.account_id == account_id, WorkTarget.from_on <= month)
    found: dict[tuple[int | Role, WorkKind], int] = {}
    for row in db.session.scalars(statement.order_by(WorkTarget.from_on, WorkTarget.id)):
        whose = row.user_id if row.user_id is not None else row.role
        if whose is not None:
            found[whose, row.kind] = row.times
    return found


def list_targets(account_id: int, *, actor: User) -> list[tuple[WorkTarget, User | None]]:
    """All targets of an account, the latest first, with the person of those that are one's alone; for managers."""
    access.require(actor, Action.LEAD_RELATIONS)
    access.get_account(actor, account_id)
    statement = (
        select(WorkTarget, User)
        .outerjoin(User, User.id == WorkTarget.user_id)
        .where(WorkTarget.account_id == account_id)
        .order_by(WorkTarget.from_on.desc(), WorkTarget.role, WorkTarget.user_id, WorkTarget.id)
    )
    return [(target, user) for target, user in db.session.execute(statement).tuples()]


def set_target(account_id: int, wanted: TargetWanted, *, actor: User, now: datetime) -> WorkTarget:
    """Set a target from a month on; one of the same month is changed. Invalid: target_whose, work_target_times; Conflict: stale."""
    access.require(actor, Action.LEAD_RELATIONS)
    access.get_account(actor, account_id)
    _check(account_id, wanted, actor)
    first = wanted.from_on.replace(day=1)
    row = db.session.scalar(
        select(WorkTarget).where(
            WorkTarget.account_id == account_id,
            WorkTarget.role == wanted.role if wanted.role else WorkTarget.user_id == wanted.user_id,
            WorkTarget.kind == wanted.kind,
            WorkTarget.from_on == first,
        )
    )
    before = row.times if row else None
    if row is None:
        row = WorkTarget(
            account_id=account_id,
            role=wanted.role,
            user_id=wanted.user_id,
            kind=wanted.kind,
            from_on=first,
            times=wanted.times,
        )
        try:
            with db.session.begin_nested():
                db.session.add(row)
        except IntegrityError:
            # Somebody else set it this very moment.
            raise Conflict("stale") from None
    else:
        row.times = wanted.times
    label = f"{wanted.kind.value} {first:%Y-%m}"
    audit.record(
        "work_target_set", row, actor=actor, now=now, label=label, changes={"times": (before, wanted.times)}
    )
    return row


def _check(account_id: int, wanted: TargetWanted, actor: User) -> None:
    if (wanted.role is None) == (wanted.user_id is None) or wanted.role in CLIENT_ROLES:
        raise Invalid("target_whose", field="whose")
    known = {user.id for user in people_of(account_id, actor=actor)}
    if wanted.user_id is not None and wanted.user_id not in known:
        raise Invalid("target_whose", field="whose")
    if not 0 <= wanted.times <= MOST_TIMES:
        raise Invalid("work_target_times", field="times", most=MOST_TIMES)


def remove_target(target_id: int, version: int, *, actor: User, now: datetime) -> None:
    """Take a target back; what was set before it holds on."""
    access.require(actor, Action.LEAD_RELATIONS)
    row = db.session.scalar(
        access.visible(
            actor, Action.LEAD_RELATIONS, select(WorkTarget).where(WorkTarget.id == target_id), WorkTarget
        )
    )
    if row is None:
        raise NotFound("not_found")
    if row.version != version:
        raise Conflict("stale")
    label = f"{row.kind.value} {row.from_on:%Y-%m}"
    audit.record(
        "work_target_removed", row, actor=actor, now=now, label=label, changes={"times": (row.times, None)}
    )
    db.session.delete(row)
