"""Refusals of an accident report: what is wrong and how to mend it, short enough for a roadside."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "plate_unknown": _l("%(plate)s is not among the vehicles you see. Check the plate, or call the desk."),
    "plate_unknown_suggest": _l(
        "%(plate)s is not among the vehicles you see. Plates have no letters O and I: was %(suggestion)s meant?"
    ),
    "loss_too_old": _l(
        "This is more than %(years)s years ago, and the claim is time-barred. Call the desk if it is not so."
    ),
    "place_missing": _l("Say where it happened, or use the phone's position."),
    "phone_invalid": _l("%(value)s is not a phone number that can be called."),
    "injured_invalid": _l("Enter how many people are injured, from 1 to %(most)s."),
    "too_many_photos": _l("At most %(most)s photos at a time. The others can be added on the claim's page."),
    "too_many_files": _l("At most %(most)s files at a time. Send the others afterwards."),
    "nobody_handles_claims": _l(
        "Nobody at the desk handles claims of this account, so the report has no owner. Call the desk now."
    ),
    "words_too_long": _l("At most %(length)s characters."),
}
