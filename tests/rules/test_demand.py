"""What is proposed to a branch: each rule on both sides of its line, and nothing from a handful of claims."""

from datetime import time

import pytest

from service_desk.rules.demand import BranchDemand, HourBand, Proposal, hour_band, proposals
from service_desk.rules.metrics import Ratio

P = Proposal
ACCOUNT = BranchDemand(frequency=Ratio(100, 1000), injured=Ratio(10, 100))


def proposed(**figures: Ratio) -> list[Proposal]:
    demand = BranchDemand(**({"injured": Ratio(0, 10)} | figures))
    return [one.proposal for one in proposals(demand, ACCOUNT)]


@pytest.mark.parametrize(
    ("figures", "made"),
    [
        ({"uncovered": Ratio(0, 50)}, P.KEEP_AS_IS),
        ({"uncovered": Ratio(1, 50)}, P.CLOSE_GAPS),
        ({"injured": Ratio(249, 1000)}, P.KEEP_AS_IS),
        ({"injured": Ratio(1, 4), "frequency": Ratio()}, P.KEEP_AS_IS),
        ({"injured": Ratio(2, 8)}, P.HIGHER_LIABILITY_LIMITS),
        ({"frequency": Ratio(1499, 10000)}, P.KEEP_AS_IS),
        ({"frequency": Ratio(15, 100)}, P.DRIVER_TRAINING),
        ({"repeating": Ratio(19, 100)}, P.KEEP_AS_IS),
        ({"repeating": Ratio(2, 10)}, P.REPEATING_VEHICLES),
        ({"at_night": Ratio(29, 100)}, P.KEEP_AS_IS),
        ({"at_night": Ratio(3, 10)}, P.NIGHT_RULES),
        ({"reported_late": Ratio(9, 100)}, P.KEEP_AS_IS),
        ({"reported_late": Ratio(1, 10)}, P.REPORT_AT_ONCE),
        ({"loss": Ratio(9999, 10000)}, P.KEEP_AS_IS),
        ({"loss": Ratio(1, 1)}, P.REVIEW_PRICE),
    ],
)
def test_a_proposal_is_made_from_its_line_on(figures: dict[str, Ratio], made: Proposal) -> None:
    assert proposed(**figures) == [made]


def test_the_most_pressing_comes_first_with_the_figures_behind_it() -> None:
    demand = BranchDemand(frequency=Ratio(3, 10), uncovered=Ratio(2, 20), injured=Ratio(5, 10))
    gaps, limits, training = proposals(demand, ACCOUNT)
    assert (gaps.proposal, gaps.figure) == (P.CLOSE_GAPS, Ratio(2, 20))
    assert (limits.figure, limits.account, limits.line) == (Ratio(5, 10), Ratio(10, 100), 25)
    assert (training.proposal, training.line, training.is_relative) == (P.DRIVER_TRAINING, 150, True)


def test_frequency_is_not_judged_where_the_account_has_none() -> None:
    demand = BranchDemand(frequency=Ratio(3, 10), injured=Ratio(0, 10))
    assert [one.proposal for one in proposals(demand, BranchDemand())] == [P.KEEP_AS_IS]


@pytest.mark.parametrize(
    ("at", "band"),
    [
        (time(22, 59), HourBand.EVENING),
        (time(23, 0), HourBand.NIGHT),
        (time(0, 0), HourBand.NIGHT),
        (time(4, 59), HourBand.NIGHT),
        (time(5, 0), HourBand.MORNING_RUSH),
        (time(9, 0), HourBand.FORENOON),
        (time(12, 0), HourBand.AFTERNOON),
        (time(16, 0), HourBand.EVENING_RUSH),
        (time(20, 0), HourBand.EVENING),
    ],
)
def test_hours_of_the_day(at: time, band: HourBand) -> None:
    assert hour_band(at) is band
