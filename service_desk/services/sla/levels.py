"""Service levels as managers keep them: a change is a new row from a date on, the old one ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.money import from_fen
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Scope
from service_desk.rules.sla import Level, MatterFacts, Target, TargetUnit, choose_level, find_ties
from service_desk.rules.vocabulary import Severity
from service_desk.services import access, audit
from service_desk.services.sla import calendars

_SHOWN = (
    "account_id",
    "severity",
    "is_urban",
    "amount_from_fen",
    "amount_to_fen",
    "target_value",
    "target_unit",
    "warn_percent",
    "calendar_code",
    "effective_on",
)


@dataclass(frozen=True)
class LevelTerms:
    """What is promised, from which day on. `escalate_after_minutes` is working time after the due time."""

    target_value: int
    target_unit: TargetUnit
    warn_percent: int
    calendar_code: str
    source: str
    effective_on: date
    escalate_after_minutes: tuple[int, ...] = ()

    @property
    def target(self) -> Target:
        """The promise as the rules take it; Invalid when it cannot be one."""
        return Target(self.target_value, self.target_unit, self.warn_percent, self.escalate_after_minutes)


@dataclass(frozen=True)
class LevelConditions:
    """For which matters; None matches everything. The amount band is from < amount <= to."""

    step: ClockStep
    account_id: int | None = None
    severity: Severity | None = None
    is_urban: bool | None = None
    amount_from_fen: int | None = None
    amount_to_fen: int | None = None


def list_levels(*, actor: User, today: date, with_ended: bool = False) -> list[ServiceLevel]:
    """The levels of the actor's accounts and of all accounts, in the order of the steps."""
    scope = access.require(actor, Action.MANAGE_CLOCKS)
    statement = select(ServiceLevel)
    if scope is not Scope.ALL:
        own = [account.id for account in access.list_accounts(actor)]
        statement = statement.where(or_(ServiceLevel.account_id.is_(None), ServiceLevel.account_id.in_(own)))
    if not with_ended:
        statement = statement.where(or_(ServiceLevel.ended_on.is_(None), ServiceLevel.ended_on > today))
    steps = list(ClockStep)
    return sorted(db.session.scalars(statement), key=lambda row: (steps.index(row.step), *_order(row)))


def _order(row: ServiceLevel) -> tuple[int, int, date, int]:
    return row.account_id or 0, row.amount_to_fen or 2**62, row.effective_on, row.id


def get_level(level_id: int, *, actor: User, today: date) -> ServiceLevel:
    """One of the levels the actor may see; NotFound otherwise."""
    for row in list_levels(actor=actor, today=today, with_ended=True):
        if row.id == level_id:
            return row
    raise NotFound("not_found")


def may_edit(row_account_id: int | None, *, actor: User) -> bool:
    """Whether the actor may change promises to this account; promises to all need the scope of all."""
    if not access.may(actor, Action.MANAGE_CLOCKS):
        return False
    if access.require(actor, Action.MANAGE_CLOCKS) is Scope.ALL:
        return True
    return row_account_id in {account.id for account in access.list_accounts(actor)}


def add_level(conditions: LevelConditions, terms: LevelTerms, *, actor: User, now: datetime) -> ServiceLevel:
    """Make a new promise. Invalid("level_tie", level_id=…) when another would match as well as it."""
    _require_edit(conditions.account_id, actor)
    row = _row(conditions, terms)
    _check(row, terms, replaced=None, now=now)
    db.session.add(row)
    audit.record("level_added", row, actor=actor, now=now, label=row.step.value, changes=_shown(row))
    return row


def change_level(
    level_id: int, terms: LevelTerms, *, version: int, actor: User, now: datetime
) -> ServiceLevel:
    """Promise something else from `terms.effective_on` on; clocks already started keep their promise."""
    old = get_level(level_id, actor=actor, today=local_date(now))
    _require_edit(old.account_id, actor)
    if old.version != version or old.ended_on is not None:
        raise Conflict("stale")
    if terms.effective_on <= old.effective_on:
        raise Invalid("level_starts_too_early", field="effective_on", after=old.effective_on)
    row = _row(_conditions_of(old), terms)
    _check(row, terms, replaced=old, now=now)
    audit.record(
        "level_ended",
        old,
        actor=actor,
        now=now,
        label=old.step.value,
        changes=audit.change(old, ended_on=terms.effective_on),
    )
    db.session.add(row)
    audit.record("level_added", row, actor=actor, now=now, label=row.step.value, changes=_shown(row))
    return row


