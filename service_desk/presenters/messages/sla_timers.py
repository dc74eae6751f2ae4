"""Refusals about a timer's life: pauses, what is put right, objections, absences."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "clock_paused_meanwhile": _l("%(who)s has paused this clock already, at %(at)s."),
    "clock_resumed_meanwhile": _l("%(who)s has let this clock run again already, at %(at)s."),
    "clock_ended_meanwhile": _l("This clock was stopped at %(at)s (%(who)s); its verdict stands."),
    "pause_in_future": _l("A pause cannot begin later than now."),
    "pause_before_start": _l("The clock started only at %(at)s. A pause cannot begin before."),
    "pause_overlaps": _l("The clock was paused at that time or later. Enter a time after that pause."),
    "pause_before_breach": _l(
        "The promise fell due at %(at)s and was broken. No pause can be entered for the time before."
    ),
    "absence_end_missing": _l("Enter the day and time at which it ends."),
    "absence_ends_first": _l("The end must be later than the beginning."),
    "absence_past": _l("An absence can be entered until an hour after it began."),
    "absence_over": _l("The end must be later than now."),
    "absence_too_long": _l("An absence lasts %(days)s days at the most."),
    "absence_repeats": _l("This absence repeats every day. Cancel it and enter another one."),
    "absence_repeats_too_early": _l("The last day cannot lie before the first."),
    "absence_repeats_too_long": _l("Hours that repeat every day cannot be longer than 24 hours."),
    "absence_overlaps": _l("Another absence of this person begins or lasts at %(at)s."),
    "absence_while_standing_in": _l(
        "This person stands in for %(who)s at %(at)s. Name another stand-in there first."
    ),
    "absence_ended": _l("This absence is over."),
    "substitute_unknown": _l("Choose a colleague whose login is open."),
    "substitute_self": _l("Nobody stands in for themselves."),
    "substitute_other_account": _l("%(who)s does not work for all accounts of this person."),
    "substitute_other_work": _l("%(who)s may not do the work of this person."),
    "substitute_away": _l("%(who)s is away too, at %(at)s."),
    "objection_text_missing": _l("Say what you object to."),
    "pause_objected": _l("There is an objection to this pause already."),
    "objection_too_late": _l("This clock ended more than %(days)s days ago; its verdict stands."),
    "objection_without_verdict": _l("This clock was cancelled; it has no verdict a pause could change."),
    "objection_decided": _l("Another manager has decided this objection meanwhile."),
    "objection_decided_by_party": _l(
        "Who paused or held this clock cannot decide the objection. Another manager must."
    ),
    "objection_answer_missing": _l("Give the client the reason why the pause stands."),
    "correction_of_own_clock": _l(
        "You have held this clock or one corrected with it. Another manager must put its times right."
    ),
    "correction_reason_missing": _l("Say why the recorded time is wrong; it is kept with the clock."),
    "correction_same": _l("This is the recorded time already."),
    "correction_overlaps": _l(
        "Another entry of this clock lies between. Times keep their order; correct that entry first."
    ),
    "correction_pause_too_long": _l(
        "The pause would become longer than the %(days)s days its reason allows. Correct its end first."
    ),
    "correction_before_report": _l("The matter was reported only at %(at)s. Nothing of it can lie before."),
    "correction_after_end": _l("The matter ended at %(at)s. Nothing of it can lie after."),
    "time_corrected_meanwhile": _l(
        "Somebody has corrected this time meanwhile; it is %(at)s now. Look at it again."
    ),
}
