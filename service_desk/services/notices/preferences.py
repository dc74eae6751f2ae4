"""What a person wants mailed, at what hours, and when their digest comes: their own to say, for either side."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, Invalid
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.notices import NoticePreference
from service_desk.models.users import User, UserAccount
from service_desk.rules.notice_subjects import MailChoice, NoticeSubject, choices_of
from service_desk.rules.permissions import Side
from service_desk.rules.quiet_hours import QuietHours
from service_desk.services import audit

DIGEST_AT = time(8)
NOT_SAVED_YET = 0


@dataclass(frozen=True)
class Preferences:
    """A person's choice for every subject that concerns them, quiet hours by both ends or neither."""

    choices: Mapping[NoticeSubject, MailChoice]
    quiet_from: time | None
    quiet_until: time | None
    digest_at: time


def subjects_for(user: User) -> list[NoticeSubject]:
    """The subjects a person can get messages of."""
    return [
        subject
        for subject in NoticeSubject
        if user.side is Side.INSURER or subject is not NoticeSubject.SYSTEM
    ]


def zone_of(user: User) -> ZoneInfo:
    """The zone whose clock a person's times are read by: that of their first account."""
    first = (
        select(KeyAccount.zone)
        .join(UserAccount, UserAccount.account_id == KeyAccount.id)
        .where(UserAccount.user_id == user.id)
        .order_by(KeyAccount.id)
    )
    zone = db.session.scalar(first.limit(1))
    return ZoneInfo(zone) if zone else CHINA


def get_preferences(actor: User) -> tuple[Preferences, int]:
    """The actor's own preferences and their version; everything at once where nothing was chosen."""
    row = db.session.get(NoticePreference, actor.id)
    kept = row.choices if row else {}
    choices = {subject: MailChoice(kept.get(subject, MailChoice.AT_ONCE)) for subject in subjects_for(actor)}
    if row is None:
        return Preferences(choices, None, None, DIGEST_AT), NOT_SAVED_YET
    return Preferences(choices, row.quiet_from, row.quiet_until, row.digest_at), row.version


def save_preferences(wanted: Preferences, version: int, *, actor: User, now: datetime) -> None:
    """Keep the actor's own preferences.

    Invalid: choice_not_offered, quiet_hours_half, quiet_hours_empty, digest_in_quiet_hours.
    """
    _check(wanted, actor)
    # Two first savings at once: the second waits here and finds the first one's row.
    db.session.execute(select(User.id).where(User.id == actor.id).with_for_update())
    row = db.session.get(NoticePreference, actor.id, populate_existing=True)
    if (row.version if row else NOT_SAVED_YET) != version:
        raise Conflict("stale")
    if row is None:
        row = NoticePreference(user_id=actor.id, choices={}, digest_at=DIGEST_AT)
        db.session.add(row)
        # The defaults of columns are set when it is written.
        db.session.flush()
    changes = audit.change(
        row,
        choices={
            subject.value: choice.value
            for subject, choice in wanted.choices.items()
            if choice is not MailChoice.AT_ONCE
        },
        quiet_from=wanted.quiet_from,
        quiet_until=wanted.quiet_until,
        digest_at=wanted.digest_at,
    )
    if changes:
        audit.record("notice_preferences_changed", actor, actor=actor, now=now, label=actor.username)


def _check(wanted: Preferences, actor: User) -> None:
    offered = subjects_for(actor)
    for subject, choice in wanted.choices.items():
        if subject not in offered or choice not in choices_of(subject):
            raise Invalid("choice_not_offered")
    if (wanted.quiet_from is None) != (wanted.quiet_until is None):
        raise Invalid("quiet_hours_half", field="quiet_until" if wanted.quiet_from else "quiet_from")
    if wanted.quiet_from is None or wanted.quiet_until is None:
        return
    if wanted.quiet_from == wanted.quiet_until:
        raise Invalid("quiet_hours_empty", field="quiet_until")
    if QuietHours(wanted.quiet_from, wanted.quiet_until).hold(wanted.digest_at):
        raise Invalid("digest_in_quiet_hours", field="digest_at")
