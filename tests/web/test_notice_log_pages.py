"""One's own notice settings, and the delivery log: filters, resending, the spreadsheet, and who may see it."""

import io
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from openpyxl import load_workbook
from sqlalchemy import delete, select

from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import (
    BouncingAddress,
    FailReason,
    Notice,
    NoticePreference,
    NoticeState,
)
from service_desk.services import notices
from service_desk.services.notices import Matter, Recipient
from tests.world import World

MINUTE = timedelta(minutes=1)
PARAMS = {
    "name": "x",
    "who": "孙国强",
    "url": "/channels",
    "number": "1",
    "plate": "豫A12345",
    "amount_fen": 1,
}


@pytest.fixture
def log(world: World, now: datetime) -> dict[str, Notice]:
    """Three mails: one sent, one that failed for good at an address that bounces now, one of another account."""

    def queue(kind: str, address: str, number: str, account_id: int, at: datetime) -> Notice:
        matter = Matter("claim", int(number[-1]), number, account_id)
        recipient = Recipient("收件人" + number[-1], address, "zh")
        [notice] = notices.queue(kind, recipient, PARAMS, dedupe=f"{kind}:{number}", now=at, matter=matter)
        db.session.flush()
        return notice

    sent = queue("claim_paid", "zhou@zzly.example", "CLM-2026-000001", world.account.id, now)
    notices.record_sent(sent, "250 queued", now=now + MINUTE)
    lost = queue(
        "large_loss", "gone@zzly.example", "CLM-2026-000002", world.account.id, now - 48 * 60 * MINUTE
    )
    notices.record_bounce(lost, "550 5.1.1 no such user", now=now)
    foreign = queue("claim_paid", "zhou@lyys.example", "CLM-2026-000003", world.foreign_account.id, now)
    db.session.commit()
    return {"sent": sent, "lost": lost, "foreign": foreign}


@pytest.mark.parametrize(
    ("place", "readers"),
    [
        ("/breaches/7/correction", ["manager"]),
        ("/outstanding/OSL-2026-000001", ["manager"]),
        ("/scorecards?month=2026-10&which=to_decide", ["manager"]),
        ("/opinions/forms/FBK-2026-000001", []),
        ("/claims/CLM-2026-000001", ["manager", "admin"]),
    ],
)
def test_the_log_leads_only_to_pages_its_reader_may_open(log, world: World, sign_in, place, readers) -> None:
    # The administrator looks at the other account.
    log["sent"].params = log["foreign"].params = PARAMS | {"url": place}
    db.session.commit()

    link = f'href="{escape(place)}"'
    led = [one for one in ("manager", "admin") if link in sign_in(one).get("/notices/log").text]
    assert led == readers


def test_the_log_shows_every_try_and_finds_by_state_subject_number_person_and_day(
    log: dict[str, Notice], world: World, sign_in
) -> None:
    world.manager.language = "en"
    manager = sign_in("manager")

    page = manager.get("/notices/log").text.replace("<wbr>", "")
    for words in (
        "zhou@zzly.example",
        "250 queued",
        "550 5.1.1 no such user",
        "Refused for good",
        "Addresses that bounce",
        "CLM-2026-000001",
    ):
        assert words in page, words
    assert "zhou@lyys.example" not in page
    for query, sent, lost in (
        ("state=sent", True, False),
        ("state=failed&channel=mail", False, True),
        ("channel=wecom", False, False),
        ("subject=large_losses", False, True),
        ("subject=claims", True, False),
        ("subject=system", False, False),
        ("number=CLM-2026-000002", False, True),
        ("number=CLM-2026-000003", False, False),
        ("recipient=ZHOU%40zz", True, False),
        ("recipient=%E6%94%B6%E4%BB%B6%E4%BA%BA2", False, True),
        ("from_on=2026-11-23", True, False),
        ("to_on=2026-11-21", False, True),
        ("state=nonsense&from_on=yesterday&page=9x", True, True),
    ):
        found = manager.get(f"/notices/log?{query}").text
        assert ("250 queued" in found) is sent, query
        assert ("large" in found and "CLM-2026-000002</a>" in found) is lost, query


def test_a_message_is_sent_again_and_its_address_counts_as_good(log: dict[str, Notice], sign_in) -> None:
    manager, lost = sign_in("manager"), log["lost"].id
    here = "/notices/log?state=failed"

    answer = manager.post(f"/notices/log/{lost}/again", data={"next": here})

    assert (answer.status_code, answer.location) == (303, here)
    notice = db.session.get(Notice, lost)
    assert (notice.state, notice.fail_reason, notice.tries) == (NoticeState.QUEUED, None, 0)
    assert db.session.scalars(select(BouncingAddress)).all() == []
    # The way back stays on this desk.
    assert (
        manager.post(f"/notices/log/{lost}/again", data={"next": "//evil.example"}).location == "/notices/log"
    )


