"""Refusals about large orders, lists of vehicles to issue for, and batches."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    # A list
    "issue_list_header_missing": _l(
        "No heading for the plate or the VIN was found. The list needs a column headed 车牌号, 车架号, Plate or VIN."
    ),
    "row_cell_error": _l("The cell holds the formula error %(value)s."),
    "row_identity_missing": _l("Neither plate nor VIN stands in this row."),
    "row_vin_invalid": _l(
        "“%(value)s” cannot be a VIN: it has 17 letters and digits, none of them I, O or Q."
    ),
    "row_line_unknown": _l("“%(value)s” is no line: write 交强险, 商业险 or 承运人责任险."),
    "row_cover_unknown": _l("“%(value)s” is no cover set of the price tables in force."),
    "row_cover_of_other_line": _l("This cover set does not belong to the lines of the row."),
    "row_date_invalid": _l("“%(value)s” is no day. Write 2026-12-01."),
    "row_float_unknown": _l("“%(value)s” is no float: write A1 to A6."),
    "row_tax_invalid": _l("“%(value)s” is no amount of vehicle tax in yuan."),
    "row_vehicle_unknown": _l(
        "No vehicle of this account has this plate or VIN. Import it into the fleet first."
    ),
    "row_names_disagree": _l("Plate %(plate)s and VIN %(vin)s do not belong to one vehicle."),
    "row_vehicle_twice": _l("This vehicle stands in row %(first)s already."),
    # A run
    "price_changed": _l(
        "The price changed from %(confirmed_fen)s to %(new_fen)s after the order was confirmed."
    ),
    "vehicle_gone": _l("The vehicle is no longer in the fleet of this account."),
    "issue_failed": _l(
        "The system failed at this vehicle. Issue it by itself; if it fails again, tell the administrator."
    ),
    "batch_still_running": _l(
        "This batch is still being issued: %(done)s of %(count)s vehicles. Wait until it is finished."
    ),
    # Taking back
    "batch_undone_already": _l("This batch was taken back."),
    "undo_too_late": _l(
        "A batch is taken back on the day it was issued (%(day)s). Cancel the policies instead."
    ),
    "undo_batch_delivered": _l("This batch was handed over to %(name)s. Cancel the policies instead."),
    "undo_delivered": _l("Documents of %(count)s policies were handed over: %(numbers)s."),
    "undo_paid": _l("Premium of %(count)s policies was received: %(numbers)s."),
    "undo_on_its_way": _l(
        "%(count)s policies are in an open delivery run: %(numbers)s. Give it up or bring them back first."
    ),
    "undo_claimed": _l("Claims were reported on %(count)s policies: %(numbers)s."),
    "undo_endorsed": _l("%(count)s policies have endorsements: %(numbers)s."),
    "undo_cancelled": _l("%(count)s policies were cancelled: %(numbers)s."),
}
