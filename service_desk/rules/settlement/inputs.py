"""Reading plain JSON inputs: each value checked, each problem naming its field, nothing left unread."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from service_desk.base.errors import Invalid

LARGEST = Decimal("1e12")
"""Amounts beyond a trillion yuan are typing errors; the decimals would no longer hold the fen."""

MOST_COUNTED = 10_000


class Inputs:
    """The inputs of one case. `done` refuses what nobody asked for."""

    def __init__(self, values: Mapping[str, Any], prefix: str = "") -> None:
        self._values = values
        self._prefix = prefix
        self._read: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether the input is there."""
        return name in self._values

    def sections(self, name: str) -> "list[Inputs]":
        """A list of nested inputs, empty when it is missing; fields are named by their number from 1."""
        if name not in self._values:
            return []
        values = self._get(name)
        if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
            raise Invalid("section_invalid", field=self._field(name))
        return [Inputs(value, f"{self._field(name)}.{number}.") for number, value in enumerate(values, 1)]

    def section(self, name: str) -> "Inputs":
        """The inputs nested under a name."""
        value = self._get(name)
        if not isinstance(value, Mapping):
            raise Invalid("section_invalid", field=self._field(name))
        return Inputs(value, self._field(name) + ".")

    def amount(self, name: str, *, default: int | None = None) -> Decimal:
        """A number of nought or more; Invalid `amount_invalid`, or `input_missing` without a default."""
        if default is not None and name not in self._values:
            return Decimal(default)
        return self._decimal(self._get(name), name)

    def amount_or_none(self, name: str) -> Decimal | None:
        """The same, None where null is written."""
        value = self._get(name)
        return None if value is None else self._decimal(value, name)

    def amounts(self, name: str) -> tuple[Decimal, ...]:
        """A list of such numbers, empty when it is missing."""
        if name not in self._values:
            return ()
        values = self._get(name)
        if not isinstance(values, list):
            raise Invalid("amount_invalid", field=self._field(name), value=str(values))
        return tuple(self._decimal(value, name) for value in values)

    def signed_rate(self, name: str) -> Decimal:
        """A rate between -1 and 1; Invalid `rate_invalid`."""
        rate = _number(self._get(name))
        if rate is None or not -1 <= rate <= 1:
            raise Invalid("rate_invalid", field=self._field(name), value=str(self._values[name]))
        return rate

    def count(self, name: str, *, default: int | None = None, most: int = MOST_COUNTED) -> int:
        """A whole number of nought or more, at most `most`; Invalid `count_invalid`."""
        if default is not None and name not in self._values:
            return default
        number = _number(self._get(name))
        if number is None or number != number.to_integral_value() or not 0 <= number <= most:
            raise Invalid("count_invalid", field=self._field(name), value=str(self._values[name]))
        return int(number)

    def text(self, name: str, *, default: str | None = None) -> str:
        """A word or some, without outer blanks; Invalid `text_invalid`."""
        if default is not None and name not in self._values:
            return default
        value = self._get(name)
        if not isinstance(value, str) or not value.strip():
            raise Invalid("text_invalid", field=self._field(name), value=str(value))
        return value.strip()

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """True or false, not a word for it; Invalid `flag_invalid`."""
        if default is not None and name not in self._values:
            return default
        value = self._get(name)
        if not isinstance(value, bool):
            raise Invalid("flag_invalid", field=self._field(name), value=str(value))
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of words; Invalid `text_invalid`."""
        values = self._get(name)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise Invalid("text_invalid", field=self._field(name), value=str(values))
        return tuple(value.strip() for value in values)

    def choice(self, name: str, choices: Sequence[str], *, default: str | None = None) -> str:
        """One of some words; Invalid `choice_invalid`."""
        if default is not None and name not in self._values:
            return default
        value = self._get(name)
        if value not in choices:
            raise Invalid(
                "choice_invalid", field=self._field(name), value=str(value), choices=", ".join(choices)
            )
        return str(value)

    def day(self, name: str) -> date:
        """An ISO date; Invalid `date_invalid`."""
        value = self._get(name)
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise Invalid("date_invalid", field=self._field(name), value=str(value)) from error

    def ignore(self, *names: str) -> None:
        """Accept inputs that are told for information only."""
        self._read.update(names)

    def done(self) -> None:
        """Refuse inputs that were not read: Invalid `input_unknown`."""
        left = sorted(set(self._values) - self._read)
        if left:
            raise Invalid("input_unknown", field=self._field(left[0]))

    def _get(self, name: str) -> Any:
        if name not in self._values:
            raise Invalid("input_missing", field=self._field(name))
        self._read.add(name)
        return self._values[name]

    def _field(self, name: str) -> str:
        return self._prefix + name

    def _decimal(self, value: Any, name: str) -> Decimal:
        number = _number(value)
        if number is None or not 0 <= number <= LARGEST:
            raise Invalid("amount_invalid", field=self._field(name), value=str(value))
        return number


def _number(value: Any) -> Decimal | None:
    """Read a JSON number or its text; None for anything else. A float is read by its shortest text, so 0.1 is 0.1."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
