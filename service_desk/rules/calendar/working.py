"""The working calendar: add, subtract and measure working time, in any zone, across any distance."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service_desk.base.clock import CHINA
from service_desk.base.errors import Invalid
from service_desk.rules.calendar.hours import WEEKDAYS, Hours, hours_from_json
from service_desk.rules.calendar.table import DAY, EPOCH, MARGIN, SECOND, Table, compile_table, merge

# A stretch [from, to) in which the clock stands.
Pause = tuple[datetime, datetime]

_FIRST_YEAR, _LAST_YEAR = 2, 9998
_FIRST_DAY, _LAST_DAY = date(_FIRST_YEAR, 1, 1).toordinal(), date(_LAST_YEAR, 12, 31).toordinal()


class WorkingCalendar:
    """A zone and its opening hours; every answer is in UTC and right to the microsecond.

    Opening intervals are half-open: the closing instant is closed. Instants must be aware (ValueError).
    Pauses may come in any order, overlap and reach outside the question; working time in them does not
    count. Beyond the last opening of a calendar that has only dated hours, or outside the years 2 to 9998,
    answers are Invalid("calendar_runs_out").
    """

    __slots__ = ("_hours", "_standard_day_seconds", "_table", "_zone")

    def __init__(self, zone: ZoneInfo, hours: Hours) -> None:
        if not hours.recurs and hours.dated_years is None:
            raise Invalid("calendar_never_open", field="week")
        self._zone = zone
        self._hours = hours
        self._standard_day_seconds = hours.standard_day_seconds
        # The table only ever grows and is replaced whole: two threads may both build one, never half of one.
        self._table: Table | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose wall clock the hours are read on."""
        return self._zone

    @property
    def standard_day_seconds(self) -> int:
        """What "one working day" of a promise is worth: the commonest open weekday (7.5 h at the office)."""
        return self._standard_day_seconds

    def is_rest_day(self, day: date) -> bool:
        """True when no hours begin on `day`: a weekend or holiday that is not made up."""
        return not self._hours.on(day)

    def add(self, moment: datetime, seconds: int, pauses: Sequence[Pause] = ()) -> datetime:
        """The earliest instant by which `seconds` of working time have passed since `moment`.

        A sum that ends exactly at a closing, or where a pause begins, is due there. `seconds` = 0: the next
        open instant.
        """
        at, left = _micros(moment), _length(seconds)
        if pauses:
            at, left = self._after_pauses(at, left, pauses)
        return _moment(self._forward(at, left))

    def sub(self, moment: datetime, seconds: int, pauses: Sequence[Pause] = ()) -> datetime:
        """The latest instant from which `seconds` of working time pass until `moment`.

        `seconds` = 0: `moment` itself when it is open or a closing, else the closing before it.
        """
        at, left = _micros(moment), _length(seconds)
        if pauses:
            at, left = self._before_pauses(at, left, pauses)
        return _moment(self._backward(at, left))

    def between(self, start: datetime, end: datetime, pauses: Sequence[Pause] = ()) -> int:
        """Working seconds in [start, end), part seconds dropped; 0 when reversed."""
        begins, ends = _micros(start), _micros(end)
        worked = self._worked(begins, ends)
        if pauses:
            worked -= sum(self._worked(max(begins, since), min(ends, to)) for since, to in _ordered(pauses))
        return worked // SECOND

    def is_open(self, moment: datetime, pauses: Sequence[Pause] = ()) -> bool:
        """True when working time runs at `moment`; at a closing it does not."""
        at = _micros(moment)
        if any(begins <= at < ends for begins, ends in _ordered(pauses)):
            return False
        return self._table_for(at, at).next_open(at) == at

    def next_opening(self, moment: datetime, pauses: Sequence[Pause] = ()) -> datetime:
        """`moment` itself when open, else the next instant at which working time runs."""
        return self.add(moment, 0, pauses)

    def _after_pauses(self, at: int, left: int, pauses: Sequence[Pause]) -> tuple[int, int]:
        """Where the last pause before the answer ends, and what is left of the sum from there."""
        for begins, ends in _ordered(pauses):
            if ends <= at:
                continue
            before = self._worked(at, begins)
            if 0 < left <= before or (left == 0 and self._next_open(at) < begins):
                break
            at, left = max(at, ends), left - before
        return at, left

    def _before_pauses(self, at: int, left: int, pauses: Sequence[Pause]) -> tuple[int, int]:
        """The same backwards: where the first pause after the answer begins."""
        for begins, ends in reversed(_ordered(pauses)):
            if begins >= at:
                continue
            after = self._worked(ends, at)
            if 0 < left <= after or (left == 0 and self._last_open(at) > ends):
                break
            at, left = min(at, begins), left - after
        return at, left

    def table_between(self, begins: datetime, ends: datetime) -> Table:
        """The compiled openings that answer for both instants and all between: for asking of many at once."""
        return self._table_for(_micros(begins), _micros(ends))

    def _worked(self, begins: int, ends: int) -> int:
        if ends <= begins:
            return 0
        table = self._table_for(begins, ends)
        return table.position(ends) - table.position(begins)

    def _forward(self, at: int, left: int) -> int:
        if left == 0:
            return self._next_open(at)
        table = self._table_for(at, at)
        while True:
            reached = table.earliest_at(table.position(at) + left)
            if reached is not None and reached <= table.valid_to:
                return reached
            table = self._grow(table, later=True)

    def _backward(self, at: int, left: int) -> int:
        if left == 0:
            return self._last_open(at)
        table = self._table_for(at, at)
        while True:
            reached = table.latest_at(table.position(at) - left)
            if reached is not None and reached >= table.valid_from:
                return reached
            table = self._grow(table, later=False)

    def _next_open(self, at: int) -> int:
        table = self._table_for(at, at)
        while (opening := table.next_open(at)) is None:
            table = self._grow(table, later=True)
        return opening

    def _last_open(self, at: int) -> int:
        table = self._table_for(at, at)
        while (closing := table.last_open(at)) is None or closing < table.valid_from:
            table = self._grow(table, later=False)
        return closing

    def _table_for(self, begins: int, ends: int) -> Table:
        """The table, grown when needed to answer for both instants (`begins` <= `ends`)."""
        table = self._table
        if table is not None and table.valid_from <= begins and ends <= table.valid_to:
            return table
        first, last = _year_of(begins - MARGIN), _year_of(ends + MARGIN)
        if table is not None:
            first, last = min(first, table.first), max(last, table.last)
        return self._compile(first, last)

    def _grow(self, table: Table, *, later: bool) -> Table:
        """Double the compiled years, so that a far answer costs few rebuildings."""
        dated = self._hours.dated_years
        if not self._hours.recurs and dated and (table.last > dated[1] if later else table.first < dated[0]):
            raise Invalid("calendar_runs_out")
        years = table.last - table.first + 1
        if later and table.last < _LAST_YEAR:
            return self._compile(table.first, min(table.last + years, _LAST_YEAR))
        if not later and table.first > _FIRST_YEAR:
            return self._compile(max(table.first - years, _FIRST_YEAR), table.last)
        raise Invalid("calendar_runs_out")

    def _compile(self, first: int, last: int) -> Table:
        self._table = compile_table(self._hours, self._zone, first, last)
        return self._table


