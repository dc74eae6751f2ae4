"""Compliance in words: what a line is of, changes in points, the filter, how it is counted, the order of a table."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from service_desk.models.accounts import Branch
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sla import length, working_time
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Cut, Period
from service_desk.services.sla import seconds_over
from service_desk.services.sla.compliance import (
    NOT_SAID,
    ClockRow,
    Compliance,
    ComplianceFilter,
    Dimension,
    Group,
    Hours,
)

# What the table of groups may be sorted by. Empty values come last either way.
GROUP_SORTS = {
    "met": lambda group: group.figures.met,
    "breached": lambda group: group.figures.breached,
    "cancelled": lambda group: group.figures.cancelled,
    "kept": lambda group: group.figures.kept.percent(6),
    "median": lambda group: group.times and group.times.median,
    "p90": lambda group: group.times and group.times.p90,
    "longest": lambda group: group.times and group.times.longest,
}


def in_order(groups: Sequence[Group], sort: str) -> list[Group]:
    """The groups by a column, `-met` the greatest first; in their own order for anything else."""
    value_of = GROUP_SORTS.get(sort.removeprefix("-"))
    if value_of is None:
        return list(groups)
    known = [group for group in groups if value_of(group) is not None]
    unknown = [group for group in groups if value_of(group) is None]
    return [*sorted(known, key=value_of, reverse=sort.startswith("-")), *unknown]


def line_name(by: Dimension, key: Any, people: dict[int, User], branches: dict[int, Branch]) -> str:
    """What a line of the table is of."""
    if by is Dimension.STEP:
        return label(key, "clock_step")
    if by is Dimension.BRANCH:
        return _("Of no branch") if key is None else branch_name(branches[key])
    if by is Dimension.PERSON:
        return person_name(people[key])
    if by is Dimension.SEVERITY:
        return severity_name(key)
    if by is Dimension.ZONE:
        return zone_name(key)
    return month_name(key) if by is Dimension.MONTH else week_name(key)


def group_name(found: Compliance, group: Group) -> str:
    """The line's name; the branch that was chosen is named as itself, apart from those below it."""
    name = line_name(found.by, group.key, found.people, found.branches)
    if found.by is Dimension.BRANCH and group.wanted.is_alone and group.key is not None:
        return _("%(branch)s itself", branch=name)
    return name


def person_name(person: User) -> str:
    """`王建军 · 41000123`."""
    return " · ".join(part for part in (person.name, person.staff_no) if part)


def severity_name(key: str) -> str:
    return _("Not stated") if key == NOT_SAID else label(key, "severity")


def zone_name(key: str) -> str:
    return _("Not stated") if key == NOT_SAID else label(key, "accident_place")


def days(period: Period) -> str:
    """`2026-11-16 – 11-22`: the year of the last day only where it is another one."""
    last = f"{period.last:%m-%d}" if period.first.year == period.last.year else period.last.isoformat()
    return period.first.isoformat() if period.first == period.last else f"{period.first} – {last}"


def week_name(period: Period) -> str:
    """`W47 · 2026-11-16 – 11-22`."""
    return _("W%(number)s · %(days)s", number=f"{period.first.isocalendar().week:02}", days=days(period))


def month_name(period: Period) -> str:
    """`2026-11`, with its days when it is not whole."""
    name = f"{period.first:%Y-%m}"
    is_whole = period.first.day == 1 and (period.last + timedelta(days=1)).day == 1
    return name if is_whole else f"{name} · {days(period)}"


def short_name(by: Cut, period: Period) -> str:
    """A point of the trend, as short as an axis needs it."""
    return f"{period.first:%m-%d}" if by is Cut.WEEK else f"{period.first:%y-%m}"


def points(this: Ratio, last: Ratio) -> str:
    """`+2.4`: the change in percentage points, a dash where one of the two says nothing."""
    now, before = this.percent(), last.percent()
    if now is None or before is None:
        return "—"
    return f"{now - before:+}" if now != before else "0.0"


