"""Absences in words: who, when, and how they stand now."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from service_desk.models.sla import Absence
from service_desk.models.users import User
from service_desk.presenters import times
from service_desk.services.sla.absences import AbsenceRow
from service_desk.services.sla.standing_in import times_of


@dataclass(frozen=True)
class Badge:
    """How an absence stands: words with their tone."""

    words: str
    tone: str


def person(user: User) -> str:
    """Name and staff number."""
    return f"{user.name} · {user.staff_no}" if user.staff_no else user.name


def span(absence: Absence) -> str:
    """`2026-11-23 18:00 – 2026-11-24 08:30, every day until 2026-11-30`."""
    from_at, to_at = times.minute(absence.from_at), times.minute(absence.to_at)
    if absence.repeats_until_on is None:
        return f"{from_at} – {to_at}"
    until = absence.repeats_until_on.isoformat()
    return _("%(from_at)s – %(to_at)s, every day until %(until)s", from_at=from_at, to_at=to_at, until=until)


def state(row: AbsenceRow, now: datetime) -> Badge:
    """Away now, to come, over or called off."""
    absence = row.absence
    if absence.cancelled_at is not None and absence.cancelled_at >= absence.from_at:
        return Badge(_("ended early, %(time)s", time=times.moment(absence.cancelled_at, now)), "idle")
    if absence.cancelled_at is not None:
        return Badge(_("called off"), "idle")
    if not row.is_open:
        return Badge(_("over"), "idle")
    if times_of(absence).window_at(now) is not None:
        return Badge(_("away now"), "warn")
    return Badge(_("to come"), "ok")
