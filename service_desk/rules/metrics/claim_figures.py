"""The counts and sums that the measures of claims are worked out of. Those of parts add up to those of the whole."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Self

from service_desk.rules.metrics import formulas
from service_desk.rules.metrics.registry import MeasureCode as C
from service_desk.rules.metrics.values import Mean, Ratio

Value = int | Decimal | Ratio | Mean | None


class Sums:
    """A dataclass of numbers, and of tuples of values, that is added up field by field."""

    def __add__(self, other: Self) -> Self:
        own = (one.name for one in fields(self))  # type: ignore[arg-type]
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in own})


@dataclass(frozen=True)
class Flow(Sums):
    """What came into the open book and left it. Withdrawn and denied claims have left it too: they are among `closed`."""

    open_start: int = 0
    reported: int = 0
    reopened: int = 0
    closed: int = 0
    withdrawn: int = 0
    denied: int = 0

    @property
    def open_end(self) -> int:
        return self.open_start + self.reported + self.reopened - self.closed

    def measures(self) -> dict[C, Value]:
        """The figures by their codes."""
        return {
            C.CLAIMS_OPEN_START: self.open_start,
            C.CLAIMS_REPORTED: self.reported,
            C.CLAIMS_REOPENED: self.reopened,
            C.CLAIMS_CLOSED: self.closed,
            C.CLAIMS_OPEN_END: self.open_end,
            C.CLAIMS_WITHDRAWN: self.withdrawn,
            C.CLAIMS_DENIED: self.denied,
            C.CLOSING_RATE: formulas.closing_rate(
                open_start=self.open_start,
                reported=self.reported,
                reopened=self.reopened,
                closed=self.closed,
            ),
        }


@dataclass(frozen=True)
class Reported(Sums):
    """The claims reported in a period, as they stood at its end."""

    estimate_fen: int = 0
    large: int = 0
    injured: int = 0

    def measures(self) -> dict[C, Value]:
        """The figures by their codes."""
        return {
            C.ESTIMATE_REPORTED: self.estimate_fen,
            C.LARGE_LOSSES: self.large,
            C.INJURY_CLAIMS: self.injured,
        }


@dataclass(frozen=True)
class Standing(Sums):
    """The open claims at an instant, and what is outstanding for them: estimated and not paid."""

    count: int = 0
    outstanding_fen: int = 0
    large_fen: int = 0
    injury_fen: int = 0
    over_30_days: int = 0

    @property
    def average(self) -> Mean:
        return Mean(self.outstanding_fen, self.count)

    def measures(self) -> dict[C, Value]:
        """The figures by their codes."""
        return {
            C.OUTSTANDING: self.outstanding_fen,
            C.OUTSTANDING_LARGE: self.large_fen,
            C.INJURY_SHARE: formulas.injury_share(
                injury_fen=self.injury_fen, outstanding_fen=self.outstanding_fen
            ),
            C.OPEN_OVER_30_DAYS: Ratio(self.over_30_days, self.count),
        }


@dataclass(frozen=True)
class Settled(Sums):
    """The claims closed in a period with money paid: days from the report, first estimate and amount of each."""

    days: tuple[int, ...] = ()
    cases: tuple[tuple[int, int], ...] = ()

    @property
    def paid_fen(self) -> int:
        return sum(paid for _estimate, paid in self.cases)

    @property
    def average(self) -> Mean:
        return Mean(self.paid_fen, len(self.cases))

    def measures(self) -> dict[C, Value]:
        """The figures by their codes."""
        estimate_fen = sum(estimate for estimate, _paid in self.cases)
        return {
            C.CLOSING_CYCLE: formulas.closing_cycle(self.days),
            C.CLOSING_CYCLE_MEDIAN: formulas.median(self.days),
            C.CLOSING_CYCLE_P90: formulas.p90(self.days),
            C.ESTIMATE_DEVIATION: formulas.estimate_deviation(self.cases),
            C.ESTIMATE_DEVIATION_NET: formulas.estimate_deviation_net(
                estimate_fen=estimate_fen, paid_fen=self.paid_fen
            ),
        }


@dataclass(frozen=True)
class OpenAndSettled(Sums):
    """Open claims beside the closed ones, for their averages."""

    standing: Standing = Standing()
    settled: Settled = Settled()

    def measures(self) -> dict[C, Value]:
        """The figures by their codes."""
        average = formulas.open_to_closed_average(self.standing.average, self.settled.average)
        return {C.OPEN_TO_CLOSED_AVERAGE: average}


@dataclass(frozen=True)
class Registered(Sums):
    """Claims to be judged, and how many of them were registered in time."""

    in_time: int = 0
    judged: int = 0

    def measures(self) -> dict[C, Value]:
        """The figures by their codes."""
        return {C.REGISTERED_IN_TIME: Ratio(self.in_time, self.judged)}


@dataclass(frozen=True)
class Rolling(Sums):
    """The claims registered in twelve months, withdrawn, denied and zero-paid ones left out, and the closed among them."""

    registered: int = 0
    closed: int = 0

    def measures(self) -> dict[C, Value]:
        """The figures by their codes."""
        return {
            C.ROLLING_CLOSING_RATE: formulas.rolling_closing_rate(
                registered=self.registered, closed=self.closed
            )
        }


@dataclass(frozen=True)
class Book(Sums):
    """All claims there were to close in a period by amount: paid on the ended, estimated for those still open."""

    closed_fen: int = 0
    open_fen: int = 0

    def measures(self) -> dict[C, Value]:
        """The figures by their codes."""
        return {
            C.CLOSING_RATE_AMOUNT: formulas.closing_rate_amount(
                closed_fen=self.closed_fen, open_fen=self.open_fen
            )
        }
