"""Premium, cover, renewal and receivables counted policy by policy and day by day."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.reconciliation.records import Endorsement, Policy, Rows, Vehicle
from tests.reconciliation.span import Days, Groups, Sums, by_key, midnight, sums

CHINA = ZoneInfo("Asia/Shanghai")
_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)
_CLOSES = ("cancellation", "replacement")
_MAIN = {"ctpl": "ctpl", "commercial": "tpl", "carrier_liability": "carrier_liability"}
_PASSENGERS = ("coach", "city_bus", "taxi_rental")
# Days of cover are counted in parts of which 365 × 366 are a year, whichever of both the year is.
YEAR = 365 * 366
_LONG_AGO = datetime(1970, 1, 1, tzinfo=CHINA)


@dataclass(frozen=True)
class Insured:
    """A policy with its endorsements in order."""

    policy: Policy
    changes: list[Endorsement]

    @property
    def first(self) -> date:
        return _day(self.policy.starts_at)

    @property
    def end(self) -> date:
        """The day after the last that was agreed."""
        return _day(self.policy.agreed_ends_at - _MOMENT) + _DAY

    def known(self, at: datetime) -> list[Endorsement]:
        return [one for one in self.changes if one.created_at < at]

    def closing(self, at: datetime) -> Endorsement | None:
        return next((one for one in self.known(at) if one.kind in _CLOSES), None)

    def covered_to(self, at: datetime) -> date:
        """The day after the last of cover, as far as was known."""
        closing = self.closing(at)
        return _day(max(self.policy.starts_at, closing.effective_at)) if closing else self.end

    def earned(self, at: datetime, on: date) -> int:
        """What was earned by 00:00 of a day, by what was recorded before an instant; to the fen."""
        closing = self.closing(at)
        changes = [one for one in self.known(at) if one.kind not in _CLOSES]
        if closing is not None and on >= _day(closing.effective_at):
            given = self.policy.premium_fen + sum(one.premium_fen for one in changes)
            return given + closing.premium_fen
        parts = [(self.policy.premium_fen, self.first)]
        for one in changes:
            kept = (one.after or {}).get("kept_fen", 0)
            parts.append((one.premium_fen - kept, _day(one.effective_at)))
            if kept and on >= _day(one.effective_at):
                parts.append((kept, date.min))
        return sum(fen if first == date.min else _share(fen, first, self.end, on) for fen, first in parts)

    def stated(self, name: str, at: datetime) -> Any:
        """What the policy said under a name before an instant: later changes undone."""
        value = getattr(self.policy, name)
        for one in reversed(self.changes):
            if one.created_at >= at and name in (one.before or {}):
                value = one.before[name]
        return value

    def use_class(self, at: datetime) -> str:
        return (self.stated("vehicle_facts", at) or {}).get("use_class") or ""


def _share(fen: int, first: date, end: date, on: date) -> int:
    """By the day, a half of a fen away from nought."""
    term = (end - first).days
    gone = min(max((on - first).days, 0), term)
    if term <= 0:
        return fen if on >= first else 0
    rounded = (abs(fen) * gone * 2 + term) // (term * 2)
    return rounded if fen >= 0 else -rounded


def _day(at: datetime) -> date:
    return at.astimezone(CHINA).date()


def insured_of(rows: Rows, account_id: int) -> list[Insured]:
    """The account's policies; one that was voided never was."""
    changes = by_key(sorted(rows["endorsements"], key=lambda one: one.ordinal), "policy_id")
    return [
        Insured(one, changes.get(one.id, []))
        for one in rows["policies"]
        if one.account_id == account_id and one.state != "voided"
    ]


def count_premium(book: Iterable[Insured], days: Days) -> Groups[Sums]:
    """What was written and earned in the period. An act counts where the policy was at the time of it."""
    found = sums()
    if days.until <= days.start:
        return found
    on = max(days.last_whole_day + _DAY, days.first)
    for one in book:
        policy = one.policy
        at_issue = one.use_class(datetime.min.replace(tzinfo=CHINA))
        if policy.origin == "issued" and days.has(policy.issued_at):
            to = found.at(policy.issued_branch_id, at_issue)
            to.more("policies")
            to.more("issued", policy.premium_fen)
        for change in one.changes:
            if days.has(change.created_at):
                word = "returned" if change.kind == "cancellation" else "endorsed"
                found.at(change.branch_id, at_issue).more(word, change.premium_fen)
        earned = one.earned(days.until, on) - one.earned(days.start, days.first)
        if earned:
            branch_id = one.stated("branch_id", days.until)
            found.at(branch_id, one.use_class(days.until)).more("earned", earned)
    return found


