"""Looking a premium up: price-table lines, the CTPL float, and the faults a price table may have.

Bands are half-open: "6-10 seats" holds 6 <= seats < 10, so a coach of 36 seats stands in the top band
(domain.md section 5). Sums of money here are whole fen, because a price table holds whole fen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, pairwise

from service_desk.base.errors import Invalid
from service_desk.base.money import from_fen, to_fen
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

USE_CLASS_WORDS: dict[str, UseClass] = {
    "公路客运": UseClass.COACH,
    "城市公交": UseClass.CITY_BUS,
    "出租租赁": UseClass.TAXI_RENTAL,
    "营业货车": UseClass.GOODS,
    "非营业": UseClass.NON_OPERATING,
}
"""The words fleet lists use for each class."""


class Measure(StrEnum):
    """What a band counts: rated seats, or tonnes of rated load."""

    SEATS = "seats"
    TONNES = "tonnes"


MEASURES: dict[UseClass, tuple[Measure, ...]] = {
    UseClass.COACH: (Measure.SEATS,),
    UseClass.CITY_BUS: (Measure.SEATS,),
    UseClass.TAXI_RENTAL: (Measure.SEATS,),
    UseClass.GOODS: (Measure.TONNES,),
    UseClass.NON_OPERATING: (Measure.SEATS, Measure.TONNES),
}
"""What a vehicle of a class may be banded by (`measure_for`)."""


class LimitPer(StrEnum):
    """What a limit is counted for."""

    ACCIDENT = "accident"
    SEAT = "seat"
    VEHICLE = "vehicle"


class CtplFloat(StrEnum):
    """The experience class of a CTPL policy; A4 is a new or unremarkable vehicle."""

    A1 = "A1"
    A2 = "A2"
    A3 = "A3"
    A4 = "A4"
    A5 = "A5"
    A6 = "A6"


FLOAT_RATES: dict[CtplFloat, Decimal] = {
    CtplFloat.A1: Decimal("-0.10"),
    CtplFloat.A2: Decimal("-0.20"),
    CtplFloat.A3: Decimal("-0.30"),
    CtplFloat.A4: Decimal("0"),
    CtplFloat.A5: Decimal("0.10"),
    CtplFloat.A6: Decimal("0.30"),
}
"""Float of 2008, which Henan's plan of 2020 (plan E) keeps; final = base x (1 + A)."""


@dataclass(frozen=True)
class CoverLimit:
    """One coverage of a cover set. `limit_fen` None: paid by loss, with no stated limit."""

    coverage: CoverCode
    limit_fen: int | None
    per: LimitPer = LimitPer.ACCIDENT
    deductible_fen: int = 0
    absolute_deductible_percent: int = 0


@dataclass(frozen=True)
class RateLine:
    """One line of a price table. `band_to` is excluded; None leaves the band open at the top.

    `premium_fen` is for a year and the whole vehicle, or for each seat with `per_seat`.
    """

    line: PolicyLine
    cover_set: str
    use_class: UseClass
    measure: Measure
    band_from: Decimal
    band_to: Decimal | None
    premium_fen: int
    per_seat: bool = False
    limits: tuple[CoverLimit, ...] = ()

    def holds(self, value: Decimal) -> bool:
        """Tell whether a number of seats or tonnes lies in the band."""
        return self.band_from <= value and (self.band_to is None or value < self.band_to)


@dataclass(frozen=True)
class VehicleFacts:
    """What rating needs to know of a vehicle. None: not known."""

    use_class: UseClass | None
    seats: int | None = None
    load_kg: int | None = None


@dataclass(frozen=True)
class Premium:
    """A premium and how it came about: `total_fen` is `base_fen` with the float."""

    rate: RateLine
    base_fen: int
    float_rate: Decimal
    total_fen: int


@dataclass(frozen=True)
class RateProblem:
    """A fault of a price table: `overlap` (two prices) or `hole` (no price) from `band_from` to `band_to`.

    `at`: which lines of those given are concerned, by index: the two that overlap, or the one below the hole.
    """

    code: str
    line: PolicyLine
    cover_set: str
    use_class: UseClass
    measure: Measure
    band_from: Decimal
    band_to: Decimal | None
    at: tuple[int, ...] = field(default=(), compare=False)


def measure_for(vehicle: VehicleFacts) -> Measure:
    """Say what a vehicle is banded by; Invalid `no_use_class`.

    The tariff bands a non-operating vehicle by tonnes when it is a lorry and by seats when it carries
    people. A rated load is written on the licence of lorries only, so a load tells the two apart.
    """
    if vehicle.use_class is None:
        raise Invalid("no_use_class", field="use_class")
    is_lorry = vehicle.use_class is UseClass.GOODS or (
        vehicle.use_class is UseClass.NON_OPERATING and bool(vehicle.load_kg)
    )
    return Measure.TONNES if is_lorry else Measure.SEATS


