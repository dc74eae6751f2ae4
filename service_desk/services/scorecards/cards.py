"""Cards: proposed by the rules when a month is kept, decided by a manager, answered by the person.

The trail keeps that a card was decided, answered and ended, not why: reason, reply and last word are the card's own.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.scorecards import Scorecard, ServiceCard
from service_desk.models.users import User
from service_desk.rules.periods import month_of, months_after
from service_desk.rules.permissions import Action, Role
from service_desk.rules.scorecard import Figures, ScoreMeasure, from_json
from service_desk.rules.service_cards import (
    MOST_MONTHS,
    CardColour,
    CardState,
    Given,
    Ground,
    ends_on,
    makes_red,
    pack_figure,
    proposals,
)
from service_desk.services import access, audit, notices
from service_desk.services.scorecards.card_rules import rules_in_force
from service_desk.services.scorecards.seeing import open_as_judge, open_person

# What the person sees of the own cards; proposals and what was waived are the managers'.
_TOLD = (CardState.CONFIRMED, CardState.LIFTED)


def propose(account_id: int, month: date, user_ids: Collection[int], *, now: datetime) -> int:
    """Propose the cards that some people's months give by the rules of the month's last day; how many."""
    months = _kept_months(account_id, month, user_ids)
    rules = rules_in_force(account_id, month_of(month).last)
    given = _given(account_id, month, user_ids)
    number = 0
    for user_id, figures in months.items():
        for colour, grounds in proposals(figures, rules, given[user_id]).items():
            number += _propose(account_id, user_id, month, colour, [_packed(one) for one in grounds], now)
    if number:
        _tell_managers("cards_proposed", account_id, month, now, dedupe=f"cards:{account_id}:{month}")
    return number


def _kept_months(account_id: int, month: date, user_ids: Collection[int]) -> dict[int, list[Figures]]:
    """Each person's months up to this one, the latest first, as far as they adjoin."""
    first = months_after(month, 1 - MOST_MONTHS).first
    rows = db.session.scalars(
        select(Scorecard)
        .where(
            Scorecard.account_id == account_id,
            Scorecard.user_id.in_(user_ids),
            Scorecard.month.between(first, month),
        )
        .order_by(Scorecard.month.desc())
    )
    found: dict[int, list[Figures]] = defaultdict(list)
    for row in rows:
        if row.month == months_after(month, -len(found[row.user_id])).first:
            found[row.user_id].append(from_json(row.figures))
    return found


def _given(account_id: int, month: date, user_ids: Collection[int]) -> dict[int, list[Given]]:
    """For what each of some people had a card proposed before."""
    first = months_after(month, 1 - MOST_MONTHS).first
    rows = db.session.scalars(
        select(ServiceCard).where(
            ServiceCard.account_id == account_id,
            ServiceCard.user_id.in_(user_ids),
            ServiceCard.month >= first,
            ServiceCard.month < month,
        )
    )
    found: dict[int, list[Given]] = defaultdict(list)
    for card in rows:
        ago = (month.year - card.month.year) * 12 + month.month - card.month.month
        found[card.user_id] += [Given(card.colour, ScoreMeasure(one["measure"]), ago) for one in card.grounds]
    return found


def _propose(
    account_id: int,
    user_id: int,
    month: date,
    colour: CardColour,
    grounds: list[dict[str, Any]],
    now: datetime,
) -> bool:
    same = select(ServiceCard.id).where(
        ServiceCard.account_id == account_id,
        ServiceCard.user_id == user_id,
        ServiceCard.month == month,
        ServiceCard.colour == colour,
    )
    if db.session.scalar(same) is not None:
        return False
    db.session.add(
        ServiceCard(
            account_id=account_id,
            user_id=user_id,
            month=month,
            colour=colour,
            grounds=grounds,
            state=CardState.PROPOSED,
            proposed_at=now,
            ends_on=ends_on(colour, month),
        )
    )
    db.session.flush()
    return True


def _packed(ground: Ground) -> dict[str, Any]:
    rule = ground.rule
    return {
        "measure": rule.measure.value,
        "comparison": rule.comparison.value,
        "threshold": str(rule.threshold),
        "months": rule.months,
        "figures": [pack_figure(one) for one in ground.figures],
    }


def shown_cards(account_id: int, user_id: int, *, actor: User) -> list[ServiceCard]:
    """A person's cards, the latest first: to managers all, to the person those that were told."""
    open_person(account_id, user_id, actor)
    statement = select(ServiceCard).where(
        ServiceCard.account_id == account_id, ServiceCard.user_id == user_id
    )
    if actor.id == user_id:
        statement = statement.where(ServiceCard.state.in_(_TOLD))
    return list(db.session.scalars(statement.order_by(ServiceCard.month.desc(), ServiceCard.id.desc())))


def get_card(account_id: int, card_id: int, *, actor: User) -> ServiceCard:
    """A card the actor sees; NotFound otherwise."""
    access.require(actor, Action.READ_SCORECARDS)
    card = db.session.get(ServiceCard, card_id)
    if card is None or card.account_id != account_id:
        raise NotFound("not_found")
    open_person(account_id, card.user_id, actor)
    if card.user_id == actor.id and card.state not in _TOLD:
        raise NotFound("not_found")
    return card


