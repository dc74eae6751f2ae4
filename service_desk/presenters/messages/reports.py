"""Refusals about reports and their schedules."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "report_period_not_over": _l("This period is not over yet. Choose one that has ended."),
    "report_day_invalid": _l("This report cannot be sent on that day."),
    "report_time_invalid": _l("Choose a weekday and a time such as 08:30."),
    "report_recipient_unknown": _l(
        "Choose somebody who may read the account's reports, or a contact person."
    ),
    "report_recipient_has_no_login": _l("%(name)s has no login, so mail is the only way."),
    "report_of_another_kind": _l("Only two reports of the same kind can be compared."),
}
