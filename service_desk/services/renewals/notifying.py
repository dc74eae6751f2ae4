"""Notices about cover that ends and cover that is missing: one a day for each branch, one for the group.

A branch's notice goes to its contacts who want them and to the safety officers who see it; the group's to
the contacts without a branch and to the group insurance department.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch, Contact, KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.renewals import RenewalReminder
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role
from service_desk.rules.renewal import reminder_due
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access, notices
from service_desk.services.notices import Recipient
from service_desk.services.renewals.covers import Expiry, account_expiries
from service_desk.services.renewals.uninsured import MissedCover, account_uninsured

# A mail lists so many vehicles; the page it leads to has them all.
MOST_LISTED = 100


@dataclass(frozen=True)
class _DueReminder:
    expiry: Expiry
    rung: int


def list_reminders(
    account_id: int, page: PageRequest, *, actor: User
) -> Page[tuple[RenewalReminder, str, Branch]]:
    """The reminders sent, the latest first, with plate and branch."""
    access.require(actor, Action.READ_RENEWALS)
    statement = access.visible(
        actor,
        Action.READ_RENEWALS,
        select(RenewalReminder, Vehicle.plate, Vehicle.vin, Branch)
        .join(Vehicle, Vehicle.id == RenewalReminder.vehicle_id)
        .join(Branch, Branch.id == RenewalReminder.branch_id)
        .where(RenewalReminder.account_id == account_id),
        RenewalReminder,
    )
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ordered = statement.order_by(RenewalReminder.sent_at.desc(), RenewalReminder.id.desc())
    rows = db.session.execute(ordered.limit(page.size).offset(page.offset))
    return Page([(row[0], row[1] or row[2] or "", row[3]) for row in rows], total, page.number, page.size)


def send_reminders(account_id: int, *, now: datetime) -> int:
    """Queue the reminders of an account that are due and were not sent; return how many vehicles' lines.

    After days without a run only the nearest rung of the ladder goes out. Writes a RenewalReminder for each.
    """
    # A second worker waits here, and then finds everything sent.
    account = db.session.scalars(
        select(KeyAccount).where(KeyAccount.id == account_id).with_for_update()
    ).one()
    due = _due(account, now)
    if not due:
        return 0
    db.session.execute(insert(RenewalReminder), [_reminder_values(account.id, one, now) for one in due])
    by_branch: dict[int, list[_DueReminder]] = defaultdict(list)
    for one in due:
        by_branch[one.expiry.branch.id].append(one)
    audience = _Audience(account.id)
    for branch_id, own in by_branch.items():
        params = _reminder_params(own, own[0].expiry.branch, now)
        _queue("renewal_reminder", audience.of_branch(branch_id), params, account.id, _keys(own), now)
    params = _reminder_params(due, None, now)
    _queue("renewal_reminder", audience.of_group(), params, account.id, _keys(due), now)
    return len(due)


def _due(account: KeyAccount, now: datetime) -> list[_DueReminder]:
    today, ladder = local_date(now), account.reminder_days
    expiries = account_expiries(account.id, max(ladder, default=0), now=now)
    sent = _sent(account.id, today)
    due = []
    for one in expiries:
        known = sent.get((one.vehicle_id, one.line, one.last_day), set())
        rung = reminder_due(one.last_day, today, sent=known, ladder=ladder)
        if rung is not None:
            due.append(_DueReminder(one, rung))
    return due


def _keys(due: Sequence[_DueReminder]) -> list[str]:
    return [f"{one.expiry.vehicle_id}:{one.expiry.line}:{one.rung}" for one in due]


def _sent(account_id: int, today: date) -> dict[tuple[int, PolicyLine, date], set[int]]:
    found: dict[tuple[int, PolicyLine, date], set[int]] = defaultdict(set)
    statement = select(RenewalReminder).where(
        RenewalReminder.account_id == account_id, RenewalReminder.expires_on >= today
    )
    for row in db.session.scalars(statement):
        found[row.vehicle_id, row.line, row.expires_on].add(row.days_before)
    return found


def _reminder_values(account_id: int, due: _DueReminder, now: datetime) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "branch_id": due.expiry.branch.id,
        "vehicle_id": due.expiry.vehicle_id,
        "line": due.expiry.line,
        "expires_on": due.expiry.last_day,
        "days_before": due.rung,
        "sent_at": now,
    }


def _reminder_params(due: Sequence[_DueReminder], branch: Branch | None, now: datetime) -> dict[str, Any]:
    expiries = [one.expiry for one in due]
    return {
        **_names(branch),
        "day": local_date(now).isoformat(),
        "vehicle_count": len({one.vehicle_id for one in expiries}),
        "first_day": min(one.last_day for one in expiries).isoformat(),
        "groups": _groups((one.branch, one.use_class, one.vehicle_id) for one in expiries),
        "rows": [
            {
                "plate": one.plate,
                **_names(one.branch),
                "use_class": one.use_class.value if one.use_class else "",
                "line": one.line.value,
                "last_day": one.last_day.isoformat(),
                "days_left": one.days_left,
            }
            for one in expiries[:MOST_LISTED]
        ],
        "more": max(0, len(expiries) - MOST_LISTED),
        "url": "/renewals" if branch is None else f"/renewals?branch={branch.id}",
    }


def _groups(rows: Iterable[tuple[Branch, UseClass | None, int]]) -> list[dict[str, Any]]:
    """Vehicles by branch and class."""
    branches: dict[int, Branch] = {}
    vehicles: dict[tuple[str, int, str], set[int]] = defaultdict(set)
    for branch, use_class, vehicle_id in rows:
        branches[branch.id] = branch
        vehicles[branch.name, branch.id, use_class or ""].add(vehicle_id)
    return [
        {**_names(branches[branch_id]), "use_class": str(use_class), "count": len(ids)}
        for (_, branch_id, use_class), ids in sorted(vehicles.items())
    ]


def _names(branch: Branch | None) -> dict[str, str]:
    """A branch in both languages; empty for the whole group."""
    return {"branch": branch.name if branch else "", "branch_en": branch.name_en if branch else ""}


def send_uninsured_notices(
    account_id: int, *, now: datetime, only: Sequence[MissedCover] | None = None
) -> int:
    """Queue today's notices of vehicles without required cover; return how many vehicles. Once a day each.

    `only`: news of these, which turned up after the day's notices had gone out.
    """
    missed = account_uninsured(account_id, now=now) if only is None else list(only)
    by_branch: dict[int, list[MissedCover]] = defaultdict(list)
    for one in missed:
        by_branch[one.vehicle.branch_id].append(one)
    if not missed:
        return 0
    audience = _Audience(account_id)
    for branch_id, own in by_branch.items():
        params = _uninsured_params(own, own[0].branch, now) | {"is_news": only is not None}
        _queue("uninsured_vehicles", audience.of_branch(branch_id), params, account_id, _news(own, only), now)
    params = _uninsured_params(missed, None, now) | {"is_news": only is not None}
    _queue("uninsured_vehicles", audience.of_group(), params, account_id, _news(missed, only), now)
    return len(missed)


def _news(missed: Sequence[MissedCover], only: Sequence[MissedCover] | None) -> list[str]:
    """What tells one list of news from another; nothing for the day's whole list."""
    return [] if only is None else [str(one.vehicle.id) for one in missed]


