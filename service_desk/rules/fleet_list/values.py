"""Reading one cell: dates, whole numbers and tonnes in the ways people write them."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from service_desk.rules.fleet_list.workbook import Cell, CellError, is_blank, text_of

ERROR_WORDS = frozenset(
    {
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
        "#CONNECT!",
        "#UNKNOWN!",
        "#BUSY!",
        "#GETTING_DATA",
        "#N/A!",
    }
)

_SEPARATED_DATE = re.compile(r"(\d{4}) ?([-./]) ?(\d{1,2}) ?\2 ?(\d{1,2})(?:[ T](.+))?")
_CHINESE_DATE = re.compile(r"(\d{4}) ?(年) ?(\d{1,2}) ?月 ?(\d{1,2}) ?(?:日 ?(.+)?)?")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0+)?")
_SERIAL = re.compile(r"(\d{5})(?:\.0+)?")
_TIME = re.compile(r"(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?|[时点](?:(\d{1,2})分)?)")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_EPOCH = date(1899, 12, 30)
_DAYS_TO_1904 = 1462

_SEATS = re.compile(r"(\d{1,3})(?:\.0+)?[人座]?")
_LOAD = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(吨|T|KG|公斤|千克)?")
_KILOGRAMS = ("KG", "公斤", "千克")
_MOST_TONNES = Decimal(500)


def is_error(cell: Cell) -> bool:
    """Whether a cell holds a formula error, also as plain text (a CSV has no other way to say it)."""
    if isinstance(cell, str):
        return (
            ("#" in cell or "＃" in cell)
            and cell.strip()[:1] in {"#", "＃"}
            and text_of(cell).upper() in ERROR_WORDS
        )
    return isinstance(cell, CellError)


def read_date(cell: Cell, *, dates_from_1904: bool = False) -> date | None:
    """Read a date; None for an empty cell, ValueError for anything that is no date.

    Five digits are a serial number of the 1900 system (of 1904 for a number in such a workbook), eight
    are year, month, day. A time of day is dropped, but 24:00 is the next day (domain.md section 11).
    """
    if is_blank(cell):
        return None
    if isinstance(cell, datetime):
        return _plausible(cell.date())
    if isinstance(cell, date):
        return _plausible(cell)
    if isinstance(cell, bool):
        raise ValueError(cell)
    if isinstance(cell, float | int):
        return _read_number_date(float(cell), dates_from_1904=dates_from_1904)
    if isinstance(cell, str):
        return _read_text_date(cell)
    raise ValueError(cell)


def _read_number_date(number: float, *, dates_from_1904: bool) -> date:
    if 10_000 <= number < 100_000:
        shift = _DAYS_TO_1904 if dates_from_1904 else 0
        return _plausible(_EPOCH + timedelta(days=int(number) + shift))
    if not number.is_integer():
        raise ValueError(number)
    return _read_text_date(f"{number:.0f}")


@lru_cache(maxsize=16384)
def _read_text_date(text: str) -> date:
    words = text_of(text)
    if match := _SEPARATED_DATE.fullmatch(words) or _CHINESE_DATE.fullmatch(words):
        year, _, month, day, time_of_day = match.groups()
        written = date(int(year), int(month), int(day))
        return _plausible(written + timedelta(days=_days_of_time(time_of_day)))
    if match := _COMPACT_DATE.fullmatch(words):
        return _plausible(date(int(match[1]), int(match[2]), int(match[3])))
    if match := _SERIAL.fullmatch(words):
        return _plausible(_EPOCH + timedelta(days=int(match[1])))
    raise ValueError(text)


def time_in_text(text: str) -> int | None:
    """The minutes of the day that stand beside a written date that could be read, 1440 for 24:00; None without."""
    words = text_of(text)
    match = _SEPARATED_DATE.fullmatch(words) or _CHINESE_DATE.fullmatch(words)
    return _minutes(match[5]) if match and match[5] else None


def _days_of_time(text: str | None) -> int:
    """0 for no time or one within the day, 1 for 24:00, ValueError for what is no time."""
    return _minutes(text) // (24 * 60) if text else 0


def _minutes(text: str) -> int:
    """The minutes of a time of day, ValueError for what is no time."""
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(text)
    hour = int(match[1])
    minute, second = int(match[2] or match[4] or 0), int(match[3] or 0)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        raise ValueError(text)
    return hour * 60 + minute


def _plausible(day: date) -> date:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(day)
    return day


def read_seats(cell: Cell) -> int | None:
    """Read a whole number of seats, with or without 座 or 人; None for an empty cell, ValueError otherwise."""
    if is_blank(cell):
        return None
    match = _SEATS.fullmatch(_number_text(cell))
    if not match:
        raise ValueError(cell)
    return int(match[1])


def read_load(cell: Cell) -> Decimal | None:
    """Read a load in tonnes, from tonnes (吨, t, no unit) or kilograms; None for an empty cell, else ValueError.

    More than 500 is no load of a road vehicle, most likely kilograms without their unit.
    """
    if is_blank(cell):
        return None
    return _load_of(_number_text(cell))


@lru_cache(maxsize=1024)
def _load_of(text: str) -> Decimal:
    match = _LOAD.fullmatch(text)
    if not match:
        raise ValueError(text)
    amount = Decimal(match[1].replace(",", "") + (match[2] or ""))
    tonnes = amount / 1000 if match[3] in _KILOGRAMS else amount
    if tonnes > _MOST_TONNES:
        raise ValueError(text)
    return tonnes.normalize() + Decimal(0)


def _number_text(cell: Cell) -> str:
    if isinstance(cell, bool) or not isinstance(cell, str | float | int):
        raise ValueError(cell)
    return text_of(cell).replace(" ", "").upper()
