"""Any list as a spreadsheet: what is filtered, as its reader may see it, written down, and nothing for others."""

import errno
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.enquiries import EnquiryChannel
from service_desk.models.sla import AbsenceKind
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.permissions import Role
from service_desk.services import enquiries
from service_desk.services.claims import authority
from service_desk.services.enquiries import ContactDetails
from service_desk.services.sla import absences
from service_desk.services.sla.absences import PlanAbsence
from tests.claim_cases import Journey, dispute, reported_claim
from tests.factories import UserFactory
from tests.world import World

pytestmark = pytest.mark.both_databases

SignIn = Callable[[str], FlaskClient]

# Every list that this piece sends: its page and its file; all may be read by the manager, users by the administrator.
LISTS = {
    "/absences": "/absences.xlsx",
    "/account": "/account/branches.xlsx",
    "/account?people": "/account/contacts.xlsx",
    "/audit": "/audit.xlsx",
    "/batches": "/batches.xlsx",
    "/breaches": "/breaches.xlsx",
    "/claims": "/claims.xlsx",
    "/claims/dates": "/claims/dates.xlsx",
    "/claims/later-demands": "/claims/later-demands.xlsx",
    "/coverage/gaps": "/coverage/gaps.xlsx",
    "/coverage/vehicles": "/coverage/vehicles.xlsx",
    "/deliveries": "/deliveries.xlsx",
    "/deliveries/runs": "/deliveries/runs.xlsx",
    "/disputes": "/disputes.xlsx",
    "/endorsements": "/endorsements.xlsx",
    "/enquiries": "/enquiries.xlsx",
    "/follow-ups": "/follow-ups.xlsx",
    "/measures": "/measures.xlsx",
    "/notices/log": "/notices/log.xlsx",
    "/outstanding": "/outstanding.xlsx",
    "/policies": "/policies.xlsx",
    "/policies/lists": "/policies/lists.xlsx",
    "/premiums/dunning": "/premiums/dunning.xlsx",
    "/premiums/dunning/sent": "/premiums/dunning/sent.xlsx",
    "/premiums/releases": "/premiums/releases.xlsx",
    "/quotes": "/quotes.xlsx",
    "/rates": "/rates.xlsx",
    "/receipts": "/receipts.xlsx",
    "/recoveries": "/recoveries.xlsx",
    "/refunds": "/refunds.xlsx",
    "/renewals": "/renewals.xlsx",
    "/renewals/calendar": "/renewals/calendar.xlsx",
    "/renewals/missed": "/renewals/missed.xlsx",
    "/renewals/outcomes": "/renewals/outcomes.xlsx",
    "/renewals/rate/policies": "/renewals/rate/policies.xlsx",
    "/renewals/reminders": "/renewals/reminders.xlsx",
    "/reports": "/reports.xlsx",
    "/reports?kind=none": "/reports/schedules.xlsx",
    "/settings/calendars": "/settings/calendars.xlsx",
    "/settings/causes": "/settings/causes.xlsx",
    "/settings/levels": "/settings/levels.xlsx",
    "/vehicle-requests": "/vehicle-requests.xlsx",
    "/vehicle-requests/register": "/vehicle-requests/register.xlsx",
    "/vehicles": "/vehicles/export",
    "/vehicles/imports": "/vehicles/imports.xlsx",
}
# They speak of no account: people, settings, definitions; the trail may be of several accounts.
OF_THE_DESK = {
    "/absences.xlsx", "/audit.xlsx", "/measures.xlsx", "/settings/calendars.xlsx", "/settings/causes.xlsx",
    "/settings/levels.xlsx",
}  # fmt: skip
# The client's branch sees its own of these; of the others it is refused even an empty file.
OF_A_BRANCH = {
    "/batches.xlsx", "/claims.xlsx", "/endorsements.xlsx", "/enquiries.xlsx", "/policies.xlsx",
    "/account/branches.xlsx", "/account/contacts.xlsx", "/coverage/gaps.xlsx", "/coverage/vehicles.xlsx", "/measures.xlsx",
    "/renewals.xlsx", "/renewals/outcomes.xlsx", "/renewals/calendar.xlsx", "/renewals/missed.xlsx", "/renewals/rate/policies.xlsx",
    "/renewals/reminders.xlsx", "/vehicle-requests.xlsx",
    "/vehicle-requests/register.xlsx", "/vehicles/export",
}  # fmt: skip


