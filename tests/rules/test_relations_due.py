"""What is promised and not planned, when items are chased, and what may be done with an event."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from service_desk.base.errors import Conflict
from service_desk.rules.item_reminders import Reminder, reminder_due
from service_desk.rules.periods import Period
from service_desk.rules.relation_flow import (
    TRANSITIONS,
    EventAction,
    EventKind,
    EventState,
    actions_for,
    step_for,
)
from service_desk.rules.relations_due import (
    DEFAULTS,
    CadencePeriod,
    Occurrence,
    due_unplanned,
    part_end,
    period_of,
    progress,
)

BY_CODE = {one.code: one for one in DEFAULTS}
MEETING, OURS, VISIT = (BY_CODE[code] for code in ("quarterly_meeting", "senior_visit_ours", "branch_visit"))
SPRING = BY_CODE["greeting_spring_festival"]
HOLIDAYS = {"spring_festival": (date(2026, 2, 15), date(2027, 2, 5))}


def lacking(table, occurrences, today, branches=()):
    found = due_unplanned(table, occurrences, branches, HOLIDAYS, today)
    return [(due.cadence.code, due.due_on, due.branch_id) for due in found]


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        (CadencePeriod.QUARTER, date(2026, 11, 23), date(2026, 10, 1), date(2026, 12, 31)),
        (CadencePeriod.QUARTER, date(2026, 3, 31), date(2026, 1, 1), date(2026, 3, 31)),
        (CadencePeriod.HALF_YEAR, date(2026, 7, 1), date(2026, 7, 1), date(2026, 12, 31)),
        (CadencePeriod.HALF_YEAR, date(2026, 6, 30), date(2026, 1, 1), date(2026, 6, 30)),
        (CadencePeriod.YEAR, date(2026, 2, 28), date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_periods_are_of_the_calendar(period, day, first, last):
    assert period_of(replace(MEETING, period=period), day) == Period(first, last)


@pytest.mark.parametrize(
    ("times", "number", "last"),
    [
        (1, 1, date(2026, 12, 31)),
        (2, 1, date(2026, 6, 30)),
        (2, 2, date(2026, 12, 31)),
        (5, 1, date(2026, 3, 31)),
    ],
)
def test_several_a_year_are_spread_over_it(times, number, last):
    year = Period(date(2026, 1, 1), date(2026, 12, 31))
    assert part_end(year, number, replace(OURS, times=times)) == last


class TestDue:
    @pytest.mark.parametrize(
        ("today", "is_due"),
        [(date(2026, 11, 30), False), (date(2026, 12, 1), True), (date(2026, 12, 31), True)],
    )
    def test_from_its_days_of_notice_on(self, today, is_due):
        wanted = [("quarterly_meeting", date(2026, 12, 31), None)]
        assert lacking([MEETING], [], today) == (wanted if is_due else [])

    def test_not_when_it_is_planned_in_the_period(self):
        today = date(2026, 12, 10)
        inside, before = (
            Occurrence(EventKind.QUARTERLY_MEETING, day) for day in (date(2026, 12, 31), date(2026, 9, 30))
        )
        assert lacking([MEETING], [inside], today) == []
        assert len(lacking([MEETING], [before], today)) == 1

    def test_the_first_of_two_stays_due_when_its_half_is_over(self):
        days = [due_on for _code, due_on, _branch in lacking([OURS], [], date(2026, 11, 23))]
        assert days == [date(2026, 6, 30), date(2026, 12, 31)]

    def test_one_of_two_held_leaves_the_second(self):
        held = [Occurrence(EventKind.SENIOR_VISIT_OURS, date(2026, 10, 1))]
        assert lacking([OURS], held, date(2026, 11, 23)) == [("senior_visit_ours", date(2026, 12, 31), None)]

    def test_a_promise_to_every_branch_is_due_for_each_without(self):
        held = [Occurrence(EventKind.BRANCH_VISIT, date(2026, 3, 2), 7)]
        found = lacking([VISIT], held, date(2026, 11, 23), branches=(7, 8, 9))
        assert [branch for _code, _day, branch in found] == [8, 9]

    def test_a_greeting_is_due_the_day_before_the_holiday(self):
        assert lacking([SPRING], [], date(2027, 1, 14)) == [
            ("greeting_spring_festival", date(2027, 2, 4), None)
        ]
        assert lacking([SPRING], [], date(2027, 1, 13)) == []
        early, fitting = (Occurrence(EventKind.GREETING, day) for day in (date(2027, 1, 5), date(2027, 1, 6)))
        assert lacking([SPRING], [early], date(2027, 1, 20)) != []
        assert lacking([SPRING], [fitting], date(2027, 1, 20)) == []

    def test_what_is_not_promised_is_never_due(self):
        assert lacking([replace(MEETING, times=0)], [], date(2026, 12, 31)) == []

    def test_the_key_tells_promise_branch_and_day_apart(self):
        found = due_unplanned([VISIT, MEETING], [], (7, 8), HOLIDAYS, date(2026, 12, 31))
        assert len({due.key for due in found}) == len(found) == 3


def test_progress_counts_each_branch_once():
    visits = [Occurrence(EventKind.BRANCH_VISIT, date(2026, 3, day), 7) for day in (1, 2)]
    (line,) = progress([VISIT], visits, [], (7, 8), HOLIDAYS, date(2026, 11, 23))
    assert (line.wanted, line.held, line.planned) == (2, 1, 0)


@pytest.mark.parametrize(
    ("days_before", "reminder", "key"),
    [
        (4, None, ""),
        (3, Reminder.SOON, "soon"),
        (1, Reminder.SOON, "soon"),
        (0, Reminder.TODAY, "today"),
        (-1, Reminder.OVERDUE, "overdue-0"),
        (-7, Reminder.OVERDUE, "overdue-0"),
        (-8, Reminder.OVERDUE, "overdue-1"),
        (-15, Reminder.OVERDUE, "overdue-2"),
    ],
)
def test_items_are_chased_by_day(days_before, reminder, key):
    due_on = date(2026, 11, 23)
    found = reminder_due(due_on, due_on - timedelta(days=days_before))
    assert (found.reminder if found else None) is reminder
    if found:
        assert (found.key, found.days) == (f"{due_on}:{key}", days_before)
        assert found.tells_managers is (reminder is Reminder.OVERDUE)


@pytest.mark.parametrize("state", EventState)
@pytest.mark.parametrize("action", EventAction)
@pytest.mark.parametrize("has_begun", [False, True])
def test_the_table_answers_every_pair(state, action, has_begun):
    step = TRANSITIONS.get((state, action))
    is_allowed = step is not None and (has_begun or not step.needs_begun)
    assert (action in actions_for(state, has_begun=has_begun)) is is_allowed
    if is_allowed:
        assert step_for(state, action, has_begun=has_begun) is step
    else:
        with pytest.raises(Conflict):
            step_for(state, action, has_begun=has_begun)
