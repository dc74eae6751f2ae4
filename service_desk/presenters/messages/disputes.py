"""Refusals about disputes."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "dispute_open": _l("A dispute about this claim is open. It has to be decided or taken back first."),
    "dispute_open_already": _l("A dispute about this claim is open already. Add to that one."),
    "dispute_not_open": _l("No dispute is open any more. The page now shows how it ended."),
    "dispute_too_late": _l("The limitation of two years has run out: a dispute was possible until %(last)s."),
    "claim_not_above_offer": _l(
        "¥%(offered)s is offered already. Enter the whole amount you claim, not the difference."
    ),
    "nothing_said": _l("Write something, or choose a photo or a PDF."),
    "internal_note_without_files": _l(
        "An internal note has no files: whoever sees the claim may open its papers. Send them without the tick."
    ),
    "not_a_decider": _l("Choose a manager who had no part in what is disputed."),
    "decider_missing": _l("Nobody was named to decide yet."),
    "not_the_decider": _l(
        "Only the manager named to decide, who had no part in what is disputed, may do this."
    ),
    "consequence_does_not_fit": _l("This cannot follow from that outcome while the claim stands as it does."),
    "award_below_offer": _l(
        "This is less than what was offered, ¥%(offered)s. An objection never costs the client."
    ),
    "award_above_claim": _l("This is more than what is claimed, ¥%(claimed)s."),
    "award_needs_consequence": _l(
        "More than was offered is due, so it has to be calculated anew or reopened."
    ),
}
