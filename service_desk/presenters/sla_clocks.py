"""The Clocks card of a matter: a row for each clock, with the level it runs under and why that one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import gettext as _

from service_desk.models.sla import TimerState
from service_desk.models.users import User
from service_desk.presenters import sla, sla_levels, times
from service_desk.presenters.labels import label
from service_desk.presenters.sla import Pill
from service_desk.services.sla import OPEN_STATES, ClockView

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ClockRow:
    """One clock as the `clock_list` macro takes it; empty words where there is nothing to say."""

    timer_id: int
    step: str
    pill: Pill
    promise: str
    level: str
    due: str
    caveat: str
    pause: str
    holder: User
    stands_in_for: str


def open_rows(views: Iterable[ClockView], now: datetime) -> list[ClockRow]:
    """Every clock that runs or stands, the next due first, standing ones last."""
    running = [view for view in views if view.timer.state in OPEN_STATES]
    running.sort(key=lambda view: (view.timer.due_at or _LAST, view.timer.id))
    return [_row(view, now) for view in running]


def ended_rows(views: Iterable[ClockView], now: datetime) -> list[ClockRow]:
    """Finished clocks and earlier cycles, the newest first."""
    ended = [view for view in views if view.timer.state not in OPEN_STATES]
    return [_row(view, now) for view in reversed(ended)]


def _row(view: ClockView, now: datetime) -> ClockRow:
    timer = view.timer
    return ClockRow(
        timer_id=timer.id,
        step=_step(view),
        pill=sla.pill(timer, now, named=False),
        promise=sla_levels.promise_line(
            timer.target_value,
            timer.target_unit,
            sla.calendar_name(timer.calendar_code, [view.calendar]),
            view.level.source,
        ),
        level=sla_levels.why(view),
        due=_due(view, now),
        caveat=sla.provisional_words() if view.is_provisional and timer.state in OPEN_STATES else "",
        pause=_pause(view, now),
        holder=view.holder,
        stands_in_for=view.covered.name if view.covered else "",
    )


def _step(view: ClockView) -> str:
    step = label(view.timer.step, "clock_step")
    if view.timer.cycle == 1:
        return step
    return " · ".join((step, _("cycle %(number)s", number=view.timer.cycle)))


def _due(view: ClockView, now: datetime) -> str:
    timer = view.timer
    if timer.state is TimerState.PAUSED and timer.due_at is None:
        return _("%(time)s left when it runs again", time=sla.length(timer.left_seconds or 0, timer))
    words = [_("Due %(due)s", due=sla.due_moment(timer, now))] if timer.due_at else []
    if timer.stopped_at:
        words.append(_("done %(at)s", at=times.moment(timer.stopped_at, now)))
    return " · ".join(words)


def _pause(view: ClockView, now: datetime) -> str:
    timer = view.timer
    if timer.state is not TimerState.PAUSED or timer.paused_at is None:
        return ""
    return _(
        "Paused since %(at)s: %(reason)s",
        at=times.moment(timer.paused_at, now),
        reason=label(timer.pause_reason, "pause_reason"),
    )
