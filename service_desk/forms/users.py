"""Forms about people."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, PasswordField, StringField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from service_desk.forms.fields import Form, RadioField, SelectField, SelectMultipleField, optional_id
from service_desk.rules.permissions import Role
from service_desk.services.users import UserDetails


class SignInForm(Form):
    username = StringField(_l("User name"), [InputRequired(), Length(max=64)])
    password = PasswordField(_l("Password"), [InputRequired(), Length(max=200)])


class UserForm(Form):
    """A login. Choices of accounts and branches are set by the page."""

    name = StringField(_l("Name"), [InputRequired(), Length(max=64)])
    staff_no = StringField(_l("Staff number"), [InputRequired(), Length(max=64)])
    username = StringField(_l("User name"), [InputRequired(), Length(max=64)])
    phone = StringField(_l("Phone"), [Length(max=64)])
    email = StringField(_l("Mail address"), [Length(max=200)])
    role = SelectField(_l("Role"), choices=[], coerce=str)
    branch_id = SelectField(_l("Branch (safety officers only)"), choices=[], coerce=optional_id)
    account_ids = SelectMultipleField(
        _l("Key accounts"),
        choices=[],
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    language = RadioField(_l("Language"), choices=[("zh", "中文"), ("en", "English")], default="zh")
    is_active = BooleanField(_l("May sign in"), default=True)
    version = IntegerField(widget=HiddenInput(), default=0)

    def command(self) -> UserDetails:
        """What was typed, for `services.users`."""
        return UserDetails(
            username=self.username.data or "",
            name=self.name.data or "",
            staff_no=self.staff_no.data or "",
            phone=self.phone.data or "",
            email=self.email.data or "",
            role=Role(self.role.data),
            account_ids=tuple(self.account_ids.data or ()),
            branch_id=self.branch_id.data,
            language=self.language.data or "zh",
            is_active=bool(self.is_active.data),
        )


class NewUserForm(UserForm):
    FIRST = ("name", "staff_no", "username", "password")

    password = PasswordField(_l("First password"), [InputRequired(), Length(max=200)])


class SetPasswordForm(Form):
    password = PasswordField(_l("New password"), [InputRequired(), Length(max=200)])


class OwnPasswordForm(Form):
    old = PasswordField(_l("Present password"), [InputRequired(), Length(max=200)])
    password = PasswordField(_l("New password"), [InputRequired(), Length(max=200)])
