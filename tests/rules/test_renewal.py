"""Reminders before expiry, the renewals board, and what became of a cover."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from service_desk.base.clock import start_of_day
from service_desk.base.errors import Invalid
from service_desk.rules.coverage import CoverPeriod
from service_desk.rules.renewal import (
    Bucket,
    RenewalFigures,
    RenewalStatus,
    bucket_of,
    count_vehicles,
    ladder_of,
    reminder_due,
    renewal_status,
    status_of_vehicle,
)
from service_desk.rules.vocabulary import PolicyLine

LAST_DAY = date(2026, 12, 31)


def before(days: int) -> date:
    return LAST_DAY - timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "rung"),
    [(61, None), (60, 60), (31, 60), (30, 30), (15, 15), (8, 15), (7, 7), (0, 7), (-1, None)],
)
def test_first_reminder_is_the_nearest_rung_reached(days: int, rung: int | None) -> None:
    assert reminder_due(LAST_DAY, before(days), sent=[]) == rung


@pytest.mark.parametrize(
    ("days", "sent", "rung"),
    [(59, [60], None), (30, [60], 30), (29, [60, 30], None), (10, [60], 15), (5, [60, 30, 15, 7], None)],
)
def test_each_rung_is_sent_once(days: int, sent: list[int], rung: int | None) -> None:
    assert reminder_due(LAST_DAY, before(days), sent=sent) == rung


def test_desk_that_stood_still_sends_one_reminder_and_goes_on_from_there() -> None:
    sent: list[int] = []
    for days in range(12, -2, -1):
        rung = reminder_due(LAST_DAY, before(days), sent=sent)
        sent += [] if rung is None else [rung]
    assert sent == [15, 7]


def test_account_may_have_its_own_ladder() -> None:
    assert reminder_due(LAST_DAY, before(45), sent=[], ladder=(45, 10)) == 45
    assert reminder_due(LAST_DAY, before(46), sent=[], ladder=(45, 10)) is None


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-1, Bucket.OVERDUE),
        (0, Bucket.WITHIN_7),
        (7, Bucket.WITHIN_7),
        (8, Bucket.WITHIN_15),
        (15, Bucket.WITHIN_15),
        (16, Bucket.WITHIN_30),
        (30, Bucket.WITHIN_30),
        (31, Bucket.WITHIN_60),
        (60, Bucket.WITHIN_60),
        (61, Bucket.WITHIN_90),
        (90, Bucket.WITHIN_90),
        (91, Bucket.WITHIN_120),
        (120, Bucket.WITHIN_120),
        (121, Bucket.LATER),
    ],
)
def test_column_of_the_board(days: int, bucket: Bucket) -> None:
    assert bucket_of(LAST_DAY, before(days)) is bucket


def cover(year: int, line: PolicyLine = PolicyLine.CTPL, month: int = 1) -> CoverPeriod:
    return CoverPeriod(start_of_day(date(year, month, 1)), start_of_day(date(year + 1, month, 1)), line)


END: datetime = cover(2026).ends_at


@pytest.mark.parametrize(
    ("others", "moment", "status"),
    [
        ([], END - timedelta(seconds=1), RenewalStatus.DUE),
        ([], END, RenewalStatus.LAPSED),
        ([cover(2026)], END, RenewalStatus.LAPSED),
        ([cover(2027)], END - timedelta(days=20), RenewalStatus.RENEWED),
        ([cover(2027, month=3)], END, RenewalStatus.RENEWED),
        ([cover(2027, month=4)], END, RenewalStatus.RENEWED),
        ([cover(2027, month=5)], END, RenewalStatus.LAPSED),
        ([cover(2027, PolicyLine.COMMERCIAL)], END, RenewalStatus.LAPSED),
    ],
)
def test_what_became_of_a_cover(others: list[CoverPeriod], moment: datetime, status: RenewalStatus) -> None:
    assert renewal_status(cover(2026), others, moment) is status


DUE, RENEWED, LAPSED = RenewalStatus.DUE, RenewalStatus.RENEWED, RenewalStatus.LAPSED


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([RENEWED, RENEWED], RENEWED),
        ([RENEWED, DUE], DUE),
        ([RENEWED, LAPSED], LAPSED),
        ([DUE, LAPSED], LAPSED),
    ],
)
def test_a_vehicle_is_renewed_when_all_its_lines_are(
    lines: list[RenewalStatus], status: RenewalStatus
) -> None:
    assert status_of_vehicle(lines) is status


def test_renewal_rate_of_the_worked_example_counts_each_vehicle_once() -> None:
    file = Path(__file__).parents[1] / "data" / "settlement_examples.json"
    example = next(one for one in json.loads(file.read_text("utf-8"))["examples"] if one["id"] == "M04")
    given, expected = example["inputs"], example["expected"]
    renewed = [[RENEWED, RENEWED]] * given["renewed"]
    to_renew = [[RENEWED, DUE]] * given["not_yet_due"]
    lost = [[LAPSED, LAPSED]] * (given["due_vins"] - len(renewed) - len(to_renew))

    figures = count_vehicles([*renewed, *to_renew, *lost])

    assert figures == RenewalFigures(due=200, renewed=171, to_renew=0)
    assert f"{figures.rate.percent()}%" == expected["renewal_rate"]
    assert figures.lost == expected["lost"]


def test_before_the_end_the_rest_is_to_renew_and_nothing_is_lost() -> None:
    figures = count_vehicles([[RENEWED], [DUE, DUE]])
    assert (figures.to_renew, figures.lost) == (1, 0)


def test_ladder_is_kept_sorted_with_each_rung_once() -> None:
    assert ladder_of([7, 120, 30, 7, 1]) == [120, 30, 7, 1]
    assert len(ladder_of(range(1, 121))) == 120


@pytest.mark.parametrize("days", [[], [0, 7], [121], [30, -1]])
def test_ladder_goes_from_120_days_to_one(days: list[int]) -> None:
    with pytest.raises(Invalid, match="reminder_days_invalid"):
        ladder_of(days)


def test_the_longest_ladder_sends_every_rung_once() -> None:
    sent: list[int] = []
    for days in range(130, -2, -1):
        rung = reminder_due(LAST_DAY, before(days), sent=sent, ladder=range(1, 121))
        sent += [] if rung is None else [rung]
    assert sent == list(range(120, 0, -1))
