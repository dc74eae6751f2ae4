"""Words of disputes."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "dispute_topic": {
        "amount": _l("The amount"),
        "fault": _l("The fault ratio"),
        "cover": _l("Cover, or the refusal"),
        "documents": _l("The documents asked for"),
        "loss_of_use": _l("Loss of use"),
        "time_taken": _l("The time it takes"),
        "other": _l("Something else"),
    },
    "dispute_side": {"client": _l("The client"), "desk": _l("The desk")},
    "dispute_outcome": {
        "client_right": _l("The client is right"),
        "partly": _l("The client is partly right"),
        "not_right": _l("The client is not right"),
        "withdrawn": _l("Taken back by the client"),
        "mediation": _l("Settled in mediation"),
        "court": _l("Decided in court"),
    },
    "dispute_consequence": {
        "new_calculation": _l("A new calculation"),
        "reopening": _l("The claim is reopened"),
        "nothing": _l("Nothing more"),
    },
    "audit_action": {
        "dispute_word_added": _l("Statement or evidence added to a dispute"),
        "dispute_decider_named": _l("Decider of a dispute named"),
        "dispute_decided": _l("Dispute ended"),
    },
    "audit_field": {
        "words": _l("What was said"),
        "files": _l("Files"),
        "decider_id": _l("Who decides"),
        "outcome": _l("Outcome"),
        "reasons": _l("Reasons"),
        "awarded_fen": _l("What the claim comes to"),
        "consequence": _l("What follows"),
        "decided_by_id": _l("Who decided"),
    },
}
