"""Service levels as managers keep them: a change is a new row from a date on, the old one ends."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.money import from_fen
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db, table_of
from service_desk.models.sla import ServiceLevel, WorkingCalendarRow
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import CLIENT_ROLES, Action, Role, Scope
from service_desk.rules.sla import Level, MatterFacts, Target, TargetUnit, choose_level, find_ties
from service_desk.rules.sla.addressees import addressee_from
from service_desk.rules.vocabulary import Severity
from service_desk.services import access, audit
from service_desk.services.sla import calendars

_SHOWN = (
    "severity",
    "is_urban",
    "amount_from_fen",
    "amount_to_fen",
    "target_value",
    "target_unit",
    "warn_percent",
    "escalate_after_minutes",
    "escalate_to",
    "calendar_code",
    "source",
    "effective_on",
)
_LEVELS, _CALENDARS = table_of(ServiceLevel).c, table_of(WorkingCalendarRow).c
# Made once, and of columns, which cost less to read than rows of models: every start of a clock asks.
_OF_STEPS = (
    select(*_LEVELS, _CALENDARS.digest)
    .outerjoin(table_of(WorkingCalendarRow), _CALENDARS.code == _LEVELS.calendar_code)
    .where(
        _LEVELS.step.in_(bindparam("steps", expanding=True)),
        or_(_LEVELS.account_id.is_(None), _LEVELS.account_id == bindparam("account_id")),
    )
)


@dataclass(frozen=True)
class LevelTerms:
    """What is promised, from which day on.

    `escalate_after_minutes` is working time after the due time, `escalate_to` whom each of them tells
    (`rules.sla.addressees`); managers where it says nothing.
    """

    target_value: int
    target_unit: TargetUnit
    warn_percent: int
    calendar_code: str
    source: str
    effective_on: date
    escalate_after_minutes: tuple[int, ...] = ()
    escalate_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class LevelConditions:
    """For which matters; None matches everything. The amount band is from < amount <= to."""

    step: ClockStep
    account_id: int | None = None
    severity: Severity | None = None
    is_urban: bool | None = None
    amount_from_fen: int | None = None
    amount_to_fen: int | None = None


def list_levels(
    *, actor: User, today: date, with_ended: bool = False, step: ClockStep | None = None
) -> list[ServiceLevel]:
    """The levels of the actor's accounts and of all accounts, in the order of the steps; of one step if given."""
    scope = access.require(actor, Action.MANAGE_CLOCKS)
    statement = select(ServiceLevel)
    if step is not None:
        statement = statement.where(ServiceLevel.step == step)
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


def list_addressees(actor: User) -> list[User]:
    """Whom some level of the actor's accounts may name: the insurer's active people there, by staff number."""
    access.require(actor, Action.MANAGE_CLOCKS)
    own = [account.id for account in access.list_accounts(actor)]
    working = select(UserAccount.user_id).where(UserAccount.account_id.in_(own))
    statement = select(User).where(
        User.is_active, User.role.not_in(CLIENT_ROLES), or_(User.role == Role.ADMIN, User.id.in_(working))
    )
    return list(db.session.scalars(statement.order_by(User.staff_no, User.id)))


def people_named(rows: Iterable[ServiceLevel]) -> dict[int, User]:
    """The people whom the escalations of some levels name, by id, also those who have left."""
    ids = {addressee_from(code).user_id for row in rows for code in row.escalate_to}
    found = db.session.scalars(select(User).where(User.id.in_(ids - {None})))
    return {user.id: user for user in found}


def add_level(conditions: LevelConditions, terms: LevelTerms, *, actor: User, now: datetime) -> ServiceLevel:
    """Make a new promise. Invalid("level_tie", level_id=…) when another would match as well as it.

    Invalid too: level_date_past, level_band_empty, target_too_short, warn_percent_out_of_range,
    escalation_out_of_order, escalation_to_outsider.
    """
    _require_edit(conditions.account_id, actor)
    _lock_list()
    row = _row(conditions, terms)
    _check(row, terms, replaced=None, now=now)
    db.session.add(row)
    audit.record("level_added", row, actor=actor, now=now, label=_label(row), changes=_shown(row))
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
    _lock_list()
    row = _row(_conditions_of(old), terms)
    _check(row, terms, replaced=old, now=now)
    audit.record(
        "level_ended",
        old,
        actor=actor,
        now=now,
        label=_label(old),
        changes=audit.change(old, ended_on=terms.effective_on),
    )
    db.session.add(row)
    audit.record("level_added", row, actor=actor, now=now, label=_label(row), changes=_shown(row))
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
    audit.record("level_ended", row, actor=actor, now=now, label=_label(row), changes=changes)
    return row


def choose(
    step: ClockStep,
    *,
    on: date,
    account_id: int,
    severity: Severity | None,
    is_urban: bool | None,
    amount_fen: int | None,
) -> Row[Any] | None:
    """The most specific promise in force for a matter, as `choose_for` answers it; None when the step has none."""
    steps = {step: amount_fen}
    found = choose_for(steps, on=on, account_id=account_id, severity=severity, is_urban=is_urban)
    return found.get(step)


def choose_for(
    steps: Mapping[ClockStep, int | None],
    *,
    on: date,
    account_id: int,
    severity: Severity | None,
    is_urban: bool | None,
) -> dict[ClockStep, Row[Any]]:
    """The most specific promise in force for each of several steps, each with its amount; none for those without.

    One query. The rows have the columns of a level, and `digest`: the version of its calendar that a clock started
    now counts on.
    """
    if not steps:
        return {}
    db.session.flush()
    rows = db.session.execute(_OF_STEPS, {"steps": list(steps), "account_id": account_id}).all()
    found: dict[ClockStep, Row[Any]] = {}
    for step, amount_fen in steps.items():
        facts = matter_facts(
            step, on=on, account_id=account_id, severity=severity, is_urban=is_urban, amount_fen=amount_fen
        )
        of_this = {str(row.id): row for row in rows if row.step == step}
        chosen = choose_level([as_rule(row) for row in of_this.values()], facts)
        if chosen is not None:
            found[step] = of_this[chosen.code]
    return found


