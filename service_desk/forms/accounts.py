"""Forms about key accounts, branches and contact people."""

import re
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import Form, RadioField, SelectField, YuanField, optional_id, small_number
from service_desk.services.accounts import AccountDetails, BranchDetails, ContactDetails

_SEPARATORS = re.compile(r"[,，;；、/\s]+")


class DaysField(StringField):
    """Days as typed, `60, 30, 15`; a stored list is shown the same way."""

    def process_data(self, value: Any) -> None:
        """Show a list as the words one would type."""
        super().process_data(", ".join(map(str, value)) if isinstance(value, list | tuple) else value)


class AccountForm(Form):
    code = StringField(_l("Code"), [InputRequired(), Length(max=20)])
    uscc = StringField(_l("Unified Social Credit Code"), [InputRequired(), Length(max=40)])
    name = StringField(_l("Company name"), [InputRequired(), Length(max=200)])
    name_en = StringField(_l("English name"), [Length(max=200)])
    credit_limit = YuanField(_l("Group credit limit (yuan)"))
    reminder_days = DaysField(_l("Renewal reminders, days before expiry"), [InputRequired(), Length(max=600)])
    version = IntegerField(widget=HiddenInput(), default=0)

    def command(self) -> AccountDetails:
        """What was typed, for `services.accounts`."""
        words = [word for word in _SEPARATORS.split(self.reminder_days.data or "") if word]
        # A word that is no number becomes 0, which the service refuses with the rule in words.
        days = tuple(small_number(word) or 0 for word in words)
        return AccountDetails(
            code=self.code.data or "",
            name=self.name.data or "",
            name_en=self.name_en.data or "",
            uscc=self.uscc.data or "",
            credit_limit_fen=self.credit_limit.fen,
            reminder_days=days,
        )


class BranchForm(Form):
    name = StringField(_l("Company name"), [InputRequired(), Length(max=200)])
    name_en = StringField(_l("English name"), [Length(max=200)])
    parent_id = SelectField(_l("Below"), choices=[], coerce=optional_id)
    district = StringField(_l("County or district"), [Length(max=64)])
    aliases = TextAreaField(_l("Other names in lists, one a line"))
    is_urban = BooleanField(_l("City or county town (survey promise of 30 minutes)"), default=True)
    is_active = BooleanField(_l("In use"), default=True)
    version = IntegerField(widget=HiddenInput(), default=0)

    def command(self) -> BranchDetails:
        """What was typed, for `services.accounts`."""
        return BranchDetails(
            name=self.name.data or "",
            name_en=self.name_en.data or "",
            parent_id=self.parent_id.data,
            district=(self.district.data or "").strip(),
            is_urban=bool(self.is_urban.data),
            is_active=bool(self.is_active.data),
            aliases=tuple(line.strip() for line in (self.aliases.data or "").splitlines() if line.strip()),
        )


class ContactForm(Form):
    name = StringField(_l("Name"), [InputRequired(), Length(max=64)])
    position = StringField(_l("Position"), [Length(max=64)])
    phone = StringField(_l("Phone"), [Length(max=64)])
    email = StringField(_l("Mail address"), [Length(max=200)])
    branch_id = SelectField(_l("Branch"), choices=[], coerce=optional_id)
    language = RadioField(_l("Language"), choices=[("zh", "中文"), ("en", "English")], default="zh")
    gets_reports = BooleanField(_l("Gets the reports on schedule"))
    gets_renewals = BooleanField(_l("Gets renewal reminders"))
    gets_large_losses = BooleanField(_l("Gets large-loss notices"))
    is_active = BooleanField(_l("In use"), default=True)
    version = IntegerField(widget=HiddenInput(), default=0)

    def command(self) -> ContactDetails:
        """What was typed, for `services.accounts`."""
        return ContactDetails(
            name=self.name.data or "",
            position=self.position.data or "",
            phone=self.phone.data or "",
            email=self.email.data or "",
            branch_id=self.branch_id.data,
            language=self.language.data or "zh",
            gets_reports=bool(self.gets_reports.data),
            gets_renewals=bool(self.gets_renewals.data),
            gets_large_losses=bool(self.gets_large_losses.data),
            is_active=bool(self.is_active.data),
        )
