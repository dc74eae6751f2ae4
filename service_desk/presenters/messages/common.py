"""Refusals any service may give."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "not_found": _l("There is no such record, or you may not see it."),
    "not_allowed": _l("Your role may not do this. Ask your manager if you need it."),
    "sent_alike": _l("Just the same was recorded at %(at)s. Tick if this is another one."),
    "stale": _l("Someone else changed this while you were working. Check the current values and send again."),
    "required": _l("Please fill this in."),
    "file_too_large": _l("%(filename)s is larger than %(megabytes)s MB. Choose a smaller file."),
    "paper_unreadable": _l("%(filename)s cannot be opened. Choose a photo (JPEG, PNG or WebP) or a PDF."),
    "photo_unreadable": _l("%(filename)s cannot be opened as a photo. Choose a JPEG, PNG or WebP picture."),
    "upload_too_large": _l("The files together are larger than %(megabytes)s MB. Send fewer at a time."),
    "amount_invalid": _l("Enter an amount in yuan, such as 1,200.00."),
    "amount_not_positive": _l("The amount must be more than zero."),
    "date_invalid_input": _l("Enter a date such as 2026-11-23."),
    "reason_missing": _l("Give a reason; it is kept with the record."),
    "session_ended": _l("You were signed out after a long pause. Sign in again; nothing was saved."),
}
