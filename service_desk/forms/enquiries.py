"""Forms of first contacts and hand-overs."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import Form, optional_id, small_number
from service_desk.models.enquiries import EnquiryChannel
from service_desk.services.enquiries import ContactDetails


class ContactForm(Form):
    """A contact as logged; choices are set by the page."""

    channel = RadioField(_l("How it came"), choices=[], default=EnquiryChannel.CALL.value)
    caller_name = StringField(_l("Who asks"), [InputRequired(), Length(max=64)])
    caller_phone = StringField(_l("Phone"), [Length(max=64)])
    subject = StringField(_l("Subject"), [InputRequired(), Length(max=200)])
    body = TextAreaField(_l("What was asked"), [Length(max=4000)])
    about = StringField(_l("Plate, claim or policy"), [Length(max=64)])
    branch_id = SelectField(_l("Branch"), choices=[], coerce=optional_id)

    def details(self) -> ContactDetails:
        """What the form says. A client's form has no channel and no branch."""
        has_channel = "channel" in self and self.channel.data
        return ContactDetails(
            channel=EnquiryChannel(self.channel.data) if has_channel else EnquiryChannel.MESSAGE,
            caller_name=self.caller_name.data or "",
            caller_phone=self.caller_phone.data or "",
            subject=self.subject.data or "",
            body=self.body.data or "",
            about=self.about.data or "",
            branch_id=self.branch_id.data if "branch_id" in self else None,
        )


class _VersionForm(Form):
    """An act on a contact as its page showed it."""

    version = HiddenField(default="0")

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


class AnswerForm(_VersionForm):
    answer = TextAreaField(_l("Answer"), [InputRequired(), Length(max=4000)])


class CloseForm(_VersionForm):
    pass


class HandoverForm(Form):
    """A matter offered to a colleague; sent from the pages of claims and of contacts."""

    kind = StringField(validators=[InputRequired()])
    number = StringField(validators=[InputRequired(), Length(max=64)])
    to_id = IntegerField(_l("Hand over to"), [InputRequired()])
    note = StringField(_l("Note"), [Length(max=200)])
