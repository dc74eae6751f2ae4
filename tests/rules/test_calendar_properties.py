"""The working calendar against a slow walk that shares no code with it, over random weeks and zones."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from service_desk.rules.calendar import Pause, calendar_from_json

Form = dict[str, Any]
MINUTE = timedelta(minutes=1)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZONES = (
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
)
# Around these days some of the zones change their clocks, February has 29 days, or the year turns.
EDGES = (
    date(2011, 12, 29),
    date(2017, 10, 14),
    date(2018, 2, 17),
    date(2026, 3, 7),
    date(2026, 3, 28),
    date(2026, 4, 4),
    date(2026, 10, 3),
    date(2026, 10, 24),
    date(2026, 10, 31),
    date(2026, 12, 30),
    date(2028, 2, 27),
)

clock_times = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.sampled_from([0, 15, 30, 50]))
spans = st.lists(st.tuples(clock_times, st.one_of(clock_times, st.just("24:00"))).map(list), max_size=2)


@st.composite
def forms(draw: st.DrawFn) -> tuple[Form, datetime]:
    """A calendar that opens at least on Wednesdays, and an instant near an interesting day."""
    edge = draw(st.sampled_from(EDGES))
    dates = [(edge + timedelta(days=offset)).isoformat() for offset in range(4)]
    week = draw(st.dictionaries(st.sampled_from(DAYS), spans)) | {"wed": [["09:00", "17:00"]]}
    form = {
        "tz": draw(st.sampled_from(ZONES)),
        "week": week,
        "holidays": draw(st.lists(st.sampled_from(dates), max_size=2)),
        "extra": draw(st.dictionaries(st.sampled_from(dates), spans, max_size=1)),
    }
    minutes = draw(st.integers(-24 * 60, 3 * 24 * 60))
    return form, datetime(edge.year, edge.month, edge.day, tzinfo=UTC) + minutes * MINUTE


@st.composite
def pauses_near(draw: st.DrawFn, start: datetime) -> list[Pause]:
    pairs = draw(st.lists(st.tuples(st.integers(-600, 3000), st.integers(0, 900)), max_size=3))
    return [(start + begins * MINUTE, start + (begins + length) * MINUTE) for begins, length in pairs]


def spans_on(form: Form, day: date) -> list[list[str]]:
    own = form["extra"].get(day.isoformat())
    if own is not None:
        return list(own)
    return [] if day.isoformat() in form["holidays"] else form["week"].get(DAYS[day.weekday()], [])


def minutes_of(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def walked_open(form: Form, moment: datetime, pauses: list[Pause]) -> bool:
    """Ask the wall clock of one instant, straight from the words of the rule."""
    if any(begins <= moment < ends for begins, ends in pauses):
        return False
    local = moment.astimezone(ZoneInfo(form["tz"])).replace(tzinfo=None)
    now = local.hour * 60 + local.minute
    for opens, closes in spans_on(form, local.date()):
        overnight = minutes_of(closes) <= minutes_of(opens)
        if minutes_of(opens) <= now and (overnight or now < minutes_of(closes)):
            return True
    return any(
        now < minutes_of(closes) <= minutes_of(opens)
        for opens, closes in spans_on(form, local.date() - timedelta(days=1))
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data(), case=forms(), minutes=st.integers(0, 2 * 24 * 60))
def test_between_and_is_open_agree_with_a_minute_by_minute_walk(
    data: st.DataObject, case: tuple[Form, datetime], minutes: int
) -> None:
    form, start = case
    pauses = data.draw(pauses_near(start))
    calendar = calendar_from_json(form)

    walked = [walked_open(form, start + minute * MINUTE, pauses) for minute in range(minutes)]

    assert calendar.between(start, start + minutes * MINUTE, pauses) == 60 * sum(walked)
    assert [calendar.is_open(start + minute * MINUTE, pauses) for minute in range(0, minutes, 15)] == walked[
        ::15
    ]


@settings(max_examples=300, deadline=None)
@given(data=st.data(), case=forms(), seconds=st.integers(1, 400_000))
def test_the_time_to_a_sum_is_the_sum_and_it_is_the_earliest_such_instant(
    data: st.DataObject, case: tuple[Form, datetime], seconds: int
) -> None:
    form, start = case
    pauses = data.draw(pauses_near(start))
    calendar = calendar_from_json(form)

    due = calendar.add(start, seconds, pauses)

    assert calendar.between(start, due, pauses) == seconds
    assert calendar.between(start, due - timedelta(seconds=1), pauses) == seconds - 1


@settings(max_examples=300, deadline=None)
@given(
    data=st.data(),
    case=forms(),
    minutes=st.lists(st.integers(0, 60 * 24 * 800), min_size=3, max_size=3).map(sorted),
)
def test_working_time_adds_up_over_any_cut(
    data: st.DataObject, case: tuple[Form, datetime], minutes: list[int]
) -> None:
    form, start = case
    pauses = data.draw(pauses_near(start))
    calendar = calendar_from_json(form)
    first, middle, last = (start + count * MINUTE for count in minutes)

    whole = calendar.between(first, last, pauses)

    assert whole == calendar.between(first, middle, pauses) + calendar.between(middle, last, pauses)
    assert calendar.between(last, first, pauses) == 0


@settings(max_examples=300, deadline=None)
@given(
    case=forms(), micros=st.integers(0, 999_999), seconds=st.integers(1, 400_000), zone=st.sampled_from(ZONES)
)
def test_an_instant_keeps_its_microseconds_and_its_zone_does_not_matter(
    case: tuple[Form, datetime], micros: int, seconds: int, zone: str
) -> None:
    form, at = case
    start = at + timedelta(microseconds=micros)
    calendar = calendar_from_json(form)

    due = calendar.add(start, seconds)

    assert calendar.add(start.astimezone(ZoneInfo(zone)), seconds) == due
    assert calendar.between(start, due) == seconds
    assert calendar.between(start, due - timedelta(microseconds=1)) == seconds - 1


@settings(max_examples=300, deadline=None)
@given(data=st.data(), case=forms(), seconds=st.integers(1, 400_000))
def test_going_back_is_the_mirror_of_going_forward(
    data: st.DataObject, case: tuple[Form, datetime], seconds: int
) -> None:
    form, end = case
    pauses = data.draw(pauses_near(end - timedelta(days=2)))
    calendar = calendar_from_json(form)

    begin = calendar.sub(end, seconds, pauses)

    assert calendar.between(begin, end, pauses) == seconds
    assert calendar.between(begin + timedelta(seconds=1), end, pauses) == seconds - 1
    assert calendar.is_open(begin, pauses)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), case=forms())
def test_the_next_opening_is_open_and_nothing_counts_before_it(
    data: st.DataObject, case: tuple[Form, datetime]
) -> None:
    form, start = case
    pauses = data.draw(pauses_near(start))
    calendar = calendar_from_json(form)

    opening = calendar.next_opening(start, pauses)

    assert opening >= start
    assert calendar.is_open(opening, pauses)
    assert calendar.between(start, opening, pauses) == 0


@settings(max_examples=100, deadline=None)
@given(
    case=forms(),
    years=st.lists(st.integers(-30, 30), min_size=1, max_size=5),
    seconds=st.integers(1, 400_000),
)
def test_the_answer_does_not_depend_on_what_was_asked_before(
    case: tuple[Form, datetime], years: list[int], seconds: int
) -> None:
    form, start = case
    warm = calendar_from_json(form)
    for distance in years:
        warm.is_open(start + timedelta(days=365 * distance))

    assert warm.add(start, seconds) == calendar_from_json(form).add(start, seconds)
    assert warm.sub(start, seconds) == calendar_from_json(form).sub(start, seconds)
