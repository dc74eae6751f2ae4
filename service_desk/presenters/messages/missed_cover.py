"""Refusals about required cover and cases of missed cover."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "use_class_missing": _l("Choose the class."),
    "ctpl_always_needed": _l("CTPL is required by law for every vehicle: it cannot be left out."),
    "requirement_backdated": _l(
        "What was required on past days cannot be changed. Choose today or a later day."
    ),
    "chase_channel_missing": _l("Say how you reached them: a call, a visit, a message or a mail."),
    "chase_person_missing": _l("Say whom you spoke to."),
    "chase_text_missing": _l("Write what was said."),
    "chase_text_too_long": _l("At most %(most)s characters."),
    "promise_in_past": _l("The day promised has passed already."),
    "chaser_missing": _l("Choose an underwriter or a manager of this account."),
    "chaser_has_it": _l("This person chases it already."),
    "off_road_missing": _l("Say whether the vehicle is suspended or retired."),
    "line_not_chosen": _l("Choose the line that is covered."),
    "cover_ends_before": _l("The last covered day is before the first."),
    "cover_not_now": _l("This cover has ended already: it does not help the vehicle."),
    "cover_known_later": _l(
        "Cover of this line is known until %(day)s already, longer than what you entered."
    ),
    "missed_cover_closed": _l("The case was closed meanwhile. Look at it again."),
}
