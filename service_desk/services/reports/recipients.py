"""Who gets a report: the audience of its kind, with people added, left out, or written to in a way of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from service_desk.base.errors import Conflict, Invalid
from service_desk.models.accounts import Contact
from service_desk.models.db import db
from service_desk.models.notices import Channel, MessageChannel
from service_desk.models.reports import ReportRecipient, ReportSchedule
from service_desk.models.users import User
from service_desk.rules.notice_subjects import NoticeSubject
from service_desk.rules.permissions import Action, Role, Side, may
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import AUDIENCE
from service_desk.services import access, audit, notices
from service_desk.services.notices import Recipient, channels
from service_desk.services.reports.schedules import get_schedule

# What a person may be written to by, and in; the first is as the person has it.
CHANNELS: Mapping[str, tuple[Channel, ...]] = {
    "": notices.CHANNELS,
    Channel.MAIL.value: (Channel.MAIL,),
    Channel.IN_APP.value: (Channel.IN_APP,),
}
LANGUAGES = ("", "zh", "en")

_READERS = [role for role in Role if may(role, Action.READ_REPORTS)]


@dataclass(frozen=True)
class Person:
    """A login or a contact person who gets a report or could. `key` is `u7` or `c7`."""

    key: str
    name: str
    email: str
    language: str
    user_id: int | None = None
    contact_id: int | None = None
    role: Role | None = None
    position: str = ""
    is_report_contact: bool = False

    def recipient(self, language: str) -> Recipient:
        """As the outbox addresses them, in another language if one is asked for."""
        return Recipient(self.name, self.email, language or self.language, self.user_id)


@dataclass(frozen=True)
class Listed:
    """A person on a schedule's list. `is_standing`: of the kind's audience, else added by somebody."""

    person: Person
    is_standing: bool
    is_muted: bool = False
    language: str = ""
    channel: str = ""


@dataclass(frozen=True)
class Choice:
    """What somebody decided about a person. Not `gets_it`: left out, or taken off the list where they were added."""

    key: str
    gets_it: bool = True
    language: str = ""
    channel: str = ""


def list_for(schedule: ReportSchedule) -> list[Listed]:
    """Everybody on a schedule's list, those of its audience first, the left out among them.

    An added person who may no longer read the account's reports is not on it. For no actor: pages check who asks.
    """
    rows = _rows(schedule.id)
    everybody = _everybody(schedule.account_id)
    standing = _audience(ReportKind(schedule.kind), everybody)
    listed = [_listed(person, rows.get(person.key), is_standing=True) for person in standing]
    added = [
        _listed(person, rows[key], is_standing=False)
        for key, person in everybody.items()
        if key in rows and not rows[key].is_muted and person not in standing
    ]
    return listed + added


def to_send(account_id: int, kind: ReportKind) -> list[tuple[Recipient, tuple[Channel, ...]]]:
    """Whom a report is queued to and by what; a contact person with the address of another recipient is no second one.

    The audience alone where there is no schedule yet.
    """
    told = [one for one in _of_account(account_id, kind) if not one.is_muted]
    known: set[str] = set()
    found = []
    for one in sorted(told, key=lambda one: one.person.user_id is None):
        address = one.person.email.casefold()
        if one.person.user_id is not None or address not in known:
            found.append((one.person.recipient(one.language), CHANNELS[one.channel]))
        known.add(address)
    return found


def count_by_schedule(schedules: Sequence[ReportSchedule]) -> dict[int, int]:
    """How many people get the report of each of an account's schedules."""
    if not schedules:
        return {}
    everybody = _everybody(schedules[0].account_id)
    rows: dict[int, dict[str, ReportRecipient]] = {one.id: {} for one in schedules}
    for row in db.session.scalars(select(ReportRecipient).where(ReportRecipient.schedule_id.in_(list(rows)))):
        rows[row.schedule_id][_key(row)] = row
    return {one.id: _count(ReportKind(one.kind), rows[one.id], everybody) for one in schedules}


def list_channels(schedule: ReportSchedule, *, actor: User) -> list[MessageChannel]:
    """The account's bots and webhooks that chose reports; a group of the client's hears only what goes to the client."""
    found = [view.channel for view in channels.list_channels(schedule.account_id, actor=actor)]
    return [one for one in found if one.is_active and NoticeSubject.REPORTS in one.subjects]


def list_addable(schedule: ReportSchedule) -> list[Person]:
    """Who is not on the list and could be: people who may read the account's reports, and its contacts with an address."""
    on_list = {one.person.key for one in list_for(schedule)}
    return [person for key, person in _everybody(schedule.account_id).items() if key not in on_list]


def edit(
    schedule_id: int, choices: Sequence[Choice], version: int, *, actor: User, now: datetime
) -> ReportSchedule:
    """Take what was decided about people; those not named stay as they are. Each change is audited by the person's name."""
    schedule = get_schedule(schedule_id, actor=actor)
    if schedule.version != version:
        raise Conflict("stale")
    people = _everybody(schedule.account_id)
    standing = {one.key for one in _audience(ReportKind(schedule.kind), people)}
    for choice in choices:
        if choice.key not in people:
            raise Invalid("report_recipient_unknown", field="added")
        if choice.language not in LANGUAGES or choice.channel not in CHANNELS:
            raise Invalid("report_recipient_unknown")
        if choice.channel == Channel.IN_APP.value and people[choice.key].user_id is None:
            raise Invalid("report_recipient_has_no_login", name=people[choice.key].name)
    rows = _rows(schedule.id)
    decided = {one.key: _plain(one, is_standing=one.key in standing) for one in choices}
    changed = {
        key: changes
        for key, choice in decided.items()
        if (changes := _changes(rows.get(key), choice, is_standing=key in standing))
    }
    if changed:
        # The list is part of the schedule: of two who change it at once the second is refused, before its rows go in.
        flag_modified(schedule, "is_active")
        db.session.flush()
    for key, changes in changed.items():
        _keep(schedule, decided[key], people[key], rows.get(key), is_standing=key in standing)
        label = f"{schedule.kind} {people[key].name}"
        audit.record("report_recipient_changed", schedule, actor=actor, now=now, label=label, changes=changes)
    return schedule


