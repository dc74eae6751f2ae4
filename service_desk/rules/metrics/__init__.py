"""Measures: every figure that is shown or sent has one definition and one function.

`registry` names them all, `formulas` works them out, `values` is what they are made of.
"""

from service_desk.rules.metrics.formulas import (
    FollowUpFigures,
    change_percent,
    earned_premium,
    first_scene_rate,
    follow_up_figures,
    in_time_rate,
    median,
    p90,
)
from service_desk.rules.metrics.registry import (
    MEANS_OF_DAYS,
    MEASURES,
    RATIOS_OF_FEN,
    RATIOS_OF_PRODUCTS,
    Measure,
    MeasureCode,
    MeasureGroup,
    Unit,
)
from service_desk.rules.metrics.values import Mean, Ratio

__all__ = [
    "MEANS_OF_DAYS",
    "MEASURES",
    "RATIOS_OF_FEN",
    "RATIOS_OF_PRODUCTS",
    "FollowUpFigures",
    "Mean",
    "Measure",
    "MeasureCode",
    "MeasureGroup",
    "Ratio",
    "Unit",
    "change_percent",
    "earned_premium",
    "first_scene_rate",
    "follow_up_figures",
    "in_time_rate",
    "median",
    "p90",
]
