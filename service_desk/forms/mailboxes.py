"""Forms about mailboxes: one mailbox, the filter of received mails, and whose a mail is."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, IntegerField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    SelectField,
    member,
    optional_id,
    small_number,
)
from service_desk.models.mailboxes import MailOutcome, MailSecurity
from service_desk.services.arrivals import MailboxDetails, MailFilter


class MailboxForm(Form):
    """A mailbox. Its password is never sent to the page: empty means unchanged."""

    name = StringField(_l("Name of the mailbox"), [InputRequired(), Length(max=64)])
    address = StringField(_l("Mailbox address"), [InputRequired(), Length(max=200)])
    host = StringField(_l("IMAP server"), [InputRequired(), Length(max=200)])
    port = IntegerField(_l("Port"), [InputRequired(), NumberRange(1, 65535)], default=993)
    security = SelectField(_l("Encryption"), choices=[], default=MailSecurity.TLS.value)
    folder = StringField(_l("Folder"), [InputRequired(), Length(max=200)], default="INBOX")
    username = StringField(_l("User name at the server"), [InputRequired(), Length(max=200)])
    password = PasswordField(_l("Password or authorisation code"), [Length(max=200)])
    poll_minutes = IntegerField(
        _l("Read every so many minutes"), [InputRequired(), NumberRange(1, 60)], default=2
    )
    is_active = BooleanField(_l("In use"), default=True)
    is_common = BooleanField(_l("For all accounts"))
    version = HiddenField(default="0")

    def command(self) -> MailboxDetails:
        """What was typed, for `services.arrivals`."""
        return MailboxDetails(
            name=self.name.data or "",
            address=self.address.data or "",
            host=self.host.data or "",
            port=self.port.data or 0,
            security=MailSecurity(self.security.data),
            username=self.username.data or "",
            folder=self.folder.data or "",
            poll_minutes=self.poll_minutes.data or 0,
            is_active=bool(self.is_active.data),
            is_common=bool(self.is_common.data),
            password=self.password.data or "",
        )

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


class MailFilterForm(BaseForm):
    """A GET form: the filter stands in the address, so a view can be bookmarked and sent."""

    class Meta:
        csrf = False

    mailbox = SelectField(_l("Mailbox"), choices=[], validate_choice=False)
    outcome = SelectField(_l("What became of it"), choices=[], validate_choice=False)
    text = StringField(_l("Sender, subject or number"), [Length(max=200)])
    from_on = DayField(_l("From"), [Optional()])
    to_on = DayField(_l("To"), [Optional()])

    def wanted(self) -> MailFilter:
        """The filter; a value that cannot be read is left out."""
        self.validate()
        return MailFilter(
            mailbox_id=optional_id(self.mailbox.data),
            outcome=member(MailOutcome, self.outcome.data),
            text=(self.text.data or "").strip()[:200],
            from_on=self.from_on.data,
            to_on=self.to_on.data,
        )


class AssignForm(Form):
    """Whose a mail is."""

    account_id = SelectField(_l("Account"), [InputRequired()], choices=[], coerce=optional_id)
