"""Claims counted one by one, by the words of each measure's definition and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.reconciliation.records import (
    Answer,
    Checklist,
    Claim,
    Dispute,
    Event,
    Movement,
    Payment,
    Reserve,
    Rows,
    Survey,
)
from tests.reconciliation.span import Days, Groups, Sums, by_key, midnight, sums

ENDED = ("closed", "withdrawn", "denied")
LARGE_FEN = 1_000_000
_TAKES = ("decrease", "paid", "released")
_HOURS_TO_REPORT = timedelta(hours=48)


@dataclass
class Story:
    """All that is known of a claim, each list in order of time."""

    claim: Claim
    use_class: str
    moves: list[Event] = field(default_factory=list)
    reserves: list[Reserve] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    surveys: list[Survey] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    checklist: Checklist | None = None
    last_at: datetime | None = None

    def state_at(self, at: datetime) -> str:
        """The state right before an instant."""
        state = "reported"
        for move in self.moves:
            if move.at >= at:
                break
            state = move.to_state
        return state

    def estimate_at(self, at: datetime) -> int:
        return next((one.after_fen for one in reversed(self.reserves) if one.at < at), 0)

    def highest_at(self, at: datetime) -> int:
        return max((one.after_fen for one in self.reserves if one.at < at), default=0)

    def paid_at(self, at: datetime) -> int:
        return sum(
            one.amount_fen
            for one in self.payments
            if one.paid_at < at and not (one.returned_at and one.returned_at < at)
        )

    def comes_to(self, at: datetime) -> int:
        """What was paid of a claim that has ended, the estimate of another."""
        return self.paid_at(at) if self.state_at(at) in ENDED else self.estimate_at(at)


def stories_of(rows: Rows, account_id: int) -> list[Story]:
    """The account's claims."""
    classes = {one.id: one.use_class or "" for one in rows["vehicles"]}
    stories = {
        one.id: Story(one, classes[one.vehicle_id]) for one in rows["claims"] if one.account_id == account_id
    }
    for name, table, when in (
        ("moves", "claim_events", "at"),
        ("reserves", "reserve_entries", "at"),
        ("movements", "reserve_movements", "at"),
        ("payments", "claim_payments", "paid_at"),
        ("surveys", "surveys", "recorded_at"),
        ("answers", "follow_ups", "at"),
        ("disputes", "disputes", "raised_at"),
    ):
        for claim_id, own in by_key(rows[table], "claim_id").items():
            story = stories.get(claim_id)
            if story is None:
                continue
            ordered = sorted(own, key=lambda row: (getattr(row, when), row.id))
            if name == "moves":
                ordered = [one for one in ordered if one.from_state and one.from_state != one.to_state]
            setattr(story, name, ordered)
    for sheet in rows["claim_checklists"]:
        if sheet.claim_id in stories:
            stories[sheet.claim_id].checklist = sheet
    for story in stories.values():
        story.last_at = _last_of(story)
    return list(stories.values())


def _last_of(story: Story) -> datetime:
    """When the last that figures know of happened."""
    times = [story.claim.reported_at]
    lists: tuple[list[Any], ...] = (story.moves, story.reserves, story.movements, story.answers)
    times += [rows[-1].at for rows in lists if rows]
    for payment in story.payments:
        times += [payment.paid_at, payment.returned_at or payment.paid_at]
    times += [one.raised_at for one in story.disputes] + [one.recorded_at for one in story.surveys]
    return max(times)


def count_claims(stories: Iterable[Story], days: Days) -> Groups[Sums]:
    """All that the measures of claims are made of, in one pass."""
    found = sums()
    year_ago = days.last_day + timedelta(days=1)
    year_ago = year_ago.replace(
        year=year_ago.year - 1, day=min(year_ago.day, 28 if year_ago.month == 2 else 31)
    )
    since = midnight(year_ago, days.zone)
    until = days.until
    # A claim of the week before is judged in the period, even if it has ended since.
    earliest = min(since, days.start - timedelta(days=8))
    for story in stories:
        claim = story.claim
        assert story.last_at is not None
        if claim.reported_at >= until or (claim.state in ENDED and story.last_at < earliest):
            continue
        _count(story, found.at(claim.branch_id, story.use_class), days, since)
    return found


def _count(story: Story, to: Sums, days: Days, since: datetime) -> None:
    claim, until = story.claim, days.until
    state = story.state_at(until)
    is_open, paid, estimate = state not in ENDED, story.paid_at(until), story.estimate_at(until)
    is_new = claim.reported_at >= days.start
    was_open = not is_new and story.state_at(days.start) not in ENDED
    came_back = _count_moves(story, to, days)
    to.more("open_start", was_open)
    to.more("open_end", is_open)
    if is_new:
        _count_new(story, to, until, paid if not is_open else estimate)
    if is_open:
        _count_open(story, to, days, estimate - paid)
    if is_new or was_open or came_back:
        to.more("book_open" if is_open else "book_closed", estimate if is_open else paid)
    for one in story.payments:
        to.more("paid_net", one.amount_fen * (days.has(one.paid_at) - days.has(one.returned_at)))
    if any(days.has(one.raised_at) for one in story.disputes):
        to.more("disputed")
    _count_reserves(story, to, days)
    _count_speed(story, to, days, since, state, paid)
    _count_survey(story, to, days)
    _count_answer(story, to, days)


