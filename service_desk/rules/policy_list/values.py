"""Reading one cell of a policy list: amounts with their units, policy numbers, and the moments terms begin and end."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from service_desk.base.clock import start_of_day
from service_desk.base.money import round_yuan
from service_desk.rules.fleet_list.values import read_date, time_in_text
from service_desk.rules.fleet_list.workbook import Cell, is_blank, text_of

TEN_THOUSAND = Decimal(10_000)
_AMOUNT = re.compile(r"(-)?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(万)?元?(?:/座|每座|/人)?")
_NOTHING = frozenset({"-", "--", "—", "——", "/", "\\", "无", "未投保", "不投保", "未保"})
_MOST = Decimal(10) ** 10
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d{1,3}", re.IGNORECASE)
# A spreadsheet's number holds 15 digits; the others of a longer one are made up.
_EXACT_BELOW = 10**15
_DAY_MINUTES = 24 * 60


class UnitTwiceError(ValueError):
    """万 in the cell under a heading in 万元: it is the one or the other."""


class PrecisionLostError(ValueError):
    """A policy number kept as a number of more digits than it can hold."""


def read_amount(cell: Cell, factor: Decimal = Decimal(1)) -> Decimal | None:
    """Read an amount in yuan, `factor` being the heading's unit; None for nothing, ValueError for no amount.

    A minus or brackets are refused too: neither a premium nor a limit lies below zero.
    """
    if is_blank(cell):
        return None
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise ValueError(cell)
    if isinstance(cell, int | float):
        return _within(Decimal(str(cell)) * factor)
    text = text_of(cell).replace(" ", "").replace("¥", "").replace("￥", "").removeprefix("人民币")
    if text in _NOTHING:
        return None
    match = _AMOUNT.fullmatch(text)
    if not match or match[1]:
        raise ValueError(cell)
    if match[4] and factor != 1:
        raise UnitTwiceError(cell)
    amount = Decimal(match[2].replace(",", "") + (match[3] or ""))
    return _within(amount * (TEN_THOUSAND if match[4] else factor))


def _within(amount: Decimal) -> Decimal:
    if not 0 <= amount <= _MOST:
        raise ValueError(amount)
    return round_yuan(amount)


def read_number(cell: Cell) -> str | None:
    """Read a policy number as text, blanks out; leading zeros stay. None when the cell is empty.

    PrecisionLostError for a number of more than 15 digits, and for text such as 1.23457E+20.
    """
    if is_blank(cell):
        return None
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise ValueError(cell)
    if isinstance(cell, int | float) and (abs(cell) >= _EXACT_BELOW or not float(cell).is_integer()):
        raise PrecisionLostError(cell)
    text = text_of(cell).replace(" ", "").lstrip("'").upper()
    if _SCIENTIFIC.fullmatch(text):
        raise PrecisionLostError(cell)
    return text or None


@dataclass(frozen=True)
class Moment:
    """A day as written, and the minute of the day beside it; None: no time of day."""

    day: date
    minute: int | None

    @property
    def at(self) -> datetime:
        """The instant of the minute, of 00:00 without one."""
        return start_of_day(self.day) + timedelta(minutes=self.minute or 0)


def read_moment(cell: Cell, *, dates_from_1904: bool = False) -> Moment | None:
    """Read a day with its time, if one is written; None for an empty cell, ValueError for what is none.

    24:00, and 23:59 which means it, are 1440 minutes of the day written. A cell that holds a date at midnight
    says nothing of the time.
    """
    if is_blank(cell):
        return None
    if isinstance(cell, datetime):
        minute = cell.hour * 60 + cell.minute
        return Moment(cell.date(), _whole_day(minute) if minute else None)
    if isinstance(cell, str):
        cell = cell.replace("二十四时", "24时").replace("零时", "0时")
    day = read_date(cell, dates_from_1904=dates_from_1904)
    if day is None:
        return None
    time_of_day = time_in_text(cell) if isinstance(cell, str) else None
    if time_of_day is None:
        return Moment(day, None)
    if time_of_day == _DAY_MINUTES:
        # What was read is the next day already.
        return Moment(day - timedelta(days=1), _DAY_MINUTES)
    return Moment(day, _whole_day(time_of_day))


def _whole_day(minute: int) -> int:
    return _DAY_MINUTES if minute == _DAY_MINUTES - 1 else minute
