"""Dunning: what branches have open by level, and notices of it, once a branch, level and day."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, insert, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch, Contact, KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import Policy
from service_desk.models.premiums import DunningLine, DunningNotice, Receivable
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role
from service_desk.rules.premium import DunningLevel, dunning_levels
from service_desk.services import access, audit, notices, numbers
from service_desk.services.notices import Message, Recipient
from service_desk.services.premiums.ledger import OpenReceivable, open_rows
from service_desk.services.premiums.terms import terms_of

# A mail lists so many lines; the letter and the page have them all.
MOST_LISTED = 50

Key = tuple[int, int]
"""A branch and the day a level begins at."""


@dataclass
class DunningCase:
    """What a branch has open at a level."""

    branch: Branch
    level: DunningLevel
    lines: list[OpenReceivable] = field(default_factory=list)
    last_on: date | None = None

    @property
    def key(self) -> Key:
        return self.branch.id, self.level.from_days

    @property
    def open_fen(self) -> int:
        return sum(line.open_fen for line in self.lines)


@dataclass(frozen=True)
class NoticeLine:
    """A line of a notice, as it was then."""

    policy: Policy
    instalment: int
    due_on: date
    open_fen: int


@dataclass(frozen=True)
class NoticeView:
    """A notice with all its page and its letter show. `sent_by` None: the daily job."""

    notice: DunningNotice
    account: KeyAccount
    branch: Branch
    lines: Sequence[NoticeLine]
    sent_by: User | None


def list_cases(account_id: int, *, actor: User, now: datetime) -> list[DunningCase]:
    """What could be dunned today, by branch and level, the worst level of a branch first."""
    access.require(actor, Action.READ_PREMIUMS)
    account = access.get_visible(actor, Action.READ_PREMIUMS, KeyAccount, KeyAccount.id == account_id)
    return _cases(account.id, now)


def send_notices(account_id: int, chosen: Collection[Key], *, actor: User, now: datetime) -> list[str]:
    """Send notices for branches and levels; their numbers. One that was sent today already is left out.

    Invalid `nothing_to_dun` when none is chosen or nothing is open of them, Conflict `dunned_today`.
    """
    access.require(actor, Action.RECEIVE_PREMIUM)
    account = access.get_visible(actor, Action.RECEIVE_PREMIUM, KeyAccount, KeyAccount.id == account_id)
    _lock(account.id)
    cases = [case for case in _cases(account.id, now) if case.key in chosen]
    if not cases:
        raise Invalid("nothing_to_dun")
    fresh = [case for case in cases if case.last_on != local_date(now)]
    if not fresh:
        raise Conflict("dunned_today")
    return _send(account.id, fresh, actor, now)


def send_daily(account_id: int, *, now: datetime) -> int:
    """Send what reached a level since the last notice of it, for an account that wants it; how many notices."""
    if not terms_of(account_id).is_dunned_daily:
        return 0
    _lock(account_id)
    known = _dunned(account_id)
    today = local_date(now)
    cases = [
        case
        for case in _cases(account_id, now)
        if case.last_on != today
        and any(
            (line.receivable.id, case.level.from_days, line.receivable.due_on) not in known
            for line in case.lines
        )
    ]
    return len(_send(account_id, cases, None, now))


def list_notices(account_id: int, page: PageRequest, *, actor: User) -> Page[tuple[DunningNotice, Branch]]:
    """The notices sent, the latest first."""
    access.require(actor, Action.READ_PREMIUMS)
    statement: Select[tuple[DunningNotice, Branch]] = (
        select(DunningNotice, Branch)
        .join(Branch, Branch.id == DunningNotice.branch_id)
        .where(DunningNotice.account_id == account_id)
    )
    statement = access.visible(actor, Action.READ_PREMIUMS, statement, DunningNotice)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ordered = statement.order_by(DunningNotice.sent_at.desc(), DunningNotice.id.desc())
    rows = db.session.execute(ordered.limit(page.size).offset(page.offset))
    return Page([(row[0], row[1]) for row in rows], total, page.number, page.size)


def get_notice(number: str, *, actor: User) -> NoticeView:
    """One notice with what it listed; NotFound when the actor may not see it."""
    notice = access.get_visible(actor, Action.READ_PREMIUMS, DunningNotice, DunningNotice.number == number)
    lines = db.session.execute(
        select(Policy, Receivable.instalment, DunningLine.due_on, DunningLine.open_fen)
        .join(Receivable, Receivable.policy_id == Policy.id)
        .join(DunningLine, DunningLine.receivable_id == Receivable.id)
        .where(DunningLine.notice_id == notice.id)
        .order_by(DunningLine.due_on, DunningLine.id)
    ).tuples()
    return NoticeView(
        notice,
        db.session.get_one(KeyAccount, notice.account_id),
        db.session.get_one(Branch, notice.branch_id),
        [NoticeLine(*line) for line in lines],
        db.session.get_one(User, notice.sent_by_id) if notice.sent_by_id else None,
    )


def _lock(account_id: int) -> None:
    """A second sender waits here, and then finds today's notices sent."""
    db.session.execute(
        select(KeyAccount.id).where(KeyAccount.id == account_id).with_for_update(key_share=True)
    )


