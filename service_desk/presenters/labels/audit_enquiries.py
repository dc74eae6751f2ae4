"""Words for the fields of contacts and templates of answers in the trail."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "audit_field": {
        "body": _l("Words in Chinese"),
        "body_en": _l("Words in English"),
        "about": _l("Plate, claim or policy"),
        "means": _l("How the client told you"),
        "repeat": _l("What was said"),
        "said_by": _l("Who said it"),
        "template_id": _l("Answer template"),
        "title": _l("Title in Chinese"),
        "title_en": _l("Title in English"),
        "told": _l("Told"),
        "topic": _l("Topic"),
    }
}
