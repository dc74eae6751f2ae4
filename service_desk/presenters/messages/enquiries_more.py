"""Refusals about repeats, complaints, the client's word and templates of answers."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "contact_repeated": _l(
        "The client may have asked about this already. See whether it is the same matter."
    ),
    "earlier_unknown": _l("That contact cannot be asked about again any more. Log a new one."),
    "nobody_to_complain_to": _l("Nobody at the desk can hear this complaint yet. Call the insurer."),
    "person_unknown": _l("Choose somebody who works at this desk."),
    "word_missing": _l(
        "A complaint is closed when the client says that it is settled. Record the client's word."
    ),
    "word_too_early": _l("There is no answer yet."),
    "word_means_wrong": _l("Say how the client told you."),
    "word_future": _l("This lies in the future."),
    "word_before_answer": _l("The client cannot have judged the answer before it was given."),
    "reopening_late": _l("It was closed more than seven days ago. Write a new message."),
    "note_missing": _l("Say what is not settled."),
    "place_unknown": _l("{%(place)s} is not one of the places that are filled in."),
}
