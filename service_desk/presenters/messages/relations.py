"""Refusals about agreed items, meetings and visits, and the log of work."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "item_owner_unknown": _l("Choose somebody of this account whose login is open."),
    "item_due_past": _l("Enter a day from today on."),
    "item_due_same": _l("This is the day it is due on already."),
    "item_owner_same": _l("They own it already."),
    "item_ended": _l("The item has ended already."),
    "item_of_another": _l("Only its owner or a manager may do this."),
    "event_state": _l("This cannot be done any more as things stand. Look at the page again."),
    "event_not_begun": _l("It has not begun yet."),
    "event_times": _l("It ends after it begins, and lasts %(days)s days at most."),
    "event_branch_missing": _l("Choose the branch that is visited."),
    "event_organiser_unknown": _l("Choose somebody of the desk as organiser."),
    "event_people_unknown": _l("Somebody chosen has no open login of this account."),
    "not_invited": _l("You are not invited to it."),
    "guest_name_missing": _l("Give every guest a name of at most 64 characters."),
    "too_many_guests": _l("At most %(most)s guests can be invited."),
    "both_sides_present": _l("Somebody of each side was there: tick or name them."),
    "too_many_decisions": _l("At most %(most)s decisions at once; correct the minutes for more."),
    "cadence_times": _l("Enter a number from 0 to %(most)s."),
    "cadence_days": _l("Enter days from 0 to %(most)s."),
    "work_minutes": _l("Enter minutes from 1 to %(most)s."),
    "work_ahead": _l("This time has not come yet: the log is of what was done."),
    "work_of_another": _l("Only they themselves and the managers of the account read this log."),
    "target_whose": _l("Choose a role or a person of the desk."),
    "work_target_times": _l("Enter a number from 0 to %(most)s."),
}