def table(client: FlaskClient, address: str) -> tuple[list[str], list[list[Any]]]:
    """The notes above the table and its rows, headings first; without a row of totals."""
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.text)
    rows = [list(row) for row in load_workbook(io.BytesIO(answer.data)).active.values]
    begin = next(at for at, row in enumerate(rows) if len([cell for cell in row if cell]) > 1)
    notes = [str(row[0]) for row in rows[:begin]]
    return notes, [row for row in rows[begin:] if row[0] not in {"合计", None}]


def taken(address: str) -> list[AuditEntry]:
    db.session.rollback()
    exported = select(AuditEntry).where(AuditEntry.action == "exported").order_by(AuditEntry.id)
    entries = db.session.scalars(exported)
    return [entry for entry in entries if entry.changes["filter"][1].split("?")[0] == address]


def test_every_list_gives_what_its_page_counts_and_is_written_down_once(
    world: World, now: datetime, sign_in: SignIn
) -> None:
    claim = reported_claim(world, now)
    dispute(Journey(world, claim, now).to(ClaimState.APPROVED), world.safety_gongyi, now)
    client = sign_in("manager")

    for page, address in LISTS.items():
        counted = re.search(r'class="list-total">([\d,]+)', client.get(page).text)
        notes, rows = table(client, address)
        (entry,) = taken(address)
        if counted and page != "/audit":
            assert len(rows) - 1 == int(counted[1]), page
        assert entry.changes["export_rows"][1] == len(rows) - 1, page
        assert entry.actor_id == world.manager.id, page
        assert entry.account_id == (None if address in OF_THE_DESK else world.account.id), page
        assert entry.changes["export_table"][1] == notes[0], page
    assert "导出清单" in client.get("/audit?action=exported").text


def test_a_filter_and_an_order_hold_in_the_file_and_typed_words_stay_out_of_the_trail(
    world: World, now: datetime, sign_in: SignIn
) -> None:
    for serial, (subject, name) in enumerate([("=1+1", "张三"), ("查保单", "李四光"), ("查保单", "王五")]):
        details = ContactDetails(
            EnquiryChannel.CALL, name, f"1391234567{serial}", subject, "", "", world.gongyi.id
        )
        enquiries.log_contact(
            world.account.id, details, actor=world.claims1, now=now + timedelta(minutes=serial)
        )
    handler, underwriter = sign_in("claims1"), sign_in("underwriter")

    _notes, (head, *rows) = table(handler, "/enquiries.xlsx?view=all")
    notes, found = table(underwriter, "/enquiries.xlsx?view=all&q=%E6%9D%8E%E5%9B%9B")

    subject_at, who, phone = (head.index(name) for name in ("事项", "询问人", "电话"))
    page = handler.get("/enquiries?view=all").text
    numbers = [str(row[0]) for row in rows]
    assert sorted(numbers, key=page.index) == numbers
    # What looks like a formula is text, and who works on claims sees callers whole.
    assert [row[subject_at] for row in rows] == ["查保单", "查保单", "=1+1"]
    assert [row[who] for row in rows] == ["王五", "李四光", "张三"]
    assert rows[0][phone] == "13912345672"
    assert [(row[who], row[phone]) for row in found[1:]] == [("李**", "139****5671")]
    assert "李四" in notes[-1]
    assert taken("/enquiries.xlsx")[-1].changes["filter"][1] == "/enquiries.xlsx?view=all&q=***"


def test_others_take_nothing(world: World, now: datetime, sign_in: SignIn, client: FlaskClient) -> None:
    claim = reported_claim(world, now)
    UserFactory(
        username="safety-zhongmu", role=Role.BRANCH_SAFETY, accounts=[world.account], branch=world.zhongmu
    )
    own, other_branch, other_account = (
        sign_in(name) for name in ("safety-gongyi", "safety-zhongmu", world.foreign_hq.username)
    )

    for address in LISTS.values():
        assert client.get(address).status_code == 302, address
        expected = 200 if address in OF_A_BRANCH else 403
        assert own.get(address).status_code == expected, address
    assert own.get("/users.xlsx").status_code == 403
    assert len(taken("/disputes.xlsx")) == 0
    seen = [
        claim.number in [row[0] for row in table(reader, "/claims.xlsx")[1]]
        for reader in (own, other_branch, other_account)
    ]
    assert seen == [True, False, False]


