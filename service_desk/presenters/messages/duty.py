"""Refusals about the duty roster, hand-overs of several matters and somebody leaving."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "assign_too_early": _l(
        "It can be assigned only when nobody has accepted it %(hours)s hours after it was offered."
    ),
    "duty_calendar_unknown": _l("Choose one of the working calendars."),
    "duty_ends_first": _l("The shift must end after it begins."),
    "duty_hours_order": _l("Nights must begin later in the day than they end in the morning."),
    "duty_not_yours": _l("Only whose shift it is can offer it."),
    "duty_nobody": _l("Tick who takes turns."),
    "duty_other_shift": _l("Choose one of the coming shifts of this colleague."),
    "duty_over": _l("This shift has begun or is over."),
    "duty_person_unsuitable": _l("Choose colleagues who work on this account and whose login is open."),
    "duty_plan_long": _l("A plan covers %(days)s days at the most."),
    "duty_plan_past": _l("A plan begins today or later."),
    "duty_plan_reversed": _l("The last day cannot lie before the first."),
    "duty_shift_past": _l("The shift must end later than now."),
    "duty_swap_away": _l("%(who)s is entered as away on %(day)s."),
    "duty_swap_busy": _l("%(who)s already has another shift in these hours of %(day)s."),
    "duty_swap_decided": _l("This exchange was decided or taken back meanwhile."),
    "duty_swap_open": _l("This shift is offered to somebody already. Take that offer back first."),
    "duty_swap_overtaken": _l("The roster has changed meanwhile; this exchange no longer fits."),
    "duty_too_long": _l("A shift lasts %(hours)s hours at the most."),
    "handover_hours_order": _l(
        "Each of the three must be later than the one before, at the most %(most)s hours."
    ),
    "matters_first": _l("Hand the open matters over on the page of who leaves, then close the login there."),
    "matters_left": _l(
        "Still open with %(name)s: %(count)s. Hand that over first; the login can be closed then."
    ),
    "matters_of_account": _l(
        "Still open with %(name)s in this account: %(count)s. Hand that over before the account is taken away."
    ),
    "matters_of_role": _l(
        "In the new role %(name)s could not go on with what is open (%(matters)s). Hand that over first."
    ),
    "roster_empty": _l(
        "Nobody is on the duty roster in that time. Name a stand-in, or plan the roster first."
    ),
    "taker_may_not": _l("This colleague may not do this work."),
    "taker_missing": _l("Tick to whom it is offered."),
}
