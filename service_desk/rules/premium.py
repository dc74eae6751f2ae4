"""When premium falls due, how old a debt is, which debts a payment settles, instalments, and what of a credit limit is used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from service_desk.base.errors import Invalid
from service_desk.base.money import share

DAYS_TO_PAY = 7
MOST_INSTALMENTS = 12
# Weights of instalments are hundredths of a percent.
WHOLE = 10_000


@dataclass(frozen=True)
class AgeBand:
    """A column of the ageing: from so many days overdue to so many, both included. Not due: up to 0 days."""

    from_days: int | None
    to_days: int | None

    @property
    def is_due(self) -> bool:
        return self.from_days is not None


@dataclass(frozen=True)
class DunningLevel:
    """A level of dunning: from so many days overdue (negative: before the due day) up to the next level."""

    from_days: int
    until_days: int | None

    def holds(self, overdue_days: int) -> bool:
        """Whether a debt so many days overdue is dunned at this level."""
        return self.from_days <= overdue_days and (self.until_days is None or overdue_days < self.until_days)


@dataclass(frozen=True)
class PlanPart:
    """A part of an account's usual plan: so many days after it is asked for, and its weight of the whole."""

    days: int
    weight: int


@dataclass(frozen=True)
class Terms:
    """What an account agreed on paying: see `models.premiums.PremiumTerms`."""

    age_days: tuple[int, ...] = (30, 90, 180, 365)
    dunning_days: tuple[int, ...] = (-7, 1, 31)
    is_dunned_daily: bool = False
    plan_parts: tuple[PlanPart, ...] = ()


USUAL_TERMS = Terms()


@dataclass(frozen=True)
class Debt:
    """An open receivable: what is still owed of it."""

    id: int
    due_on: date
    open_fen: int


@dataclass(frozen=True)
class Instalment:
    """An instalment as asked for. `percent` None in all of a plan: equal parts."""

    due_on: date | None
    percent: Decimal | None = None


@dataclass(frozen=True)
class Credit:
    """What an account may owe over all branches, and owes. `limit_fen` None: no limit agreed."""

    limit_fen: int | None
    open_fen: int
    unallocated_fen: int = 0
    refunds_fen: int = 0
    waiting_fen: int = 0

    @property
    def used_fen(self) -> int:
        """Open premium, and what confirmed orders still have to issue, less money of the client's that lies with us.

        Negative when more of that does.
        """
        return self.open_fen + self.waiting_fen - self.unallocated_fen - self.refunds_fen

    def exceeded_by(self, more_fen: int = 0) -> int:
        """How far the debt and `more_fen` go beyond the limit; 0 within it."""
        return 0 if self.limit_fen is None else max(0, self.used_fen + more_fen - self.limit_fen)


@dataclass(frozen=True)
class Balance:
    """A statement's sums in fen, signed as they change what the client owes. `moved_fen` is nothing for a group."""

    opening_fen: int = 0
    premium_fen: int = 0
    endorsed_fen: int = 0
    returned_fen: int = 0
    received_fen: int = 0
    reversed_fen: int = 0
    refunded_fen: int = 0
    moved_fen: int = 0

    @property
    def closing_fen(self) -> int:
        """The opening balance and all that happened since."""
        return (
            self.opening_fen
            + self.premium_fen
            + self.endorsed_fen
            + self.returned_fen
            + self.received_fen
            + self.reversed_fen
            + self.refunded_fen
            + self.moved_fen
        )


def due_on(first_day: date, issued_on: date) -> date:
    """When a policy's premium falls due: with its first covered day, but a week after issue at the earliest.

    The account pays against a list, so a policy that takes effect at once leaves time for the transfer.
    """
    return max(first_day, issued_on + timedelta(days=DAYS_TO_PAY))


def age_bands(age_days: Sequence[int]) -> list[AgeBand]:
    """The columns of an ageing, not due first. The day a debt falls due is not overdue."""
    starts = [1, *(days + 1 for days in age_days)]
    return [AgeBand(None, 0), *map(AgeBand, starts, [*age_days, None])]


def age_of(due: date, today: date, age_days: Sequence[int]) -> AgeBand:
    """The ageing column a debt stands in."""
    overdue = (today - due).days
    return next(band for band in age_bands(age_days) if band.to_days is None or overdue <= band.to_days)


