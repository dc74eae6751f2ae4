"""Forms about messages: one's own settings, an account's channels, the filter of the delivery log."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, PasswordField, StringField, TimeField
from wtforms.validators import InputRequired, Length, Optional

from service_desk.forms.fields import (
    BaseForm,
    CheckboxesField,
    DayField,
    Form,
    RadioField,
    SelectField,
    member,
    small_number,
)
from service_desk.models.notices import Channel, NoticeState
from service_desk.rules.hooks import HookKind
from service_desk.rules.notice_subjects import MailChoice, NoticeSubject
from service_desk.rules.permissions import Side
from service_desk.services.notices.channels import ChannelDetails
from service_desk.services.notices.delivery_log import LogFilter
from service_desk.services.notices.preferences import Preferences


class PreferencesForm(Form):
    """The times; `preferences_form` adds a choice for each subject. `version` is what the page showed."""

    quiet_from = TimeField(_l("Quiet from"), [Optional()])
    quiet_until = TimeField(_l("Quiet until"), [Optional()])
    digest_at = TimeField(_l("Digest at"), [InputRequired()])
    version = HiddenField(default="0")

    def command(self, subjects: Sequence[NoticeSubject]) -> Preferences:
        """What was chosen, for `services.notices.preferences`."""
        return Preferences(
            choices={subject: MailChoice(self[choice_name(subject)].data) for subject in subjects},
            quiet_from=self.quiet_from.data,
            quiet_until=self.quiet_until.data,
            digest_at=self.digest_at.data,
        )

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


def choice_name(subject: NoticeSubject) -> str:
    """The field that holds the choice for a subject."""
    return f"choice_{subject.value}"


def preferences_form(
    offered: dict[NoticeSubject, tuple[str, list[tuple[str, str]]]],
) -> type[PreferencesForm]:
    """The form with a field for each subject: its words, and the choices in words."""
    fields = {
        choice_name(subject): RadioField(words, [InputRequired()], choices=choices)
        for subject, (words, choices) in offered.items()
    }
    return type("PreferencesOfSubjectsForm", (PreferencesForm,), fields)


class ChannelForm(Form):
    """A bot or webhook. What is kept of address and secret is never sent to the page: empty means unchanged."""

    kind = SelectField(_l("Kind"), choices=[], coerce=str)
    name = StringField(_l("Name of the channel"), [InputRequired(), Length(max=64)])
    url = StringField(_l("Address"), [Length(max=1000)])
    secret = PasswordField(_l("Secret"), [Length(max=200)])
    language = RadioField(_l("Language"), choices=[("zh", "中文"), ("en", "English")], default="zh")
    is_active = BooleanField(_l("In use"), default=True)
    audience = RadioField(_l("Who reads it"), choices=[], default=Side.INSURER.value)
    subjects = CheckboxesField(_l("Subjects"), choices=[], coerce=str)
    hears = BooleanField(_l("The bot hears: what is said to it becomes a contact"))
    inbound_token = PasswordField(_l("Token of the callback"), [Length(max=200)])
    inbound_key = PasswordField(_l("Key of the callback"), [Length(max=200)])
    inbound_receiver = StringField(_l("Receiver (CorpID)"), [Length(max=200)])
    version = HiddenField(default="0")

    def command(self) -> ChannelDetails:
        """What was typed, for `services.notices.channels`."""
        return ChannelDetails(
            kind=HookKind(self.kind.data),
            name=self.name.data or "",
            language=self.language.data or "zh",
            subjects=tuple(NoticeSubject(code) for code in self.subjects.data or ()),
            is_active=bool(self.is_active.data),
            audience=Side(self.audience.data or Side.INSURER),
            url=self.url.data or "",
            secret=self.secret.data or "",
            hears=bool(self.hears.data),
            inbound_receiver=self.inbound_receiver.data or "",
            inbound_token=self.inbound_token.data or "",
            inbound_key=self.inbound_key.data or "",
        )

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


class LogForm(BaseForm):
    """A GET form: the filter stands in the address, so a view can be bookmarked and sent."""

    class Meta:
        csrf = False

    state = SelectField(_l("State"), choices=[], validate_choice=False)
    channel = SelectField(_l("Channel"), choices=[], validate_choice=False)
    subject = SelectField(_l("Subject"), choices=[], validate_choice=False)
    number = StringField(_l("Number"), [Length(max=64)])
    recipient = StringField(_l("Recipient"), [Length(max=200)])
    from_on = DayField(_l("From"), [Optional()])
    to_on = DayField(_l("To"), [Optional()])

    def wanted(self) -> LogFilter:
        """The filter; a value that cannot be read is left out."""
        self.validate()
        return LogFilter(
            state=member(NoticeState, self.state.data),
            channel=member(Channel, self.channel.data),
            subject=member(NoticeSubject, self.subject.data),
            number=(self.number.data or "").strip()[:64],
            recipient=(self.recipient.data or "").strip()[:200],
            from_on=self.from_on.data,
            to_on=self.to_on.data,
        )
