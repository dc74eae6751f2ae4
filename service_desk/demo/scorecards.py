"""The demo's scorecards: the last months as they were kept, a yellow card with its reply, another one waived."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from service_desk.base.clock import CHINA, local_date
from service_desk.demo.group import Group
from service_desk.models.db import db
from service_desk.models.scorecards import ServiceCard
from service_desk.models.users import User
from service_desk.rules.periods import months_after
from service_desk.rules.service_cards import CardState
from service_desk.services import scorecards

_MONTHS = 4


def build_scorecards(group: Group, now: datetime) -> None:
    """Keep the last months in their order, each in the night after it, and decide on all cards but the last."""
    for back in range(_MONTHS, 0, -1):
        month = months_after(local_date(now), -back).first
        scorecards.freeze(group.account.id, month, now=_morning(month, 1, time(1, 0)))
    proposed = db.session.scalars(
        select(ServiceCard)
        .where(ServiceCard.account_id == group.account.id, ServiceCard.state == CardState.PROPOSED)
        .order_by(ServiceCard.month, ServiceCard.id)
    ).all()
    people = {user.id: user for user in group.users.values()}
    others = [card for card in proposed if card.user_id != group.users["manager"].id]
    for card in others[:-1]:
        _decide(group, card, people[card.user_id], is_confirmed=card is others[-2])


def _decide(group: Group, card: ServiceCard, person: User, *, is_confirmed: bool) -> None:
    """The last but one is confirmed and answered, and stays; those before are waived, the last waits for a decision."""
    manager, account_id = group.users["manager"], group.account.id
    at = _morning(card.month, 3, time(10, 15))
    reason = (
        "已达规则所列情形，已当面说明；下月起由主管每日晨会核对在办计时和整改。"
        if is_confirmed
        else "当月集中续保，在办量为平均的两倍，不属个人原因。"
    )
    scorecards.decide(
        account_id, card.id, reason, is_confirmed=is_confirmed, version=card.version, actor=manager, now=at
    )
    if not is_confirmed:
        return
    words = "接受。其中一件因道路管制迟到，已补交交警证明；逾期整改本周内完成。"
    scorecards.reply(
        account_id, card.id, words, version=card.version, actor=person, now=at + timedelta(hours=5)
    )
    scorecards.say_final_word(
        account_id,
        card.id,
        "管制一件已核实，其余仍成立，维持黄牌，期满自动结束。",
        is_upheld=True,
        version=card.version,
        actor=manager,
        now=at + timedelta(days=1),
    )


def _morning(month: date, day: int, at: time) -> datetime:
    """A time of day in the month after."""
    first = months_after(month, 1).first
    return datetime.combine(first + timedelta(days=day - 1), at, CHINA)