def test_the_trails_own_file_is_masked_and_logins_are_whole(
    world: World, now: datetime, sign_in: SignIn
) -> None:
    entry = AuditEntry(
        at=now, actor_id=world.manager.id, account_id=world.account.id, action="claim_contact_recorded"
    )
    entry.entity_kind, entry.entity_id, entry.entity_label = "claims", 1, "CLM2026000001"
    entry.changes = {"driver_name": ["王大力", "李四"], "note": ["", "回电13912345678"]}
    entry.ip = entry.request_id = ""
    db.session.add(entry)
    world.claims1.phone = "13800001111"

    _notes, rows = table(sign_in("manager"), "/audit.xlsx?label=CLM2026000001")
    _notes, logins = table(sign_in("admin"), "/users.xlsx")

    assert "王**" in rows[1][4]
    assert "139****5678" in rows[1][4]
    assert "13800001111" in [row[4] for row in logins]
    assert taken("/users.xlsx")[0].changes["export_rows"] == [None, len(logins) - 1]


def test_people_and_settings_come_out_as_their_pages_show_them(
    world: World, now: datetime, sign_in: SignIn
) -> None:
    plan = PlanAbsence(
        world.claims1.id,
        world.claims2.id,
        AbsenceKind.SICKNESS,
        now + timedelta(hours=1),
        now + timedelta(days=1),
        note="住院",
    )
    absences.plan(plan, actor=world.claims1, now=now)
    authority.install_defaults()
    manager, stand_in, admin = sign_in("manager"), sign_in("claims2"), sign_in("admin")

    told = [str(table(reader, "/absences.xlsx")[1][1]) for reader in (manager, stand_in)]
    _notes, (_head, *branches) = table(sign_in("hq"), "/account/branches.xlsx")
    _notes, (_head, *tiers) = table(admin, "/settings/authority.xlsx")
    _notes, market = table(admin, "/settings/market.xlsx")

    assert ["住院" in one for one in told] == [True, False]
    assert [row[0] for row in branches].count("巩义客运分公司") == 1
    assert {row[3] for row in tiers} >= {"不限"}
    assert market[0][0] == "指标"
    assert [manager.get(f"/settings/{name}.xlsx").status_code for name in ("authority", "market")] == [
        403,
        403,
    ]


@pytest.mark.parametrize(
    "address",
    ["/vehicles/export", "/premiums/statement.xlsx", "/renewals/uninsured.xlsx", "/compliance/timers.xlsx"],
)
def test_a_list_too_long_is_refused_in_words(
    world: World, sign_in: SignIn, monkeypatch: Any, address: str
) -> None:
    # Even none is more than that.
    monkeypatch.setattr(
        "service_desk.services.exports.in_portions.__kwdefaults__", {"portion": 2, "most": -1}
    )

    answer = sign_in("manager").get(address)

    assert answer.status_code == 422
    assert "请缩短期间" in answer.text or "范围" in answer.text
    assert not taken(address)


# The archive that was cut short complains when it is thrown away.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("room", [0, 3_000])
def test_a_full_disk_is_an_error_page_and_nothing_taken(
    world: World, sign_in: SignIn, monkeypatch: Any, room: int
) -> None:
    class FullDisk(io.BytesIO):
        def write(self, piece: Any) -> int:
            if self.tell() >= room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(piece)

    opened: list[FullDisk] = []
    client = sign_in("manager")
    with monkeypatch.context() as full:
        full.setattr(
            "service_desk.web.exports.TemporaryFile", lambda: opened.append(FullDisk()) or opened[-1]
        )
        answer = client.get("/vehicles/export")

    assert answer.status_code == 500
    assert "<h1" in answer.text
    assert [one.closed for one in opened] == [True]
    assert not taken("/vehicles/export")
    assert client.get("/vehicles/export").status_code == 200
