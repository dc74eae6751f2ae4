"""Refusals of a report or a photo that a phone sends by itself."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "key_missing": _l("The report has no key of its own. Open the form again and send it from there."),
    "other_person": _l("This report was typed by somebody else. Only they can send it."),
    "photo_offset": _l("%(received)s bytes of this photo are here; it goes on from there."),
    "piece_too_large": _l("A photo is sent in pieces of at most 1 MB."),
    "photos_unreadable": _l(
        "The photos were announced in a way the desk does not understand. Reload the page."
    ),
    "photo_too_long": _l("More came of this photo than was announced."),
    "photo_damaged": _l("%(filename)s did not arrive as it was taken. Add it again on the claim's page."),
}