def _plain(choice: Choice, *, is_standing: bool) -> Choice:
    """Who was added and is taken off leaves nothing behind."""
    return choice if choice.gets_it or is_standing else Choice(choice.key, gets_it=False)


def _changes(row: ReportRecipient | None, choice: Choice, *, is_standing: bool) -> dict[str, tuple[Any, Any]]:
    before, after = _said(row, is_standing=is_standing), _wanted(choice)
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def _keep(
    schedule: ReportSchedule,
    choice: Choice,
    person: Person,
    row: ReportRecipient | None,
    *,
    is_standing: bool,
) -> None:
    """Keep what was decided about a person. Who is as the audience is has no row."""
    if _wanted(choice) == _said(None, is_standing=is_standing):
        if row is not None:
            db.session.delete(row)
        return
    if row is None:
        row = ReportRecipient(schedule_id=schedule.id, user_id=person.user_id, contact_id=person.contact_id)
        db.session.add(row)
    row.is_muted = not choice.gets_it
    row.language, row.channel = choice.language, choice.channel


def _wanted(choice: Choice) -> dict[str, Any]:
    return {"gets_reports": choice.gets_it, "language": choice.language, "channel": choice.channel}


def _said(row: ReportRecipient | None, *, is_standing: bool) -> dict[str, Any]:
    if row is None:
        return {"gets_reports": is_standing, "language": "", "channel": ""}
    return {"gets_reports": not row.is_muted, "language": row.language, "channel": row.channel}


def _of_account(account_id: int, kind: ReportKind) -> list[Listed]:
    schedule = db.session.scalar(
        select(ReportSchedule).where(ReportSchedule.account_id == account_id, ReportSchedule.kind == kind)
    )
    if schedule is not None:
        return list_for(schedule)
    return [Listed(person, is_standing=True) for person in _audience(kind, _everybody(account_id))]


def _count(kind: ReportKind, rows: Mapping[str, ReportRecipient], everybody: Mapping[str, Person]) -> int:
    standing = {one.key for one in _audience(kind, everybody)}
    kept = {key for key, row in rows.items() if not row.is_muted and key in everybody}
    muted = {key for key, row in rows.items() if row.is_muted}
    return len((standing | kept) - muted)


def _listed(person: Person, row: ReportRecipient | None, *, is_standing: bool) -> Listed:
    listed = Listed(person, is_standing)
    if row is None:
        return listed
    return replace(listed, is_muted=row.is_muted, language=row.language, channel=row.channel)


def _rows(schedule_id: int) -> dict[str, ReportRecipient]:
    found = db.session.scalars(select(ReportRecipient).where(ReportRecipient.schedule_id == schedule_id))
    return {_key(row): row for row in found}


def _key(row: ReportRecipient) -> str:
    return f"u{row.user_id}" if row.user_id else f"c{row.contact_id}"


def _audience(kind: ReportKind, everybody: Mapping[str, Person]) -> list[Person]:
    """The client's group insurance department and contacts who get reports; the insurer's managers; by the kind's sides."""
    sides = AUDIENCE[kind]
    people = list(everybody.values())
    found: list[Person] = []
    if Side.CLIENT in sides:
        found += [one for one in people if one.role is Role.GROUP_INSURANCE]
        known = {one.email.casefold() for one in found}
        contacts = {one.email.casefold(): one for one in reversed(people) if one.is_report_contact}
        found += [one for one in people if one in contacts.values() and one.email.casefold() not in known]
    if Side.INSURER in sides:
        found += [one for one in people if one.role is Role.MANAGER]
    return found


def _everybody(account_id: int) -> dict[str, Person]:
    """All who may get an account's reports, by key: those who may read them, and the group's contact people with an address.

    A report shows all branches, and a branch sees no other: its contact people get none, whatever was ticked.
    """
    users = access.account_members(account_id, *_READERS)
    contacts = db.session.scalars(
        select(Contact)
        .where(
            Contact.account_id == account_id,
            Contact.branch_id.is_(None),
            Contact.is_active,
            Contact.email != "",
        )
        .order_by(Contact.id)
    )
    people = [_user(user) for user in users] + [_contact(contact) for contact in contacts]
    return {one.key: one for one in people}


def _user(user: User) -> Person:
    as_recipient = notices.user_recipient(user)
    return Person(
        key=f"u{user.id}",
        name=user.name,
        email=user.email,
        language=as_recipient.language,
        user_id=user.id,
        role=user.role,
    )


def _contact(contact: Contact) -> Person:
    as_recipient = notices.contact_recipient(contact)
    return Person(
        key=f"c{contact.id}",
        name=contact.name,
        email=contact.email,
        language=as_recipient.language,
        contact_id=contact.id,
        position=contact.position,
        is_report_contact=contact.gets_reports,
    )
