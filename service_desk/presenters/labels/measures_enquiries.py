"""Words of measures: name, definition and formula of those of first contacts."""

from flask_babel import lazy_gettext as _l

from service_desk.presenters.labels.measures_claims import Words
from service_desk.rules.metrics import MeasureCode as C

MEASURES: dict[C, Words] = {
    C.ENQUIRIES_LOGGED: (
        _l("Contacts logged"),
        _l(
            "Calls, visits and messages logged in the period. The contact that comes with an accident report "
            "is the claim itself and is not counted; a further call on the same matter is a repeat of the first."
        ),
        _l("count of contacts by the time they were logged"),
    ),
    C.COMPLAINTS: (
        _l("Number of complaints"),
        _l("Of the contacts logged, those that complain."),
        _l("count of complaints by the time they were logged"),
    ),
    C.FIRST_REPLY_IN_TIME: (
        _l("Contacts answered in time"),
        _l(
            "Of the promises to answer a contact that was no complaint, how many were kept. A kept promise counts "
            "when the answer is given, a broken one when it was due."
        ),
        _l("answered in time ÷ (in time + late)"),
    ),
    C.COMPLAINTS_ANSWERED_IN_TIME: (
        _l("Complaints answered in time"),
        _l(
            "Of the promises to answer a complaint, how many were kept. A kept promise counts when the "
            "answer is given, a broken one when it was due."
        ),
        _l("complaints answered in time ÷ (in time + late)"),
    ),
    C.MESSAGES_ANSWERED_IN_TIME: (
        _l("Messages answered in time"),
        _l(
            "Of the promises to answer what is written on the page of a matter, how many were kept. A "
            "kept promise counts when the answer is given, a broken one when it was due."
        ),
        _l("messages answered in time ÷ (in time + late)"),
    ),
    C.FIRST_CONTACT_CLOSURE: (
        _l("First-contact closure"),
        _l(
            "Of the contacts closed in the period that had not come back by its end, how many were closed by "
            "whoever was first asked, without a hand-over and without a repeat."
        ),
        _l("closed at first contact ÷ contacts closed"),
    ),
    C.REPEAT_CONTACT_RATE: (
        _l("Repeat contacts"),
        _l(
            "Of the contacts logged in the period, how many the client had to ask about again by its end: a "
            "further call on the matter, another contact on the same claim, policy or vehicle while the first was "
            "open, or a matter that was not settled."
        ),
        _l("contacts asked about again ÷ contacts logged"),
    ),
}

LABELS = {
    "measure": {code.value: name for code, (name, _definition, _formula) in MEASURES.items()},
    "measure_definition": {code.value: text for code, (_name, text, _formula) in MEASURES.items()},
    "measure_formula": {code.value: text for code, (_name, _definition, text) in MEASURES.items()},
}