def test_the_spreadsheet_holds_what_is_filtered_and_the_trail_who_took_it(
    log: dict[str, Notice], world: World, sign_in
) -> None:
    world.manager.language = "en"

    answer = sign_in("manager").get("/notices/log.xlsx?state=failed")

    rows = [list(row) for row in load_workbook(io.BytesIO(answer.data)).active.values]
    [line] = [row for row in rows if "gone@zzly.example" in row]
    assert {
        "CLM-2026-000002",
        "Large losses",
        "Not delivered",
        "Refused for good",
        "550 5.1.1 no such user",
    } <= set(line)
    assert not [row for row in rows if "zhou@zzly.example" in row or "zhou@lyys.example" in row]
    [entry] = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "exported").order_by(AuditEntry.id)
    )
    assert entry.account_id == world.account.id
    assert entry.changes["filter"] == [None, "/notices/log.xlsx?state=failed"]
    assert entry.changes["export_rows"] == [None, 1]


def test_the_log_and_its_acts_are_for_who_runs_the_account(
    log: dict[str, Notice], world: World, sign_in
) -> None:
    bounce = db.session.scalars(select(BouncingAddress)).one()
    acts = [
        f"/notices/log/{log['lost'].id}/again",
        f"/notices/bounces/{bounce.id}/again",
    ]

    for username in ("claims1", "underwriter", "hq", "safety-gongyi", "foreign-hq"):
        client = sign_in(username)
        assert client.get("/notices/log").status_code == 403
        assert client.get("/notices/log.xlsx").status_code == 403
        assert [client.post(path).status_code for path in acts] == [403] * 2, username
        assert "/notices/log" not in client.get("/notices").text
    assert sign_in("manager").post(f"/notices/log/{log['foreign'].id}/again").status_code == 404
    assert db.session.get(Notice, log["lost"].id).fail_reason is FailReason.REFUSED
    assert "/notices/log?number=" not in sign_in("hq").get("/").text


def test_an_address_that_bounces_is_said_where_it_is_kept(
    log: dict[str, Notice], world: World, sign_in
) -> None:
    world.admin.language = "en"
    world.insurance_department.email = world.hq.email = "Gone@zzly.example"
    admin = sign_in("admin")
    pages = [f"/contacts/{world.insurance_department.id}", f"/users/{world.hq.id}"]

    for path in pages:
        assert "Mails to this address do not arrive" in admin.get(path).text
    bounce = db.session.scalars(select(BouncingAddress)).one()
    assert admin.post(f"/notices/bounces/{bounce.id}/again", data={"next": pages[0]}).location == pages[0]
    for path in pages:
        assert "do not arrive" not in admin.get(path).text


def test_a_manager_sees_the_addresses_of_their_own_people_and_the_administrator_all(
    log: dict[str, Notice], world: World, now: datetime, sign_in
) -> None:
    db.session.execute(delete(BouncingAddress))
    places = {
        "both@zzly.example": world.foreign_account.id,
        "ours@zzly.example": None,
        "theirs@lyys.example": world.foreign_account.id,
        "nobody@zzly.example": None,
    }
    rows = {
        address: BouncingAddress(address=address, account_id=account_id, since_at=now, said="550")
        for address, account_id in places.items()
    }
    db.session.add_all(rows.values())
    # A mail of the other account bounced at an address that one of ours has as well.
    world.insurance_department.email, world.claims1.email = "Both@zzly.example", "ours@zzly.example"
    world.foreign_hq.email = "theirs@lyys.example"
    db.session.commit()
    manager, admin = sign_in("manager"), sign_in("admin")

    def seen(client: FlaskClient) -> set[str]:
        page = client.get("/notices/log").text
        return {address for address in places if address in page}

    assert seen(manager) == {"both@zzly.example", "ours@zzly.example"}
    assert seen(admin) == set(places)
    answers = [manager.post(f"/notices/bounces/{row.id}/again").status_code for row in rows.values()]
    assert answers == [303, 303, 404, 404]
    assert seen(admin) == {"theirs@lyys.example", "nobody@zzly.example"}


@pytest.mark.parametrize("username", ["safety-gongyi", "manager"])
def test_everybody_of_either_side_keeps_their_own_settings(world: World, sign_in, username: str) -> None:
    user = world.safety_gongyi if username == "safety-gongyi" else world.manager
    user.language = "en"
    client = sign_in(username)
    page = client.get("/notices/settings").text
    assert "Asia/Shanghai" in page
    assert ("The desk itself" in page) is (username == "manager")
    subjects = ["large_losses", "clocks", "reports", "cover", "claims", "enquiries", "relations"]
    typed = {f"choice_{subject}": "at_once" for subject in [*subjects, "system"]} | {
        "choice_claims": "digest",
        "quiet_from": "22:00",
        "quiet_until": "07:00",
        "digest_at": "08:00",
        "version": "0",
    }

    assert client.post("/notices/settings", data=typed).status_code == 303

    [kept] = db.session.scalars(select(NoticePreference))
    assert (kept.user_id, kept.choices, kept.quiet_from.hour) == (user.id, {"claims": "digest"}, 22)
    assert 'value="22:00' in client.get("/notices/settings").text
    for changes, status, sentence in (
        ({"digest_at": "06:00"}, 422, "The digest would come in the quiet hours"),
        ({"quiet_until": ""}, 422, "Say when the quiet hours begin"),
        ({"choice_large_losses": "digest"}, 422, "Not a valid choice"),
        ({"version": "0"}, 409, "changed"),
    ):
        current = typed | {"version": str(db.session.get(NoticePreference, user.id).version)}
        answer = client.post("/notices/settings", data=current | changes)
        assert answer.status_code == status, changes
        assert sentence.lower() in answer.text.lower(), changes
