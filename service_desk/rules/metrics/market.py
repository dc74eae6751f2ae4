"""What the market had published when the desk was made: the lines a new desk begins with. Data with a source."""

from typing import NamedTuple

from service_desk.rules.metrics.registry import MEASURES, MeasureCode, Unit


class PublishedLine(NamedTuple):
    """A line as it was published; `cents` are hundredths of a percent or of a day."""

    measure: MeasureCode
    scope: str
    scope_en: str
    cents: int


PUBLISHED_FOR = "2018 Q2"
PUBLISHER, PUBLISHER_EN = "江西省保险行业协会", "Jiangxi Insurance Association"
_ALL = "全体会员公司，全部车险案件", "all members, all motor claims"
_SMALL = "全体会员公司，5000元以下案件", "all members, claims up to ¥5,000"
_BEST = "大公司最好水平（约数）", "best large insurers, about"
_ONE = "永安保险，全部车险案件", "Yong'an, all motor claims"
_ONE_SMALL = "永安保险，5000元以下案件", "Yong'an, claims up to ¥5,000"
_RATE, _CYCLE = MeasureCode.ROLLING_CLOSING_RATE, MeasureCode.CLOSING_CYCLE

PUBLISHED = (
    PublishedLine(_RATE, *_ALL, 9307),
    PublishedLine(_RATE, *_SMALL, 9637),
    PublishedLine(_RATE, *_BEST, 9500),
    PublishedLine(_RATE, *_ONE, 9301),
    PublishedLine(_RATE, *_ONE_SMALL, 9471),
    PublishedLine(_CYCLE, *_ALL, 2926),
    PublishedLine(_CYCLE, *_SMALL, 1314),
    PublishedLine(_CYCLE, *_BEST, 2100),
    PublishedLine(_CYCLE, *_ONE, 3202),
    PublishedLine(_CYCLE, *_ONE_SMALL, 1690),
)
COMPARABLE = frozenset(
    code for code, one in MEASURES.items() if one.unit in (Unit.RATIO, Unit.MEAN, Unit.DAYS)
)
"""The measures a published line may be of: shares, days and averages. What an account counts in all is its own size."""