def choose_each(step: ClockStep, *, on: date, account_ids: Collection[int]) -> dict[int, ServiceLevel | None]:
    """What `choose` answers for each of several accounts when nothing else is known of the matter, in one query."""
    wanted = or_(ServiceLevel.account_id.is_(None), ServiceLevel.account_id.in_(account_ids))
    rows = {
        str(row.id): row
        for row in db.session.scalars(select(ServiceLevel).where(ServiceLevel.step == step, wanted))
    }
    rules = [as_rule(row) for row in rows.values()]
    chosen = {
        account_id: choose_level(
            rules,
            matter_facts(step, on=on, account_id=account_id, severity=None, is_urban=None, amount_fen=None),
        )
        for account_id in account_ids
    }
    return {account_id: rows[rule.code] if rule else None for account_id, rule in chosen.items()}


def of_step(step: ClockStep, account_id: int) -> list[ServiceLevel]:
    """All levels of a step that may concern an account, past and future ones too."""
    return list(
        db.session.scalars(
            select(ServiceLevel).where(
                ServiceLevel.step == step,
                or_(ServiceLevel.account_id.is_(None), ServiceLevel.account_id == account_id),
            )
        )
    )


def matter_facts(
    step: ClockStep,
    *,
    on: date,
    account_id: int,
    severity: Severity | None,
    is_urban: bool | None,
    amount_fen: int | None,
) -> MatterFacts:
    """What is known of a matter, as the rules take it."""
    amount = None if amount_fen is None else from_fen(amount_fen)
    return MatterFacts(step, on, account_id=account_id, severity=severity, is_urban=is_urban, amount=amount)


def _require_edit(account_id: int | None, actor: User) -> None:
    access.require(actor, Action.MANAGE_CLOCKS)
    if not may_edit(account_id, actor=actor):
        raise Forbidden("level_of_all_accounts")


def _lock_list() -> None:
    """Levels are written one after the other: of two that tie, each could miss the other.

    Whoever writes one holds the first of all. Clocks may start under it meanwhile: its key does not change.
    """
    first = select(ServiceLevel.id).order_by(ServiceLevel.id).limit(1)
    db.session.execute(first.with_for_update(key_share=True)).all()


def _check(row: ServiceLevel, terms: LevelTerms, *, replaced: ServiceLevel | None, now: datetime) -> None:
    rule = as_rule(row)
    calendars.get_calendar(terms.calendar_code)
    if terms.effective_on < local_date(now):
        raise Invalid("level_date_past", field="effective_on")
    low, high = row.amount_from_fen, row.amount_to_fen
    if low is not None and high is not None and low >= high:
        raise Invalid("level_band_empty", field="amount_to")
    _check_addressees(row)
    _check_ties(row, rule, [other for other in _same_step(row.step) if other is not replaced])


def _check_addressees(row: ServiceLevel) -> None:
    """Only who is active and sees all matters of the level may be named."""
    named = [addressee_from(code).user_id for code in row.escalate_to]
    if not any(named):
        return
    known = {user.id for user in access.insurer_people(row.account_id)}
    for number, user_id in enumerate(named, start=1):
        if user_id is not None and user_id not in known:
            raise Invalid("escalation_to_outsider", field="escalations", number=number)


def _check_ties(row: ServiceLevel, rule: Level, others: Sequence[ServiceLevel]) -> None:
    for other in others:
        if other.ended_on is None and _conditions_of(other) == _conditions_of(row):
            raise Invalid("level_tie", field="step", level_id=other.id)
    for first, second in find_ties([rule, *(as_rule(other) for other in others)]):
        if rule in (first, second):
            tied = second if first is rule else first
            raise Invalid("level_tie", field="step", level_id=int(tied.code))


def _same_step(step: ClockStep) -> Sequence[ServiceLevel]:
    return db.session.scalars(select(ServiceLevel).where(ServiceLevel.step == step)).all()


def target_of(row: ServiceLevel | Row[Any]) -> Target:
    """What a stored level promises."""
    return Target(row.target_value, row.target_unit, row.warn_percent, tuple(row.escalate_after_minutes))


def as_rule(row: ServiceLevel | Row[Any]) -> Level:
    """A stored level as the rules take it; its code is its id, `new` before it has one."""
    return Level(
        str(row.id) if row.id else "new",
        row.step,
        target_of(row),
        row.calendar_code,
        account_id=row.account_id,
        severity=row.severity,
        is_urban=row.is_urban,
        amount_from=None if row.amount_from_fen is None else from_fen(row.amount_from_fen),
        amount_to=None if row.amount_to_fen is None else from_fen(row.amount_to_fen),
        effective_on=row.effective_on,
        ended_on=row.ended_on,
        source=row.source,
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
        escalate_to=list(terms.escalate_to),
        calendar_code=terms.calendar_code,
        source=terms.source,
        effective_on=terms.effective_on,
    )


def _label(row: ServiceLevel) -> str:
    """How the audit trail calls a level: `ZZLY survey`, or the step alone for all accounts."""
    account = db.session.get(KeyAccount, row.account_id) if row.account_id else None
    return f"{account.code} {row.step.value}" if account else row.step.value


def _shown(row: ServiceLevel) -> dict[str, tuple[object, object]]:
    values = {name: getattr(row, name) for name in _SHOWN}
    return {name: (None, value) for name, value in values.items() if value not in (None, "", [])}
