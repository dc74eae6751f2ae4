"""Scorecards: a person's month for an account, seen by that person and the account's managers. Nobody at the client
sees one, nor does who only keeps logins.
"""

from service_desk.services.scorecards.card_rules import (
    RuleTerms,
    add_rule,
    adopt_defaults,
    end_rule,
    list_rules,
    rules_in_force,
)
from service_desk.services.scorecards.cards import (
    decide,
    get_card,
    reply,
    say_final_word,
    shown_cards,
)
from service_desk.services.scorecards.freezing import due_months, freeze
from service_desk.services.scorecards.reading import (
    CardChoice,
    ListedPerson,
    Listing,
    MonthFigures,
    PersonFile,
    list_people,
    months_known,
    read_person,
)

__all__ = [
    "CardChoice",
    "ListedPerson",
    "Listing",
    "MonthFigures",
    "PersonFile",
    "RuleTerms",
    "add_rule",
    "adopt_defaults",
    "decide",
    "due_months",
    "end_rule",
    "freeze",
    "get_card",
    "list_people",
    "list_rules",
    "months_known",
    "read_person",
    "reply",
    "rules_in_force",
    "say_final_word",
    "shown_cards",
]
