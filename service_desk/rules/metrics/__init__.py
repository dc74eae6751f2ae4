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
from service_desk.rules.metrics.registry import MEASURES, Measure, MeasureCode, MeasureGroup, Unit
from service_desk.rules.metrics.results import (
    EXPOSURE_YEAR,
    Cover,
    Receivables,
    Results,
    average_loss,
    claim_frequency,
    coverage_ratio,
    earned_fen,
    earned_loss_ratio,
    exposure,
    simple_loss_ratio,
)
from service_desk.rules.metrics.values import Mean, Ratio

__all__ = [
    "EXPOSURE_YEAR",
    "MEASURES",
    "Cover",
    "FollowUpFigures",
    "Mean",
    "Measure",
    "MeasureCode",
    "MeasureGroup",
    "Ratio",
    "Receivables",
    "Results",
    "Unit",
    "average_loss",
    "change_percent",
    "claim_frequency",
    "coverage_ratio",
    "earned_fen",
    "earned_loss_ratio",
    "earned_premium",
    "exposure",
    "first_scene_rate",
    "follow_up_figures",
    "in_time_rate",
    "median",
    "p90",
    "simple_loss_ratio",
]
