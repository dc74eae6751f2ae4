"""Forms of the joint approval of new vehicles."""

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, MultipleFileField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import BaseForm, DayField, Form, SelectField, member, small_number
from service_desk.forms.fleet import VehicleForm
from service_desk.rules.vehicle_onboarding import OnboardingState
from service_desk.services.policies.onboarding.common import LONGEST_REASON
from service_desk.services.policies.onboarding.queries import RequestFilter, RequestView
from service_desk.services.policies.onboarding.requesting import LONGEST_NOTE, RequestCommand


class RequestForm(VehicleForm):
    """A new vehicle as its licence states it, when its cover should begin, and photos of the licence."""

    FIRST = ("photos", "branch_id", "plate", "vin", "use_class", "model", "seats", "load_kg")

    use_class = SelectField(_l("Class"), [InputRequired()], choices=[])
    model = StringField(_l("Maker and model"), [InputRequired(), Length(max=200)])
    wanted_start_on = DayField(_l("Cover wanted from"), [InputRequired()])
    note = TextAreaField(_l("Note"), [Length(max=LONGEST_NOTE)])
    photos = MultipleFileField(_l("Photos of the vehicle licence"))

    def wanted(self) -> RequestCommand:
        """What was asked for, for `services.policies.onboarding`."""
        return RequestCommand(self.command(), self.wanted_start_on.data, self.note.data or "")


class DecisionForm(Form):
    """A step on a request. The service says whether it needs a reason."""

    reason = StringField(_l("Reason"), [Length(max=LONGEST_REASON)])
    version = IntegerField(widget=HiddenInput(), default=0)


class RequestFilterForm(BaseForm):
    """A GET form: the filter stands in the address. Nonsense means any."""

    class Meta:
        csrf = False

    state = SelectField(_l("State"), choices=[], validate_choice=False)
    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    from_on = DayField(_l("From"), [Optional()])
    to_on = DayField(_l("Until"), [Optional()])

    def wanted(self, view: str | None) -> RequestFilter:
        """The filter as the service takes it."""
        return RequestFilter(
            view=member(RequestView, view) or RequestView.ALL,
            state=member(OnboardingState, self.state.data),
            branch_id=small_number(self.branch.data),
            from_on=self.from_on.data,
            to_on=self.to_on.data,
        )