def _uninsured_params(missed: Sequence[MissedCover], branch: Branch | None, now: datetime) -> dict[str, Any]:
    return {
        **_names(branch),
        "day": local_date(now).isoformat(),
        "vehicle_count": len(missed),
        "without_ctpl": sum(one.lacks_ctpl for one in missed),
        "groups": _groups((one.branch, one.vehicle.use_class, one.vehicle.id) for one in missed),
        "rows": [
            {
                "plate": one.vehicle.plate or one.vehicle.vin or "",
                **_names(one.branch),
                "use_class": one.vehicle.use_class.value if one.vehicle.use_class else "",
                "missing": [line.value for line in one.missing],
                "days_without": one.days_without(one.missing[0], now),
            }
            for one in missed[:MOST_LISTED]
        ],
        "more": max(0, len(missed) - MOST_LISTED),
        "url": "/renewals/uninsured" + ("" if branch is None else f"?branch={branch.id}"),
    }


def _queue(
    kind: str,
    recipients: Iterable[Recipient],
    params: dict[str, Any],
    account_id: int,
    contents: Sequence[str],
    now: datetime,
) -> None:
    # Vehicles imported later in the day may bring a second list; the same list never goes twice.
    content = ";".join(contents)
    digest = hashlib.sha256(content.encode()).hexdigest()[:12] if content else "all"
    dedupe = f"{kind}:{account_id}:{params['url']}:{params['day']}:{digest}"
    for recipient in recipients:
        notices.queue(
            kind,
            recipient,
            params,
            dedupe=dedupe,
            now=now,
            account_id=account_id,
            # A chat reads the group's list, not forty parts of it.
            is_shared=not params["branch"],
        )


class _Audience:
    """Who hears of a branch's vehicles, and who of the whole group's; read once an account."""

    def __init__(self, account_id: int) -> None:
        self._paths = {
            row.id: row.path
            for row in db.session.execute(
                select(Branch.id, Branch.path).where(Branch.account_id == account_id)
            )
        }
        self._contacts = db.session.scalars(
            select(Contact)
            .where(Contact.account_id == account_id, Contact.gets_renewals, Contact.is_active)
            .order_by(Contact.id)
        ).all()
        self._officers = access.account_members(account_id, Role.BRANCH_SAFETY)
        self._department = access.account_members(account_id, Role.GROUP_INSURANCE)

    def of_branch(self, branch_id: int) -> list[Recipient]:
        """The branch's contacts, and the safety officers of it or of a branch above it."""
        path = self._paths[branch_id]
        officers = [
            user for user in self._officers if path.startswith(self._paths.get(user.branch_id or 0, "none"))
        ]
        return _once(officers, [contact for contact in self._contacts if contact.branch_id == branch_id])

    def of_group(self) -> list[Recipient]:
        """The group's contacts and its insurance department."""
        return _once(self._department, [contact for contact in self._contacts if contact.branch_id is None])


def _once(users: Iterable[User], contacts: Iterable[Contact]) -> list[Recipient]:
    """Recipients without repeats: a contact who is also a login gets the login's."""
    found = [notices.user_recipient(user) for user in users]
    known = {recipient.email.casefold() for recipient in found if recipient.email}
    return found + [
        notices.contact_recipient(contact) for contact in contacts if contact.email.casefold() not in known
    ]
