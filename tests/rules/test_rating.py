"""Looking premiums up, with both sides of each band's edge, and faults of price tables."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from service_desk.base.errors import Invalid
from service_desk.rules.ctpl_tariff import COVER_SET, ctpl_base_lines
from service_desk.rules.rating import (
    CtplFloat,
    Measure,
    RateLine,
    RateProblem,
    VehicleFacts,
    bands,
    premium_for,
    table_problems,
)
from service_desk.rules.vocabulary import PolicyLine, UseClass

TARIFF = Path(__file__).parents[1] / "data" / "ctpl_base_tariff_2008.csv"
OFFICIAL_CLASSES = {
    "营业公路客运": (UseClass.COACH, Measure.SEATS),
    "营业城市公交": (UseClass.CITY_BUS, Measure.SEATS),
    "营业出租租赁": (UseClass.TAXI_RENTAL, Measure.SEATS),
    "营业货车": (UseClass.GOODS, Measure.TONNES),
    "企业非营业客车": (UseClass.NON_OPERATING, Measure.SEATS),
    "非营业货车": (UseClass.NON_OPERATING, Measure.TONNES),
}


def ctpl(vehicle: VehicleFacts, ctpl_float: CtplFloat = CtplFloat.A4) -> int:
    premium = premium_for(
        ctpl_base_lines(), vehicle, line=PolicyLine.CTPL, cover_set=COVER_SET, ctpl_float=ctpl_float
    )
    return premium.total_fen


def test_ctpl_table_equals_the_official_tariff() -> None:
    with TARIFF.open(encoding="utf-8") as file:
        official = [
            (*OFFICIAL_CLASSES[row["use_class"]], int(row["annual_premium_yuan"]) * 100)
            for row in csv.DictReader(file)
            if row["use_class"] in OFFICIAL_CLASSES
        ]
    ours = [(rate.use_class, rate.measure, rate.premium_fen) for rate in ctpl_base_lines()]
    assert sorted(ours) == sorted(official)


@pytest.mark.parametrize(
    ("use_class", "seats", "yuan"),
    [
        (UseClass.COACH, 6, 2350),
        (UseClass.COACH, 9, 2350),
        (UseClass.COACH, 10, 2620),
        (UseClass.COACH, 19, 2620),
        (UseClass.COACH, 20, 3420),
        (UseClass.COACH, 35, 3420),
        (UseClass.COACH, 36, 4690),
        (UseClass.COACH, 59, 4690),
        (UseClass.CITY_BUS, 36, 3140),
        (UseClass.TAXI_RENTAL, 5, 1800),
        (UseClass.TAXI_RENTAL, 6, 2360),
        (UseClass.NON_OPERATING, 5, 1000),
        (UseClass.NON_OPERATING, 20, 1270),
    ],
)
def test_ctpl_by_seats_counts_the_lower_edge_in(use_class: UseClass, seats: int, yuan: int) -> None:
    assert ctpl(VehicleFacts(use_class, seats=seats)) == yuan * 100


@pytest.mark.parametrize(
    ("use_class", "load_kg", "yuan"),
    [
        (UseClass.GOODS, 1999, 1850),
        (UseClass.GOODS, 2000, 3070),
        (UseClass.GOODS, 9999, 3450),
        (UseClass.GOODS, 10_000, 4480),
        (UseClass.NON_OPERATING, 1495, 1200),
    ],
)
def test_ctpl_by_tonnes(use_class: UseClass, load_kg: int, yuan: int) -> None:
    assert ctpl(VehicleFacts(use_class, seats=3, load_kg=load_kg)) == yuan * 100


@pytest.mark.parametrize(
    ("code", "fen"),
    [("A1", 422100), ("A2", 375200), ("A3", 328300), ("A4", 469000), ("A5", 515900), ("A6", 609700)],
)
def test_ctpl_float(code: str, fen: int) -> None:
    assert ctpl(VehicleFacts(UseClass.COACH, seats=45), CtplFloat(code)) == fen


@pytest.mark.parametrize(
    ("vehicle", "code"),
    [
        (VehicleFacts(None, seats=45), "no_use_class"),
        (VehicleFacts(UseClass.COACH), "seats_missing"),
        (VehicleFacts(UseClass.COACH, seats=0), "seats_missing"),
        (VehicleFacts(UseClass.GOODS, seats=3), "load_missing"),
        (VehicleFacts(UseClass.COACH, seats=5), "no_rate"),
    ],
)
def test_vehicle_that_cannot_be_rated_is_refused_with_the_reason(vehicle: VehicleFacts, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        ctpl(vehicle)
    assert refusal.value.code == code


def test_premium_per_seat_is_multiplied_and_not_floated() -> None:
    rate = RateLine(
        PolicyLine.CARRIER_LIABILITY,
        "standard",
        UseClass.COACH,
        Measure.SEATS,
        Decimal(6),
        None,
        premium_fen=4200,
        per_seat=True,
    )
    premium = premium_for(
        [rate],
        VehicleFacts(UseClass.COACH, seats=45),
        line=PolicyLine.CARRIER_LIABILITY,
        cover_set="standard",
        ctpl_float=CtplFloat.A3,
    )
    assert (premium.base_fen, premium.total_fen, premium.rate) == (189_000, 189_000, rate)


def coach_bands(*edges: int) -> list[RateLine]:
    return bands(
        PolicyLine.CTPL,
        COVER_SET,
        UseClass.COACH,
        Measure.SEATS,
        edges=edges,
        premiums_yuan=[1000] * len(edges),
    )


def problem(code: str, band_from: int, band_to: int | None) -> RateProblem:
    return RateProblem(
        code,
        PolicyLine.CTPL,
        COVER_SET,
        UseClass.COACH,
        Measure.SEATS,
        Decimal(band_from),
        None if band_to is None else Decimal(band_to),
    )


def test_official_tariff_has_no_problem() -> None:
    assert table_problems(ctpl_base_lines()) == []


def test_missing_band_is_a_hole() -> None:
    first, _, last = coach_bands(6, 10, 20)
    assert table_problems([last, first]) == [problem("hole", 10, 20)]


def test_closed_top_is_a_hole() -> None:
    first, _ = coach_bands(6, 10)
    assert table_problems([first]) == [problem("hole", 10, None)]


def test_bands_that_share_a_seat_overlap() -> None:
    lines = [coach_bands(6, 10)[0], coach_bands(9, 12)[1], coach_bands(9, 12)[0]]
    assert table_problems(lines) == [problem("overlap", 9, 10)]


def test_band_inside_an_open_one_overlaps() -> None:
    lines = [*coach_bands(6), coach_bands(10, 20)[0]]
    assert table_problems(lines) == [problem("overlap", 10, 20)]


def test_two_prices_for_one_vehicle_are_refused() -> None:
    with pytest.raises(Invalid, match="rate_ambiguous"):
        premium_for(
            [*coach_bands(6), *coach_bands(6)],
            VehicleFacts(UseClass.COACH, seats=8),
            line=PolicyLine.CTPL,
            cover_set=COVER_SET,
        )
