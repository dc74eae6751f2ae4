"""Replay a timer's events into stretches of time: who held the clock, and when it stood."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from service_desk.base.clock import as_utc
from service_desk.base.errors import Invalid
from service_desk.rules.sla.pauses import PAUSE_RULES
from service_desk.rules.sla.terms import HOLDER_CHANGES, EventKind, LedgerEvent, PauseReason


@dataclass(frozen=True)
class Stretch:
    """[from_at, to_at) under one holder; the clock stands when there is a reason."""

    from_at: datetime
    to_at: datetime
    holder_id: int
    reason: PauseReason | None


@dataclass(frozen=True)
class PauseTaken:
    """One pause; `to_at` is None while it lasts, `limit_at` is when it ends by itself."""

    reason: PauseReason
    from_at: datetime
    limit_at: datetime
    to_at: datetime | None = None
    ran_out: bool = False


@dataclass(frozen=True)
class History:
    """A timer's past up to `until`: the end of the timer, or the instant it is looked at."""

    started_at: datetime
    until: datetime
    holder_id: int
    covered_id: int | None
    end: EventKind | None
    stretches: tuple[Stretch, ...]
    pauses: tuple[PauseTaken, ...]

    @property
    def open_pause(self) -> PauseTaken | None:
        """The pause that still lasts."""
        return self.pauses[-1] if self.pauses and self.pauses[-1].to_at is None else None

    @property
    def stood(self) -> list[tuple[datetime, datetime]]:
        """The pauses that are over, as the calendar takes them."""
        return [(pause.from_at, pause.to_at) for pause in self.pauses if pause.to_at is not None]


def whole_second(moment: datetime) -> datetime:
    """The instant in UTC, part seconds dropped: the clock's segments then add up exactly."""
    return as_utc(moment).replace(microsecond=0)


def in_order(events: Iterable[LedgerEvent]) -> list[LedgerEvent]:
    """The events by time, to the whole second; those of one second stay as given."""
    # Stored events are whole already, and copying one costs more than everything else done with it.
    whole = [
        event
        if event.at.tzinfo is UTC and not event.at.microsecond
        else replace(event, at=whole_second(event.at))
        for event in events
    ]
    return sorted(whole, key=_by_time)


def replay(events: Iterable[LedgerEvent], now: datetime) -> History:
    """Read the events from the first to the last as seen at `now`.

    A pause nobody ended stops by itself at its limit, whether or not that was written down.
    Invalid("clock_not_started") when the first event is not a start.
    """
    ordered = in_order(events)
    if not ordered or ordered[0].kind is not EventKind.START:
        raise Invalid("clock_not_started")
    tape = _Tape(ordered[0])
    for event in ordered[1:]:
        tape.take(event)
    return tape.history(whole_second(now))


_by_time = attrgetter("at")


class _Tape:
    """The replay in progress."""

    def __init__(self, start: LedgerEvent) -> None:
        self._started_at = self._since = start.at
        self._holder_id = start.holder_id
        self._covered_id: int | None = None
        self._end: EventKind | None = None
        self._stretches: list[Stretch] = []
        self._pauses: list[PauseTaken] = []
        self._pause: PauseTaken | None = None

    def take(self, event: LedgerEvent) -> None:
        if event.kind is not EventKind.RESUME:
            self._run_out(event.at)
        self._cut(event.at)
        if event.kind is EventKind.PAUSE:
            self._begin_pause(event)
        elif event.kind is EventKind.RESUME:
            self._end_pause(event.at)
        elif event.kind in HOLDER_CHANGES:
            self._change_holder(event)
        else:
            self._end_pause(event.at)
            self._end = event.kind

    def _change_holder(self, event: LedgerEvent) -> None:
        """A stand-in's stand-in still covers for the first holder."""
        stands_in = event.kind is EventKind.SUBSTITUTE
        self._covered_id = (self._covered_id or self._holder_id) if stands_in else None
        self._holder_id = event.holder_id

    def history(self, now: datetime) -> History:
        if self._end is None:
            self._run_out(now)
            self._cut(now)
        pauses = [*self._pauses, self._pause] if self._pause else self._pauses
        return History(
            started_at=self._started_at,
            until=self._since,
            holder_id=self._holder_id,
            covered_id=self._covered_id,
            end=self._end,
            stretches=tuple(self._stretches),
            pauses=tuple(pauses),
        )

    def _run_out(self, at: datetime) -> None:
        if self._pause and self._pause.limit_at <= at:
            limit = self._pause.limit_at
            self._cut(limit)
            self._end_pause(limit, ran_out=True)

    def _cut(self, at: datetime) -> None:
        if at > self._since:
            reason = self._pause.reason if self._pause else None
            self._stretches.append(Stretch(self._since, at, self._holder_id, reason))
            self._since = at

    def _begin_pause(self, event: LedgerEvent) -> None:
        if event.reason is None:
            raise Invalid("pause_reason_missing", field="reason")
        limit = event.at + timedelta(days=PAUSE_RULES[event.reason].max_days)
        self._pause = PauseTaken(event.reason, event.at, limit)

    def _end_pause(self, at: datetime, *, ran_out: bool = False) -> None:
        if self._pause:
            self._pauses.append(replace(self._pause, to_at=at, ran_out=ran_out))
            self._pause = None
