"""Reading scorecards: an account's people in a month, and one person's months."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.scorecards import Scorecard, ServiceCard
from service_desk.models.users import User
from service_desk.rules.periods import month_of, months_after
from service_desk.rules.scorecard import SCORES, Figure, Figures, ScoreMeasure, desk_average, from_json
from service_desk.rules.service_cards import CardState
from service_desk.services.measures import Span
from service_desk.services.scorecards.cards import is_running, shown_cards
from service_desk.services.scorecards.figures import counted_people, read_people
from service_desk.services.scorecards.seeing import open_as_judge, open_person

MONTHS = 12


class CardChoice(StrEnum):
    """Which people of the list are wanted."""

    ALL = "all"
    WITH_CARD = "with_card"
    TO_DECIDE = "to_decide"


@dataclass(frozen=True)
class ListedPerson:
    """Somebody's month, with the cards that run today and those that wait for a decision."""

    user: User
    figures: Figures
    running: Sequence[ServiceCard]
    proposed: Sequence[ServiceCard]


@dataclass(frozen=True)
class Listing:
    """The people of an account in a month. `frozen_at` None: the month runs, and its figures are of now."""

    month: date
    people: Sequence[ListedPerson]
    desk: Figures
    frozen_at: datetime | None
    zone: ZoneInfo


@dataclass(frozen=True)
class MonthFigures:
    """A person's month as it was kept, or as it is so far where `frozen_at` is None."""

    month: date
    figures: Figures
    desk: Figures
    frozen_at: datetime | None


@dataclass(frozen=True)
class PersonFile:
    """One person's scorecard. `months` are the oldest first, the last one runs.

    `corrected` is what the chosen month would be by what is known today, where that differs from what was kept:
    figures of a moment are known only then and never among them.
    """

    account: KeyAccount
    user: User
    months: Sequence[MonthFigures]
    chosen: MonthFigures
    corrected: Mapping[ScoreMeasure, Figure]
    cards: Sequence[ServiceCard]
    deciders: Mapping[int, User]
    zone: ZoneInfo
    is_own: bool


def months_known(account_id: int, *, actor: User, now: datetime) -> list[date]:
    """The months there is something of, the latest first; the running one always."""
    account = open_as_judge(account_id, actor)
    statement = select(Scorecard.month).where(Scorecard.account_id == account_id).distinct()
    kept = db.session.scalars(statement.order_by(Scorecard.month.desc()))
    return [month_of(local_date(now, ZoneInfo(account.zone))).first, *kept]


def list_people(
    account_id: int, month: date, *, which: CardChoice = CardChoice.ALL, actor: User, now: datetime
) -> Listing:
    """The people of an account, for its managers: a kept month as it was kept, the running one as it is now."""
    account = open_as_judge(account_id, actor)
    zone = ZoneInfo(account.zone)
    rows = db.session.execute(
        select(Scorecard, User)
        .join(User, User.id == Scorecard.user_id)
        .where(Scorecard.account_id == account_id, Scorecard.month == month)
        .order_by(User.staff_no, User.id)
    ).all()
    if rows:
        found: dict[User, Figures] = {user: from_json(card.figures) for card, user in rows}
        desk, frozen_at = from_json(rows[0][0].desk), rows[0][0].frozen_at
    else:
        found, desk = _live(account_id, month, zone, now)
        frozen_at = None
    cards = _cards(account_id, [user.id for user in found])
    people = [_listed(user, figures, cards.get(user.id, []), actor, now) for user, figures in found.items()]
    return Listing(month, [one for one in people if _is_wanted(one, which)], desk, frozen_at, zone)


def _live(
    account_id: int, month: date, zone: ZoneInfo, now: datetime
) -> tuple[dict[User, Figures], dict[ScoreMeasure, Figure]]:
    users = counted_people(account_id)
    found = read_people(Span(account_id, month_of(month), zone, now), [user.id for user in users])
    return {user: found[user.id] for user in users}, desk_average(found.values())


