"""Words of scorecards and cards."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "score_measure": {
        "open_matters": _l("Open matters at the end"),
        "claims_worked": _l("Claims worked on"),
        "contacts_taken": _l("First contacts taken"),
        "clocks_kept": _l("Clocks kept"),
        "first_contact_closed": _l("Closed by the first contact"),
        "repeat_contacts": _l("Repeat contacts"),
        "follow_up_score": _l("Score of follow-ups"),
        "breaches_answered_for": _l("Breaches answered for"),
        "corrections_overdue": _l("Corrections overdue"),
    },
    "score_definition": {
        "open_matters": _l("Claims and contacts the person owned at the end of the month, or owns now."),
        "claims_worked": _l("Claims on which the person took at least one step in the month."),
        "contacts_taken": _l("Calls, visits and messages that came to the person first."),
        "clocks_kept": _l(
            "Clocks the person held, or held last: kept ÷ (kept + broken), as the compliance page counts them by person."
        ),
        "first_contact_closed": _l(
            "Contacts closed in the month that the person closed as the first owner, among all the person closed."
        ),
        "repeat_contacts": _l(
            "Contacts that came to the person first and were asked about again, among all that came to the person."
        ),
        "follow_up_score": _l(
            "Average score, 1 to 5, of the followed-up claims that ended in the month and are the person's."
        ),
        "breaches_answered_for": _l("Breach reviews signed in the month that name the person responsible."),
        "corrections_overdue": _l("Corrections the person owes whose day has passed."),
    },
    "card_colour": {"yellow": _l("Yellow card"), "red": _l("Red card")},
    "card_state": {
        "proposed": _l("to be decided"),
        "confirmed": _l("confirmed"),
        "waived": _l("waived"),
        "lifted": _l("lifted"),
    },
    "card_choice": {
        "all": _l("All people"),
        "with_card": _l("With a card"),
        "to_decide": _l("Cards to decide"),
    },
    "audit_action": {
        "card_rules_adopted": _l("Default card rules made the account's own"),
        "card_rule_added": _l("Card rule added"),
        "card_rule_ended": _l("Card rule ended"),
        "card_confirmed": _l("Card confirmed"),
        "card_waived": _l("Card waived"),
        "card_answered": _l("Card answered"),
        "card_upheld": _l("Card upheld"),
        "card_lifted": _l("Card lifted"),
    },
    "audit_field": {
        "threshold_cents": _l("Threshold (hundredths)"),
        "months": _l("Months in a row"),
        "colour": _l("Yellow or red"),
        "replied_at": _l("Replied"),
        "final_at": _l("Final word"),
        "final_by_id": _l("Final word by"),
    },
}
