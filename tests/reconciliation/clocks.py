"""The clocks that the state machine starts, stops and cancels in a random history: kept, broken, paused, still open."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from service_desk.rules.claim_flow import CTPL_STEPS, ClockStep
from tests.reconciliation.records import Clock, Entry, Level, Review, Rows, Stretch

_DAYS = {"working_days": 1.4, "calendar_days": 1.0}
_CAUSES = ("workload", "late_handover", "oversight", "parts_or_pricing", "invented")


class Clocks:
    """All clocks of a history. Whole seconds, as the desk keeps them."""

    def __init__(
        self, levels: Sequence[Level], digests: dict[str, str], chance: Random, now: datetime
    ) -> None:
        self.chance, self.now, self.digests = chance, now, digests
        self.levels: dict[str, list[Level]] = defaultdict(list)
        for level in levels:
            self.levels[level.step].append(level)
        self.timers: list[Clock] = []
        self.entries: list[Entry] = []
        self.stretches: list[Stretch] = []
        self.reviews: list[Review] = []
        self._open: dict[int, dict[str, int]] = defaultdict(dict)
        self._cycles: dict[tuple[int, str], int] = defaultdict(int)

    def start(
        self,
        matter_id: int,
        number: str,
        step: ClockStep,
        at: datetime,
        *,
        matter_kind: str = "claim",
        **of: Any,
    ) -> None:
        """A clock by the promise for the matter; one that runs already goes on.

        Of every fourth claim alone: with all of them the test would be of clocks.
        """
        if matter_id % 4 or step in self._open[matter_id] or (step in CTPL_STEPS and matter_id % 3):
            return
        level, at = self._level(step, of), at.replace(microsecond=0)
        self._cycles[matter_id, step] += 1
        due_at = self._due(level, at)
        self.timers.append(
            Clock(
                id=len(self.timers) + 1,
                account_id=of["account_id"],
                branch_id=of["branch_id"],
                matter_kind=matter_kind,
                matter_id=matter_id,
                matter_number=number,
                step=step.value,
                cycle=self._cycles[matter_id, step],
                level_id=level.id,
                target_value=level.target_value,
                target_unit=level.target_unit,
                calendar_code=level.calendar_code,
                calendar_digest=self.digests[level.calendar_code],
                holder_id=of["holder_id"],
                state="running",
                started_at=at,
                due_at=due_at,
                warn_at=at + (due_at - at) * 3 // 4,
                breached_at=None,
                paused_at=None,
                stopped_at=None,
                measured_at=at,
                over_seconds=0,
            )
        )
        self._open[matter_id][step] = len(self.timers) - 1

    def _level(self, step: ClockStep, of: dict[str, Any]) -> Level:
        fits = [
            one
            for one in self.levels[step]
            if one.is_urban in (None, of["is_urban"])
            and (one.amount_to_fen is None or of["amount_fen"] <= one.amount_to_fen)
        ]
        return min(fits, key=lambda one: (one.is_urban is None, one.amount_to_fen is None))

    def _due(self, level: Level, at: datetime) -> datetime:
        """About when it would be due: rests are not looked for, for figures go by the instant that is kept."""
        if level.target_unit == "minutes":
            return at + timedelta(minutes=level.target_value)
        days = max(1, level.target_value) * _DAYS[level.target_unit]
        return at + timedelta(seconds=int(days * 86_400))

    def stop(self, matter_id: int, steps: Sequence[ClockStep], at: datetime) -> None:
        """What a step has done. Half of the promises are kept, whatever the walk's own pace is."""
        for step in steps:
            place = self._open.get(matter_id, {}).pop(step, None)
            if place is None:
                continue
            clock = self.timers[place]
            stopped = at.replace(microsecond=0)
            if self.chance.random() < 0.6 and clock.due_at:
                reach = int((min(stopped, clock.due_at) - clock.started_at).total_seconds())
                stopped = clock.started_at + timedelta(seconds=self.chance.randrange(reach + 1))
            self._end(place, stopped, "stopped")

    def cancel(self, matter_id: int, at: datetime) -> None:
        """What nothing is to come of any more."""
        for place in self._open.pop(matter_id, {}).values():
            self._end(place, at.replace(microsecond=0), "cancelled")

    def _end(self, place: int, at: datetime, how: str) -> None:
        clock = self.timers[place]
        due_at = clock.due_at
        assert due_at is not None
        # How a pause moves days that the law counts is for the tests of the rules.
        if clock.target_unit != "calendar_days" and self.chance.random() < 0.04:
            due_at = self._pause(clock, at)
        is_broken = at > due_at
        state = "cancelled" if how == "cancelled" else "breached" if is_broken else "met"
        is_broken = is_broken and state == "breached"
        self.timers[place] = clock._replace(
            state=state,
            due_at=due_at,
            stopped_at=at,
            measured_at=at,
            breached_at=due_at if is_broken else None,
            over_seconds=int((at - due_at).total_seconds()) if is_broken else 0,
        )

    def _pause(self, clock: Clock, at: datetime) -> datetime:
        """It stood for a tenth of its life; the due time moves as far."""
        life = int((at - clock.started_at).total_seconds())
        begin = clock.started_at + timedelta(seconds=life // 3)
        end = begin + timedelta(seconds=life // 10)
        assert clock.due_at is not None
        if begin >= clock.due_at or begin == end:
            return clock.due_at
        self.stretches.append(
            Stretch(len(self.stretches) + 1, clock.id, 1, begin, end, clock.holder_id, "force_majeure")
        )
        return clock.due_at + (end - begin)

    def finish(self, managers: Sequence[int]) -> None:
        """Look at what is still open as of now, and review two thirds of what was broken."""
        for place in [place for own in self._open.values() for place in own.values()]:
            clock = self.timers[place]
            self.entries.append(
                Entry(
                    len(self.entries) + 1,
                    clock.id,
                    clock.started_at,
                    "start",
                    clock.holder_id,
                    "",
                    clock.started_at,
                )
            )
            assert clock.due_at is not None
            if clock.due_at < self.now:
                # The sweep has not come to all of them yet.
                told = clock.due_at if self.chance.random() < 0.95 else None
                self.timers[place] = clock._replace(breached_at=told, measured_at=self.now)
            elif self.chance.random() < 0.4:
                self.timers[place] = clock._replace(
                    state="paused", due_at=None, warn_at=None, paused_at=self.now
                )
        for clock in self.timers:
            if clock.breached_at and self.chance.random() < 0.66:
                self._review(clock, managers)

    def _review(self, clock: Clock, managers: Sequence[int]) -> None:
        assert clock.breached_at is not None
        chance = self.chance
        signed_at = clock.breached_at + timedelta(seconds=chance.randrange(30 * 86_400))
        if signed_at > self.now:
            return
        has_correction, is_done = chance.random() < 0.5, chance.random() < 0.6
        due_on = date.fromordinal(signed_at.toordinal() + chance.randrange(60))
        self.reviews.append(
            Review(
                len(self.reviews) + 1,
                clock.id,
                chance.choice(_CAUSES),
                "增派人手" if has_correction else "",
                clock.holder_id if has_correction else None,
                due_on if has_correction else None,
                managers[0],
                signed_at,
                min(signed_at + timedelta(days=3), self.now) if has_correction and is_done else None,
            )
        )

    @property
    def rows(self) -> Rows:
        return {
            "timers": self.timers,
            "timer_entries": self.entries,
            "timer_segments": self.stretches,
            "breach_reviews": self.reviews,
        }
