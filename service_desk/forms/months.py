"""The month of a page in its address, `?month=2026-11`."""

import re
from datetime import date

from service_desk.rules.periods import Period, month_of

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
# Nothing of the desk lies outside of these years.
_FIRST_YEAR, _LAST_YEAR = 2000, 2099


def month_in(text: str | None) -> Period | None:
    """The month that an address names; None for anything else."""
    found = _MONTH.fullmatch(text or "")
    if found is None or not found[0].isascii() or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        return None
    return month_of(date(int(found[1]), int(found[2]), 1))


def month_code(month: Period) -> str:
    """`2026-11`."""
    return f"{month.first:%Y-%m}"