def premium_for(
    lines: Iterable[RateLine],
    vehicle: VehicleFacts,
    *,
    line: PolicyLine,
    cover_set: str,
    ctpl_float: CtplFloat = CtplFloat.A4,
) -> Premium:
    """Look up a year's premium. The float counts for CTPL only.

    Invalid: `no_use_class`, `seats_missing`, `load_missing`, `no_rate` (no line fits), `rate_ambiguous`
    (several do).
    """
    measure = measure_for(vehicle)
    value = _measured(vehicle, measure)
    found = [
        rate
        for rate in lines
        if (rate.line, rate.cover_set, rate.use_class, rate.measure)
        == (line, cover_set, vehicle.use_class, measure)
        and rate.holds(value)
    ]
    if len(found) != 1:
        raise Invalid(
            "rate_ambiguous" if found else "no_rate",
            line=line.value,
            cover_set=cover_set,
            measure=measure.value,
            value=str(value),
        )
    return _priced(found[0], vehicle, FLOAT_RATES[ctpl_float] if line is PolicyLine.CTPL else Decimal(0))


def _measured(vehicle: VehicleFacts, measure: Measure) -> Decimal:
    if measure is Measure.SEATS:
        if not vehicle.seats:
            raise Invalid("seats_missing", field="seats")
        return Decimal(vehicle.seats)
    if not vehicle.load_kg:
        raise Invalid("load_missing", field="load_kg")
    return Decimal(vehicle.load_kg) / 1000


def _priced(rate: RateLine, vehicle: VehicleFacts, float_rate: Decimal) -> Premium:
    if rate.per_seat and not vehicle.seats:
        raise Invalid("seats_missing", field="seats")
    base_fen = rate.premium_fen * (vehicle.seats or 0) if rate.per_seat else rate.premium_fen
    return Premium(rate, base_fen, float_rate, floated(base_fen, float_rate))


def floated(base_fen: int, float_rate: Decimal) -> int:
    """Apply a float: base x (1 + rate), half-up to the fen. Floats of several kinds do not add up."""
    return to_fen(from_fen(base_fen) * (1 + float_rate))


def table_problems(lines: Sequence[RateLine]) -> list[RateProblem]:
    """Find overlaps and holes among the bands of each line, cover set and class.

    What lies below the lowest band is no hole (the tariff has no coach under six seats); a top band
    that is not open is one.
    """
    problems: list[RateProblem] = []
    ordered = sorted(enumerate(lines), key=lambda one: _band_key(one[1]))
    for _, group in groupby(ordered, key=lambda one: _series_key(one[1])):
        problems += _series_problems(list(group))
    return problems


def _series_key(rate: RateLine) -> tuple[str, str, str, str]:
    return rate.line, rate.cover_set, rate.use_class, rate.measure


def _band_key(rate: RateLine) -> tuple[tuple[str, str, str, str], Decimal, Decimal]:
    return _series_key(rate), rate.band_from, Decimal("Infinity") if rate.band_to is None else rate.band_to


def _series_problems(series: list[tuple[int, RateLine]]) -> list[RateProblem]:
    problems = []
    at, reach = series[0]
    for index, rate in series[1:]:
        if reach.band_to is None or rate.band_from < reach.band_to:
            ends = [end for end in (reach.band_to, rate.band_to) if end is not None]
            end = min(ends) if ends else None
            problems.append(_problem("overlap", rate, rate.band_from, end, at, index))
        elif rate.band_from > reach.band_to:
            problems.append(_problem("hole", rate, reach.band_to, rate.band_from, at))
        if reach.band_to is not None and (rate.band_to is None or rate.band_to > reach.band_to):
            at, reach = index, rate
    if reach.band_to is not None:
        problems.append(_problem("hole", reach, reach.band_to, None, at))
    return problems


def _problem(code: str, rate: RateLine, band_from: Decimal, band_to: Decimal | None, *at: int) -> RateProblem:
    return RateProblem(code, rate.line, rate.cover_set, rate.use_class, rate.measure, band_from, band_to, at)


def bands(
    line: PolicyLine,
    cover_set: str,
    use_class: UseClass,
    measure: Measure,
    *,
    edges: Sequence[int],
    premiums_yuan: Sequence[int],
    limits: tuple[CoverLimit, ...] = (),
) -> list[RateLine]:
    """Build adjoining lines from their lower edges and premiums; the last band is open at the top."""
    ends: list[Decimal | None] = [Decimal(upper) for _, upper in pairwise(edges)]
    return [
        RateLine(line, cover_set, use_class, measure, Decimal(start), end, yuan * 100, limits=limits)
        for start, end, yuan in zip(edges, [*ends, None], premiums_yuan, strict=True)
    ]
