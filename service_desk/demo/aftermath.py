"""What followed in the demo: clocks swept, breaches reviewed, the last reports sent, the old mails delivered."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random

from sqlalchemy import insert, literal, select, update

from service_desk.base.clock import CHINA, local_date
from service_desk.demo.group import Group
from service_desk.models.db import db
from service_desk.models.notices import Channel, DeliveryTry, Notice, NoticeState
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import sent_at
from service_desk.services import renewals, sla
from service_desk.services.relations import chasing, due
from service_desk.services.reports import runs, schedules
from service_desk.services.sla import remedies
from service_desk.services.sla.reviews import CorrectionAsked, SignReview

# Cause, explanation, correction; without a correction nobody of ours caused it.
_FINDINGS = (
    ("workload", "当周在办 11 件，预警发出后未求助", "预警同时抄送主管，在办超过 8 件时暂停派新案"),
    (
        "late_handover",
        "移交时剩余时间不足 2 小时",
        "移交页面显示剩余时间，不足半天的移交须主管同意",
    ),
    ("oversight", "处理完成后未及时登记", "每日 17:00 核对当日到期事项"),
    ("force_majeure", "雪天交通管制，绕行后到达", ""),
    ("parts_or_pricing", "配件报价往返两次", "常用车型配件价格按月更新"),
)
_DONE_SHARE = 0.95
_DONE = "已按整改措施执行，并在班前会上说明"


def sweep_clocks(now: datetime) -> None:
    """Let the clocks tell all that is due, at its true instant."""
    while taken := sla.claim_due_timers(now):
        sla.check_timers(taken, now)
        db.session.flush()


def build_reviews(group: Group, random: Random, now: datetime) -> None:
    """Sign the reviews of all but the latest breaches; two of the last two months were left lying."""
    manager = group.users["manager"]
    breached = db.session.scalars(
        select(Timer)
        .where(Timer.breached_at.is_not(None), Timer.matter_kind != "breach")
        .where(Timer.breached_at < now - timedelta(days=6), Timer.stopped_at.is_not(None))
        .order_by(Timer.breached_at)
    ).all()
    left_lying = [
        timer.id for timer in breached if timer.breached_at and timer.breached_at > now - timedelta(days=60)
    ][:2]
    for timer in breached:
        if timer.id in left_lying or timer.breached_at is None or timer.stopped_at is None:
            continue
        signed_at = max(timer.stopped_at, timer.breached_at) + timedelta(hours=random.uniform(3, 30))
        _review(timer, random, manager, min(signed_at, now), now)
    db.session.flush()


def _review(timer: Timer, random: Random, manager: User, signed_at: datetime, now: datetime) -> None:
    """Sign one review; most corrections of more than a week ago were made in time."""
    cause, explanation, text = random.choice(_FINDINGS)
    due_on = local_date(signed_at) + timedelta(days=7)
    command = SignReview(
        cause=cause,
        responsible_id=timer.holder_id if text else None,
        explanation=explanation,
        correction=CorrectionAsked(text, due_on) if text else None,
    )
    review = sla.sign_review(timer.id, command, actor=manager, now=signed_at)
    done_at = signed_at + timedelta(days=random.uniform(1, 6))
    if text and done_at < now and random.random() < _DONE_SHARE:
        owner = db.session.get_one(User, review.correction_owner_id)
        remedies.report_done(timer.id, _DONE, actor=owner, now=done_at)


def build_reports(group: Group, now: datetime) -> None:
    """Make each report of the last period that was due by now, and of two weeks, each at its own time."""
    schedules.ensure_schedules(now)
    db.session.flush()
    account = group.account
    for schedule in schedules.list_on_schedule():
        if schedule.account_id == account.id:
            since_ever = replace(schedule, starts_on=date(2000, 1, 1))
            latest = 2 if schedule.kind is ReportKind.WEEKLY_CLAIMS else 1
            for due in runs.wanted(since_ever, now)[-latest:]:
                runs.make_scheduled(due, now=sent_at(since_ever.rule, due.period))
    db.session.flush()


def send_morning_notices(group: Group, now: datetime) -> None:
    """What the daily jobs sent this morning, or the morning before when it is not seven yet."""
    at = datetime.combine(local_date(now), time(7), CHINA)
    at = at if at <= now else at - timedelta(days=1)
    renewals.send_reminders(group.account.id, now=at)
    renewals.send_uninsured_notices(group.account.id, now=at)
    due.warn(group.account.id, now=at)
    chasing.send_reminders(group.account.id, now=at)
    db.session.flush()


def settle_outbox(now: datetime) -> None:
    """Mark the mails of the past as delivered and old notices as read, so that a first start sends no flood."""
    old_mail = (Notice.channel == Channel.MAIL, Notice.state == NoticeState.QUEUED)
    db.session.execute(
        insert(DeliveryTry).from_select(
            ["notice_id", "at", "succeeded", "detail"],
            select(Notice.id, Notice.created_at, literal(True), literal("250 OK")).where(*old_mail),
        )
    )
    db.session.execute(
        update(Notice)
        .where(*old_mail)
        .values(state=NoticeState.SENT, sent_at=Notice.created_at, next_try_at=None, tries=1)
    )
    read = (Notice.channel == Channel.IN_APP, Notice.created_at < now - timedelta(days=2))
    db.session.execute(update(Notice).where(*read).values(read_at=Notice.created_at))