def changes(groups: Sequence[Group]) -> dict[Any, str]:
    """By key: the change of each week or month against the one before it."""
    befores = [Ratio(), *(group.figures.kept for group in groups)]
    return {group.key: points(group.figures.kept, last) for group, last in zip(groups, befores, strict=False)}


def trend_values(groups: Sequence[Group]) -> list[float | None]:
    """Percentages for the line of the trend; None where nothing was judged."""
    shares = [group.figures.kept.percent() for group in groups]
    return [None if share is None else float(share) for share in shares]


def trend_floor(values: Sequence[float | None]) -> int:
    """Where the scale begins: ten below the lowest tens, for a line near the top would hide its dips."""
    known = [value for value in values if value is not None]
    return max(0, int(min(known, default=0)) // 10 * 10 - 10)


def long_time(seconds: int) -> str:
    """Time of many clocks or of a long one: `22 h 30 min`, from a hundred hours on `1,072 h`."""
    whole = seconds // 3600
    return working_time(seconds) if whole < 100 else _("%(hours)s h", hours=f"{whole:,}")


def total_seconds(hours: Hours) -> int:
    """All running time, of which a person's is a share."""
    return sum(one.spent.total for one in hours.by_holder)


def share_of(part: int, whole: int) -> str:
    """`37%`, or a dash."""
    return f"{round(100 * part / whole)}%" if whole else "—"


def how_counted(*, ranks_staff: bool) -> list[str]:
    """How the figures come about, for the page and the spreadsheet."""
    sentences = [
        _(
            "A promise counts on the day it was kept, or on the day it was broken, even if the step is done later."
        ),
        _(
            "Compliance rate: kept ÷ (kept + broken). Groups are added up by their counts; shares are not averaged."
        ),
        _("Cancelled clocks have no verdict and are in no share."),
        _(
            "Time used is time on the clock, of clocks that have stopped; pauses and closed hours are not in it."
        ),
        _(
            "Hours are of whole clocks, those still open until now. Pauses are measured in the clock's own hours."
        ),
        _("At risk, late and not reviewed are as of now, whatever the period."),
    ]
    if ranks_staff:
        sentences.append(_("Clocks of breach reviews are a step of their own and in no sum."))
        sentences.insert(
            4,
            _("A clock stands with who holds it, or held it last; who used its time stands under the hours."),
        )
    return sentences


def over(timer: Timer, now: datetime) -> str:
    """By how much, a dash where the promise is kept; a breach in closed hours has no length."""
    seconds = seconds_over(timer, now)
    return length(seconds, timer) if seconds else "—"


def review_state(row: ClockRow) -> str:
    """Whether a breach is reviewed; empty for what was not broken."""
    if row.timer.breached_at is None or row.timer.step is ClockStep.BREACH_REVIEW:
        return ""
    return _("reviewed") if row.is_reviewed else _("not reviewed")


def chosen(
    wanted: ComplianceFilter, people: dict[int, User], branches: dict[int, Branch]
) -> list[tuple[str, str, str]]:
    """The filter in words: which key of the address, what it is, and the choice."""
    words = []
    if wanted.step is not None:
        words.append(("step", _("Step"), label(wanted.step, "clock_step")))
    if wanted.branch_id is not None and wanted.branch_id in branches:
        name = branch_name(branches[wanted.branch_id])
        words.append(
            ("branch", _("Branch"), _("%(branch)s itself", branch=name) if wanted.is_alone else name)
        )
    elif wanted.is_alone:
        words.append(("alone", _("Branch"), _("Of no branch")))
    if wanted.holder_id is not None and wanted.holder_id in people:
        words.append(("person", _("Handler"), person_name(people[wanted.holder_id])))
    if wanted.severity is not None:
        words.append(("severity", _("People hurt or not"), severity_name(wanted.severity)))
    if wanted.zone_code is not None:
        words.append(("zone", _("Place of the accident"), zone_name(wanted.zone_code)))
    return words