def calendar_from_json(form: Mapping[str, object]) -> WorkingCalendar:
    """Build a calendar from {"tz", "week", "holidays", "extra"}, the form the vectors and the database use.

    Invalid: calendar_zone_unknown, calendar_weekday_unknown, calendar_hours_invalid, calendar_date_invalid,
    calendar_never_open.
    """
    zone = _zone(form.get("tz"))
    return WorkingCalendar(
        zone, hours_from_json(form.get("week", {}), form.get("holidays", ()), form.get("extra", {}))
    )


@lru_cache(maxsize=16)
def always_open(zone: ZoneInfo = CHINA) -> WorkingCalendar:
    """The 24x7 calendar of a zone."""
    return calendar_from_json({"tz": zone.key, "week": {key: [["00:00", "24:00"]] for key in WEEKDAYS}})


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("calendar_zone_unknown", field="tz", value=str(name)) from None


def _micros(moment: datetime) -> int:
    try:
        since = moment - EPOCH
    except TypeError:
        raise ValueError("naive datetime") from None
    return since.days * DAY + since.seconds * SECOND + since.microseconds


def _moment(micros: int) -> datetime:
    # By position: a keyword costs as much as half of the search.
    return EPOCH + timedelta(0, 0, micros)


def _length(seconds: int) -> int:
    if seconds < 0:
        raise ValueError("negative length")
    return seconds * SECOND


def _ordered(pauses: Sequence[Pause]) -> list[tuple[int, int]]:
    """Pauses in order, joined where they touch; empty ones dropped."""
    stretches = sorted((_micros(begins), _micros(ends)) for begins, ends in pauses)
    return merge((begins, ends) for begins, ends in stretches if begins < ends)


def _year_of(micros: int) -> int:
    ordinal = EPOCH.toordinal() + micros // DAY
    if not _FIRST_DAY <= ordinal <= _LAST_DAY:
        raise Invalid("calendar_runs_out")
    return date.fromordinal(ordinal).year
