"""The demo's templates of answers, a matter asked about twice, a mail, and complaints: one settled, one open."""

from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.demo.group import Group
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import ContactKind, EnquiryChannel, WordMeans
from service_desk.models.fleet import Vehicle
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.services import enquiries
from service_desk.services.enquiries import ContactDetails, FurtherCall, Sender, TemplateText, Word

_TEMPLATES = (
    (
        TemplateText(
            topic="单证",
            title="尚缺单证清单",
            title_en="Documents still missing",
            body="{caller}您好：案件 {claim_no} 尚缺 {missing_documents}。可在手机页面逐张拍照上传，齐全后当日理算。"
            "如有疑问请联系{owner_name}，{owner_phone}。",
            body_en="Dear {caller}, for claim {claim_no} we still need: {missing_documents}. You can photograph them on "
            "your phone; we calculate the day they are complete. Questions: {owner_name}, {owner_phone}.",
            is_common=True,
        ),
        "admin",
    ),
    (
        TemplateText(
            topic="保单",
            title="停驶退费",
            title_en="Refund while off the road",
            body="{caller}您好：{plate} 办理报停登记后，自报停次日起按日退还商业险保费；复驶前一日请告知我们恢复保障。"
            "经办人{owner_name}，{owner_phone}。",
            body_en="Dear {caller}, once {plate} is registered as off the road, commercial premium is returned by the day. "
            "Tell us the day before it runs again. Contact: {owner_name}, {owner_phone}.",
        ),
        "manager",
    ),
    (
        TemplateText(
            topic="保单",
            title="开票信息变更",
            title_en="Change of invoice details",
            body="{caller}您好：开票信息已更新，下月起按新信息开具。经办人{owner_name}，{owner_phone}。",
            body_en="Dear {caller}, the invoice details are changed and apply from next month. "
            "Contact: {owner_name}, {owner_phone}.",
        ),
        "manager",
    ),
)


def build_contact_stories(group: Group, now: datetime) -> None:
    """Write them, each at its own time before `now`."""
    for text, author in _TEMPLATES:
        enquiries.save_template(
            None, group.account.id, text, 0, actor=group.users[author], now=now - timedelta(days=60)
        )
    db.session.flush()
    _asked_twice(group, now)
    _mail(group, now - timedelta(minutes=18))
    of_account = select(Claim).where(Claim.account_id == group.account.id, Claim.state.in_(OPEN_STATES))
    told = of_account.where(Claim.reported_at < now - timedelta(days=1))
    oldest = db.session.scalar(told.order_by(Claim.reported_at, Claim.id).limit(1))
    latest = db.session.scalar(told.order_by(Claim.reported_at.desc(), Claim.id).limit(1))
    if oldest is not None and latest is not None:
        _settled_complaint(group, oldest, now)
        _open_complaint(group, latest, now)


def _call(group: Group, subject: str, body: str, about: str) -> ContactDetails:
    officer = group.users["safety-gongyi"]
    return ContactDetails(
        channel=EnquiryChannel.CALL,
        caller_name=officer.name,
        caller_phone=officer.phone,
        subject=subject,
        body=body,
        about=about,
        branch_id=officer.branch_id,
        kind=ContactKind.REQUEST,
    )


def _asked_twice(group: Group, now: datetime) -> None:
    """A call that was asked about again the day after and came to somebody else, who added it to the first."""
    officer = group.users["safety-gongyi"]
    vehicles = select(Vehicle.plate).where(Vehicle.branch_id == officer.branch_id, Vehicle.plate.is_not(None))
    plates = list(db.session.scalars(vehicles.order_by(Vehicle.id).limit(2)))
    owner, other, at = group.users["underwriter"], group.users["claims2"], now - timedelta(days=2, hours=3)
    subject, body = "停驶客车退保进度", "上周提交的报停材料，退费什么时候到账？"
    first = enquiries.log_contact(
        group.account.id, _call(group, subject, body, plates[0] or ""), actor=owner, now=at
    )
    db.session.flush()
    enquiries.answer(
        first.number, "材料已齐，退费复核中。", first.version, actor=owner, now=at + timedelta(minutes=12)
    )
    db.session.flush()
    again = FurtherCall(EnquiryChannel.CALL, officer.name, officer.phone, "还没有收到退费，请再查一下。")
    enquiries.add_repeat(first.number, again, actor=other, now=at + timedelta(days=1))
    db.session.flush()
    enquiries.answer(
        first.number,
        "退费已复核通过，今日 16:00 前到账。",
        first.version,
        actor=owner,
        now=at + timedelta(days=1, minutes=25),
    )
    db.session.flush()
    open_one = enquiries.log_contact(
        group.account.id,
        _call(group, "电子保单未收到", "两辆车的电子保单邮箱里没有。", plates[-1] or ""),
        actor=other,
        now=now - timedelta(minutes=50),
    )
    db.session.flush()
    enquiries.add_repeat(
        open_one.number,
        FurtherCall(EnquiryChannel.CALL, officer.name, officer.phone, "上午出车，急用。"),
        actor=owner,
        now=now - timedelta(minutes=9),
    )
    db.session.flush()


def _mail(group: Group, at: datetime) -> None:
    """A mail to the desk's address, from the group's insurance department."""
    writer = group.users["hq"]
    details = ContactDetails(
        channel=EnquiryChannel.MAIL,
        caller_name=writer.name,
        caller_phone=writer.phone,
        subject="建议每月十日前寄送发票",
        body="财务月中结账，发票若能在十日前寄到，付款可提前一周。",
        about="",
        branch_id=None,
        kind=ContactKind.OPINION,
    )
    sender = Sender(writer.name, writer.phone, writer.email, writer)
    enquiries.receive_contact(group.account.id, details, sender, now=at)
    db.session.flush()


def _settled_complaint(group: Group, claim: Claim, now: datetime) -> None:
    """The first answer did not satisfy; the next manager's did."""
    client, at = group.users["hq"], now - timedelta(days=12)
    complaint = enquiries.log_complaint(
        group.account.id,
        "约好九点查勘，十一点才到，现场一直占着应急车道。",
        subject="查勘迟到两小时",
        about=claim.number,
        actor=client,
        now=at,
    )
    people = {user.id: user for user in group.users.values()}
    replies = ("当日事故集中，查勘员前一现场延误，特此致歉。", "已约谈查勘员并增派夜间备勤，今后超时即改派。")
    for place, reply in enumerate(replies):
        at += timedelta(hours=5)
        db.session.flush()
        hearing = people[complaint.owner_id]
        enquiries.answer(complaint.number, reply, complaint.version, actor=hearing, now=at)
        db.session.flush()
        at += timedelta(hours=1)
        word = Word(place == 1, WordMeans.CALL, client.name, at, "" if place else "没有说明怎样避免再发生。")
        enquiries.record_word(complaint.number, word, complaint.version, actor=hearing, now=at)


def _open_complaint(group: Group, claim: Claim, now: datetime) -> None:
    enquiries.log_complaint(
        group.account.id,
        "三次电话都说在开会，没有人回电。",
        subject="赔案经办人不回电话",
        about=claim.number,
        actor=group.users["hq"],
        now=now - timedelta(hours=2),
    )
    db.session.flush()