def _cards(account_id: int, user_ids: Collection[int]) -> dict[int, list[ServiceCard]]:
    statement = select(ServiceCard).where(
        ServiceCard.account_id == account_id,
        ServiceCard.user_id.in_(user_ids),
        ServiceCard.state.in_((CardState.PROPOSED, CardState.CONFIRMED)),
    )
    found: dict[int, list[ServiceCard]] = {}
    for card in db.session.scalars(statement.order_by(ServiceCard.month.desc(), ServiceCard.id.desc())):
        found.setdefault(card.user_id, []).append(card)
    return found


def _listed(
    user: User, figures: Figures, cards: Sequence[ServiceCard], actor: User, now: datetime
) -> ListedPerson:
    """Nobody reads here what is proposed for themselves."""
    proposed = [card for card in cards if card.state is CardState.PROPOSED and user.id != actor.id]
    return ListedPerson(user, figures, [card for card in cards if is_running(card, now)], proposed)


def _is_wanted(one: ListedPerson, which: CardChoice) -> bool:
    if which is CardChoice.TO_DECIDE:
        return bool(one.proposed)
    return which is CardChoice.ALL or bool(one.running)


def read_person(
    account_id: int, user_id: int, *, month: date | None = None, actor: User, now: datetime
) -> PersonFile:
    """One person's scorecard, for that person and the account's managers.

    `month` chooses one of the shown months; without it, or for one that is not shown, the running one.
    """
    account, user = open_person(account_id, user_id, actor)
    zone = ZoneInfo(account.zone)
    this_month = month_of(local_date(now, zone)).first
    months = [*_kept(account_id, user_id, this_month), _running(account_id, user_id, this_month, zone, now)]
    chosen = next((one for one in months if one.month == month), months[-1])
    cards = shown_cards(account_id, user_id, actor=actor)
    named = {card.decided_by_id for card in cards} | {card.final_by_id for card in cards}
    deciders = db.session.scalars(select(User).where(User.id.in_(named - {None})))
    return PersonFile(
        account=account,
        user=user,
        months=months,
        chosen=chosen,
        corrected=_corrected(account_id, user_id, chosen, zone, now),
        cards=cards,
        deciders={one.id: one for one in deciders},
        zone=zone,
        is_own=actor.id == user_id,
    )


def _kept(account_id: int, user_id: int, this_month: date) -> list[MonthFigures]:
    first = months_after(this_month, 1 - MONTHS).first
    rows = db.session.scalars(
        select(Scorecard)
        .where(
            Scorecard.account_id == account_id,
            Scorecard.user_id == user_id,
            Scorecard.month >= first,
            Scorecard.month < this_month,
        )
        .order_by(Scorecard.month)
    )
    return [
        MonthFigures(row.month, from_json(row.figures), from_json(row.desk), row.frozen_at) for row in rows
    ]


def _running(account_id: int, user_id: int, month: date, zone: ZoneInfo, now: datetime) -> MonthFigures:
    """The month so far, beside all who are counted; who works there no longer is not among them."""
    ids = {user.id for user in counted_people(account_id)}
    found = read_people(Span(account_id, month_of(month), zone, now), {*ids, user_id})
    desk = desk_average(figures for key, figures in found.items() if key in ids)
    return MonthFigures(month, found[user_id], desk, None)


def _corrected(
    account_id: int, user_id: int, chosen: MonthFigures, zone: ZoneInfo, now: datetime
) -> dict[ScoreMeasure, Figure]:
    if chosen.frozen_at is None:
        return {}
    span = Span(account_id, month_of(chosen.month), zone, now)
    found = read_people(span, [user_id])[user_id]
    return {
        measure: found[measure]
        for measure, kind in SCORES.items()
        if not kind.is_of_moment and found[measure] != chosen.figures[measure]
    }