def _count_moves(story: Story, to: Sums, days: Days) -> bool:
    came_back = False
    for move in story.moves:
        if not days.has(move.at):
            continue
        was_ended, is_ended = move.from_state in ENDED, move.to_state in ENDED
        if is_ended and not was_ended:
            to.more("closed")
            to.more(f"left_{move.to_state}")
        elif was_ended and not is_ended:
            to.more("reopened")
            came_back = True
    return came_back


def _count_new(story: Story, to: Sums, until: datetime, loss: int) -> None:
    to.more("reported")
    to.more("estimate", story.estimate_at(until))
    to.more("large", story.highest_at(until) >= LARGE_FEN)
    to.more("injured", story.claim.injured_count > 0)
    to.more("loss", loss)


def _count_open(story: Story, to: Sums, days: Days, outstanding: int) -> None:
    claim = story.claim
    to.more("outstanding", outstanding)
    if story.highest_at(days.until) >= LARGE_FEN:
        to.more("outstanding_large", outstanding)
    if claim.injured_count:
        to.more("outstanding_injured", outstanding)
    age = (days.last_day - days.day_of(claim.reported_at)).days
    to.more("over_30", age > 30)
    to["oldest"] = [max([age, *to.get("oldest", [])])]
    for word, at in (("report", claim.reported_at), ("loss", claim.loss_at)):
        waited = (days.last_day - days.day_of(at)).days
        band = "week" if waited <= 7 else "month" if waited <= 30 else "quarter" if waited <= 90 else "older"
        to.more(f"age_{word}_{band}")
        to.more(f"age_{word}_{band}_fen", outstanding)


def _count_reserves(story: Story, to: Sums, days: Days) -> None:
    for one in story.movements:
        if one.at >= days.until:
            break
        effect = -one.amount_fen if one.kind in _TAKES else one.amount_fen
        to.more("reserve_close", effect)
        if one.at < days.start:
            to.more("reserve_open", effect)
        else:
            to.more(f"reserve_{one.kind}", one.amount_fen)


def _count_speed(story: Story, to: Sums, days: Days, since: datetime, state: str, paid: int) -> None:
    claim, until = story.claim, days.until
    registered_at = story.reserves[0].at if story.reserves and story.reserves[0].at < until else None
    if state == "closed" and paid > 0:
        # A round withdrawn after an earlier payment settles nothing: the closing before it did.
        settled_at = [
            one.at
            for one in story.moves
            if one.at < until and one.to_state == "closed" and one.from_state in {"approved", "paid"}
        ]
        closed_at = settled_at[-1]
        if closed_at >= days.start:
            to.note("days", (days.day_of(closed_at) - days.day_of(claim.reported_at)).days)
            to.note("settled", (story.reserves[0].after_fen if registered_at else 0, paid))
    judged_on = days.day_of(claim.reported_at) + timedelta(days=7)
    if days.first <= judged_on <= days.last_whole_day and state != "withdrawn":
        to.more("to_register")
        to.more("registered", registered_at is not None and days.day_of(registered_at) <= judged_on)
    if registered_at and registered_at >= since and (state not in ENDED or (state == "closed" and paid)):
        to.more("rolling")
        to.more("rolling_closed", state == "closed")


def _count_survey(story: Story, to: Sums, days: Days) -> None:
    """The first survey of a claim, whichever round it was in."""
    if not story.surveys or not days.has(story.surveys[0].recorded_at):
        return
    is_late = story.claim.reported_at - story.claim.loss_at > _HOURS_TO_REPORT
    is_glass = story.checklist is not None and list(story.checklist.features) == ["glass"]
    if not is_late and not is_glass:
        to.more("scenes")
        to.more("scenes_first", story.surveys[0].is_first_scene)


def _count_answer(story: Story, to: Sums, days: Days) -> None:
    moves = [one for one in story.moves if one.at < days.until]
    if not moves or moves[-1].at < days.start or moves[-1].to_state not in ENDED:
        return
    end = moves[-1]
    if end.to_state == "withdrawn" and end.from_state in ("reported", "dispatched"):
        return
    to.more("to_ask")
    own: list[Any] = [one for one in story.answers if one.round == end.round and one.at < days.until]
    if own:
        to.more("asked")
        to.more("score", own[-1].score)
        to.more("dissatisfied", own[-1].is_dissatisfied)
