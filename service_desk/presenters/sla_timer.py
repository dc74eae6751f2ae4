"""One timer's page in words: what was promised, what is still to come, what was objected to, what a time put right does."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from service_desk.models.sla import TimerEntry, TimerState
from service_desk.presenters import sla as clocks
from service_desk.presenters import sla_levels, times
from service_desk.presenters.labels import label
from service_desk.rules.sla import HappeningKind, TimerFacts
from service_desk.services.sla.corrections import Affected
from service_desk.services.sla.life import PauseTold, TimerLife


@dataclass(frozen=True)
class Coming:
    """Something that will happen to a clock by itself."""

    at: datetime
    words: str


@dataclass(frozen=True)
class Badge:
    """What became of a pause or an objection: words with their tone."""

    words: str
    tone: str


@dataclass(frozen=True)
class Effect:
    """What a time put right does to one clock: each value as it is and as it would be."""

    step: str
    entry: str
    recorded: str
    before: str
    after: str


def promise(life: TimerLife) -> str:
    """What is promised, by which hours it is counted, and where that comes from."""
    timer = life.timer
    counted = _(
        "%(calendar)s v%(version)s",
        calendar=clocks.calendar_name(timer.calendar_code, [life.view.calendar]),
        version=life.file.calendar.number,
    )
    return sla_levels.promise_line(timer.target_value, timer.target_unit, counted, life.view.level.source)


def due(life: TimerLife, now: datetime) -> str:
    """When it falls due; what is left where a pause leaves that open."""
    timer, facts = life.timer, life.file.facts
    if timer.state is TimerState.PAUSED and facts.due_at is None:
        time = clocks.length(facts.remaining_seconds, timer)
        return _("%(time)s left when it runs again", time=time)
    return clocks.due_moment(timer, now)


def coming(life: TimerLife, now: datetime, *, for_client: bool) -> list[Coming]:
    """What comes next, in order. Whom the desk tells of its own delay is not the client's business."""
    found = []
    for happening in life.file.facts.happenings:
        if happening.at < now or (for_client and happening.kind is HappeningKind.ESCALATION):
            continue
        words = {
            HappeningKind.WARNING: _("Warning: little time is left"),
            HappeningKind.BREACH: _("Due"),
            HappeningKind.ESCALATION: _("Escalation, level %(level)s", level=happening.level),
            HappeningKind.PAUSE_END: _("The pause ends by itself: the longest time for its reason is over"),
        }[happening.kind]
        found.append(Coming(happening.at, words))
    return found


def pause_badge(pause: PauseTold) -> Badge:
    """Whether a pause lasts, is over, or was struck off."""
    if pause.is_struck_off:
        return Badge(_("struck off"), "bad")
    return Badge(_("over"), "idle") if pause.until else Badge(_("lasts"), "warn")


def objection_badge(pause: PauseTold) -> Badge | None:
    """What became of the client's objection; None without one."""
    objection = pause.objection
    if objection is None:
        return None
    if objection.is_upheld is None:
        return Badge(_("objection not decided yet"), "warn")
    return (
        Badge(_("objection upheld"), "ok") if objection.is_upheld else Badge(_("objection rejected"), "idle")
    )


def lasts(pause: PauseTold) -> str:
    """How long a pause that lasts may do so."""
    return _("lasts; at the longest until %(time)s", time=times.minute(pause.limit_at))


def entry(recorded: TimerEntry, life: TimerLife) -> str:
    """What an entry of the ledger records: `Hand-over · 赵丽 41000004`."""
    words = label(recorded.kind, "ledger_entry")
    if recorded.kind in {"handover", "substitute", "return"}:
        person = life.people[recorded.holder_id]
        return f"{words} · {person.name} {person.staff_no}"
    return words


def effects(affected: list[Affected]) -> list[Effect]:
    """What a time put right does, a line for each clock that it moves."""
    return [
        Effect(
            step=label(one.timer.step, "clock_step"),
            entry=label(one.entry.kind, "ledger_entry"),
            recorded=seconds(one.entry.at),
            before=_outcome(one, one.before),
            after=_outcome(one, one.after) if one.after else "",
        )
        for one in affected
    ]


def seconds(at: datetime) -> str:
    """`2026-11-23 17:00:00`: a time that is put right is shown to the second."""
    return times.full_moment(at).rpartition(" ")[0]


def _outcome(one: Affected, facts: TimerFacts) -> str:
    """The verdict and the time it rests on: `Broken, over by 35 min`, `Kept, took 50 min`, `Running, due …`."""
    if facts.breached_at is not None:
        over = clocks.length(facts.over_seconds, one.timer)
        return _("Broken: over by %(time)s", time=over)
    if facts.state is TimerState.MET:
        return _("Kept: took %(time)s", time=clocks.length(facts.used_seconds, one.timer))
    state = label(facts.state, "timer_state")
    if facts.due_at is None:
        return state
    return _("%(state)s, due %(due)s", state=state, due=times.minute(facts.due_at))
