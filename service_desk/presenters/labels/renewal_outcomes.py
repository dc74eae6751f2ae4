"""Words of outcomes, renewal figures and calendar feeds."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "renewal_outcome": {
        "switched": _l("Switched insurer"),
        "sold": _l("Sold"),
        "suspended": _l("Suspended"),
        "not_renewing": _l("Will not renew"),
    },
    "renewal_status": {
        "renewed": _l("Renewed"),
        "due": _l("To renew"),
        "lapsed": _l("Lost"),
    },
    "audit_action": {
        "renewal_outcome_recorded": _l("Outcome of a renewal recorded"),
        "renewal_outcome_corrected": _l("Outcome of a renewal corrected"),
        "renewal_outcome_withdrawn": _l("Outcome of a renewal taken back"),
        "calendar_feed_made": _l("Calendar feed made"),
        "calendar_feed_revoked": _l("Calendar feed revoked"),
    },
    "audit_field": {
        "outcome": _l("Outcome"),
        "insurer": _l("Other insurer"),
        "covered_until": _l("Covered until"),
        "revoked_at": _l("Revoked"),
        "revoked_by_id": _l("Revoked by"),
    },
}
