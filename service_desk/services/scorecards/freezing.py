"""Months that are over are kept as they stood: once a person and month, whatever is corrected afterwards."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select

from service_desk.base.clock import local_date
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.scorecards import Scorecard
from service_desk.rules.periods import month_of, months_after
from service_desk.rules.scorecard import desk_average, to_json
from service_desk.services.measures import Span
from service_desk.services.scorecards import cards
from service_desk.services.scorecards.figures import counted_people, read_people


def due_months(account_id: int, *, now: datetime) -> list[date]:
    """The months that are over and not kept yet, the oldest first: the last one, and any missed before it.

    An account of which nothing is kept begins with the last month.
    """
    account = db.session.get_one(KeyAccount, account_id)
    last_over = months_after(local_date(now, ZoneInfo(account.zone)), -1).first
    kept = select(func.max(Scorecard.month)).where(Scorecard.account_id == account_id)
    last_kept: date | None = db.session.scalar(kept)
    month = last_over if last_kept is None else months_after(last_kept, 1).first
    found = []
    while month <= last_over:
        found.append(month)
        month = months_after(month, 1).first
    return found


def freeze(account_id: int, month: date, *, now: datetime) -> int:
    """Keep the month of everybody who works for the account, and propose what cards it gives; how many were kept.

    Who is kept already stays as kept; a second run writes nothing. ValueError for a month that is not over.
    """
    account = db.session.get_one(KeyAccount, account_id)
    span = Span(account_id, month_of(month), ZoneInfo(account.zone), now)
    if not span.is_over:
        raise ValueError("a month is kept when it is over")
    kept = set(db.session.scalars(_kept_people(account_id, span.period.first)))
    wanted = [user.id for user in counted_people(account_id)]
    missing = [user_id for user_id in wanted if user_id not in kept]
    if not missing:
        return 0
    found = read_people(span, wanted)
    desk = to_json(desk_average(found.values()))
    for user_id in missing:
        db.session.add(
            Scorecard(
                account_id=account_id,
                user_id=user_id,
                month=span.period.first,
                figures=to_json(found[user_id]),
                desk=desk,
                frozen_at=now,
            )
        )
    db.session.flush()
    cards.propose(account_id, span.period.first, missing, now=now)
    return len(missing)


def _kept_people(account_id: int, month: date) -> Select[tuple[int]]:
    return select(Scorecard.user_id).where(Scorecard.account_id == account_id, Scorecard.month == month)
