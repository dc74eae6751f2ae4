"""Made-up prices of the commercial covers and of carrier's liability, to try the desk out with.

They stand in price tables marked as samples and are to be replaced by the agreement with the key account.
"""

from dataclasses import replace
from datetime import date

from service_desk.rules.rating import CoverLimit, LimitPer, Measure, RateLine, bands
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

# The day of the 2020 reform, whose covers these are.
EFFECTIVE_ON = date(2020, 9, 19)
TPL_1M, TPL_2M, TPL_1M_OWN_DAMAGE = "tpl_1m", "tpl_2m", "tpl_1m_od"
SEAT_400K = "seat_400k"
COMMERCIAL_NAMES = {
    TPL_1M: {"zh": "三者险 100 万元", "en": "Third party ¥1,000,000"},
    TPL_2M: {"zh": "三者险 200 万元", "en": "Third party ¥2,000,000"},
    TPL_1M_OWN_DAMAGE: {"zh": "三者险 100 万元＋车损险", "en": "Third party ¥1,000,000 and own damage"},
}
CARRIER_NAMES = {SEAT_400K: {"zh": "每座 40 万元", "en": "¥400,000 a seat"}}

_SEATS, _TONNES = Measure.SEATS, Measure.TONNES
_OWN_DAMAGE_EXCESS_FEN = 500_00

# Lower band edges; third-party liability of one and of two million; own damage: sum insured and its premium.
_COMMERCIAL: tuple[tuple[UseClass, Measure, tuple[tuple[int, int, int, int, int], ...]], ...] = (
    (
        UseClass.COACH,
        _SEATS,
        (
            (6, 2_860, 3_720, 120_000, 1_560),
            (10, 3_640, 4_730, 220_000, 2_640),
            (20, 5_180, 6_730, 420_000, 4_620),
            (36, 6_540, 8_500, 780_000, 7_800),
        ),
    ),
    (
        UseClass.CITY_BUS,
        _SEATS,
        (
            (6, 2_480, 3_220, 110_000, 1_320),
            (10, 3_120, 4_060, 200_000, 2_200),
            (20, 4_360, 5_670, 380_000, 3_800),
            (36, 5_280, 6_860, 860_000, 7_740),
        ),
    ),
    (
        UseClass.TAXI_RENTAL,
        _SEATS,
        (
            (1, 2_640, 3_430, 90_000, 1_980),
            (6, 2_980, 3_870, 130_000, 2_340),
            (10, 3_420, 4_450, 210_000, 2_940),
            (20, 4_180, 5_430, 360_000, 4_320),
            (36, 5_360, 6_970, 680_000, 7_480),
        ),
    ),
    (
        UseClass.GOODS,
        _TONNES,
        (
            (0, 2_240, 2_910, 80_000, 1_280),
            (2, 3_860, 5_020, 140_000, 2_100),
            (5, 4_720, 6_140, 220_000, 3_080),
            (10, 6_180, 8_030, 360_000, 4_680),
        ),
    ),
    (
        UseClass.NON_OPERATING,
        _SEATS,
        (
            (1, 1_180, 1_530, 100_000, 1_300),
            (6, 1_320, 1_720, 150_000, 1_800),
            (10, 1_480, 1_920, 240_000, 2_640),
            (20, 1_620, 2_110, 400_000, 4_000),
        ),
    ),
    (
        UseClass.NON_OPERATING,
        _TONNES,
        (
            (0, 1_260, 1_640, 80_000, 1_040),
            (2, 1_540, 2_000, 130_000, 1_690),
            (5, 1_780, 2_310, 200_000, 2_600),
            (10, 2_340, 3_040, 320_000, 3_840),
        ),
    ),
)

# Yuan a seat and year.
_CARRIER = ((UseClass.COACH, 62), (UseClass.CITY_BUS, 38), (UseClass.TAXI_RENTAL, 46))


def commercial_lines() -> list[RateLine]:
    """List the sample prices of the commercial cover sets, one line a band."""
    return [
        line
        for use_class, measure, rows in _COMMERCIAL
        for cover_set in (TPL_1M, TPL_2M, TPL_1M_OWN_DAMAGE)
        for line in _commercial_series(use_class, measure, rows, cover_set)
    ]


def _commercial_series(
    use_class: UseClass, measure: Measure, rows: tuple[tuple[int, int, int, int, int], ...], cover_set: str
) -> list[RateLine]:
    one, two, damage = ([row[1] for row in rows], [row[2] for row in rows], [row[4] for row in rows])
    limit_fen = 200_000_000 if cover_set == TPL_2M else 100_000_000
    premiums = {
        TPL_1M: one,
        TPL_2M: two,
        TPL_1M_OWN_DAMAGE: [sum(both) for both in zip(one, damage, strict=True)],
    }
    series = bands(
        PolicyLine.COMMERCIAL,
        cover_set,
        use_class,
        measure,
        edges=[row[0] for row in rows],
        premiums_yuan=premiums[cover_set],
        limits=(CoverLimit(CoverCode.TPL, limit_fen),),
    )
    if cover_set != TPL_1M_OWN_DAMAGE:
        return series
    return [
        replace(line, limits=(*line.limits, _own_damage(row[3])))
        for line, row in zip(series, rows, strict=True)
    ]


def _own_damage(sum_insured_yuan: int) -> CoverLimit:
    return CoverLimit(
        CoverCode.OWN_DAMAGE, sum_insured_yuan * 100, LimitPer.VEHICLE, deductible_fen=_OWN_DAMAGE_EXCESS_FEN
    )


def carrier_liability_lines() -> list[RateLine]:
    """List the sample prices of carrier's liability: by the seat, 400,000 yuan a seat."""
    limits = (CoverLimit(CoverCode.CARRIER_LIABILITY, 40_000_000, LimitPer.SEAT),)
    return [
        replace(line, per_seat=True)
        for use_class, yuan in _CARRIER
        for line in bands(
            PolicyLine.CARRIER_LIABILITY,
            SEAT_400K,
            use_class,
            _SEATS,
            edges=(1,),
            premiums_yuan=(yuan,),
            limits=limits,
        )
    ]
