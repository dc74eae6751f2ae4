"""The calendar feed of ends of cover, in the language it was made in."""

import uuid
from collections.abc import Callable
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.adapters.icalendar import DayEvent, calendar_text
from service_desk.base.clock import local_date, start_of_day
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, in_language, named
from service_desk.services.renewals.calendar import ExpiryDay, FeedContent

# A calendar program shows no more; the board has them all.
MOST_PLATES = 200
REFRESH_HOURS = 6
_PRODUCT = "-//Service Desk//Renewals//ZH"
# The names of events are worked out within it; another one would make every event a new one.
_NAMESPACE = uuid.UUID("5b0f4ad4-5b0e-4b57-9d7a-1f3d1f0a9c66")


def feed_text(content: FeedContent, url_of: Callable[[int], str], *, now: datetime) -> str:
    """The feed as iCalendar text; `url_of` a branch is its place on the board.

    It says the same all day while nothing changes, so that a program that asks again need not read it again.
    """
    with in_language(content.feed.language):
        whose = (
            branch_name(content.branch)
            if content.branch
            else named(content.account.name, content.account.name_en)
        )
        return calendar_text(
            _("Renewals: %(name)s", name=whose),
            _PRODUCT,
            [_event(content, one, url_of(one.branch.id)) for one in content.days],
            stamped_at=start_of_day(local_date(now)),
            refresh_hours=REFRESH_HOURS,
        )


def _event(content: FeedContent, one: ExpiryDay, url: str) -> DayEvent:
    count = len(one.plates)
    line = label(one.line, "policy_line")
    summary = ngettext(
        "%(line)s of %(num)s vehicle ends · %(branch)s",
        "%(line)s of %(num)s vehicles ends · %(branch)s",
        count,
        line=line,
        branch=branch_name(one.branch),
    )
    told = "\n".join(one.plates[:MOST_PLATES])
    if count > MOST_PLATES:
        told += "\n" + _("and %(count)s more on the desk", count=count - MOST_PLATES)
    return DayEvent(_uid(content, one), one.day, summary, told, url, line)


def _uid(content: FeedContent, one: ExpiryDay) -> str:
    """The same for the same branch, day and line, in whichever feed and however the vehicles change."""
    name = f"{content.account.uscc}/{one.branch.id}/{one.day.isoformat()}/{one.line.value}"
    return f"{uuid.uuid5(_NAMESPACE, name)}"
