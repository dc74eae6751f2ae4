"""What the pages of renewals share: the filter of branch, class and line, in forms and in words."""

from flask import request
from flask_babel import gettext as _

from service_desk.forms.renewals import RenewalFilterForm
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import named
from service_desk.services import accounts
from service_desk.web.http import actor, current_account


def filter_form() -> RenewalFilterForm:
    """The filter in the address, with the branches this person sees."""
    form = RenewalFilterForm(request.args)
    form.branch.choices = [("", _("All branches")), *branch_choices()]
    form.use_class.choices = [("", _("All classes")), *choices("use_class")]
    form.line.choices = [("", _("All lines")), *choices("policy_line")]
    return form


def branch_choices() -> list[tuple[str, str]]:
    """The branches this person sees, for a select."""
    rows = accounts.list_branches(current_account().id, actor=actor())
    return [(str(row.id), named(row.name, row.name_en)) for row in rows]


def chosen_words(form: RenewalFilterForm) -> list[tuple[str, str]]:
    """What was chosen, each as field and choice in words."""
    return [
        (str(field.label.text), str(words))
        for field in (form.branch, form.use_class, form.line)
        for value, words in field.pairs
        if value and value == field.data
    ]
