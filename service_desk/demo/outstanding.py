"""Lists of outstanding claims of the demo: last week's, answered, and one handed in yesterday with questions open."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.adapters.spreadsheets import Column, TableSheet, workbook_bytes
from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.outstanding import OutstandingList
from service_desk.presenters import outstanding as words
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.services import accounts
from service_desk.services.claims import outstanding
from service_desk.services.documents import Upload

_COLUMNS = [
    Column(heading, width=16)
    for heading in ("车号", "案件编号", "事故日期", "估损金额", "案件状态", "驾驶员")
]


def build_outstanding(group: Group, files: FileStore, now: datetime) -> None:
    """Hand both lists in for the group's insurance department; the desk answers the older one."""
    statement = (
        select(Claim)
        .where(Claim.account_id == group.account.id, Claim.state.in_(OPEN_STATES))
        .order_by(Claim.reported_at, Claim.id)
        .limit(18)
    )
    claims = db.session.scalars(statement).all()
    if len(claims) < 6:
        return
    older = _hand_in(group, claims[:-4], files, now - timedelta(days=8), with_questions=False)
    staff, at = db.session.get_one(type(group.users["hq"]), older.owner_id), now - timedelta(days=7)

    def write(listed: OutstandingList, rows: words.Rows, content: bytes) -> tuple[bytes, str]:
        branches = accounts.list_branches(listed.account_id, actor=staff)
        return words.answer_file(listed, rows, content, branches, at, "zh")

    outstanding.release(older.number, write, files=files, actor=staff, now=at)
    _hand_in(group, claims[2:], files, now - timedelta(days=1), with_questions=True)
    db.session.flush()


def _hand_in(
    group: Group, claims: Sequence[Claim], files: FileStore, at: datetime, *, with_questions: bool
) -> OutstandingList:
    rows: list[tuple[str | int | None, ...]] = []
    for index, claim in enumerate(claims):
        day = local_date(claim.loss_at)
        number = claim.number if index % 3 else ""
        written = f"{day:%Y.%m.%d}" if index % 2 else day.isoformat()
        yuan = claim.reserve_fen // 100 + (500 if index == 4 else 0)
        rows.append((claim.plate, number, written, str(yuan), "未决", ""))
    if with_questions:
        rows.append((claims[0].plate, "", "", "", "未决", ""))
        rows.append(("豫C55501", "", local_date(at).isoformat(), "3000", "未决", ""))
    name = f"未决赔案清单{local_date(at):%m%d}"
    book = workbook_bytes([TableSheet("未决", name, _COLUMNS, rows, notes=["集团保险部"])])
    upload = Upload(f"{name}.xlsx", book)
    return outstanding.hand_in(upload, group.account.id, files=files, actor=group.users["hq"], now=at)
