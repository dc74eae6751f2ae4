"""Words of what both sides do together and agreed."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "item_source": {"opinion": _l("Opinion"), "event": _l("Meeting or visit")},
    "item_state": {"open": _l("Open"), "done": _l("Done"), "dropped": _l("Dropped")},
    "audit_action": {"item_opened": _l("Agreed item opened")},
}
