"""The base form, the fields of the trade (amounts, days, instants in the account's zone), and reading codes and ids."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.i18n import translations as stock
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    Field,
    FieldList,
    FileField,
    HiddenField,
    MultipleFileField,
    SelectChoice,
    StringField,
)
from wtforms.validators import Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from service_desk.base.clock import CHINA
from service_desk.base.money import format_yuan, parse_yuan, to_fen

DayOrMoment = TypeVar("DayOrMoment", date, datetime)

# A day outside of these is a slip of the finger, and counting from it would leave the calendar.
_FIRST_YEAR, _LAST_YEAR = 1900, 2999


def member(kind: Any, code: str | None) -> Any:
    """The member of an enum with a code; None for anything else."""
    return kind(code) if code in {one.value for one in kind} else None


def small_number(text: str | None, *, digits: int = 9) -> int | None:
    """A whole number of at most so many digits; None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= digits else None


def is_possible(day: date) -> bool:
    """Whether a matter of the desk can lie on a day, or at a moment."""
    return _FIRST_YEAR <= day.year <= _LAST_YEAR


def optional_id(value: object) -> int | None:
    """The id of a select's choice; None for the choice that names nothing. To `coerce` with."""
    return small_number(str(value))


# The library's own sentences do not say what is missing, and its Chinese reads "at least" as "more than".
_REQUIRED = "This field is required."
_BOUNDS = {
    "Number must be at least %(min)s.": _l("Enter at least %(min)s."),
    "Number must be at most %(max)s.": _l("Enter at most %(max)s."),
    "Number must be between %(min)s and %(max)s.": _l("Enter a number from %(min)s to %(max)s."),
}


class _Words:
    """What the library says of one field, in the desk's own words where they say more."""

    field: Field | None = None

    def gettext(self, sentence: str) -> str:
        """A sentence of the library in the reader's language."""
        if sentence == _REQUIRED:
            return self._missing()
        return str(_BOUNDS.get(sentence) or stock.gettext(sentence))

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The same where a number decides the form."""
        return str(stock.ngettext(singular, plural, number))

    def _missing(self) -> str:
        name = str(self.field.label.text) if self.field else ""
        if not name:
            return _("Something is missing here.")
        if isinstance(self.field, Choosing | FileField | MultipleFileField | BooleanField):
            return _("Choose “%(name)s”.", name=name)
        return _("Enter “%(name)s”.", name=name)


class _Worded:
    """Binds each field with words of its own. WTForms joins the `Meta` of a form with those of its bases."""

    def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Field:
        """A field of a form."""
        words = _Words()
        options |= {"translations": words}
        words.field = super().bind_field(form, unbound_field, options)  # type: ignore[misc]
        return words.field


class BaseForm(FlaskForm):
    """A form of a page. One that writes is a `Form`.

    What is wrong is summed up in the order of the fields, which is to be that of the page. `FIRST` names those of a
    form that stand there before what it inherits.
    """

    Meta = _Worded
    FIRST: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in reversed(self.FIRST):
            self._fields.move_to_end(name, last=False)


class PlainForm(wtforms.Form):
    """A form within a form, such as a row of a list."""

    Meta = _Worded


def new_key() -> str:
    """An idempotency key nobody has used."""
    return secrets.token_urlsafe(16)


class Form(BaseForm):
    """A form with its own idempotency key: a double click or a resend carries the same one."""

    # Nobody reads the label of a hidden field. Without one the library makes one up from the name, and looks for it
    # in the catalogues, for each form of each request.
    idempotency_key = HiddenField("", [Length(max=64)], default=new_key)


class YuanField(StringField):
    """An amount in yuan as typed (`1,200`, `1.2万`); `fen` is what it means."""

    fen: int | None = None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return format_yuan(int(self.data)) if self.data is not None else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.fen = None
        self.data = text or None
        if not text:
            return
        try:
            amount: Decimal = parse_yuan(text)
        except ValueError:
            raise ValidationError(_("Enter an amount in yuan, such as 1,200.00.")) from None
        if abs(amount) >= Decimal(10) ** 12:
            raise ValidationError(_("This amount is too large to be right."))
        if amount != amount.quantize(Decimal("0.01")):
            raise ValidationError(_("An amount has at most two decimals."))
        self.fen = to_fen(amount)

    def process_data(self, value: int | None) -> None:
        """Take stored fen for showing."""
        super().process_data(value)
        self.fen = value


Pairs: TypeAlias = Iterable[tuple[Any, Any]]
Offered: TypeAlias = Pairs | Mapping[str, Pairs] | Iterable[SelectChoice]


class Choosing:
    """A field that is told its choices as `(value, words)`, or as a map from a group's words to such pairs."""

    data: Any

    def __init__(
        self,
        label: Any = None,
        validators: Any = None,
        *,
        choices: Offered | Callable[[], Offered] | None = None,
        **kwargs: Any,
    ) -> None:
        offered = (lambda: _options(choices())) if callable(choices) else _options(choices)
        super().__init__(label, validators, choices=offered, **kwargs)  # type: ignore[call-arg]

    @property
    def choices(self) -> Any:
        """The choices as the library draws them."""
        return super().choices  # type: ignore[misc]

    @choices.setter
    def choices(self, offered: Offered | None) -> None:
        wtforms.SelectField.choices.fset(self, _options(offered))

    @property
    def pairs(self) -> list[tuple[Any, str]]:
        """The choices as `(value, words)`."""
        return [(choice.value, choice.label) for choice in self.choices or ()]


def _options(offered: Offered | None) -> list[SelectChoice] | None:
    if offered is None:
        return None
    if isinstance(offered, Mapping):
        return [SelectChoice(*pair, optgroup=group) for group, pairs in offered.items() for pair in pairs]
    return [one if isinstance(one, SelectChoice) else SelectChoice(*one) for one in offered]


class SelectField(Choosing, wtforms.SelectField):
    """One of several choices from a list that opens."""


class RadioField(Choosing, wtforms.RadioField):
    """One of several choices that all stand there."""


class SelectMultipleField(Choosing, wtforms.SelectMultipleField):
    """Several choices."""


class CheckboxesField(SelectMultipleField):
    """Several choices as tick boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class RowList(FieldList):
    """Rows of fields. A row whose number no page sends is not there; the library fails on `²`."""

    def _extract_indices(self, prefix: str, formdata: Iterable[str]) -> Iterator[int]:
        for name in formdata:
            number = small_number(name.removeprefix(f"{prefix}-").partition("-")[0], digits=3)
            if number is not None and name.startswith(f"{prefix}-"):
                yield number


class DayField(DateField):
    """A calendar day."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        self.data = _possible(self, self.data)


class MomentField(DateTimeLocalField):
    """A local date and time of the account's zone; `at` is the aware instant."""

    data: Any

    def __init__(
        self, label: Any = None, validators: Any = None, *, zone: ZoneInfo = CHINA, **kwargs: Any
    ) -> None:
        super().__init__(
            label, validators, format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs
        )
        self.zone = zone

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        self.data = _possible(self, self.data)

    @property
    def at(self) -> datetime | None:
        return self.data.replace(tzinfo=self.zone) if self.data else None

    def process_data(self, value: datetime | None) -> None:
        """Show a stored instant in the zone."""
        super().process_data(value.astimezone(self.zone).replace(tzinfo=None) if value else None)


def _possible(field: Field, day: DayOrMoment | None) -> DayOrMoment | None:
    """The day or moment that was read, unless no matter of the desk can lie there."""
    if day is not None and not is_possible(day):
        field.data = None
        raise ValueError(field.gettext("Not a valid date value."))
    return day
