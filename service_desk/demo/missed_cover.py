"""Missed cover of the demo: found yesterday, some chased, one answered by its branch."""

from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.models.db import db
from service_desk.models.renewals import CaseState, ChaseChannel, MissedCoverCase
from service_desk.models.users import User
from service_desk.services import renewals
from service_desk.services.renewals import cases
from service_desk.services.renewals.cases import ChaseCommand

_FOUND_BEFORE = timedelta(hours=27)
_SAID = (
    (ChaseChannel.CALL, "安全科 郭科长", "续保单已报集团保险部审批，明天上午盖章后送来。", 1),
    (ChaseChannel.VISIT, "车队 李队长", "车辆停在场内未出车，答应续保前不安排班次。", 2),
    (ChaseChannel.MESSAGE, "安全员 马会计", "已发催办短信并附漏保清单，对方回复今天下班前办。", 0),
)


def build_missed_cover(group: Group, now: datetime) -> None:
    """Let the watch find what is missing, and log what people would have done since."""
    renewals.watch(group.account.id, now=now - _FOUND_BEFORE)
    found = db.session.scalars(
        select(MissedCoverCase)
        .where(MissedCoverCase.account_id == group.account.id, MissedCoverCase.state == CaseState.OPEN)
        .order_by(MissedCoverCase.id)
    ).all()
    for place, (case, (channel, person, text, days)) in enumerate(zip(found, _SAID, strict=False)):
        at = now - timedelta(hours=20 - 6 * place)
        promised_on = local_date(at) + timedelta(days=days)
        command = ChaseCommand(channel, person, text, promised_on)
        owner = db.session.get(User, case.owner_id) if case.owner_id else None
        if owner is not None:
            cases.log_chase(case.number, command, actor=owner, now=at)
    renewals.watch(group.account.id, now=now)
