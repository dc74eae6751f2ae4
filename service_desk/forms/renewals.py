"""The filter of the renewals board."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField

from service_desk.forms.fields import member, small_number
from service_desk.rules.renewal import Bucket
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.renewals import ExpiryFilter


class RenewalFilterForm(FlaskForm):
    """A GET form: the filter stands in the address. Nonsense means any."""

    class Meta:
        csrf = False

    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    use_class = SelectField(_l("Class"), choices=[], validate_choice=False)
    line = SelectField(_l("Line"), choices=[], validate_choice=False)
    bucket = HiddenField()

    def wanted(self, account_id: int) -> ExpiryFilter:
        """The filter as the service takes it."""
        return ExpiryFilter(
            account_id=account_id,
            branch_id=small_number(self.branch.data),
            use_class=member(UseClass, self.use_class.data),
            line=member(PolicyLine, self.line.data),
            bucket=member(Bucket, self.bucket.data),
        )
