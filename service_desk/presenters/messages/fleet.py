"""Refusals about vehicles, and about lists and their rows."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    # A file
    "file_missing": _l("Choose a file."),
    "file_unreadable": _l(
        "This file cannot be read as a list: it may be a picture, locked by a password, damaged or far too large. "
        "Send it as .xlsx, .xls or .csv."
    ),
    "file_empty": _l("There is nothing in this file."),
    "header_not_found": _l(
        "No row of headings was found. A list needs at least three known headings, 车牌号 or 车架号 among them."
    ),
    "column_twice": _l("Two columns of %(sheet)s are both read as %(name)s. Choose one of them."),
    "branch_not_chosen": _l("Choose a branch for at least one name."),
    # A row
    "identity_missing": _l("Neither a plate nor a VIN is given."),
    "cell_error": _l("The cell holds the formula error %(value)s."),
    "plate_invalid": _l("%(value)s is not a licence plate."),
    "plate_invalid_perhaps": _l("%(value)s is not a licence plate. Perhaps %(suggestion)s is meant."),
    "vin_invalid": _l("%(value)s is not a VIN: it has 17 characters, never I, O or Q."),
    "vin_invalid_perhaps": _l(
        "%(value)s is not a VIN: it has 17 characters, never I, O or Q. Perhaps %(suggestion)s is meant."
    ),
    "date_invalid": _l("%(value)s is not a date."),
    "number_invalid": _l("%(value)s is not a number that fits here."),
    "branch_missing": _l("The branch is missing."),
    "branch_unknown": _l("No branch is called %(value)s."),
    "conflict": _l("%(places)s says something else about the same vehicle. Keep the row that is right."),
    "vehicle_twice": _l("%(places)s is about the same vehicle. Keep one row, with its VIN."),
    "plate_taken_by": _l(
        "Plate %(value)s is on the vehicle with VIN %(holder)s, and the list gives that one no other plate."
    ),
    "text_too_long": _l("Longer than %(most)s characters."),
    "same_as_earlier": _l("Says the same as %(places)s."),
    # An import
    "import_closed": _l("%(filename)s is no longer open: it was imported or put away meanwhile."),
    "import_outdated": _l(
        "Vehicles were changed since %(filename)s was checked, so nothing was imported. Check again and look at the result."
    ),
    "import_not_committed": _l("%(filename)s is not imported, so there is nothing to take back."),
    "undo_refused": _l(
        "The list cannot be taken back: %(count)s of its vehicles were changed, insured or used since: %(vehicles)s."
    ),
    # A vehicle
    "plate_taken": _l("Plate %(value)s is on another vehicle of this account (VIN %(holder)s)."),
    "vin_taken": _l("There is a vehicle with VIN %(value)s already (plate %(holder)s)."),
    "registered_in_future": _l("The first registration cannot lie in the future."),
    "vehicle_state_not_possible": _l("The vehicle's present state does not allow this."),
}