def count_exposure(book: Iterable[Insured], days: Days) -> Groups[Sums]:
    """Each vehicle's days with any cover, each once, as one of the policy that began first."""
    found = sums()
    end = max(days.last_whole_day + _DAY, days.first)
    if days.until <= days.start:
        return found
    for own in _by_vehicle(book):
        taken: set[date] = set()
        for one in sorted(own, key=lambda one: (one.first, one.policy.id)):
            first, last = max(one.first, days.first), min(one.covered_to(days.until), end)
            span = [first + timedelta(days=place) for place in range((last - first).days)]
            fresh = [day for day in span if day not in taken]
            if fresh:
                taken.update(fresh)
                year = (_year_after(one.first) - one.first).days
                to = found.at(one.stated("branch_id", days.until), one.use_class(days.until))
                to.more("exposed", len(fresh) * (YEAR // year))
    return found


def _by_vehicle(book: Iterable[Insured]) -> list[list[Insured]]:
    found: dict[int, list[Insured]] = defaultdict(list)
    for one in book:
        found[one.policy.vehicle_id].append(one)
    return list(found.values())


def _year_after(day: date) -> date:
    return date(day.year + 1, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)


@dataclass(frozen=True)
class Garage:
    """Vehicles with where and what they were when, and the layers of cover they had."""

    vehicles: list[Vehicle]
    branches: dict[int, list[Any]]
    states: dict[int, list[Any]]
    layers: dict[int, list[tuple[str, datetime, datetime]]]
    needs: list[Any]
    account_id: int

    def held(self, vehicle_id: int, at: datetime) -> set[str]:
        """The layers in force at an instant."""
        return {layer for layer, begin, end in self.layers.get(vehicle_id, []) if begin <= at < end}

    def changes_of(self, vehicle_id: int) -> list[datetime]:
        """When anything that counts changes for a vehicle."""
        records = [*self.branches.get(vehicle_id, []), *self.states.get(vehicle_id, [])]
        times = {one for record in records for one in (record.from_at, record.to_at) if one}
        times |= {at for _layer, begin, end in self.layers.get(vehicle_id, []) for at in (begin, end)}
        return sorted(times | {midnight(one.effective_on, CHINA) for one in self.needs})

    def needed(self, use_class: str | None, day: date) -> set[str]:
        """CTPL of all; third party of all of known class; carrier's liability of those with passengers."""
        if use_class is None:
            return {"ctpl"}
        fits = [
            one
            for one in self.needs
            if one.use_class == use_class
            and one.effective_on <= day
            and one.account_id in (None, self.account_id)
        ]
        if fits:
            return set(max(fits, key=lambda one: (one.account_id is not None, one.effective_on)).layers)
        usual = {"ctpl", "tpl"}
        return usual | {"carrier_liability"} if use_class in _PASSENGERS else usual


def garage_of(rows: Rows, account_id: int) -> Garage:
    covers = by_key(rows["coverages"], "policy_id")
    layers: dict[int, list[tuple[str, datetime, datetime]]] = defaultdict(list)
    for policy in rows["policies"]:
        if policy.ends_at <= policy.starts_at:
            continue
        own = covers.get(policy.id, []) if policy.line == "commercial" else []
        for cover in own:
            begin = max(policy.starts_at, cover.from_at or policy.starts_at)
            end = min(policy.ends_at, cover.to_at or policy.ends_at)
            layers[policy.vehicle_id].append((str(cover.code), begin, end))
        if not own:
            layers[policy.vehicle_id].append((_MAIN[policy.line], policy.starts_at, policy.ends_at))
    for outside in rows["external_covers"]:
        begin = outside.starts_at or _LONG_AGO
        layers[outside.vehicle_id].append((_MAIN[outside.line], begin, outside.ends_at))
    return Garage(
        [one for one in rows["vehicles"] if one.account_id == account_id],
        by_key(rows["branch_records"], "vehicle_id"),
        by_key(rows["vehicle_state_records"], "vehicle_id"),
        layers,
        rows["cover_requirements"],
        account_id,
    )


def count_cover(garage: Garage, days: Days, *, whole: bool) -> Groups[Sums]:
    """Vehicles on the road on the last day; with `whole` the same of every day. A day is judged as it ends."""
    found = sums()
    if days.until <= days.start:
        return found
    first = days.first if whole else days.last_day
    samples = [
        (day, min(midnight(day + _DAY, CHINA) - _MOMENT, days.now))
        for day in (first + timedelta(days=place) for place in range((days.last_day - first).days + 1))
    ]
    word = "_days" if whole else ""
    for vehicle in garage.vehicles:
        changes, until = garage.changes_of(vehicle.id), samples[0][1]
        is_on_road = is_covered = False
        to = Sums()
        for day, at in samples:
            # Between two changes a day is as the one before.
            if at >= until:
                until = next((one for one in changes if one > at), datetime.max.replace(tzinfo=CHINA))
                state = _at(garage.states.get(vehicle.id), at, "state", vehicle.state, vehicle)
                branch_id = _at(garage.branches.get(vehicle.id), at, "branch_id", vehicle.branch_id, vehicle)
                is_on_road = state == "operating"
                is_covered = garage.needed(vehicle.use_class, day) <= garage.held(vehicle.id, at)
                to = found.at(branch_id, vehicle.use_class)
            if is_on_road:
                to.more(f"operating{word}")
                to.more(f"covered{word}", is_covered)
    return found


def _at(records: list[Any] | None, at: datetime, name: str, present: Any, vehicle: Vehicle) -> Any:
    """What a record says of an instant; without records a vehicle was always what it is."""
    if not records:
        return present if vehicle.created_at <= at else None
    return next(
        (
            getattr(one, name)
            for one in records
            if one.from_at <= at and (one.to_at is None or at < one.to_at)
        ),
        None,
    )


def count_renewals(
    book: list[Insured], days: Days, by: Any = None, known_at: datetime | None = None
) -> dict[Any, Sums]:
    """Vehicles whose cover ends in the period, each once in each group: renewed when every line of it is.

    By what was known at the period's end, or at another instant.
    """
    known_at = known_at or days.until
    start, end = midnight(days.first, CHINA), midnight(days.last + _DAY, CHINA)
    of_line = defaultdict(list)
    for one in book:
        of_line[one.policy.vehicle_id, one.policy.line].append(one)
    lines: dict[Any, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in book:
        policy = one.policy
        if policy.state == "issued" and start < policy.ends_at <= end and policy.ends_at > policy.starts_at:
            is_followed = is_followed_by(
                one, of_line[policy.vehicle_id, policy.line], policy.ends_at, known_at
            )
            fate = "renewed" if is_followed else "lost" if policy.ends_at <= known_at else "due"
            lines[by(policy) if by else None][policy.vehicle_id].append(fate)
    found: dict[Any, Sums] = defaultdict(Sums)
    for key, vehicles in lines.items():
        for fates in vehicles.values():
            found[key].more("due")
            fate = next(one for one in ("lost", "due", "renewed") if one in fates)
            found[key].more({"due": "to_renew"}.get(fate, fate))
    return found


def is_followed_by(one: Insured, others: Iterable[Insured], ends_at: datetime, known_at: datetime) -> bool:
    """Another policy of the line goes on after it and begins within ninety days, by what was known."""
    for other in others:
        policy = other.policy
        until = policy.ends_at
        if any(change.kind in _CLOSES and change.created_at >= known_at for change in other.changes):
            until = policy.agreed_ends_at
        if (
            other is not one
            and policy.issued_at < known_at
            and until > ends_at
            and until > policy.starts_at
            and policy.starts_at <= ends_at + timedelta(days=90)
        ):
            return True
    return False


def count_receivables(rows: Rows, account_id: int, days: Days) -> Groups[Sums]:
    """Money received in the period, and what of each debt was open at its end."""
    found = sums()
    if days.until <= days.start:
        return found
    day = days.last_day
    for one in rows["receipts"]:
        if one.account_id == account_id and one.method != "credit":
            came = days.first <= one.received_on <= day
            went = one.reversed_on is not None and days.first <= one.reversed_on <= day
            found.at(one.branch_id, None).more("received", one.amount_fen * (came - went))
    settled = by_key(rows["receipt_allocations"], "receivable_id")
    lowered = _lowerings(rows)
    for debt in rows["receivables"]:
        if debt.account_id != account_id or _day(debt.created_at) > day:
            continue
        # What was lowered since was still owed then.
        open_fen = debt.amount_fen + sum(fen for at, fen in lowered.get(debt.id, []) if _day(at) > day)
        for one in settled.get(debt.id, []):
            if one.allocated_on <= day and (one.taken_back_on is None or one.taken_back_on > day):
                open_fen -= one.amount_fen
        to = found.at(debt.branch_id, None)
        to.more("open", open_fen)
        to.more("overdue", open_fen if debt.due_on < day else 0)
    return found


def _lowerings(rows: Rows) -> dict[int, list[tuple[datetime, int]]]:
    """What returns took off debts instead of being given back, by the last debt of the policy."""
    refunded = defaultdict(int)
    for one in rows["premium_refunds"]:
        refunded[one.endorsement_id] += one.amount_fen
    last: dict[int, Any] = {}
    for debt in sorted(rows["receivables"], key=lambda one: (one.due_on, one.id)):
        last[debt.policy_id] = debt
    voided = {one.id for one in rows["policies"] if one.state == "voided"}
    found: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for one in rows["endorsements"]:
        fen = -one.premium_fen - refunded[one.id]
        if one.premium_fen < 0 and fen > 0 and one.policy_id in last and one.policy_id not in voided:
            found[last[one.policy_id].id].append((one.created_at, fen))
    return found