def decide(
    account_id: int,
    card_id: int,
    reason: str,
    *,
    is_confirmed: bool,
    version: int,
    actor: User,
    now: datetime,
) -> ServiceCard:
    """Confirm a proposed card or waive it, with a reason; never one's own. Who gets one is told.

    A yellow card beside another that still runs makes a red one to be decided.
    """
    card = _to_judge(account_id, card_id, version, actor)
    if card.state is not CardState.PROPOSED:
        raise Conflict("card_decided")
    if not reason.strip():
        raise Invalid("required", field="reason")
    state = CardState.CONFIRMED if is_confirmed else CardState.WAIVED
    changes = audit.change(card, state=state, decided_at=now, decided_by_id=actor.id)
    card.reason = reason.strip()
    _record("card_confirmed" if is_confirmed else "card_waived", card, actor, now, changes)
    if is_confirmed:
        _tell("card_given", card, now)
        _make_red(card, now)
    return card


def reply(
    account_id: int, card_id: int, words: str, *, version: int, actor: User, now: datetime
) -> ServiceCard:
    """What the person says to a confirmed card, once. The account's managers are told."""
    card = get_card(account_id, card_id, actor=actor)
    if card.user_id != actor.id:
        raise Forbidden("card_of_another")
    if card.version != version:
        raise Conflict("stale")
    if card.state is not CardState.CONFIRMED or card.replied_at is not None:
        raise Conflict("card_answered")
    if not words.strip():
        raise Invalid("required", field="reply")
    changes = audit.change(card, replied_at=now)
    card.reply = words.strip()
    _record("card_answered", card, actor, now, changes)
    _tell_managers("card_answered", account_id, card.month, now, dedupe=f"card:{card.id}", card=card)
    return card


def say_final_word(
    account_id: int,
    card_id: int,
    words: str,
    *,
    is_upheld: bool,
    version: int,
    actor: User,
    now: datetime,
) -> ServiceCard:
    """A manager's last word on a reply: the card stays, or it is lifted. The person is told."""
    card = _to_judge(account_id, card_id, version, actor)
    if card.replied_at is None or card.final_at is not None:
        raise Conflict("card_not_answered")
    if not words.strip():
        raise Invalid("required", field="final_word")
    state = CardState.CONFIRMED if is_upheld else CardState.LIFTED
    changes = audit.change(card, state=state, final_at=now, final_by_id=actor.id)
    card.final_word = words.strip()
    _record("card_upheld" if is_upheld else "card_lifted", card, actor, now, changes)
    _tell("card_final_word", card, now)
    return card


def _to_judge(account_id: int, card_id: int, version: int, actor: User) -> ServiceCard:
    open_as_judge(account_id, actor)
    card = db.session.get(ServiceCard, card_id)
    if card is None or card.account_id != account_id:
        raise NotFound("not_found")
    if card.user_id == actor.id:
        raise Forbidden("card_own")
    if card.version != version:
        raise Conflict("stale")
    return card


def _make_red(card: ServiceCard, now: datetime) -> None:
    if card.colour is not CardColour.YELLOW:
        return
    others = db.session.scalars(
        select(ServiceCard.month).where(
            ServiceCard.account_id == card.account_id,
            ServiceCard.user_id == card.user_id,
            ServiceCard.colour == CardColour.YELLOW,
            ServiceCard.state == CardState.CONFIRMED,
            ServiceCard.id != card.id,
        )
    ).all()
    latest = max([card.month, *others])
    if makes_red([month for month in {card.month, *others} if month != latest], latest):
        _propose(card.account_id, card.user_id, latest, CardColour.RED, [], now)


def _record(action: str, card: ServiceCard, actor: User, now: datetime, changes: dict[str, Any]) -> None:
    audit.record(action, card, actor=actor, now=now, label=f"{card.month:%Y-%m}", changes=changes)


def _tell(kind: str, card: ServiceCard, now: datetime) -> None:
    """Tell the person that there is something to read, and no more: the delivery log has other readers."""
    user = db.session.get_one(User, card.user_id)
    _queue(
        kind,
        [user],
        card.account_id,
        card.month,
        f"card:{card.id}",
        f"/scorecards/{user.id}#card-{card.id}",
        now,
    )


def _tell_managers(
    kind: str, account_id: int, month: date, now: datetime, *, dedupe: str, card: ServiceCard | None = None
) -> None:
    managers = access.account_members(account_id, Role.MANAGER)
    told = [user for user in managers if card is None or user.id != card.user_id]
    url = (
        f"/scorecards/{card.user_id}#card-{card.id}"
        if card
        else f"/scorecards?month={month:%Y-%m}&which=to_decide"
    )
    _queue(kind, told, account_id, month, dedupe, url, now)


def _queue(
    kind: str, users: Collection[User], account_id: int, month: date, dedupe: str, url: str, now: datetime
) -> None:
    params = {"month": f"{month:%Y-%m}", "url": url}
    notices.queue_many(
        [
            notices.Message(
                kind,
                notices.user_recipient(user),
                params,
                dedupe=f"{kind}:{dedupe}",
                account_id=account_id,
                # Never into the account's groups: the client reads there too.
                is_shared=False,
            )
            for user in users
            if user.is_active
        ],
        now=now,
    )


def is_running(card: ServiceCard, now: datetime) -> bool:
    """Whether a card counts today: confirmed, and its term not over."""
    return card.state is CardState.CONFIRMED and local_date(now) <= card.ends_on
