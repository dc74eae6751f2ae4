"""Refusals about new versions of price tables and about quote sheets."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    # A version
    "rate_version_begun": _l("This version began on %(day)s and can never be changed. Begin a new one."),
    "rate_version_withdrawn": _l("This version was withdrawn."),
    "rate_draft_unsound": _l("Rows are refused or overlap. Mend them first; they are listed on this page."),
    "rate_holes_not_seen": _l(
        "Some vehicles have no price. Look at the holes and tick that you have seen them."
    ),
    # A row
    "price_field_missing": _l("This must not be empty."),
    "price_word_unknown": _l("“%(value)s” is none of the words that can stand here."),
    "price_cover_set_unknown": _l("There is no cover set “%(value)s”. Name it among the cover sets first."),
    "price_measure_wrong": _l(
        "Vehicles of this class are not counted in “%(value)s”: lorries in tonnes, those that carry people in seats."
    ),
    "price_not_whole": _l("“%(value)s” is no whole number from 0 to %(most)s."),
    "price_band_ends_first": _l("The band ends at %(end)s, before or where it begins (%(start)s)."),
    "price_no_amount": _l("“%(value)s” is no amount in yuan with at most two decimals."),
    "price_not_positive": _l("“%(value)s”: an amount of more than zero must stand here."),
    "price_negative": _l("The amount must not be less than zero."),
    "price_limit_missing": _l(
        "A deductible or unit is given but no limit. Give the limit, or the words “no limit”."
    ),
    "price_no_cover": _l("The line has no cover: give a limit."),
    # A cover set
    "cover_set_code_invalid": _l(
        "“%(value)s” is no code: use up to 40 letters, digits, _ and -, beginning with a letter or digit."
    ),
    "cover_set_twice": _l("“%(value)s”: another cover set has this code or name already."),
    "cover_set_name_long": _l("A name has at most %(most)s characters."),
    "cover_set_named_otherwise": _l(
        "The code %(value)s is called %(name)s in another price table and means one thing everywhere. Use another code."
    ),
    # A workbook
    "price_columns_missing": _l(
        "No sheet of this file has the columns of this price table. Download the table and change that workbook."
    ),
    "price_column_missing": _l("The table lacks these columns, or they are called otherwise: %(names)s."),
    "price_file_no_rows": _l("There is no row under the headings."),
    "price_file_long": _l("A price table has at most %(most)s lines."),
    # A quote sheet
    "quote_day_past": _l("Prices cannot be held until a day that is over."),
    "quote_day_far": _l("Prices are held for at most %(days)s days."),
    "quote_expired": _l(
        "The prices of %(number)s were held until %(day)s. Quote again: nothing can be issued from it."
    ),
    "quote_issued": _l("Policies were issued from %(number)s already; it stays as it is."),
    "not_in_quote": _l("The quote %(number)s holds no price for this."),
    "quote_vehicle_changed": _l(
        "Class, seats or load of the vehicle changed after the quote %(number)s. Quote again."
    ),
    # A list of floats and taxes
    "float_columns_missing": _l(
        "No sheet has a column for the plate or VIN and one for the CTPL float or the vehicle tax."
    ),
    "float_no_rows": _l("There is no row under the headings."),
    "float_vehicle_missing": _l("Row %(row)s, plate: neither a plate nor a VIN is given."),
    "float_vehicle_unknown": _l(
        "Row %(row)s, plate: no vehicle of this quote with a CTPL price is called “%(value)s”."
    ),
    "float_vehicle_twice": _l("Row %(row)s, plate: “%(value)s” stands in the list twice."),
    "float_unknown": _l("Row %(row)s, CTPL float: “%(value)s” is none of A1 to A6."),
    "float_tax_invalid": _l("Row %(row)s, vehicle tax: “%(value)s” is no amount from 0 to under 1,000,000."),
}
