"""What-if in words: the other promise, what would have been kept how often, lengths and instants of the cases."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _

from service_desk.models.accounts import Branch
from service_desk.models.sla import ServiceLevel, WorkingCalendarRow
from service_desk.presenters import sla as clocks
from service_desk.presenters import sla_compliance, times
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.rules.metrics import Ratio
from service_desk.rules.sla import ROUND_THE_CLOCK, TargetUnit
from service_desk.services.sla.what_if import Answer, FlippedCase, Need, Part, Question

_SECONDS_IN = {TargetUnit.MINUTES: 60, TargetUnit.HOURS: 3600}


def other_promise(question: Question, calendars: Sequence[WorkingCalendarRow]) -> str:
    """`1 working day · office hours · Saturday 08:30-12:00`: what takes the place of what was promised."""
    target, code = question.target, question.calendar_code
    parts = [
        clocks.promise(target.value, target.unit) if target else _("each clock's own target"),
        clocks.calendar_name(code, calendars) if code else _("each clock's own calendar"),
    ]
    return " · ".join([*parts, *_week_lines(question)])


def _week_lines(question: Question) -> list[str]:
    """The other hours; weekdays that follow each other with the same ones are named together."""
    runs: list[tuple[list[str], str]] = []
    for name in (one for one in WEEKDAYS if one in question.week):
        hours = clocks.hours_words(question.week[name])
        if runs and runs[-1][1] == hours:
            runs[-1][0].append(name)
        else:
            runs.append(([name], hours))
    return [f"{_weekdays(names)} {hours}" for names, hours in runs]


def _weekdays(names: Sequence[str]) -> str:
    first, last = label(names[0], "weekday"), label(names[-1], "weekday")
    return first if len(names) == 1 else _("%(first)s to %(last)s", first=first, last=last)


def level_choice(level: ServiceLevel, accounts: dict[int, str]) -> str:
    """A level as the select names it: for what, what, since when."""
    return f"{clocks.level_words(level, accounts)} · {clocks.since_line(level)}"


def part_name(part: Part, question: Question) -> str:
    """What a line is of; the branch that was chosen is named as itself, apart from those below it."""
    if part.key is None:
        return _("Of no branch")
    if isinstance(part.key, Branch):
        name = branch_name(part.key)
        return _("%(branch)s itself", branch=name) if part.key.id == question.of.branch_id else name
    return sla_compliance.month_name(part.key)


def percents(ratios: Sequence[Ratio]) -> list[float | None]:
    """Shares for a line of the chart; None where nothing was judged."""
    shares = [ratio.percent() for ratio in ratios]
    return [None if share is None else float(share) for share in shares]


def share_words(need: Need) -> str:
    """What a promise is sought for."""
    return _("For %(percent)s%% in time", percent=need.percent)


def need_words(need: Need, answer: Answer) -> str:
    """`3 working days (17 h 10 min)`: the promise in whole units, and what exactly was needed where that is less."""
    if need.least is None or answer.unit is None:
        return _("cannot be said yet: too many are still open")
    if answer.unit is TargetUnit.CALENDAR_DAYS:
        return clocks.promise(need.least, answer.unit)
    exact = clocks.working_time(-(-need.least // 60) * 60)
    size = answer.day_seconds if answer.unit is TargetUnit.WORKING_DAYS else _SECONDS_IN[answer.unit]
    if size is None:
        return exact
    whole = clocks.promise(-(-need.least // size), answer.unit)
    return whole if size == 60 and need.least < 3600 else _("%(whole)s (%(exact)s)", whole=whole, exact=exact)


def length(seconds: int, question: Question, answer: Answer) -> str:
    """Time over by the other promise; a dash for none, as for a breach in closed hours."""
    if not seconds:
        return "—"
    if answer.unit is TargetUnit.CALENDAR_DAYS or question.calendar_code == ROUND_THE_CLOCK:
        return times.duration(seconds)
    return sla_compliance.long_time(seconds)


def minute(at: datetime) -> str:
    """An instant with its year: cases of several years stand under each other."""
    return times.minute(at)


def own_due(case: FlippedCase) -> str:
    """When the clock was due."""
    return due_words(case.timer.due_at, case.timer.target_unit)


def other_due(case: FlippedCase, question: Question) -> str:
    """When it would have been due."""
    return due_words(case.due_at, question.target.unit if question.target else case.timer.target_unit)


def due_words(at: datetime | None, unit: TargetUnit) -> str:
    """An instant as `minute`; of a term in days midnight is 24:00 of its last day."""
    return times.minute(at, ends_day=unit is TargetUnit.CALENDAR_DAYS)