def dunning_levels(dunning_days: Sequence[int]) -> list[DunningLevel]:
    """The levels of dunning, the mildest first."""
    return list(map(DunningLevel, dunning_days, [*dunning_days[1:], None]))


def allocate(amount_fen: int, debts: Iterable[Debt]) -> dict[int, int]:
    """Split a payment over debts, the oldest first: fen by debt id. What goes beyond all of them is left over."""
    left, parts = amount_fen, {}
    for debt in sorted(debts, key=lambda one: (one.due_on, one.id)):
        part = min(left, debt.open_fen)
        if part:
            parts[debt.id] = part
        left -= part
    return parts


def weights_of(plan: Sequence[Instalment]) -> list[int]:
    """The weights of a plan that was found right."""
    return [WHOLE if one.percent is None else int(one.percent * 100) for one in plan]


def split(open_fen: int, tax_fen: int, weights: Sequence[int]) -> list[int]:
    """Split what is open into instalments that add up to it; vehicle tax, as far as it is open, stands in the first.

    The tax authority wants it whole and with the policy. Odd fen go by largest remainder, not to one end.
    """
    tax_fen = min(tax_fen, open_fen)
    parts = share(open_fen - tax_fen, list(weights))
    return [parts[0] + tax_fen, *parts[1:]]


def plan_faults(plan: Sequence[Instalment], today: date) -> list[Invalid]:
    """Why a plan cannot be: days missing, past or out of order, percents that are not all there or not 100 together.

    Fields are `due_on_1`, `percent_1` and so on, in the plan's order.
    """
    if not 1 <= len(plan) <= MOST_INSTALMENTS:
        return [Invalid("plan_length", field="count", most=MOST_INSTALMENTS)]
    return [*_day_faults(plan, today), *_percent_faults(plan)]


def _day_faults(plan: Sequence[Instalment], today: date) -> list[Invalid]:
    faults, last = [], None
    for number, one in enumerate(plan, start=1):
        field = f"due_on_{number}"
        if one.due_on is None:
            faults.append(Invalid("required", field=field))
        elif one.due_on < today:
            faults.append(Invalid("plan_day_past", field=field))
        elif last is not None and one.due_on <= last:
            faults.append(Invalid("plan_days_out_of_order", field=field))
        last = one.due_on or last
    return faults


def _percent_faults(plan: Sequence[Instalment]) -> list[Invalid]:
    if all(one.percent is None for one in plan):
        return []
    faults = []
    for number, one in enumerate(plan, start=1):
        if one.percent is None:
            faults.append(Invalid("plan_percent_missing", field=f"percent_{number}"))
        elif one.percent <= 0 or one.percent != round(one.percent, 2):
            faults.append(Invalid("plan_percent_wrong", field=f"percent_{number}"))
    total = sum((one.percent or Decimal(0) for one in plan), Decimal(0))
    if not faults and total != 100:
        faults.append(
            Invalid("plan_percents_not_100", field=f"percent_{len(plan)}", total=f"{total.normalize():f}")
        )
    return faults


def terms_faults(terms: Terms) -> list[Invalid]:
    """Why terms of payment cannot be."""
    faults = []
    if not _is_ladder(terms.age_days, 1, 3650, most=6):
        faults.append(Invalid("age_days_wrong", field="age_days", most=6))
    if not _is_ladder(terms.dunning_days, -90, 3650, most=6):
        faults.append(Invalid("dunning_days_wrong", field="dunning_days", most=6))
    days = [part.days for part in terms.plan_parts]
    if days and not _is_ladder(days, 0, 366, most=MOST_INSTALMENTS):
        faults.append(Invalid("plan_offsets_wrong", field="plan_days", most=MOST_INSTALMENTS))
    if days and sum(part.weight for part in terms.plan_parts) != WHOLE:
        total = Decimal(sum(part.weight for part in terms.plan_parts)) / 100
        faults.append(Invalid("plan_percents_not_100", field="plan_percents", total=f"{total.normalize():f}"))
    elif any(part.weight <= 0 for part in terms.plan_parts):
        faults.append(Invalid("plan_percent_wrong", field="plan_percents"))
    return faults


def _is_ladder(days: Sequence[int], low: int, high: int, *, most: int) -> bool:
    """Whether there are days, not too many, each later than the one before and none out of bounds."""
    rises = all(before < after for before, after in pairwise(days))
    return 1 <= len(days) <= most and rises and low <= days[0] and days[-1] <= high
