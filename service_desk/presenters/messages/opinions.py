"""Refusals about opinions and feedback forms."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "opinion_state": _l("This cannot be done any more as things stand. Look at the page again."),
    "opinion_empty": _l("Give at least one mark or write something."),
    "opinion_origin": _l("There is no opinion to be taken from this."),
    "opinion_giver_unknown": _l("Choose somebody of this account whose login is open."),
    "opinion_branch_unknown": _l("Choose a branch of this account."),
    "opinion_item_unknown": _l("Choose an item of opinions that is still open."),
    "opinion_item_open": _l("Its agreed item is still open: report that done first."),
    "reply_means_missing": _l("Nothing reaches them by itself: say how they were told."),
    "campaign_state": _l("This cannot be done any more as things stand. Look at the page again."),
    "campaign_person_unsuitable": _l(
        "Choose somebody of the client with a login whom the form does not ask yet."
    ),
    "campaign_person_asked": _l("The form asks this mail address already."),
    "campaign_over": _l("This form takes no answers any more."),
    "campaign_days": _l("It ends on its first day or later, not before today, and within %(most)s days."),
    "campaign_remind_days": _l("Enter days from 0 to %(most)s."),
    "campaign_no_question": _l("Choose at least one theme to ask about."),
    "campaign_question_words": _l("Write every question in both languages."),
    "campaign_nobody": _l("Choose branches with officers, the group's department or name somebody."),
}
