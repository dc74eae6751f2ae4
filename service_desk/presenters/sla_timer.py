"""One timer's page in words: what was promised, what is still to come, what was objected to and put right."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from service_desk.models.sla import TimerCorrection, TimerState
from service_desk.models.users import User
from service_desk.presenters import sla as clocks
from service_desk.presenters.labels import label
from service_desk.rules.sla import HappeningKind
from service_desk.services.sla.life import PauseTold, TimerLife

OPEN = (TimerState.RUNNING, TimerState.PAUSED)


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


def promise(life: TimerLife) -> str:
    """What is promised and by which hours it is counted: `60 minutes, round the clock v1`."""
    timer = life.timer
    return _(
        "%(promise)s, %(calendar)s v%(version)s",
        promise=clocks.promise(timer.target_value, timer.target_unit),
        calendar=clocks.calendar_name(timer.calendar_code),
        version=life.file.calendar.number,
    )


def level(life: TimerLife, accounts: dict[int, str]) -> str:
    """Which service level the promise came from: for which matters it holds, and its source."""
    where = clocks.conditions(life.file.level, accounts) or _("every case")
    return f"{where} · {clocks.source_words(life.file.level.source)}" if life.file.level.source else where


def left(life: TimerLife) -> str:
    """`2 h 10 min left when it runs again`; empty unless a pause leaves the due time open."""
    timer = life.timer
    if timer.state is not TimerState.PAUSED or life.file.facts.due_at is not None:
        return ""
    time = clocks.length(life.file.facts.remaining_seconds, timer)
    return _("%(time)s left when it runs again", time=time)


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


def verdict_change(correction: TimerCorrection) -> str:
    """`Broken → Kept`; empty when the correction left the verdict as it was."""
    if correction.old_state == correction.new_state:
        return ""
    return f"{label(correction.old_state, 'timer_state')} → {label(correction.new_state, 'timer_state')}"


def entry_words(life: TimerLife, entry_id: int) -> str:
    """What an entry of the ledger records, as its milestone: `Start`, `Hand-over to 赵丽`."""
    entry = next(one for one in life.file.entries if one.id == entry_id)
    return label(entry.kind, "ledger_entry")


def people_line(*people: User | None) -> Iterator[str]:
    """Name and staff number of each."""
    for one in people:
        if one is not None:
            yield f"{one.name} · {one.staff_no}" if one.staff_no else one.name
