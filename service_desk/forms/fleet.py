"""Forms about vehicles and the client's lists."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from service_desk.base.errors import Invalid
from service_desk.forms.columns import chosen_columns
from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    RadioField,
    SelectField,
    member,
    small_number,
)
from service_desk.models.fleet import VehicleState
from service_desk.rules.fleet_list import ColumnChoice, Field
from service_desk.rules.vocabulary import UseClass
from service_desk.services.fleet.queries import CoverFilter, VehicleFilter
from service_desk.services.fleet.vehicles import VehicleDetails


class VehicleFilterForm(BaseForm):
    """A GET form: the filter stands in the address. `wanted` leaves out what cannot be read."""

    class Meta:
        csrf = False

    q = StringField(_l("Plate, VIN or engine number"), [Length(max=100)])
    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    use_class = SelectField(_l("Class"), choices=[], validate_choice=False)
    state = SelectField(_l("State"), choices=[], validate_choice=False)
    cover = SelectField(_l("Cover"), choices=[], validate_choice=False)

    def wanted(self) -> VehicleFilter:
        """The filter as the service takes it."""
        return VehicleFilter(
            branch_id=small_number(self.branch.data),
            use_class=member(UseClass, self.use_class.data),
            state=member(VehicleState, self.state.data),
            cover=member(CoverFilter, self.cover.data),
            text=(self.q.data or "").strip()[:100],
        )


class VehicleForm(Form):
    plate = StringField(_l("Plate"), [Length(max=40)])
    vin = StringField(_l("VIN"), [Length(max=40)])
    branch_id = SelectField(_l("Branch"), [InputRequired()], choices=[], coerce=int)
    use_class = SelectField(_l("Class"), choices=[])
    model = StringField(_l("Maker and model"), [Length(max=200)])
    engine_no = StringField(_l("Engine number"), [Length(max=64)])
    seats = IntegerField(_l("Rated seats"), [Optional(), NumberRange(min=1, max=300)])
    load_kg = IntegerField(_l("Rated load (kg)"), [Optional(), NumberRange(min=1, max=500_000)])
    registered_on = DayField(_l("First registration"), [Optional()])
    version = IntegerField(widget=HiddenInput(), default=0)

    def command(self) -> VehicleDetails:
        """What was typed, for `services.fleet.vehicles`."""
        return VehicleDetails(
            plate=self.plate.data or "",
            vin=self.vin.data or "",
            engine_no=self.engine_no.data or "",
            model=self.model.data or "",
            use_class=member(UseClass, self.use_class.data),
            seats=self.seats.data,
            load_kg=self.load_kg.data,
            registered_on=self.registered_on.data,
            branch_id=self.branch_id.data,
        )


class VehicleStateForm(Form):
    state = RadioField(_l("New state"), [InputRequired()], choices=[])
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])
    version = IntegerField(widget=HiddenInput(), default=0)

    def wanted(self) -> VehicleState:
        """The chosen state."""
        return VehicleState(self.state.data)


class ListUploadForm(Form):
    file = FileField(_l("Fleet list (.xlsx, .xls, .csv or .txt)"), [InputRequired()])


class UndoForm(Form):
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])


def column_choices(
    mapping: Sequence[Mapping[str, Any]], sent: Mapping[str, str]
) -> dict[str | None, ColumnChoice]:
    """The fields a person gave the columns of each sheet; Invalid when two columns are given the same."""
    chosen = chosen_columns(mapping, sent, Field)
    return {sheet: ColumnChoice(columns) for sheet, columns in chosen.items()}


def learnt_branches(sent: Mapping[str, str]) -> dict[str, int]:
    """The branch chosen for each unknown name, sent as `name-<n>` and `branch-<n>`; Invalid when none is."""
    found = {}
    for key, name in sent.items():
        branch_id = small_number(sent.get(f"branch-{key.removeprefix('name-')}"))
        if key.startswith("name-") and branch_id is not None:
            found[name] = branch_id
    if not found:
        raise Invalid("branch_not_chosen")
    return found
