"""What became of a report's mails and of what bots and webhooks were told of it, and sending one again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.models.notices import Channel, DeliveryTry, Notice, NoticeState
from service_desk.models.reports import ReportRun
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, notices
from service_desk.services.reports.runs import MATTER_KIND

_OUTWARD = (Notice.matter_kind == MATTER_KIND, Notice.channel != Channel.IN_APP)


@dataclass(frozen=True)
class Delivery:
    """A message of a report that left the desk, and its tries, latest first."""

    notice: Notice
    tries: tuple[DeliveryTry, ...]


def count_deliveries(run_ids: Sequence[int]) -> dict[int, dict[NoticeState, int]]:
    """How many messages of each report wait, were sent, or failed."""
    rows = db.session.execute(
        select(Notice.matter_id, Notice.state, func.count())
        .where(Notice.matter_id.in_(run_ids), *_OUTWARD)
        .group_by(Notice.matter_id, Notice.state)
    )
    counts: dict[int, dict[NoticeState, int]] = {run_id: {} for run_id in run_ids}
    for run_id, state, number in rows:
        counts[run_id][state] = number
    return counts


def send_again(
    run: ReportRun, notice_id: int, *, seen: int | None = None, actor: User, now: datetime
) -> bool:
    """Put one message of a report back into the queue, as `notices.send_again`; NotFound when it is not one of this report."""
    if notice_id not in {one.notice.id for one in list_deliveries(run, actor=actor)}:
        raise NotFound("not_found")
    return notices.send_again(notice_id, seen=seen, actor=actor, now=now)


def list_deliveries(run: ReportRun, *, actor: User) -> list[Delivery]:
    """The messages of a report with their tries, for those who may read the delivery log; else nothing."""
    if not access.may(actor, Action.READ_DELIVERY_LOG):
        return []
    mails = db.session.scalars(
        select(Notice).where(Notice.matter_id == run.id, *_OUTWARD).order_by(Notice.id)
    ).all()
    tries = db.session.scalars(
        select(DeliveryTry)
        .where(DeliveryTry.notice_id.in_([mail.id for mail in mails]))
        .order_by(DeliveryTry.at.desc(), DeliveryTry.id.desc())
    ).all()
    return [Delivery(mail, tuple(t for t in tries if t.notice_id == mail.id)) for mail in mails]
