"""What both sides of the demo wrote to each other: answered, waiting, read and not read yet."""

import io
from datetime import datetime, timedelta

from PIL import Image, ImageDraw
from sqlalchemy import ColumnElement, select

from service_desk.adapters.file_store import FileStore
from service_desk.demo.group import Group
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.messaging import ThreadKind
from service_desk.services import messages
from service_desk.services.documents import Upload
from service_desk.services.messages import NewMessage, Talked

_MINUTE = timedelta(minutes=1)


def build_messages(group: Group, files: FileStore, now: datetime) -> None:
    """Four conversations: of an officer with their handler, of the group's department, of a contact, one of last week."""
    officer, department = group.users["safety-gongyi"], group.users["hq"]
    own = _open_claims(Claim.branch_id == officer.branch_id, now)
    others = _open_claims(Claim.branch_id != officer.branch_id, now)
    if own:
        _with_photo(own[0], officer, files, now)
    if others:
        _waiting(others[0], department, files, now)
    if len(others) > 1:
        _ended(others[1], department, files, now)
    asked = db.session.scalar(
        select(Enquiry)
        .where(Enquiry.opened_by_id == officer.id, Enquiry.channel == EnquiryChannel.MESSAGE)
        .order_by(Enquiry.opened_at.desc())
        .limit(1)
    )
    if asked is not None:
        _say(
            messages.of_enquiry(asked),
            "另外两辆公交也一起续，行驶证稍后发。",
            officer,
            files,
            now - 9 * _MINUTE,
        )
    db.session.flush()


def _open_claims(condition: ColumnElement[bool], now: datetime) -> list[Claim]:
    statement = (
        select(Claim)
        .where(Claim.state.in_(OPEN_STATES), Claim.reported_at < now - timedelta(days=1), condition)
        .order_by(Claim.reported_at.desc(), Claim.id)
        .limit(2)
    )
    return list(db.session.scalars(statement))


def _with_photo(claim: Claim, officer: User, files: FileStore, now: datetime) -> None:
    """Asked with a photo, answered, and asked again a moment ago."""
    talked, owner = messages.of_claim(claim), _owner(claim)
    asked_at = now - timedelta(hours=22)
    photo = Upload("对方保险单.jpg", paper_photo())
    _say(talked, "对方的交强险保单要不要复印件？照片先发您。", officer, files, asked_at, photo)
    _read(talked, owner, asked_at + 9 * _MINUTE)
    _say(talked, "照片清楚，不用复印件。请再拍一张对方行驶证。", owner, files, asked_at + 14 * _MINUTE)
    _read(talked, officer, asked_at + 31 * _MINUTE)
    _say(talked, "行驶证车主今天下午送来，几点前送到修理厂合适？", officer, files, now - 16 * _MINUTE)


def _waiting(claim: Claim, department: User, files: FileStore, now: datetime) -> None:
    """The department asked and got a word in between; the answer is still to come."""
    talked, owner = messages.of_claim(claim), _owner(claim)
    _say(talked, "这起事故的伤者家属来电，垫付什么时候能到？", department, files, now - 50 * _MINUTE)
    _read(talked, owner, now - 41 * _MINUTE)
    word = NewMessage("正在和财务核对，半小时内答复。", is_interim=True)
    messages.write(ThreadKind.CLAIM, claim.number, word, files=files, actor=owner, now=now - 40 * _MINUTE)


def _ended(claim: Claim, department: User, files: FileStore, now: datetime) -> None:
    """Answered yesterday, thanked for, and no answer needed to that."""
    talked, owner, at = messages.of_claim(claim), _owner(claim), now - timedelta(hours=23)
    _say(talked, "定损单能否先发一份电子版？", department, files, at)
    _read(talked, owner, at + 5 * _MINUTE)
    _say(talked, "已上传到本案资料，请查收。", owner, files, at + 20 * _MINUTE)
    _read(talked, department, at + 42 * _MINUTE)
    _say(talked, "收到，谢谢。", department, files, at + 43 * _MINUTE)
    messages.need_no_answer(
        ThreadKind.CLAIM, claim.number, "客户致谢，无需答复", actor=owner, now=at + 50 * _MINUTE
    )


def _say(talked: Talked, words: str, who: User, files: FileStore, at: datetime, *uploads: Upload) -> None:
    messages.write(talked.kind, talked.number, NewMessage(words, uploads), files=files, actor=who, now=at)
    db.session.flush()


def _read(talked: Talked, who: User, at: datetime) -> None:
    messages.mark_read(messages.read_thread(talked, actor=who, now=at), actor=who, now=at)
    db.session.flush()


def _owner(claim: Claim) -> User:
    return db.session.get_one(User, claim.owner_id)


def paper_photo() -> bytes:
    """A drawn stand-in for the photo of a policy."""
    picture = Image.new("RGB", (640, 440), (245, 243, 236))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((40, 36, 600, 404), outline=(120, 120, 120), width=3)
    for line in range(9):
        draw.line((70, 90 + 32 * line, 560 - 40 * (line % 3), 90 + 32 * line), fill=(150, 155, 165), width=5)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=70)
    return content.getvalue()
