"""A timer's ledger in sentences."""

from flask_babel import gettext as _

from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.sla import calendar_name, promise, provisional_words
from service_desk.presenters.sla_ledger import Change, LedgerRow, changes, exact, ledger_table
from service_desk.rules.sla import TimerState
from service_desk.services.sla.calendars import counts_on_provisional
from service_desk.services.sla.files import TimerFile


def story(file: TimerFile) -> list[str]:
    """The ledger in sentences, for a terminal and for readers who want it plain."""
    timer, facts = file.timer, file.facts
    lines = [
        _(
            "%(step)s of %(number)s: %(promise)s promised, counted by %(calendar)s v%(version)s.",
            step=label(timer.step, "clock_step"),
            number=timer.matter_number,
            promise=promise(timer.target_value, timer.target_unit),
            calendar=calendar_name(timer.calendar_code),
            version=file.calendar.number,
        ),
        _("Started %(at)s.", at=times.full_moment(facts.started_at)),
        *(_row_words(row) for row in ledger_table(file).rows),
        *(_change_words(change) for change in changes(file)),
    ]
    return [*lines, _due_words(file), _verdict_words(file)]


def _row_words(row: LedgerRow) -> str:
    who = f"{row.who} ({row.note})" if row.note and not row.is_pause else row.who
    span = {"from_at": times.mark(row.from_at), "to_at": times.mark(row.to_at), "who": who}
    if row.is_pause:
        return _("%(from_at)s – %(to_at)s: %(who)s, %(time)s off the clock.", **span, time=exact(row.total))
    if row.after:
        return _(
            "%(from_at)s – %(to_at)s: %(who)s, %(before)s before and %(after)s after the due time.",
            **span,
            before=exact(row.before),
            after=exact(row.after),
        )
    return _("%(from_at)s – %(to_at)s: %(who)s, %(time)s.", **span, time=exact(row.before))


def _change_words(change: Change) -> str:
    return _(
        "%(at)s, %(by)s: %(what)s; before: %(before)s; now: %(after)s. Reason: %(reason)s",
        at=times.mark(change.at),
        by=change.by,
        what=change.what,
        before=change.before,
        after=change.after,
        reason=change.reason,
    )


def _due_words(file: TimerFile) -> str:
    due_at = file.facts.due_at
    if due_at is None:
        return _("%(time)s left when it runs again", time=exact(file.facts.remaining_seconds))
    due = _("Due %(due)s", due=times.full_moment(due_at))
    is_provisional = file.facts.ended_at is None and counts_on_provisional(file.timer, due_at)
    return f"{due} ({provisional_words()})" if is_provisional else due


def _verdict_words(file: TimerFile) -> str:
    facts = file.facts
    if facts.state is TimerState.CANCELLED:
        return _("Cancelled: no verdict.")
    if facts.breached_at is not None:
        return _("Broken: over by %(time)s.", time=exact(facts.over_seconds))
    if facts.state is TimerState.MET:
        return _("Kept: took %(time)s.", time=exact(facts.used_seconds))
    if facts.state is TimerState.PAUSED:
        return _("Open: the clock stands.")
    return _("Open: %(time)s left.", time=exact(facts.remaining_seconds))
