"""A random fleet over the same years: policies with endorsements and cancellations, gaps in cover, premium and receipts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from tests.reconciliation.records import (
    Allocation,
    Cover,
    Debt,
    Endorsement,
    InBranch,
    InState,
    Outside,
    Policy,
    Receipt,
    Refund,
    Requirement,
    Rows,
    Vehicle,
)

CLASSES = ("coach", "city_bus", "taxi_rental", "goods", "non_operating", None)
_PASSENGERS = ("coach", "city_bus", "taxi_rental")
_EIGHT_HOURS = timedelta(hours=8)
_BEGIN = date(2023, 3, 1)


def midnight(day: date) -> datetime:
    """00:00 in China."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - _EIGHT_HOURS


def day_of(at: datetime) -> date:
    """The day in China."""
    return (at + _EIGHT_HOURS).date()


def year_after(day: date) -> date:
    """The same day a year later; 29 February becomes 28 February."""
    return date(day.year + 1, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)


@dataclass
class Book:
    """What is written; ids go on from `first_id` where rows are there already."""

    chance: Random
    now: datetime
    clerk: int
    first_id: int
    vehicles: list[Vehicle] = field(default_factory=list)
    branch_records: list[InBranch] = field(default_factory=list)
    vehicle_state_records: list[InState] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    coverages: list[Cover] = field(default_factory=list)
    external_covers: list[Outside] = field(default_factory=list)
    cover_requirements: list[Requirement] = field(default_factory=list)
    endorsements: list[Endorsement] = field(default_factory=list)
    receivables: list[Debt] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    receipt_allocations: list[Allocation] = field(default_factory=list)
    premium_refunds: list[Refund] = field(default_factory=list)

    @property
    def rows(self) -> Rows:
        return {name: rows for name, rows in vars(self).items() if isinstance(rows, list)}

    def add_fleet(self, account_id: int, branches: Sequence[int], number: int) -> list[Vehicle]:
        """Vehicles with their histories, and what insures them."""
        return [self._add_vehicle(account_id, branches) for _ in range(number)]

    def add_requirement(self, account_id: int) -> None:
        """Goods vehicles need own damage too from a day within the years."""
        layers = ["ctpl", "tpl", "own_damage"]
        self.cover_requirements.append(Requirement(1, account_id, "goods", layers, date(2025, 7, 10)))

    def _add_vehicle(self, account_id: int, branches: Sequence[int]) -> Vehicle:
        chance, vehicle_id = self.chance, self.first_id + len(self.vehicles)
        created = midnight(_BEGIN) + timedelta(seconds=chance.randrange(400 * 86_400))
        use_class = chance.choices(CLASSES, (5, 4, 2, 4, 2, 0.3))[0]
        home = chance.choice(branches)
        stays: list[tuple[datetime, Any]] = [(created, home)]
        if chance.random() < 0.15:
            stays.append((self._later(created), chance.choice(branches)))
        states: list[tuple[datetime, Any]] = [(created, "operating")]
        if chance.random() < 0.15:
            states.append((self._later(created), chance.choice(("suspended", "retired"))))
            if states[-1][1] == "suspended" and chance.random() < 0.7:
                states.append((self._later(states[-1][0]), "operating"))
        for rows, made, own in (
            (self.branch_records, InBranch, stays),
            (self.vehicle_state_records, InState, states),
        ):
            for place, (at, value) in enumerate(own):
                until = own[place + 1][0] if place + 1 < len(own) else None
                rows.append(made(self.first_id + len(rows), vehicle_id, value, at, until))  # type: ignore[attr-defined]
        vehicle = Vehicle(
            vehicle_id,
            account_id,
            stays[-1][1],
            f"豫R{vehicle_id:05d}",
            f"LZYTBGBW{vehicle_id:09d}",
            use_class,
            states[-1][1],
            created,
        )
        self.vehicles.append(vehicle)
        self._insure(vehicle, home)
        return vehicle

    def _later(self, at: datetime) -> datetime:
        """Some time after an instant; sometimes exactly a midnight."""
        later = at + timedelta(seconds=self.chance.randrange(1, max(2, int((self.now - at).total_seconds()))))
        return (
            midnight(day_of(later)) if self.chance.random() < 0.3 and midnight(day_of(later)) > at else later
        )

    def _insure(self, vehicle: Vehicle, branch_id: int) -> None:
        lines = ["ctpl", "commercial"] + (["carrier_liability"] if vehicle.use_class in _PASSENGERS else [])
        if self.chance.random() < 0.03:
            lines.remove("commercial")
            until = midnight(day_of(self.now) + timedelta(days=self.chance.randrange(-300, 200)))
            row_id = self.first_id + len(self.external_covers)
            self.external_covers.append(
                Outside(
                    row_id, vehicle.account_id, vehicle.id, "commercial", None, until, "client_list", self.now
                )
            )
        for line in lines:
            first = _BEGIN + timedelta(days=self.chance.randrange(400))
            if self.chance.random() < 0.05:
                first = date(2024, 2, 29)
            while midnight(first) < self.now + timedelta(days=40):
                if self.chance.random() > 0.06:
                    self._issue(vehicle, branch_id, line, first)
                first = year_after(first)
                if self.chance.random() < 0.08:
                    first += timedelta(days=self.chance.randrange(1, 110))

    def _issue(self, vehicle: Vehicle, branch_id: int, line: str, first: date) -> None:
        chance, starts_at, ends_at = self.chance, midnight(first), midnight(year_after(first))
        issued_at = starts_at - timedelta(seconds=chance.randrange(1, 30 * 86_400))
        if chance.random() < 0.05:
            issued_at = midnight(day_of(issued_at).replace(day=1))
        if issued_at > self.now:
            return
        policy_id = self.first_id + len(self.policies)
        policy = Policy(
            id=policy_id,
            number=f"P-{policy_id:07d}",
            account_id=vehicle.account_id,
            branch_id=branch_id,
            issued_branch_id=branch_id,
            vehicle_id=vehicle.id,
            origin="taken_over" if chance.random() < 0.02 else "issued",
            line=line,
            cover_set=f"{line}_{chance.choice('ab')}",
            state="voided" if chance.random() < 0.02 else "issued",
            starts_at=starts_at,
            ends_at=ends_at,
            agreed_ends_at=ends_at,
            premium_fen=chance.randrange(90_000, 1_500_000),
            annual_fen=None,
            tax_fen=chance.choice((0, 0, 36_000)) if line == "ctpl" else 0,
            plate=vehicle.plate,
            vin=vehicle.vin,
            vehicle_facts={"use_class": vehicle.use_class},
            issued_by_id=self.clerk,
            issued_at=issued_at,
        )
        if policy.state == "voided":
            self.policies.append(policy._replace(ends_at=starts_at))
            return
        self.policies.append(policy)
        if line == "commercial":
            for code in ("tpl", "own_damage")[: chance.choice((1, 2, 2))]:
                row_id = self.first_id + len(self.coverages)
                until = self._later(starts_at) if code == "own_damage" and chance.random() < 0.05 else None
                self.coverages.append(Cover(row_id, policy_id, code, 100_000_000, None, until))
        endorsed = list(self._endorse(len(self.policies) - 1))
        if policy.origin == "issued":
            self._ask_for(self.policies[policy_id - self.first_id], endorsed)

    def _endorse(self, place: int) -> Iterator[Endorsement]:
        """Changes one after another; the last may end the policy."""
        chance, at = self.chance, self.policies[place].issued_at
        for kind in chance.choices(
            ("sum_insured", "use", "branch", "cancellation", ""), (4, 2, 2, 4, 88), k=3
        ):
            policy = self.policies[place]
            at += timedelta(seconds=chance.randrange(1, 150 * 86_400))
            if not kind or at > self.now or at >= policy.agreed_ends_at:
                continue
            if kind == "cancellation":
                yield self._cancel(place, at)
                return
            effective = midnight(day_of(at) + timedelta(days=chance.randrange(-10, 20)))
            effective = min(max(effective, policy.starts_at), policy.agreed_ends_at - timedelta(days=1))
            premium = chance.randrange(-60_000, 120_000)
            before: dict[str, Any] = {"annual_fen": policy.annual_fen}
            after: dict[str, Any] = {"annual_fen": (policy.annual_fen or policy.premium_fen) + premium}
            if kind == "use":
                before = {"vehicle_facts": policy.vehicle_facts}
                after = {"vehicle_facts": {"use_class": chance.choice(CLASSES[:5])}}
            if kind == "branch":
                own = [one.branch_id for one in self.vehicles if one.account_id == policy.account_id]
                before, after = {"branch_id": policy.branch_id}, {"branch_id": chance.choice(own[-20:])}
                premium = 0
            yield self._note(policy, kind, at, effective, premium, before, after)
            self.policies[place] = policy._replace(**after)

    def _cancel(self, place: int, at: datetime) -> Endorsement:
        policy = self.policies[place]
        effective = max(
            midnight(day_of(at) + timedelta(days=self.chance.randrange(-15, 10))), policy.starts_at
        )
        effective = min(effective, policy.agreed_ends_at - timedelta(days=1))
        left = (policy.agreed_ends_at - effective).days
        term = (policy.agreed_ends_at - policy.starts_at).days
        returned = policy.premium_fen * left // term
        if effective == policy.starts_at:
            returned = policy.premium_fen * 97 // 100
        self.policies[place] = policy._replace(ends_at=effective, state="cancelled")
        before = {"ends_at": policy.ends_at.isoformat(), "state": "issued"}
        return self._note(policy, "cancellation", at, effective, -returned, before, {"state": "cancelled"})

    def _note(
        self,
        policy: Policy,
        kind: str,
        at: datetime,
        effective: datetime,
        premium: int,
        before: Any,
        after: Any,
    ) -> Endorsement:
        number = self.first_id + len(self.endorsements)
        ordinal = 1 + sum(one.policy_id == policy.id for one in self.endorsements[-3:])
        row = Endorsement(
            number,
            f"E-{number:07d}",
            policy.account_id,
            policy.branch_id,
            policy.id,
            ordinal,
            kind,
            effective,
            premium,
            before,
            after,
            self.clerk,
            at,
        )
        self.endorsements.append(row)
        return row

    def _ask_for(self, policy: Policy, endorsed: Sequence[Endorsement]) -> None:
        """Premium with tax, the earlier owed by the branch of the issue; what is returned lowers it or is given back."""
        returned = [one for one in endorsed if one.premium_fen < 0]
        asked: list[tuple[int | None, datetime, int]] = [
            (None, policy.issued_at, policy.premium_fen + policy.tax_fen)
        ]
        if not returned:
            asked += [(one.id, one.created_at, one.premium_fen) for one in endorsed if one.premium_fen > 0]
        for endorsement_id, at, fen in asked:
            parts = [fen // 2, fen - fen // 2] if not returned and self.chance.random() < 0.15 else [fen]
            for instalment, part in enumerate(parts, 1):
                self._owe(policy, endorsement_id, instalment, at, part, returned)

    def _owe(
        self,
        policy: Policy,
        endorsement_id: int | None,
        instalment: int,
        at: datetime,
        fen: int,
        returned: Sequence[Endorsement],
    ) -> None:
        chance, debt_id = self.chance, self.first_id + len(self.receivables)
        due_on = day_of(at) + timedelta(days=30 * instalment)
        today, settled, left = day_of(self.now), 0, fen
        paid_on = day_of(at) + timedelta(days=chance.randrange(120))
        will_pay = chance.random() < 0.85 and paid_on <= today
        for one in returned:
            if will_pay and paid_on <= day_of(one.created_at):
                settled += self._receive(policy, debt_id, left, paid_on)
                will_pay = False
            lowered = min(left - settled, -one.premium_fen)
            left -= lowered
            if -one.premium_fen > lowered:
                self._refund(policy, one, -one.premium_fen - lowered)
        if will_pay and left > settled:
            settled += self._receive(policy, debt_id, left - settled, paid_on)
        self.receivables.append(
            Debt(
                debt_id,
                policy.account_id,
                policy.issued_branch_id,
                policy.id,
                endorsement_id,
                instalment,
                left,
                settled,
                due_on,
                at,
            )
        )

    def _receive(self, policy: Policy, debt_id: int, fen: int, paid_on: date) -> int:
        """Money for a debt, sometimes less or more; what of it settles the debt for good."""
        chance, today = self.chance, day_of(self.now)
        row_id, draw = self.first_id + len(self.receipts), chance.random()
        part = max(1, fen // 3) if draw < 0.1 else fen
        over = 5_000 if 0.1 < draw < 0.15 else 0
        back = paid_on + timedelta(days=chance.randrange(60)) if chance.random() < 0.04 else None
        back = back if back and back <= today else None
        self.receipts.append(
            Receipt(
                row_id,
                f"R-{row_id:07d}",
                policy.account_id,
                policy.issued_branch_id,
                part + over,
                0 if back else part,
                paid_on,
                "credit" if chance.random() < 0.03 else "transfer",
                self.clerk,
                self.now,
                back,
            )
        )
        allocated_on = min(paid_on + timedelta(days=chance.choice((0, 0, 3))), back or today, today)
        self.receipt_allocations.append(
            Allocation(
                self.first_id + len(self.receipt_allocations), row_id, debt_id, part, allocated_on, back
            )
        )
        return 0 if back else part

    def _refund(self, policy: Policy, one: Endorsement, fen: int) -> None:
        row_id = self.first_id + len(self.premium_refunds)
        self.premium_refunds.append(
            Refund(
                row_id,
                f"RF-{row_id:07d}",
                policy.account_id,
                policy.issued_branch_id,
                policy.id,
                one.id,
                fen,
                "owed",
                one.created_at,
                None,
            )
        )
