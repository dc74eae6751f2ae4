"""Forms of a case of missed cover, and the filter of the list."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    RadioField,
    SelectField,
    member,
    optional_id,
    small_number,
)
from service_desk.models.renewals import ChaseChannel
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services.renewals.case_views import MissedFilter
from service_desk.services.renewals.cases import ChaseCommand, NotedCover, OffRoad


class MissedFilterForm(BaseForm):
    """A GET form: the filter stands in the address. Nonsense means any."""

    class Meta:
        csrf = False

    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    owner = SelectField(_l("Chased by"), choices=[], validate_choice=False)
    layer = SelectField(_l("Missing cover"), choices=[], validate_choice=False)
    overdue = BooleanField(_l("Overdue only"))

    def wanted(self) -> MissedFilter:
        """The filter as the service takes it."""
        return MissedFilter(
            branch_id=small_number(self.branch.data),
            owner_id=small_number(self.owner.data),
            layer=member(CoverCode, self.layer.data),
            only_overdue=bool(self.overdue.data),
        )


class ChaseForm(Form):
    """Somebody was spoken to."""

    channel = RadioField(
        _l("How reached"), choices=[], default=ChaseChannel.CALL.value, validate_choice=False
    )
    spoken_to = StringField(_l("With whom"), [InputRequired(), Length(max=200)])
    text = TextAreaField(_l("What was said"), [InputRequired(), Length(max=2000)])
    promised_on = DayField(_l("Promised by"), [Optional()])

    def command(self) -> ChaseCommand:
        """What was said, for `services.renewals.cases`."""
        return ChaseCommand(
            channel=member(ChaseChannel, self.channel.data),
            spoken_to=self.spoken_to.data or "",
            text=self.text.data or "",
            promised_on=self.promised_on.data,
        )


class ClientWordForm(Form):
    """The client's word to whoever chases."""

    text = TextAreaField(_l("Your message"), [InputRequired(), Length(max=2000)])


class ReassignForm(Form):
    """Another takes the case on."""

    owner_id = SelectField(_l("Chased by"), choices=[], coerce=optional_id, validate_choice=False)
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])


class OffRoadForm(Form):
    """The vehicle stands."""

    how = RadioField(_l("The vehicle is"), choices=[], validate_choice=False)
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    def wanted(self) -> OffRoad | None:
        """How it is off the road."""
        found: OffRoad | None = member(OffRoad, self.how.data)
        return found


class NotedCoverForm(Form):
    """Cover of another insurer, proved by the client."""

    line = SelectField(_l("Line"), choices=[], validate_choice=False)
    insurer = StringField(_l("Insurer"), [InputRequired(), Length(max=200)])
    number = StringField(_l("Policy no."), [Length(max=64)])
    first_day = DayField(_l("First covered day"), [InputRequired()])
    last_day = DayField(_l("Last covered day"), [InputRequired()])

    def noted(self) -> NotedCover:
        """The cover as the service takes it."""
        return NotedCover(
            line=member(PolicyLine, self.line.data),
            insurer=self.insurer.data or "",
            number=self.number.data or "",
            first_day=self.first_day.data,
            last_day=self.last_day.data,
        )