def _cases(account_id: int, now: datetime) -> list[DunningCase]:
    today = local_date(now)
    levels = dunning_levels(terms_of(account_id).dunning_days)
    latest_due = today - timedelta(days=levels[0].from_days)
    wanted = select(Receivable.id).where(Receivable.account_id == account_id, Receivable.due_on <= latest_due)
    cases: dict[Key, DunningCase] = {}
    for line in open_rows(wanted):
        level = next(one for one in levels if one.holds((today - line.receivable.due_on).days))
        case = DunningCase(line.branch, level)
        cases.setdefault(case.key, case).lines.append(line)
    for branch_id, from_days, day in db.session.execute(
        select(DunningNotice.branch_id, DunningNotice.from_days, func.max(DunningNotice.noticed_on))
        .where(DunningNotice.account_id == account_id)
        .group_by(DunningNotice.branch_id, DunningNotice.from_days)
    ):
        if (branch_id, from_days) in cases:
            cases[branch_id, from_days].last_on = day
    return sorted(cases.values(), key=lambda case: (case.branch.name, case.branch.id, -case.level.from_days))


def _dunned(account_id: int) -> set[tuple[int, int, date]]:
    """Receivables with the levels at which they were in a notice, and when they were due then: a plan moves that."""
    statement = (
        select(DunningLine.receivable_id, DunningNotice.from_days, DunningLine.due_on)
        .join(DunningNotice, DunningNotice.id == DunningLine.notice_id)
        .where(DunningNotice.account_id == account_id)
    )
    return set(db.session.execute(statement).tuples())


def _send(account_id: int, cases: Sequence[DunningCase], actor: User | None, now: datetime) -> list[str]:
    if not cases:
        return []
    year = local_date(now).year
    taken = numbers.take(f"DUN-{year}", len(cases))
    made = []
    for case, number in zip(cases, taken, strict=True):
        notice = DunningNotice(
            number=f"DUN-{year}-{number:06d}",
            account_id=account_id,
            branch_id=case.branch.id,
            from_days=case.level.from_days,
            until_days=case.level.until_days,
            noticed_on=local_date(now),
            line_count=len(case.lines),
            amount_fen=case.open_fen,
            sent_by_id=actor.id if actor else None,
            sent_at=now,
        )
        made.append(notice)
    db.session.add_all(made)
    db.session.flush()
    db.session.execute(
        insert(DunningLine),
        [
            {
                "notice_id": notice.id,
                "receivable_id": line.receivable.id,
                "due_on": line.receivable.due_on,
                "open_fen": line.open_fen,
            }
            for notice, case in zip(made, cases, strict=True)
            for line in case.lines
        ],
    )
    audit.record_many("dunning_sent", map(_subject, made), actor=actor, now=now)
    notices.queue_many(_messages(account_id, made, cases), now=now)
    return [notice.number for notice in made]


def _subject(notice: DunningNotice) -> audit.Subject:
    changes = {"amount_fen": (None, notice.amount_fen), "line_count": (None, notice.line_count)}
    return audit.Subject(DunningNotice.__tablename__, notice.id, notice.account_id, notice.number, changes)


def _messages(
    account_id: int, made: Sequence[DunningNotice], cases: Sequence[DunningCase]
) -> Iterable[Message]:
    """To each branch's contacts its own notices, to the group's insurance department one list of all of them."""
    contacts = _contacts(account_id)
    for notice, case in zip(made, cases, strict=True):
        params = _params(notice, case)
        for recipient in contacts[case.branch.id]:
            dedupe = f"premium_dunning:{notice.number}"
            yield Message("premium_dunning", recipient, params, dedupe, account_id=account_id)
    listed = [_summary(notice, case) for notice, case in zip(made, cases, strict=True)]
    params = {
        "day": made[0].noticed_on.isoformat(),
        "branch_count": len({case.branch.id for case in cases}),
        "amount_fen": sum(notice.amount_fen for notice in made),
        "rows": listed,
        "url": "/premiums/dunning/sent",
    }
    department = [
        notices.user_recipient(user) for user in access.account_members(account_id, Role.GROUP_INSURANCE)
    ]
    for recipient in department or contacts[None]:
        dedupe = f"premium_dunning_group:{made[0].number}"
        yield Message("premium_dunning_group", recipient, params, dedupe, account_id=account_id)


def _contacts(account_id: int) -> dict[int | None, list[Recipient]]:
    found: dict[int | None, list[Recipient]] = defaultdict(list)
    rows = db.session.scalars(
        select(Contact).where(Contact.account_id == account_id, Contact.is_active).order_by(Contact.id)
    )
    for contact in rows:
        found[contact.branch_id].append(notices.contact_recipient(contact))
    return found


def _summary(notice: DunningNotice, case: DunningCase) -> dict[str, Any]:
    return {
        "number": notice.number,
        "branch": case.branch.name,
        "branch_en": case.branch.name_en,
        "from_days": notice.from_days,
        "until_days": notice.until_days,
        "line_count": notice.line_count,
        "amount_fen": notice.amount_fen,
    }


def _params(notice: DunningNotice, case: DunningCase) -> dict[str, Any]:
    return _summary(notice, case) | {
        "day": notice.noticed_on.isoformat(),
        "rows": [
            {
                "policy": line.policy.number,
                "plate": line.policy.plate or line.policy.vin or "",
                "line": line.policy.line.value,
                "due_on": line.receivable.due_on.isoformat(),
                "open_fen": line.open_fen,
            }
            for line in case.lines[:MOST_LISTED]
        ],
        "more": max(0, len(case.lines) - MOST_LISTED),
        "url": f"/premiums/dunning/{notice.number}",
    }
