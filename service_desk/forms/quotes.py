"""Forms of quote sheets: which vehicles and lines, how long prices are held, floats and taxes."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from service_desk.base.errors import Invalid, InvalidMany
from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    RadioField,
    SelectField,
    SelectMultipleField,
    YuanField,
    member,
    small_number,
)
from service_desk.forms.policies import AT_ONCE, ON_A_DAY, ids_in
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.policies import LineChoice, VehicleTerms
from service_desk.services.policies.quote_queries import FleetPart, SheetFilter
from service_desk.services.policies.quote_sheets import QuoteRequest


class SheetFilterForm(BaseForm):
    """A GET form: which sheets are wanted."""

    class Meta:
        csrf = False

    q = StringField(_l("Number or title"), [Length(max=100)])
    state = SelectField(_l("State"), choices=[], validate_choice=False)

    def wanted(self, account_id: int) -> SheetFilter:
        """The filter as the service takes it."""
        return SheetFilter(account_id, self.state.data or "", self.q.data or "")


class QuoteSheetForm(Form):
    """What to quote. `vehicle_ids` are those chosen in a list; without any, a part of the fleet is meant."""

    vehicle_ids = HiddenField()
    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    use_class = SelectField(_l("Class"), choices=[], validate_choice=False)
    q = StringField(_l("Plate or VIN contains"), [Length(max=100)])
    lines = SelectMultipleField(
        _l("Lines"), choices=[], widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    start = RadioField(_l("Cover begins"), choices=[], default=AT_ONCE)
    set_ctpl = SelectField(_l("CTPL"), choices=[], validate_choice=False)
    set_commercial = SelectField(_l("Commercial covers"), choices=[], validate_choice=False)
    set_carrier_liability = SelectField(_l("Carrier's liability"), choices=[], validate_choice=False)
    start_on = DayField(_l("First day"), [Optional()])
    valid_until = DayField(_l("Prices held until"), [InputRequired()])
    title = StringField(_l("Title"), [Length(max=200)])

    def cover_set_of(self, line: PolicyLine) -> Any:
        """The select of a line's cover sets."""
        return self[f"set_{line.value}"]

    def chosen_ids(self) -> tuple[int, ...]:
        """The vehicles chosen in a list."""
        return ids_in([self.vehicle_ids.data or ""])

    def part(self, account_id: int) -> FleetPart:
        """The part of the fleet that is meant."""
        return FleetPart(
            account_id,
            small_number(self.branch.data),
            member(UseClass, self.use_class.data),
            self.q.data or "",
        )

    def command(self, account_id: int, vehicle_ids: Sequence[int]) -> QuoteRequest:
        """What was asked for, for `services.policies.quote_sheets`; Invalid when a day is to be given and is not."""
        if self.start.data == ON_A_DAY and self.start_on.data is None:
            raise Invalid("start_day_missing", field="start_on")
        return QuoteRequest(
            account_id=account_id,
            vehicle_ids=tuple(vehicle_ids),
            lines=tuple(
                LineChoice(line, self.cover_set_of(line).data or "")
                for line in PolicyLine
                if line in (self.lines.data or ())
            ),
            start_on=self.start_on.data if self.start.data == ON_A_DAY else None,
            valid_until=self.valid_until.data,
            title=self.title.data or "",
        )


class HoldForm(Form):
    valid_until = DayField(_l("Prices held until"), [InputRequired()])


class FloatListForm(Form):
    file = FileField(_l("List of floats and taxes"))


class FloatsForm(Form):
    """Floats and taxes of some vehicles: `for_vehicles` adds `float-<id>` and `tax-<id>` for each."""

    ids: tuple[int, ...] = ()

    @classmethod
    def for_vehicles(cls, terms: Mapping[int, VehicleTerms]) -> type["FloatsForm"]:
        """The form with the fields of these vehicles."""
        fields: dict[str, Any] = {}
        for id_, own in terms.items():
            fields[f"float-{id_}"] = SelectField(_l("CTPL float"), choices=[], default=own.ctpl_float.value)
            fields[f"tax-{id_}"] = YuanField(_l("Vehicle tax"), [Optional()], default=own.tax_fen)
        return type("OnePageForm", (cls,), {**fields, "ids": tuple(terms)})

    def terms(self) -> dict[int, VehicleTerms]:
        """What was typed, by vehicle. InvalidMany by field for a tax below zero."""
        below = [id_ for id_ in self.ids if (self[f"tax-{id_}"].fen or 0) < 0]
        if below:
            raise InvalidMany([Invalid("price_negative", field=f"tax-{id_}") for id_ in below])
        return {
            id_: VehicleTerms(CtplFloat(self[f"float-{id_}"].data), self[f"tax-{id_}"].fen or 0)
            for id_ in self.ids
        }
