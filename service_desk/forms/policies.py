"""Forms of quick quote, issue and policies."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import DecimalField, HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from service_desk.base.errors import Invalid
from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    RadioField,
    SelectField,
    SelectMultipleField,
    is_possible,
    member,
    small_number,
)
from service_desk.models.policies import IssueList
from service_desk.rules.policy_flow import PolicyState
from service_desk.rules.rating import CtplFloat, VehicleFacts
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.policies import IssueRequest, LineChoice, issue_lists
from service_desk.services.policies.candidates import VehicleFilter
from service_desk.services.policies.queries import PolicyFilter

AT_ONCE, ON_A_DAY = "after", "day"


class _AddressForm(BaseForm):
    """A GET form: what is wanted stands in the address. Nonsense means any."""

    class Meta:
        csrf = False


class QuoteForm(_AddressForm):
    plate = StringField(_l("Plate or VIN"), [Length(max=40)])
    use_class = SelectField(_l("Class"), choices=[], validate_choice=False)
    seats = IntegerField(_l("Rated seats"), [Optional(), NumberRange(min=1, max=300)])
    tonnes = DecimalField(_l("Rated load (t)"), [Optional(), NumberRange(min=0, max=500)])
    ctpl_float = SelectField(_l("CTPL float"), choices=[], validate_choice=False)

    def facts(self) -> VehicleFacts | None:
        """The class and size typed; None when no class was chosen."""
        use_class = member(UseClass, self.use_class.data)
        if use_class is None:
            return None
        load_kg = None if self.tonnes.data is None else int(self.tonnes.data * 1000)
        return VehicleFacts(use_class, self.seats.data, load_kg)

    def float_class(self) -> CtplFloat:
        """The experience class chosen; A4, without a float, when none was."""
        return member(CtplFloat, self.ctpl_float.data) or CtplFloat.A4


class CandidateForm(_AddressForm):
    """Which vehicles to issue for."""

    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    use_class = SelectField(_l("Class"), choices=[], validate_choice=False)
    line = SelectField(_l("Line"), choices=[], validate_choice=False)
    cover = SelectField(_l("Cover of this line"), choices=[], validate_choice=False)
    q = StringField(_l("Plate or VIN"), [Length(max=100)])

    def wanted(self, account_id: int) -> VehicleFilter:
        """The filter as the service takes it."""
        return VehicleFilter(
            account_id=account_id,
            line=member(PolicyLine, self.line.data) or PolicyLine.CTPL,
            branch_id=small_number(self.branch.data),
            use_class=member(UseClass, self.use_class.data),
            ends_within_days=small_number(self.cover.data, digits=3),
            is_uncovered=self.cover.data == "none",
            text=self.q.data or "",
        )


class PolicyFilterForm(_AddressForm):
    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    line = SelectField(_l("Line"), choices=[], validate_choice=False)
    state = SelectField(_l("State"), choices=[], validate_choice=False)
    ends = SelectField(_l("Ends"), choices=[], validate_choice=False)
    q = StringField(_l("Policy, plate or VIN"), [Length(max=100)])

    def wanted(self, account_id: int) -> PolicyFilter:
        """The filter as the service takes it."""
        return PolicyFilter(
            account_id=account_id,
            branch_id=small_number(self.branch.data),
            line=member(PolicyLine, self.line.data),
            standing=member(PolicyState, self.state.data),
            ends_within_days=small_number(self.ends.data, digits=3),
            text=self.q.data or "",
        )


class IssueForm(Form):
    """The order under a preview. Each line has its own select of cover sets; the page sets their choices."""

    vehicle_ids = HiddenField()
    list_id = HiddenField()
    expected_fen = HiddenField()
    quote = HiddenField(validators=[Length(max=64)])
    lines = SelectMultipleField(
        _l("Lines"),
        choices=[],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    set_ctpl = SelectField(_l("CTPL"), choices=[])
    set_commercial = SelectField(_l("Commercial covers"), choices=[])
    set_carrier_liability = SelectField(_l("Carrier's liability"), choices=[])
    start = RadioField(_l("Cover begins"), choices=[], default=AT_ONCE)
    start_on = DayField(_l("First day"), [Optional()])

    def cover_set_of(self, line: PolicyLine) -> Any:
        """The select of a line's cover sets."""
        return self[f"set_{line.value}"]

    def command(self, account_id: int, issue_list: IssueList | None = None) -> IssueRequest:
        """What was ordered, for `services.policies`; Invalid when the start is to be a day and none is given.

        With a list its vehicles are ordered, each with what its row says of it.
        """
        if self.start.data == ON_A_DAY and self.start_on.data is None:
            raise Invalid("start_day_missing", field="start_on")
        cover_sets = {line: self.cover_set_of(line).data or "" for line in PolicyLine}
        terms = issue_lists.terms_of(issue_list, cover_sets) if issue_list else {}
        return IssueRequest(
            account_id=account_id,
            vehicle_ids=tuple(terms) if issue_list else ids_in([self.vehicle_ids.data or ""]),
            lines=tuple(
                LineChoice(line, cover_sets[line]) for line in PolicyLine if line in (self.lines.data or ())
            ),
            start_on=self.start_on.data if self.start.data == ON_A_DAY else None,
            expected_fen=small_number(self.expected_fen.data, digits=15),
            quote_number=self.quote.data or "",
            terms=terms,
            refused=issue_lists.refused_of(issue_list) if issue_list else (),
        )


class IssueListForm(Form):
    file = FileField(_l("List of vehicles (.xlsx, .xls or .csv)"), [InputRequired()])


class UndoForm(Form):
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])


def ids_in(texts: Iterable[str]) -> tuple[int, ...]:
    """The ids in what a page sent: one a value, or several in one with commas between; once each."""
    numbers = (small_number(part.strip()) for text in texts for part in text.split(","))
    return tuple(dict.fromkeys(number for number in numbers if number))


def day_in(text: str) -> date | None:
    """The day an address names; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if is_possible(day) else None


class DeliveryForm(Form):
    delivered_to = StringField(_l("Handed to"), [InputRequired(), Length(max=64)])
