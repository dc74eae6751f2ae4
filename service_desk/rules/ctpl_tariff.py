"""The CTPL base tariff of 2008, the part a transport group needs.

Source: 机动车交通事故责任强制保险基础费率表, in force from 1 February 2008. The tariff has two
non-operating bus tables, enterprises (企业) and public bodies (机关); a transport group is an enterprise.
"""

from datetime import date

from service_desk.rules.rating import CoverLimit, Measure, RateLine, bands
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

EFFECTIVE_ON = date(2008, 2, 1)
COVER_SET = "basic"
COVER_SET_NAMES = {COVER_SET: {"zh": "法定责任限额", "en": "Statutory limits"}}
SOURCE = "机动车交通事故责任强制保险基础费率表（2008版）"
# The sum of the three statutory limits since 19 September 2020; a claim is settled by those of its date of loss.
LIMITS = (CoverLimit(CoverCode.CTPL, 200_000_00),)

_SERIES: tuple[tuple[UseClass, Measure, tuple[int, ...], tuple[int, ...]], ...] = (
    (UseClass.COACH, Measure.SEATS, (6, 10, 20, 36), (2350, 2620, 3420, 4690)),
    (UseClass.CITY_BUS, Measure.SEATS, (6, 10, 20, 36), (2250, 2520, 3020, 3140)),
    (UseClass.TAXI_RENTAL, Measure.SEATS, (1, 6, 10, 20, 36), (1800, 2360, 2400, 2560, 3530)),
    (UseClass.GOODS, Measure.TONNES, (0, 2, 5, 10), (1850, 3070, 3450, 4480)),
    (UseClass.NON_OPERATING, Measure.SEATS, (1, 6, 10, 20), (1000, 1130, 1220, 1270)),
    (UseClass.NON_OPERATING, Measure.TONNES, (0, 2, 5, 10), (1200, 1470, 1650, 2220)),
)


def ctpl_base_lines() -> list[RateLine]:
    """List the tariff as price-table lines, one a band."""
    return [
        rate
        for use_class, measure, edges, premiums in _SERIES
        for rate in bands(
            PolicyLine.CTPL, COVER_SET, use_class, measure, edges=edges, premiums_yuan=premiums, limits=LIMITS
        )
    ]