def end_level(level_id: int, ends_on: date, *, version: int, actor: User, now: datetime) -> ServiceLevel:
    """Promise nothing of this kind any more from `ends_on` on."""
    row = get_level(level_id, actor=actor, today=local_date(now))
    _require_edit(row.account_id, actor)
    if row.version != version or row.ended_on is not None:
        raise Conflict("stale")
    if ends_on < max(local_date(now), row.effective_on):
        raise Invalid("level_date_past", field="ends_on")
    changes = audit.change(row, ended_on=ends_on)
    audit.record("level_ended", row, actor=actor, now=now, label=row.step.value, changes=changes)
    return row


def choose(
    step: ClockStep,
    *,
    on: date,
    account_id: int,
    severity: Severity | None,
    is_urban: bool | None,
    amount_fen: int | None,
) -> ServiceLevel | None:
    """The most specific promise in force for a matter; None when the step has none."""
    rows = {
        str(row.id): row
        for row in db.session.scalars(
            select(ServiceLevel).where(
                ServiceLevel.step == step,
                or_(ServiceLevel.account_id.is_(None), ServiceLevel.account_id == account_id),
            )
        )
    }
    amount = None if amount_fen is None else from_fen(amount_fen)
    facts = MatterFacts(step, on, account_id=account_id, severity=severity, is_urban=is_urban, amount=amount)
    chosen = choose_level(_levels(rows.values()), facts)
    return rows[chosen.code] if chosen else None


def _require_edit(account_id: int | None, actor: User) -> None:
    access.require(actor, Action.MANAGE_CLOCKS)
    if not may_edit(account_id, actor=actor):
        raise Forbidden("level_of_all_accounts")


def _check(row: ServiceLevel, terms: LevelTerms, *, replaced: ServiceLevel | None, now: datetime) -> None:
    target = terms.target
    calendars.get_calendar(terms.calendar_code)
    if terms.effective_on < local_date(now):
        raise Invalid("level_date_past", field="effective_on")
    low, high = row.amount_from_fen, row.amount_to_fen
    if low is not None and high is not None and low >= high:
        raise Invalid("level_band_empty", field="amount_to")
    others = [other for other in _same_step(row.step) if other is not replaced]
    for other in others:
        if other.ended_on is None and _conditions_of(other) == _conditions_of(row):
            raise Invalid("level_tie", level_id=other.id)
    for first, second in find_ties([_as_rule("new", row, target), *_levels(others)]):
        if "new" in (first.code, second.code):
            tied = second.code if first.code == "new" else first.code
            raise Invalid("level_tie", level_id=int(tied))


def _same_step(step: ClockStep) -> Sequence[ServiceLevel]:
    return db.session.scalars(select(ServiceLevel).where(ServiceLevel.step == step)).all()


def _levels(rows: Iterable[ServiceLevel]) -> list[Level]:
    return [_as_rule(str(row.id), row, target_of(row)) for row in rows]


def target_of(row: ServiceLevel) -> Target:
    """What a stored level promises."""
    return Target(row.target_value, row.target_unit, row.warn_percent, tuple(row.escalate_after_minutes))


def _as_rule(code: str, row: ServiceLevel, target: Target) -> Level:
    return Level(
        code,
        row.step,
        target,
        row.calendar_code,
        account_id=row.account_id,
        severity=row.severity,
        is_urban=row.is_urban,
        amount_from=None if row.amount_from_fen is None else from_fen(row.amount_from_fen),
        amount_to=None if row.amount_to_fen is None else from_fen(row.amount_to_fen),
        effective_on=row.effective_on,
        ended_on=row.ended_on,
    )


def _conditions_of(row: ServiceLevel) -> LevelConditions:
    return LevelConditions(
        step=row.step,
        account_id=row.account_id,
        severity=row.severity,
        is_urban=row.is_urban,
        amount_from_fen=row.amount_from_fen,
        amount_to_fen=row.amount_to_fen,
    )


def draft(conditions: LevelConditions) -> ServiceLevel:
    """A level with conditions only, not kept: for naming it."""
    return ServiceLevel(**conditions.__dict__)


def _row(conditions: LevelConditions, terms: LevelTerms) -> ServiceLevel:
    return ServiceLevel(
        **conditions.__dict__,
        target_value=terms.target_value,
        target_unit=terms.target_unit,
        warn_percent=terms.warn_percent,
        escalate_after_minutes=list(terms.escalate_after_minutes),
        calendar_code=terms.calendar_code,
        source=terms.source,
        effective_on=terms.effective_on,
    )


def _shown(row: ServiceLevel) -> dict[str, tuple[object, object]]:
    return {name: (None, getattr(row, name)) for name in _SHOWN if getattr(row, name) is not None}
