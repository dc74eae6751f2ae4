"""Refusals about people, signing in, accounts and branches."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "locked_out": _l("Too many wrong passwords. Try again in %(minutes)s minutes."),
    "no_account": _l("Your login is not connected to any key account yet. Ask the administrator."),
    "no_account_yet": _l("There is no key account yet. All else begins with the first one."),
    "username_taken": _l("The user name %(username)s is taken."),
    "account_missing": _l("Choose at least one key account."),
    "client_one_account": _l("A person at the client belongs to one key account only."),
    "branch_of_account": _l("Choose a branch of the chosen key account."),
    "own_rights": _l("You cannot take your own rights away. Ask another administrator."),
    "password_short": _l("A password has at least %(length)s characters."),
    "password_wrong": _l("The present password is wrong."),
    "uscc_invalid": _l(
        "%(value)s is not a valid Unified Social Credit Code (18 characters with a check digit)."
    ),
    "code_taken": _l("The code %(value)s is taken."),
    "branch_name_taken": _l("There is a branch or alias named %(value)s already."),
    "branch_in_itself": _l("A branch cannot stand below itself."),
    "reminder_days_invalid": _l(
        "Give days before expiry from 1 to %(longest)s, such as 120, 60, 30, 15, 7, 1."
    ),
    "email_invalid": _l("%(value)s is not a mail address."),
    "contact_unreachable": _l("Give a phone number or a mail address."),
    "contact_of_branch_gets_no_reports": _l(
        "The reports show all branches: only people of the group's departments get them, not those of a branch."
    ),
}
