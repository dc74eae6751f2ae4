"""Forms of first contacts and hand-overs."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import (
    Form,
    MomentField,
    RadioField,
    SelectField,
    member,
    optional_id,
    small_number,
)
from service_desk.models.enquiries import ContactKind, EnquiryChannel, WordMeans
from service_desk.services.enquiries import ContactDetails, FurtherCall, RepeatAnswer, TemplateText, Word


class ContactForm(Form):
    """A contact as logged; choices are set by the page."""

    kind = RadioField(_l("What is wanted"), choices=[], default=ContactKind.QUESTION.value)
    channel = RadioField(_l("How it came"), choices=[], default=EnquiryChannel.CALL.value)
    subject = StringField(_l("Subject"), [InputRequired(), Length(max=200)])
    body = TextAreaField(_l("What was asked"), [Length(max=4000)])
    about = StringField(_l("Plate, claim or policy"), [Length(max=64)])
    branch_id = SelectField(_l("Branch"), choices=[], coerce=optional_id)
    person_id = SelectField(_l("Whom the complaint is about"), choices=[], coerce=optional_id)
    caller_name = StringField(_l("Who asks"), [InputRequired(), Length(max=64)])
    caller_phone = StringField(_l("Phone"), [Length(max=64)])
    caller_email = EmailField(_l("Mail address"), [Length(max=200)])

    # The answer to whether it was asked before: `new`, `join:ENQ-…` or `owner:ENQ-…`, each a button's value.
    repeat = StringField("", [Length(max=80)])
    shown = StringField("", [Length(max=400)])

    def repeat_answer(self) -> RepeatAnswer | None:
        """What is said about the earlier contacts shown; None when nothing was asked or answered."""
        said, _colon, number = (self.repeat.data or "").partition(":")
        if said not in {"new", "join", "owner"}:
            return None
        return RepeatAnswer(
            shown=tuple((self.shown.data or "").split()),
            joins=number if said == "join" else "",
            owner_of=number if said == "owner" else "",
        )

    def details(self) -> ContactDetails:
        """What the form says. A client's form has no channel, no branch and no mail address."""
        has_channel = "channel" in self and self.channel.data
        return ContactDetails(
            channel=EnquiryChannel(self.channel.data) if has_channel else EnquiryChannel.MESSAGE,
            caller_name=self.caller_name.data or "",
            caller_phone=self.caller_phone.data or "",
            subject=self.subject.data or "",
            body=self.body.data or "",
            about=self.about.data or "",
            branch_id=self.branch_id.data if "branch_id" in self else None,
            kind=member(ContactKind, self.kind.data) or ContactKind.QUESTION,
            caller_email=(self.caller_email.data or "") if "caller_email" in self else "",
            person_id=self.person_id.data,
        )


class _VersionForm(Form):
    """An act on a contact as its page showed it."""

    version = HiddenField(default="0")

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


class AnswerForm(_VersionForm):
    answer = TextAreaField(_l("Answer"), [InputRequired(), Length(max=4000)])

    template_id = HiddenField("", default="")

    @property
    def chosen_template(self) -> int | None:
        return small_number(self.template_id.data)


class CloseForm(_VersionForm):
    pass


class LinkForm(_VersionForm):
    """What a contact turns out to be about."""

    about = StringField(_l("Plate, claim or policy"), [Length(max=64)])


class WordForm(_VersionForm):
    """The client's word as the owner writes it down; on the client's own page only whether, and what is still wrong."""

    is_satisfied = RadioField(_l("Is it settled?"), [InputRequired()], choices=[])
    said_by = StringField(_l("Who said it"), [Length(max=64)])
    means = SelectField(_l("How the client told you"), choices=[])
    said_at = MomentField(_l("When"))
    note = TextAreaField(_l("What is not settled"), [Length(max=2000)])

    @property
    def says_yes(self) -> bool:
        return bool(self.is_satisfied.data == "yes")

    def word(self, now: datetime) -> Word:
        """As the service takes it; without a time, now."""
        return Word(
            is_satisfied=self.says_yes,
            means=member(WordMeans, self.means.data) or WordMeans.CALL,
            said_by=self.said_by.data or "",
            said_at=self.said_at.at or now,
            note=self.note.data or "",
        )


class FurtherCallForm(Form):
    """A further call on a contact, written down on its page."""

    channel = SelectField(_l("How it came"), choices=[])
    caller_name = StringField(_l("Who asks"), [Length(max=64)])
    caller_phone = StringField(_l("Phone"), [Length(max=64)])
    words = TextAreaField(_l("What was said"), [InputRequired(), Length(max=4000)])

    def call(self) -> FurtherCall:
        """As the service takes it."""
        return FurtherCall(
            channel=member(EnquiryChannel, self.channel.data) or EnquiryChannel.CALL,
            caller_name=self.caller_name.data or "",
            caller_phone=self.caller_phone.data or "",
            words=self.words.data or "",
        )


class TemplateForm(_VersionForm):
    """An answer given often, in both languages."""

    topic = StringField(_l("Topic"), [InputRequired(), Length(max=64)])
    title = StringField(_l("Title in Chinese"), [InputRequired(), Length(max=200)])
    body = TextAreaField(_l("Words in Chinese"), [InputRequired(), Length(max=4000)])
    title_en = StringField(_l("Title in English"), [InputRequired(), Length(max=200)])
    body_en = TextAreaField(_l("Words in English"), [InputRequired(), Length(max=4000)])
    is_common = BooleanField(_l("For all accounts"))
    is_active = BooleanField(_l("Offered when somebody answers"), default=True)

    def text(self) -> TemplateText:
        """As the service takes it."""
        return TemplateText(
            topic=self.topic.data or "",
            title=self.title.data or "",
            title_en=self.title_en.data or "",
            body=self.body.data or "",
            body_en=self.body_en.data or "",
            is_common=bool("is_common" in self and self.is_common.data),
            is_active=bool(self.is_active.data),
        )


class HandoverForm(Form):
    """A matter offered to a colleague; sent from the pages of claims and of contacts."""

    kind = StringField(validators=[InputRequired()])
    number = StringField(validators=[InputRequired(), Length(max=64)])
    to_id = IntegerField(_l("Hand over to"), [InputRequired()])
    note = StringField(_l("Note"), [Length(max=200)])
