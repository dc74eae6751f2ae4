"""Open clocks that count on a promise or a calendar no longer in force, with what they would count on now."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, false, or_, select

from service_desk.base.clock import end_of_day, local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel, Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action
from service_desk.rules.sla import Level, MatterFacts, choose_level
from service_desk.services import access
from service_desk.services.sla import calendars, ledger, levels
from service_desk.services.sla.moves import Move, Terms, find_moves, people_holding

# What a timer copies of its level: two levels that agree in these promise the same.
TERMS = (
    "target_value",
    "target_unit",
    "warn_percent",
    "escalate_after_minutes",
    "escalate_to",
    "calendar_code",
)


class OutdatedView(StrEnum):
    """Which outdated clocks: those that would move, those that would not, those broken already."""

    MOVES = "moves"
    SAME = "same"
    BROKEN = "broken"


@dataclass(frozen=True)
class Wanted:
    """A clock somebody has ticked, as they saw it: its row's version, and the terms it would move to."""

    timer_id: int
    version: int
    level_id: int
    digest: str


@dataclass(frozen=True)
class Outdated:
    """An open clock and the level and calendar version in force for it now."""

    move: Move
    level: ServiceLevel
    digest: str

    @property
    def timer(self) -> Timer:
        """The clock."""
        return self.move.timer

    @property
    def view(self) -> OutdatedView:
        """Where it is listed."""
        if self.move.is_broken:
            return OutdatedView.BROKEN
        return OutdatedView.MOVES if self.move.shift_seconds else OutdatedView.SAME

    @property
    def wanted(self) -> Wanted:
        """What ticking it asks for."""
        return Wanted(self.timer.id, self.timer.version, self.level.id, self.digest)


@dataclass(frozen=True)
class OutdatedList:
    """A page of outdated clocks, and how many there are in each view. `people` hold them, by id."""

    page: Page[Outdated]
    counts: Mapping[OutdatedView, int]
    people: Mapping[int, User]


def count_moving(*, actor: User, now: datetime) -> int:
    """How many open clocks of the actor's accounts would move to another due time by the terms in force."""
    return sum(one.view is OutdatedView.MOVES for one in judge(_candidates(actor, now), now))


def list_outdated(view: OutdatedView, request: PageRequest, *, actor: User, now: datetime) -> OutdatedList:
    """The outdated clocks of the actor's accounts with old and new due time, those due soonest first."""
    found = judge(_candidates(actor, now), now)
    chosen = [one for one in found if one.view is view]
    rows = chosen[request.offset : request.offset + request.size]
    return OutdatedList(
        page=Page(rows, len(chosen), request.number, request.size),
        counts=Counter(one.view for one in found),
        people=people_holding(one.move for one in rows),
    )


def judge(timers: Iterable[Timer], now: datetime) -> list[Outdated]:
    """The outdated ones among open timers, in the order given."""
    changed = {timer.id: (timer, level, digest) for timer, level, digest in _changed(timers, now)}

    def terms_of(timer: Timer) -> Terms:
        _timer, level, digest = changed[timer.id]
        return levels.target_of(level), calendars.working_calendar(digest)

    moves = find_moves([timer for timer, _level, _digest in changed.values()], terms_of, now)
    return [Outdated(move, *changed[move.timer.id][1:]) for move in moves]


def _candidates(actor: User, now: datetime) -> Sequence[Timer]:
    """Open clocks that may be outdated; the database leaves out the rest, usually nearly all of them."""
    access.require(actor, Action.MANAGE_CLOCKS)
    statement = select(Timer).where(
        Timer.state.in_(ledger.OPEN_STATES),
        or_(false(), *_on_old_version(), *_started_before_last_change(now)),
    )
    visible = access.visible(actor, Action.MANAGE_CLOCKS, statement, Timer)
    return db.session.scalars(visible.order_by(Timer.due_at, Timer.id)).all()


def _on_old_version() -> list[ColumnElement[bool]]:
    return [
        and_(Timer.calendar_code == code, Timer.calendar_digest != digest)
        for code, digest in calendars.current_digests().items()
    ]


def _started_before_last_change(now: datetime) -> list[ColumnElement[bool]]:
    """A clock started on the very day of a change may have been started before the change was made."""
    today = local_date(now)
    changed: dict[ClockStep, date] = {}
    levels_of_all = select(ServiceLevel.step, ServiceLevel.effective_on, ServiceLevel.ended_on)
    for step, *days in db.session.execute(levels_of_all):
        begun = [day for day in days if day is not None and day <= today]
        changed[step] = max([*begun, changed.get(step, date.min)])
    return [
        and_(Timer.step == step, Timer.started_at < end_of_day(day))
        for step, day in changed.items()
        if day > date.min
    ]


def _changed(timers: Iterable[Timer], now: datetime) -> Iterable[tuple[Timer, ServiceLevel, str]]:
    """The open timers whose terms are no longer in force, with those that are.

    The level in force is the one a matter with the timer's own facts would get today. Where none is, or it
    promises the same, the timer keeps its own.
    """
    open_timers = [timer for timer in timers if timer.state in ledger.OPEN_STATES]
    rows = {row.id: row for row in db.session.scalars(select(ServiceLevel))}
    chosen = _in_force(open_timers, rows.values(), local_date(now))
    digests = calendars.current_digests()
    for timer in open_timers:
        level = chosen[timer.id]
        if level is None or _promises_the_same(level, timer):
            level = rows[timer.level_id]
        digest = digests[level.calendar_code]
        if level.id != timer.level_id or digest != timer.calendar_digest:
            yield timer, level, digest


def _promises_the_same(level: ServiceLevel, timer: Timer) -> bool:
    return all(getattr(level, name) == getattr(timer, name) for name in TERMS)


def _in_force(
    timers: Iterable[Timer], rows: Iterable[ServiceLevel], on: date
) -> dict[int, ServiceLevel | None]:
    by_code = {str(row.id): row for row in rows}
    rules: dict[ClockStep, list[Level]] = defaultdict(list)
    for row in by_code.values():
        rules[row.step].append(levels.as_rule(row))
    found: dict[MatterFacts, ServiceLevel | None] = {}
    answers: dict[int, ServiceLevel | None] = {}
    for timer in timers:
        facts = _facts_of(timer, on)
        if facts not in found:
            chosen = choose_level(rules[timer.step], facts)
            found[facts] = by_code[chosen.code] if chosen else None
        answers[timer.id] = found[facts]
    return answers


def _facts_of(timer: Timer, on: date) -> MatterFacts:
    return levels.matter_facts(
        timer.step,
        on=on,
        account_id=timer.account_id,
        severity=timer.severity,
        is_urban=timer.is_urban,
        amount_fen=timer.amount_fen,
    )
