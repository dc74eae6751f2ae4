"""Deadlines in days by law; D01 and D02 are the published worked examples."""

import json
from datetime import date
from pathlib import Path

import pytest

from service_desk.rules.calendar import calendar_from_json
from service_desk.rules.legal_days import (
    CommercialDeadlines,
    CtplDeadlines,
    commercial_deadlines,
    ctpl_deadlines,
    last_day,
    never_rests,
    statutory_rest_days,
)

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "clock_vectors.json").read_text(encoding="utf-8"))
OFFICE = calendar_from_json(VECTORS["calendars"]["cn-office-2024-2026"])


def test_d01_the_ctpl_chain_rolls_a_decision_due_on_saturday_to_monday() -> None:
    deadlines = ctpl_deadlines(
        application=date(2026, 6, 1),
        documents_received=date(2026, 6, 8),
        agreement=date(2026, 6, 12),
        is_rest_day=OFFICE.is_rest_day,
    )

    assert deadlines == CtplDeadlines(
        document_list_due=date(2026, 6, 2),
        decision_due_raw=date(2026, 6, 13),
        decision_due_rolled=date(2026, 6, 15),
        payment_due=date(2026, 6, 22),
    )


def test_d02_a_decision_due_on_a_make_up_saturday_stays_there() -> None:
    deadlines = commercial_deadlines(
        request=date(2026, 1, 15),
        refusal_decision=date(2026, 4, 7),
        documents_complete=date(2026, 1, 15),
        is_rest_day=OFFICE.is_rest_day,
    )

    assert deadlines == CommercialDeadlines(
        decision_due=date(2026, 2, 14), refusal_notice_due=date(2026, 4, 10), advance_due=date(2026, 3, 16)
    )


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        (date(2026, 9, 29), 1, date(2026, 9, 30)),
        (date(2026, 9, 29), 2, date(2026, 10, 8)),
        (date(2026, 9, 29), 8, date(2026, 10, 8)),
        (date(2026, 9, 29), 9, date(2026, 10, 8)),
        (date(2026, 9, 29), 10, date(2026, 10, 9)),
        (date(2026, 9, 29), 11, date(2026, 10, 10)),
        (date(2026, 9, 29), 12, date(2026, 10, 12)),
    ],
)
def test_rest_days_count_inside_a_term_and_only_its_last_day_moves(
    start: date, days: int, last: date
) -> None:
    assert last_day(start, days, OFFICE.is_rest_day) == last


def test_a_term_of_no_days_ends_on_its_start_day() -> None:
    assert last_day(date(2026, 6, 13), 0) == date(2026, 6, 13)


def test_weekends_and_holidays_rest_unless_made_up() -> None:
    rests = statutory_rest_days(holidays={date(2026, 10, 1)}, make_up_days={date(2026, 10, 10)})

    assert [rests(date(2026, 10, day)) for day in (1, 9, 10, 11, 12)] == [True, False, False, True, False]
    assert not never_rests(date(2026, 10, 11))
