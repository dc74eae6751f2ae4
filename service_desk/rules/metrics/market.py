"""What the market publishes, to stand beside an account's own figures. Data with a source, not a promise."""

from decimal import Decimal

from service_desk.rules.metrics.registry import MeasureCode

MARKET_LINES: dict[MeasureCode, Decimal] = {
    MeasureCode.ROLLING_CLOSING_RATE: Decimal("93.07"),
    MeasureCode.CLOSING_CYCLE: Decimal("29.26"),
}
"""All motor claims of the members of the Jiangxi Insurance Association, second quarter of 2018; shares in percent."""
