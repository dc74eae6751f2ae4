"""Refusals about clocks, service levels, calendars and reviews."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "clock_event_future": _l("This time has not come yet. Enter when it took place."),
    "clock_event_overlaps": _l(
        "The clock was paused, handed over or started after this time. Enter a later one."
    ),
    "clock_event_backdated": _l("A time in the past needs a paper that proves it."),
    "clock_not_started": _l("This clock has not started."),
    "clock_already_started": _l("This clock is running already."),
    "clock_ended": _l("This clock has stopped; its verdict stands."),
    "clock_already_paused": _l("This clock is paused already."),
    "clock_not_covered": _l("Nobody stands in on this clock."),
    "clock_not_paused": _l("This clock is running; there is no pause to end."),
    "clock_of_another": _l("Only the person who holds this clock, or a manager, may pause it."),
    "handover_to_same_holder": _l("This person holds the clock already."),
    "pause_reason_missing": _l("Choose why the clock pauses."),
    "pause_evidence_missing": _l(
        "This reason needs a paper that proves it, such as a photo of the notice that was sent."
    ),
    "correction_evidence_missing": _l("A corrected time needs a paper that proves it."),
    "target_too_short": _l("The target must be at least 1; for calendar days 0 means the same day."),
    "warn_percent_out_of_range": _l("The warning point lies between 1 and 100 percent."),
    "escalation_out_of_order": _l(
        "Escalation step %(number)s must come later than the step before it, and after the due time."
    ),
    "level_tie": _l("“%(new)s” and “%(other)s” would both fit the same case. Make one of them narrower."),
    "level_date_past": _l("Promises cannot be changed for the past. Choose today or a later day."),
    "level_starts_too_early": _l("The new promise must begin after %(after)s, when the present one began."),
    "level_band_empty": _l("The upper amount must be more than the lower one."),
    "level_of_all_accounts": _l(
        "This promise holds for all accounts; only the administrator may change it. "
        "Add one for your account instead."
    ),
    "calendar_hours_invalid": _l("“%(value)s” is not a time span. Write hours such as 08:30-12:00."),
    "calendar_weekday_unknown": _l("“%(value)s” is not a weekday."),
    "calendar_date_invalid": _l("“%(value)s” is not a date. Write it as 2026-11-23."),
    "calendar_never_open": _l("A calendar needs opening hours on at least one day."),
    "calendar_zone_unknown": _l("“%(value)s” is not a time zone."),
    "calendar_runs_out": _l("The calendar has no opening hours so far away."),
    "calendar_year_out_of_range": _l("Choose a day between %(first)s and %(last)s."),
    "review_by_responsible": _l(
        "Whoever answers for the breach cannot sign its review. Another manager must."
    ),
    "review_responsible_unknown": _l("Choose a person who works for this account."),
    "review_text_missing": _l("Write a few words; they are kept with the review."),
    "review_due_past": _l("Choose today or a later day."),
    "export_too_many_rows": _l(
        "This list has %(number)s rows; a spreadsheet takes %(most)s. Choose a shorter period or narrow the filter."
    ),
    "breach_reviewed": _l("Another manager has signed this review meanwhile."),
}
