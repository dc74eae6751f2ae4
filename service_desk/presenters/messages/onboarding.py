"""Refusals about requests for new vehicles."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    # What was typed
    "plate_requested": _l("Plate %(value)s is asked for already, in request %(number)s."),
    "vin_requested": _l("VIN %(value)s is asked for already, in request %(number)s."),
    "photo_missing": _l(
        "Add a photo of the vehicle licence, or of the certificate while the plate is pending."
    ),
    # Who may do what
    "request_of_other_side": _l(
        "Only the side that asked for the vehicle may correct or withdraw the request."
    ),
    "own_vehicle_request": _l(
        "You asked for this vehicle yourself. Somebody else of the group's insurance department decides on it."
    ),
    "nobody_else_approves": _l(
        "Nobody but you can approve new vehicles for the group, and nobody approves their own request. "
        "Let the branch ask for it."
    ),
    "nobody_approves": _l("Nobody can take this request: the account has neither an approver nor a manager."),
    "nobody_issues": _l("The account has no underwriter who could insure the vehicle. Call the desk."),
    # What happened meanwhile
    "request_moved_on": _l(
        "The request has moved on, and this step is no longer possible. See where it is now."
    ),
    "request_has_cover": _l("Cover was issued for this vehicle already: %(policies)s. Cancel it first."),
    "cover_still_missing": _l("Some of the cover the vehicle needs is still missing."),
    "vehicle_not_approved": _l("The group's insurance department has not approved this new vehicle."),
    "approved_as_requested": _l(
        "The group has approved this new vehicle with its plate, VIN, class and branch. "
        "To change them, refuse to insure it: the branch corrects the request and the group approves it anew."
    ),
    "too_many_to_export": _l("At most %(most)s rows go into one file. Choose a shorter period."),
}
