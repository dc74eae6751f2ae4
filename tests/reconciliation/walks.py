"""A random history of claims made by the state machine itself: permitted steps at random times, and what each writes.

Always the same for the same seed. What the desk refuses (a payment without a reserve, an end while a dispute is open)
does not happen here either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from service_desk.rules import reserve_ledger as ledger
from service_desk.rules.claim_flow import (
    OPEN_STATES,
    REPORT_STARTS,
    TRANSITIONS,
    ClaimAction,
    ClaimState,
    ClockStep,
    Transition,
)
from service_desk.rules.reserve_ledger import MovementKind, ReserveItem
from tests.reconciliation.clocks import Clocks
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
    Vehicle,
)

A, S = ClaimAction, ClaimState
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
_EIGHT_HOURS = timedelta(hours=8)

# How often each permitted step is taken beside the others.
_OFTEN = {
    A.DISPATCH: 12,
    A.SURVEY: 10,
    A.ASSESS: 10,
    A.COMPLETE_DOCUMENTS: 9,
    A.CALCULATE: 9,
    A.APPROVE: 9,
    A.PAY: 10,
    A.CLOSE: 12,
    A.FOLLOW_UP: 8,
    A.SET_RESERVE: 2,
    A.WITHDRAW: 0.35,
    A.WITHDRAW_ROUND: 0.35,
    A.DENY: 0.25,
    A.REOPEN: 0.5,
    A.RETURN_PAYMENT: 0.5,
    A.PAY_ADVANCE: 0.7,
    A.PAY_PART: 1.5,
    A.SEND_BACK: 0.3,
    A.DISPUTE: 0.25,
    A.SETTLE_DISPUTE: 8,
    A.SEND_DENIAL_LETTER: 4,
}
_RARELY = 0.25
# Nothing more is done to a claim: of an open one the desk forgets it, of an ended one that is the usual way.
_RESTS = {True: 0.006, False: 0.55}
_PLACES = ("G310 巩义站街路口", "郑开大道", "连霍高速", "农业路", "陇海路高架", "客运总站")
_FEATURES = (["glass"], ["glass", "injury"], ["injury"], ["theft"], ["own_damage", "rescue"], [])
_TOPICS = ("amount", "fault", "cover", "time_taken", "loss_of_use")
_OUTCOMES = ("client_right", "partly", "not_right", "withdrawn", "mediation", "court")

_CHOICES: dict[ClaimState, tuple[list[tuple[ClaimAction, Transition]], list[float]]] = {
    state: (
        [(action, found) for (one, action), found in TRANSITIONS.items() if one is state],
        [_OFTEN.get(action, _RARELY) for one, action in TRANSITIONS if one is state],
    )
    for state in ClaimState
}


@dataclass
class Tables:
    """What the walks have written so far."""

    claims: list[Claim] = field(default_factory=list)
    claim_events: list[Event] = field(default_factory=list)
    surveys: list[Survey] = field(default_factory=list)
    reserve_entries: list[Reserve] = field(default_factory=list)
    reserve_movements: list[Movement] = field(default_factory=list)
    claim_payments: list[Payment] = field(default_factory=list)
    follow_ups: list[Answer] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    claim_checklists: list[Checklist] = field(default_factory=list)

    @property
    def rows(self) -> Rows:
        return vars(self)


def snapped(at: datetime, chance: Random) -> datetime:
    """Another instant of the day after on which counts often go wrong: midnight here or in UTC, or just before."""
    here = (at + _EIGHT_HOURS).replace(hour=0, minute=0, second=0, microsecond=0) - _EIGHT_HOURS + DAY
    utc = at.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    edge = chance.choice((here, here, utc, utc))
    return edge - MOMENT if chance.random() < 0.4 else edge


@dataclass
class Walker:
    """Walks claims one by one. `holders` answer for them, `now` is when the walks are stopped."""

    tables: Tables
    clocks: Clocks
    chance: Random
    holders: Sequence[int]
    now: datetime

    def walk(self, number: int, vehicle: Vehicle, branch_id: int, reported_at: datetime) -> None:
        """One claim from its report until it rests or the present is reached."""
        _Walk(self, number, vehicle, branch_id, reported_at).run()


class _Walk:
    def __init__(
        self, walker: Walker, number: int, vehicle: Vehicle, branch_id: int, reported_at: datetime
    ) -> None:
        chance = walker.chance
        self.walker, self.chance, self.tables = walker, chance, walker.tables
        self.id, self.number = number, f"CLM-2026-{number:06d}"
        self.vehicle, self.branch_id = vehicle, branch_id
        self.at = self.reported_at = reported_at
        self.owner = chance.choice(walker.holders)
        self.state, self.round = S.REPORTED, 1
        self.is_urban = chance.random() < 0.6
        self.reserve = self.highest = self.approved = self.paid = self.paid_before = 0
        self.held: dict[ReserveItem, int] = dict.fromkeys(ReserveItem, 0)
        self.paid_of: dict[ReserveItem, int] = dict.fromkeys(ReserveItem, 0)
        self.live: list[int] = []
        self.dispute: int | None = None
        self.was_asked = self.has_reserve = False
        self.closed_at: datetime | None = None

    def run(self) -> None:
        self._event("reported", None, "", self.state)
        if self.chance.random() < 0.5:
            self._move_reserve(self._amount(), "estimate", "whole")
        self._start(REPORT_STARTS)
        while self._step():
            pass
        self._finish()

    def _finish(self) -> None:
        chance = self.chance
        late = chance.random() < 0.06
        before = (
            timedelta(hours=48) if chance.random() < 0.02 else timedelta(seconds=chance.randrange(1, 40_000))
        )
        lost_at = self.reported_at - (timedelta(hours=48, seconds=1) if late else before)
        injured = chance.choice((1, 1, 2, 3)) if chance.random() < 0.08 else 0
        self.tables.claims.append(
            Claim(
                self.id,
                self.number,
                self.vehicle.account_id,
                self.branch_id,
                self.vehicle.id,
                self.vehicle.plate or "",
                self.state.value,
                self.round,
                lost_at,
                self.reported_at,
                chance.choice(_PLACES),
                self.is_urban,
                injured,
                self.owner,
                self.owner,
                self.reserve,
                self.highest,
                max(self.approved, self.paid),
                self.paid,
                self.closed_at,
            )
        )
        if chance.random() < 0.3:
            sheet = self.tables.claim_checklists
            features = chance.choice(_FEATURES)
            sheet.append(Checklist(len(sheet) + 1, self.id, features, self.reported_at, self.owner))

    def _step(self) -> bool:
        """Take one more step; False when nothing is to follow."""
        chance = self.chance
        if chance.random() < _RESTS[self.state in OPEN_STATES]:
            return False
        choices, weights = _CHOICES[self.state]
        action, found = chance.choices(choices, weights)[0]
        if not self._may(action):
            return True
        at = self.at + timedelta(seconds=int(chance.expovariate(1 / 200_000)))
        if chance.random() < 0.03:
            at = snapped(at, chance)
        if at > self.walker.now:
            return False
        self.at = at
        before = self.state
        self._act(action)
        after = found.to or before
        self.state = after
        if found.stops:
            self.walker.clocks.stop(self.id, found.stops, at)
        if found.cancels_all:
            self.walker.clocks.cancel(self.id, at)
        self._start(found.starts)
        if found.to or chance.random() < 0.1:
            self._event(action.value, action, before.value, after)
        if found.to:
            self.closed_at = None if after in OPEN_STATES else at
        return True

    def _may(self, action: ClaimAction) -> bool:
        """What the desk asks beyond the state machine."""
        due = self.approved - self.paid
        match action:
            case A.PAY:
                return due > 0 and self.reserve >= self.approved
            case A.PAY_PART:
                return due > 1 and self.reserve >= self.approved
            case A.PAY_ADVANCE:
                return self.reserve - self.paid > 1
            case A.RETURN_PAYMENT:
                return bool(self.live)
            case A.CLOSE:
                return due <= 0 and self.dispute is None
            case A.WITHDRAW | A.WITHDRAW_ROUND:
                return self._may_withdraw(is_round=action is A.WITHDRAW_ROUND)
            case A.DENY | A.REOPEN:
                return self.dispute is None
            case A.FOLLOW_UP:
                return not self.was_asked
            case A.DISPUTE:
                return self.dispute is None
            case A.SETTLE_DISPUTE:
                return self.dispute is not None
            case A.CALCULATE | A.APPROVE | A.COMPLETE_DOCUMENTS:
                return self.has_reserve
        return True

    def _may_withdraw(self, *, is_round: bool) -> bool:
        """A claim without money; of one that was paid in an earlier round the present one."""
        is_paid_before = self.paid_before > 0 and self.paid == self.paid_before
        return self.dispute is None and (is_paid_before if is_round else not self.paid)

    def _act(self, action: ClaimAction) -> None:
        chance = self.chance
        match action:
            case A.SURVEY:
                self._survey()
            case A.ASSESS | A.SET_RESERVE:
                item = chance.choice(("vehicle", "property", "injury", "fees"))
                self._move_reserve(max(self.paid, self._amount()), "change", item)
            case A.CLOSE | A.WITHDRAW | A.WITHDRAW_ROUND | A.DENY:
                self._move_reserve(self.paid, "release", action.value)
                self.was_asked = False
            case A.REOPEN:
                self.round += 1
                # Only what a closed round was paid: of a denied one there are advances that nobody granted.
                self.paid_before = self.paid if self.state is ClaimState.CLOSED else 0
                self._move_reserve(self.paid + self._amount(), "reopening", "reopening")
            case A.FOLLOW_UP:
                self._ask()
            case A.DISPUTE:
                self._dispute()
            case A.SETTLE_DISPUTE:
                self._decide()
            case _:
                self._act_with_money(action)

    def _act_with_money(self, action: ClaimAction) -> None:
        match action:
            case A.APPROVE:
                share = self.chance.choice((0, 50, 80, 100, 100, 100))
                self.approved = self.paid + (self.reserve - self.paid) * share // 100
            case A.PAY:
                self._pay(self.approved - self.paid)
            case A.PAY_PART:
                self._pay(max(1, (self.approved - self.paid) // 2))
            case A.PAY_ADVANCE:
                self._pay(max(1, (self.reserve - self.paid) // 3))
                self.approved = max(self.approved, self.paid)
            case A.RETURN_PAYMENT:
                self._take_back()

    def _amount(self) -> int:
        """Some exactly the large loss, or a fen less."""
        if self.chance.random() < 0.02:
            return self.chance.choice((1_000_000, 999_999))
        return int(self.chance.lognormvariate(12.2, 1.1))

    def _event(self, kind: str, action: ClaimAction | None, before: str, after: ClaimState) -> None:
        events = self.tables.claim_events
        code = action.value if action else None
        events.append(
            Event(len(events) + 1, self.id, self.round, self.at, self.at, kind, code, before, after.value)
        )

    def _start(self, steps: Sequence[ClockStep]) -> None:
        for step in steps:
            self.walker.clocks.start(
                self.id,
                self.number,
                step,
                self.at,
                account_id=self.vehicle.account_id,
                branch_id=self.branch_id,
                holder_id=self.owner,
                is_urban=self.is_urban,
                amount_fen=self.reserve,
            )

    def _survey(self) -> None:
        rows, estimate = self.tables.surveys, max(self.paid, self._amount())
        is_first = self.chance.random() < 0.8
        rows.append(
            Survey(len(rows) + 1, self.id, self.round, self.owner, self.at, self.at, is_first, estimate)
        )
        if not self.has_reserve or self.chance.random() < 0.5:
            self._move_reserve(estimate, "estimate", "survey")

    def _move_reserve(self, after: int, kind: str, item: str) -> None:
        """As the desk does: the entry of the whole, and the ledger by item."""
        if after == self.reserve and after - self.paid == sum(self.held.values()):
            return
        named = {"vehicle": "own_vehicle", "property": "third_party"}.get(item, item)
        target = ReserveItem(named) if named in set(ReserveItem) else ReserveItem.UNDIVIDED
        wanted = ledger.retarget(self.held, after - self.paid, target)
        up = MovementKind.INCREASE if self.has_reserve else MovementKind.NEW
        up = MovementKind.REOPENED if kind == "reopening" else up
        down = MovementKind.RELEASED if kind == "release" else MovementKind.DECREASE
        self._post(ledger.rebalance(self.held, wanted, up=up, down=down))
        if after != self.reserve:
            rows = self.tables.reserve_entries
            rows.append(Reserve(len(rows) + 1, self.id, self.at, kind, item, self.reserve, after, self.owner))
        self.has_reserve = True
        self.reserve, self.highest = after, max(self.highest, after)

    def _post(self, movements: Sequence[ledger.Movement]) -> None:
        rows = self.tables.reserve_movements
        for one in movements:
            self.held[one.item] += one.effect_fen
            if one.kind is MovementKind.PAID:
                self.paid_of[one.item] += one.amount_fen
            rows.append(
                Movement(
                    len(rows) + 1,
                    self.id,
                    self.at,
                    one.kind.value,
                    one.item.value,
                    one.amount_fen,
                    self.owner,
                )
            )

    def _pay(self, fen: int) -> None:
        rows = self.tables.claim_payments
        rows.append(Payment(len(rows) + 1, self.id, fen, self.at, self.owner, None))
        self.live.append(len(rows) - 1)
        self.paid += fen
        self._post(ledger.paid_out(self.held, fen))

    def _take_back(self) -> None:
        rows = self.tables.claim_payments
        place = self.live.pop(self.chance.randrange(len(self.live)))
        fen = rows[place].amount_fen
        rows[place] = rows[place]._replace(returned_at=self.at)
        self.paid -= fen
        self._post(ledger.paid_back(self.paid_of, fen))
        if self.state is S.DENIED:
            # Nothing is due any more, so nothing is held for it either.
            self.approved = self.paid
            self._move_reserve(self.paid, "release", "denial")

    def _ask(self) -> None:
        rows, chance = self.tables.follow_ups, self.chance
        scores: list[Any] = [chance.choice((None, 1, 2, 3, 4, 5)) for _ in range(3)]
        score, wants = chance.choice((1, 2, 3, 4, 5, 5, 5)), chance.random() < 0.05
        is_bad = wants or any(one is not None and one < 3 for one in (score, *scores))
        rows.append(Answer(len(rows) + 1, self.id, self.round, self.at, score, *scores, wants, is_bad))
        self.was_asked = True

    def _dispute(self) -> None:
        rows, chance = self.tables.disputes, self.chance
        self.dispute = len(rows)
        rows.append(
            Dispute(
                len(rows) + 1,
                f"DSP-{len(rows) + 1}",
                self.id,
                self.vehicle.account_id,
                self.branch_id,
                self.round,
                chance.choice(_TOPICS),
                chance.choice((None, 50_000)),
                self.owner,
                self.at,
                None,
                None,
                None,
            )
        )

    def _decide(self) -> None:
        rows, place = self.tables.disputes, self.dispute
        assert place is not None
        outcome = self.chance.choice(_OUTCOMES)
        rows[place] = rows[place]._replace(outcome=outcome, awarded_fen=self.approved, decided_at=self.at)
        self.dispute = None


def report_times(chance: Random, number: int, first: datetime, now: datetime) -> list[datetime]:
    """When claims are reported: at random, many on the edges of days, and some on 29 February."""
    span = int((now - first).total_seconds())
    found = []
    for _ in range(number):
        at = first + timedelta(seconds=chance.randrange(span))
        draw = chance.random()
        if draw < 0.05:
            at = min(snapped(at, chance), now)
        elif draw < 0.055:
            at = datetime(2024, 2, 28, 16, tzinfo=UTC) + timedelta(seconds=chance.randrange(86_400))
        found.append(at)
    return sorted(found)
