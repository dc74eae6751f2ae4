"""The demo's calls, visits and messages, some answered, some closed, one handed over."""

from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select

from service_desk.demo.contact_stories import build_contact_stories
from service_desk.demo.group import Group, person_name
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import ContactKind, EnquiryChannel, Handover, HandoverState, MatterKind
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.services import enquiries

_TOPICS = (
    (
        "询问车辆过户批改手续",
        "需要提供哪些材料？",
        "请提供新行驶证、登记证书复印件和批改申请书，当日出批单。",
        ContactKind.QUESTION,
    ),
    (
        "承运人责任险理赔材料",
        "乘客受伤后要准备什么？",
        "请准备客票或乘车证明、病历、费用清单和赔偿协议，已发清单到邮箱。",
        ContactKind.QUESTION,
    ),
    (
        "保单抬头开票信息变更",
        "开票地址变更，请更新。",
        "已更新开票信息，下月起按新地址开具。",
        ContactKind.REQUEST,
    ),
    (
        "咨询停驶车辆是否可以退保",
        "两辆公交停驶三个月。",
        "交强险停驶须办理报停手续后按日退费，材料清单已告知。",
        ContactKind.QUESTION,
    ),
    (
        "赔款何时到账",
        "三周前的剐蹭事故赔款未到账。",
        "已于昨日 15:20 支付，请查收；回单已发安全科。",
        ContactKind.QUESTION,
    ),
    (
        "新车入户需要先投保哪些险种",
        "新购 4 辆 49 座客车。",
        "营运客车需交强险、三者险和承运人责任险，已排定周三上门出单。",
        ContactKind.QUESTION,
    ),
    ("安全例会邀请", "请派员讲解雨雪天事故防范。", "周四 14:30 到会，由马骏讲解。", ContactKind.REQUEST),
    ("对定损金额有疑问", "后保险杠应更换而非修复。", "已安排复勘，明日 10 点到修理厂。", ContactKind.OPINION),
)


def build_contacts(group: Group, random: Random, now: datetime) -> None:
    """Log about forty contacts over three months; the last days' are open."""
    plates = list(db.session.scalars(select(Vehicle.plate).where(Vehicle.plate.is_not(None)).limit(400)))
    staff = [group.users[name] for name in ("underwriter", "underwriter2", "claims1", "claims2", "claims3")]
    ages = sorted((random.uniform(4, 95) for _ in range(34)), reverse=True)
    for age in [*ages, 2.1, 1.4, 0.9]:
        _contact(group, staff, random.choice(plates) or "", now - timedelta(days=age), age < 3, random, now)
    _contact(group, staff[:1], random.choice(plates) or "", now - timedelta(minutes=14), True, random, now)
    _message(group, now - timedelta(minutes=22))
    build_contact_stories(group, now)
    _offer_claim(group, now)


def _contact(
    group: Group, staff: list[User], plate: str, at: datetime, stays_open: bool, random: Random, now: datetime
) -> None:
    subject, body, reply, kind = random.choice(_TOPICS)
    owner, branch = random.choice(staff), random.choice(group.branches)
    enquiry = enquiries.log_contact(
        group.account.id,
        enquiries.ContactDetails(
            channel=random.choice((EnquiryChannel.CALL, EnquiryChannel.CALL, EnquiryChannel.VISIT)),
            caller_name=person_name(random),
            caller_phone=f"139 3711 {random.randint(1000, 9999)}",
            subject=subject,
            body=body,
            about=plate if random.random() < 0.6 else "",
            branch_id=branch.id,
            kind=kind,
        ),
        actor=owner,
        now=at,
    )
    db.session.flush()
    answered_at = at + timedelta(minutes=random.choice((3, 8, 12, 20, 26, 27, 55)))
    if stays_open or answered_at > now:
        return
    enquiries.answer(enquiry.number, reply, enquiry.version, actor=owner, now=answered_at)
    db.session.flush()
    enquiries.close(enquiry.number, enquiry.version, actor=owner, now=answered_at + timedelta(hours=2))
    db.session.flush()


def _message(group: Group, at: datetime) -> None:
    """A message that a safety officer wrote on the client's pages."""
    officer = group.users["safety-gongyi"]
    details = enquiries.ContactDetails(
        channel=EnquiryChannel.MESSAGE,
        caller_name=officer.name,
        caller_phone=officer.phone,
        subject="续保时间安排",
        body="下月到期的六辆客车想在月底前统一出单，可以吗？",
        about="",
        branch_id=officer.branch_id,
    )
    enquiries.log_contact(group.account.id, details, actor=officer, now=at)
    db.session.flush()


def _offer_claim(group: Group, now: datetime) -> None:
    """One open claim waits to be taken over by `claims1`."""
    taker = group.users["claims1"]
    claim = db.session.scalar(
        select(Claim)
        .where(
            Claim.state.in_(OPEN_STATES),
            Claim.owner_id != taker.id,
            Claim.reported_at < now - timedelta(days=1),
            # Some days catch one in the midst of changing hands.
            Claim.id.not_in(
                select(Handover.matter_id).where(
                    Handover.matter_kind == MatterKind.CLAIM, Handover.state == HandoverState.ASKED
                )
            ),
        )
        .order_by(Claim.reported_at.desc())
        .limit(1)
    )
    if claim is None:
        return
    owner = next(user for user in group.users.values() if user.id == claim.owner_id)
    enquiries.ask_handover(
        MatterKind.CLAIM,
        claim.number,
        taker.id,
        "明日休假，烦请接手定损",
        actor=owner,
        now=now - timedelta(minutes=40),
    )
