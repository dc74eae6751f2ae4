"""What people want mailed and when: applied to mails as they are queued."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, select

from service_desk.base.clock import CHINA
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db, table_of
from service_desk.models.notices import Channel, NoticePreference, NoticeState
from service_desk.models.users import UserAccount
from service_desk.rules.notice_subjects import CLOCK_DIGEST, DIGEST, URGENT, MailChoice, subject_of
from service_desk.rules.quiet_hours import QuietHours, quiet_until

Row = dict[str, Any]

_WISHES, _ACCOUNTS, _MEMBERSHIPS = (
    table_of(NoticePreference).c,
    table_of(KeyAccount),
    table_of(UserAccount).c,
)

# The zone of the first account of whoever has a preference.
_ZONE = (
    select(_ACCOUNTS.c.zone)
    .join(table_of(UserAccount), _MEMBERSHIPS.account_id == _ACCOUNTS.c.id)
    .where(_MEMBERSHIPS.user_id == _WISHES.user_id)
    .order_by(_ACCOUNTS.c.id)
    .limit(1)
    .correlate(table_of(NoticePreference))
    .scalar_subquery()
)
# Made once, and of the columns that are read: every mail that is queued asks.
_OF_READERS = select(
    _WISHES.user_id, _WISHES.choices, _WISHES.quiet_from, _WISHES.quiet_until, _ZONE.label("zone")
).where(_WISHES.user_id.in_(bindparam("user_ids", expanding=True)))


@dataclass(frozen=True)
class Wish:
    """What a person has chosen by subject, when they want no mail, and the zone their clock shows: that of their
    first account.
    """

    choices: Mapping[str, str]
    quiet: QuietHours | None
    zone: ZoneInfo


def arrange(rows: list[Row], now: datetime) -> list[Row]:
    """The rows with each mail held, put off, or only shown in the app, as its reader has chosen.

    Contact people without a login have chosen nothing: theirs go at once.
    """
    readers = {row["user_id"] for row in rows if row["channel"] is Channel.MAIL and row["user_id"]}
    if not readers:
        return rows
    known = wishes_of(readers)
    shown = {row["dedupe_key"] for row in rows if row["channel"] is Channel.IN_APP}
    arranged = (
        _arranged(row, known[row["user_id"]], shown, now)
        if row["channel"] is Channel.MAIL and row["user_id"] in known
        else row
        for row in rows
    )
    return [row for row in arranged if row is not None]


def wishes_of(user_ids: Collection[int]) -> dict[int, Wish]:
    """The wishes of those who have any."""
    db.session.flush()
    return {
        user_id: Wish(
            choices,
            QuietHours(begins, ends) if begins is not None and ends is not None else None,
            ZoneInfo(zone) if zone else CHINA,
        )
        for user_id, choices, begins, ends, zone in db.session.execute(
            _OF_READERS, {"user_ids": list(user_ids)}
        )
    }


def quiet_end(user_id: int, kind: str, at: datetime) -> datetime | None:
    """When the quiet hours end that keep a mail of this kind from a person at an instant; None when none do."""
    if subject_of(kind) in URGENT:
        return None
    wish = wishes_of([user_id]).get(user_id)
    return quiet_until(at, wish.quiet, wish.zone) if wish else None


def with_zone(statement: Select[tuple[NoticePreference]]) -> Select[tuple[NoticePreference, str | None]]:
    """Add the zone of each person's first account; None for those without one."""
    return statement.add_columns(_ZONE)


def _arranged(row: Row, wish: Wish, shown: Collection[str], now: datetime) -> Row | None:
    subject = subject_of(row["kind"])
    choice = MailChoice(wish.choices.get(subject, MailChoice.AT_ONCE))
    if row["kind"] != DIGEST and choice is MailChoice.IN_APP:
        return _only_shown(row, shown, now)
    if subject in URGENT:
        return row
    if row["kind"] != DIGEST and choice is MailChoice.DIGEST:
        return row | {"state": NoticeState.HELD, "next_try_at": None}
    return row | {"next_try_at": quiet_until(now, wish.quiet, wish.zone) or now}


def _only_shown(row: Row, shown: Collection[str], now: datetime) -> Row | None:
    """None where the app shows it already; what was to go by mail alone is shown there instead of being lost."""
    key = f"{row['dedupe_key'].removesuffix(Channel.MAIL.value)}{Channel.IN_APP.value}"
    if key in shown or row["kind"] == CLOCK_DIGEST:
        return None
    return row | {
        "channel": Channel.IN_APP,
        "address": "",
        "dedupe_key": key,
        "state": NoticeState.SENT,
        "next_try_at": None,
        "sent_at": now,
    }
