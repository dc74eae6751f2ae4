"""Refusals around reports, accidents and photos."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "possible_duplicate": _l(
        "This may be reported already: claims that look alike: %(count)s. Say whether it is the same accident."
    ),
    "similar_unknown": _l("The claim you chose does not fit this report any more. Choose again."),
    "too_many_in_report": _l("At most %(most)s vehicles in one report. Link the others afterwards."),
    "plate_twice": _l("%(plate)s stands here twice."),
    "loss_after_report": _l("The accident was reported %(reported_at)s, so it cannot have happened later."),
    "nothing_changed": _l("Nothing was changed."),
    "loss_time_calculated": _l(
        "The claim is calculated with the cover of this time. Have the calculation sent back before you change the time of loss."
    ),
    "report_no_invalid": _l(
        "This is no report number: 6 to 40 letters and figures, as the insurer's system gave it. Copy it as text; a spreadsheet shortens long numbers."
    ),
    "report_no_taken": _l(
        "%(claim)s has this report number already. Correct it, or link the two claims as one accident first."
    ),
    "in_two_accidents": _l(
        "These claims belong to two different accidents. Take one out of its accident first."
    ),
    "claim_unknown": _l("There is no claim %(number)s of this account."),
    "same_claim": _l("This is the claim itself."),
    "same_vehicle": _l("That claim is of the same vehicle. A vehicle has one claim an accident."),
    "linked_already": _l("%(number)s is part of this accident already."),
    "not_linked": _l("This claim is not part of an accident with other vehicles any more."),
    "findings_or_sketch": _l("Write down what you found, or add a sketch."),
    "photos_missing": _l("Choose at least one photo."),
    "photo_heic": _l(
        "%(filename)s is a HEIC picture, which cannot be opened here. Set the phone's camera to JPEG (iPhone: Settings › Camera › Formats › Most Compatible) and take it again. If that is not possible any more, open the photo on the phone, take a screenshot and send that."
    ),
    "photo_too_large": _l(
        "%(filename)s has more than %(megapixels)s million pixels. Send it smaller; all else was kept."
    ),
    "pdf_active": _l(
        "%(filename)s holds a program, a link that starts one, or a file inside that is not an invoice's XML or OFD. Print it to a new PDF, or send a photo of it."
    ),
    "pdf_encrypted": _l(
        "%(filename)s is protected by a password, so nobody could read it later. Send it without protection, or a photo of it."
    ),
    "pdf_unreadable": _l(
        "%(filename)s is damaged or is not only a PDF. Print it to a new PDF, or send a photo of it."
    ),
    "no_room": _l(
        "The desk's disk is full, so nothing of this was saved. What was sent before is safe. Tell the administrator and send it again later."
    ),
}
