"""Filters of the coverage pages, and what a class must be covered for."""

from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
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
from service_desk.rules.periods import Period
from service_desk.rules.vocabulary import CoverCode, UseClass
from service_desk.services.fleet.requirements import NewRequirement

# A longer span says nothing more: terms are of one year.
MOST_DAYS = 366 * 5


class PeriodForm(BaseForm):
    """A GET form of days. What cannot be read, or lies the wrong way round, gives way to the usual days."""

    class Meta:
        csrf = False

    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    from_on = DayField(_l("From"), [Optional()])
    to_on = DayField(_l("To"), [Optional()])

    def period(self, usual: Period) -> Period:
        """The days typed, one of them completed by the usual ones; shown in the fields as they count."""
        self.validate()
        first: date = self.from_on.data or usual.first
        last: date = self.to_on.data or max(usual.last, first)
        refusal = _refused(first, last)
        if refusal:
            self.to_on.errors = [refusal]
            return usual
        self.from_on.data, self.to_on.data = first, last
        return Period(first, last)

    @property
    def branch_id(self) -> int | None:
        return small_number(self.branch.data)


class FindingsForm(PeriodForm):
    """Gaps and overlaps."""

    FIRST = ("branch", "kind", "layer")

    kind = SelectField(_l("Finding"), choices=[], validate_choice=False)
    layer = SelectField(_l("Cover"), choices=[], validate_choice=False)


def two_years(today: date) -> Period:
    """This year and the next: what a cover calendar shows unless other days are asked for."""
    return Period(date(today.year, 1, 1), date(today.year + 1, 12, 31))


def _refused(first: date, last: date) -> str | None:
    if last < first:
        return _("The last day is before the first.")
    if (last - first).days >= MOST_DAYS:
        return _("At most five years at once.")
    return None


class RequirementForm(Form):
    """What a class must be covered for from a day on."""

    use_class = SelectField(_l("Class"), choices=[], validate_choice=False)
    layers = CheckboxesField(_l("Required cover"), choices=[], validate_choice=False)
    scope = RadioField(_l("Holds for"), choices=[], validate_choice=False)
    effective_on = DayField(_l("From"), [InputRequired()])
    source = StringField(_l("Reason or agreement"), [InputRequired(), Length(max=200)])

    def wanted(self, account_id: int) -> NewRequirement:
        """The version for `services.fleet.requirements`."""
        chosen = {member(CoverCode, code) for code in self.layers.data or ()}
        return NewRequirement(
            account_id=None if self.scope.data == "all" else account_id,
            use_class=member(UseClass, self.use_class.data),
            layers=tuple(layer for layer in CoverCode if layer in chosen),
            effective_on=self.effective_on.data,
            source=self.source.data or "",
        )
