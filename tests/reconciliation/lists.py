"""The lists of claim reports as the slow counts have them: claims, open claims, closed claims, broken promises."""

from collections import Counter
from typing import Any

from tests.reconciliation.comparing import Checker
from tests.reconciliation.slow_claims import ENDED, LARGE_FEN, Story
from tests.reconciliation.slow_clocks import Judged
from tests.reconciliation.span import Days, by_key

Row = tuple[Any, ...]


class Lists:
    """Made ready for one report; words that no figure is made of are left open (`...`)."""

    def __init__(self, checker: Checker) -> None:
        self.counts, self.days = checker.counts, checker.counted.days
        self.names = {one.id: one.name for one in self.counts.branches.values()}
        self.people = {one.id: one.name for one in self.counts.rows["users"]}
        self.causes = {one.code: one.name for one in self.counts.rows["breach_causes"]}

    @property
    def known(self) -> list[Story]:
        return [one for one in self.counts.stories if one.claim.reported_at < self.days.until]

    def claims(self) -> list[Row]:
        """The claims reported in the period, as they stood at its end."""
        until, found = self.days.until, []
        for story in self.known:
            claim = story.claim
            if claim.reported_at >= self.days.start:
                is_large = str(story.highest_at(until) >= LARGE_FEN)
                head = (
                    claim.number,
                    claim.plate,
                    self.names[claim.branch_id],
                    claim.loss_at,
                    claim.reported_at,
                )
                tail = (claim.place, story.state_at(until), story.estimate_at(until), is_large, ...)
                found.append((claim.reported_at, claim.id, (*head, *tail)))
        return [row for *_order, row in sorted(found, key=lambda one: one[:2])]

    def open_claims(self) -> list[Row]:
        """The claims open at the end, each with the earliest due time of the clocks that ran then."""
        until, days = self.days.until, self.days
        due = _due_times(self.counts.rows["timers"], self.counts.account_id, days)
        found = []
        for story in self.known:
            claim, state = story.claim, story.state_at(until)
            if state in ENDED:
                continue
            age = (days.last_day - days.day_of(claim.reported_at)).days
            stay = "act" if age > 90 else "watch" if age > 30 else None
            head = (
                claim.number,
                claim.plate,
                self.names[claim.branch_id],
                claim.reported_at,
                age,
                stay,
                state,
            )
            found.append((*head, ..., due.get(claim.id), story.estimate_at(until), ...))
        return found

    def closed_claims(self) -> list[Row]:
        """The claims that left the open book in the period and were out of it at its end."""
        days, found = self.days, []
        for story in self.known:
            claim = story.claim
            leaves = [
                one
                for one in story.moves
                if one.at < days.until and one.to_state in ENDED and one.from_state not in ENDED
            ]
            if not leaves or leaves[-1].at < days.start or story.state_at(days.until) not in ENDED:
                continue
            first = story.reserves[0] if story.reserves and story.reserves[0].at < days.until else None
            took = (days.day_of(leaves[-1].at) - days.day_of(claim.reported_at)).days
            head = (
                claim.number,
                claim.plate,
                self.names[claim.branch_id],
                claim.reported_at,
                leaves[-1].at,
                took,
            )
            paid = story.paid_at(days.until)
            tail = (story.state_at(days.until), first.after_fen if first else 0, paid, ...)
            found.append((leaves[-1].at, claim.id, (*head, *tail)))
        return [row for *_order, row in sorted(found, key=lambda one: one[:2])]

    def broken(self) -> list[Judged]:
        """The promises broken in the period, the first first."""
        own = [one for one in self.counts.clocks if self.days.has(one.broken_at)]
        return sorted(own, key=lambda one: (one.broken_at, one.clock.id))

    def cause(self, one: Judged, *, as_known: bool = True) -> str | None:
        """What a review signed by the end found; with `as_known` false, one signed since counts too."""
        review = one.review
        if review is None or (as_known and review.signed_at >= self.days.until):
            return None
        return self.causes.get(review.cause, review.cause)

    def breaches(self) -> list[Row]:
        plates = {one.claim.id: one.claim.plate for one in self.counts.stories}
        found = []
        for one in self.broken():
            clock = one.clock
            plate = plates.get(clock.matter_id) if clock.matter_kind == "claim" else None
            done = clock.stopped_at if clock.stopped_at and clock.stopped_at < self.days.until else None
            found.append(
                (
                    clock.matter_number if plate else None,
                    plate or None,
                    self.names.get(clock.branch_id or 0),
                    str(clock.step),
                    ...,
                    one.broken_at,
                    done,
                    clock.over_seconds if done else None,
                    self.cause(one),
                    None if plate else clock.matter_number,
                )
            )
        return found

    def causes_named(self) -> Counter[str]:
        return Counter(cause for one in self.broken() if (cause := self.cause(one)))


def _due_times(timers: list[Any], account_id: int, days: Days) -> dict[int, Any]:
    own = [
        one
        for one in timers
        if one.account_id == account_id
        and one.matter_kind == "claim"
        and one.started_at < days.until
        and (one.stopped_at is None or one.stopped_at >= days.until)
        and one.due_at
    ]
    return {claim_id: min(one.due_at for one in mine) for claim_id, mine in by_key(own, "matter_id").items()}
