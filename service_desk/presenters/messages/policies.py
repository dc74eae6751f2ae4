"""Refusals about prices and issue. `presenters.policies.reason` puts codes among the parameters into words."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    # Price tables
    "rate_starts_in_the_past": _l("New prices begin today (%(today)s) or later."),
    "rates_unchanged": _l("No price was changed."),
    "rate_version_exists": _l("There is a version that begins on %(day)s already. Choose another day."),
    # An order
    "no_vehicle_chosen": _l("Choose at least one vehicle."),
    "too_many_vehicles": _l("At most %(most)s vehicles can be issued at once. Filter by branch or class."),
    "no_line_chosen": _l("Choose at least one line."),
    "start_in_the_past": _l("Cover cannot begin in the past. Choose today or a later day."),
    "start_day_missing": _l("Choose the day on which cover begins."),
    "nothing_to_issue": _l("None of these policies can be issued. The reasons are listed below."),
    "preview_changed": _l("The total has changed since it was shown. Check it again; nothing was issued."),
    "batch_delivered_already": _l("This batch was handed over already, to %(name)s."),
    # A vehicle
    "vehicle_retired": _l("The vehicle is retired."),
    "vehicle_suspended": _l("The vehicle is suspended. Let it operate again first."),
    "vin_missing": _l("The VIN is missing. Enter it on the vehicle's page."),
    "no_use_class": _l("The use class is not known. Enter it on the vehicle's page."),
    "seats_missing": _l("The rated seats are missing. Enter them on the vehicle's page."),
    "load_missing": _l("The rated load is missing. Enter it on the vehicle's page."),
    "overlaps_cover_in_force": _l(
        "There is cover until %(ends_on)s (%(source)s): a vehicle is not covered twice."
    ),
    "covered_for_long": _l(
        "Cover runs until %(ends_on)s (%(source)s): a new term is issued at most %(days)s days ahead."
    ),
    "start_too_far": _l("A term can begin at most %(days)s days from today."),
    "line_not_for_class": _l("This line is not sold for the class %(use_class)s."),
    "no_rate": _l("The price table has no price for %(value)s %(measure)s."),
    "rate_ambiguous": _l("The price table has several prices for %(value)s %(measure)s."),
    "no_price_table": _l("No price table of this line is in force on that day."),
}
