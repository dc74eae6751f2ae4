"""The pages of a claim's documents and parties, the reserve ledger's page, and what each kind of reader sees of them."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from service_desk.base.clock import CHINA, local_date, utc_now
from service_desk.models.claim_parties import ClaimParty, InjuryFollowUp, PartyItem
from service_desk.models.claims import Assessment, Claim, WantedState
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.sla import Timer, TimerEntry
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.claim_losses import LossKind
from service_desk.rules.claim_parties import PartyKind
from service_desk.services.claims import checklists, exits, papers, party_costs, reserves
from tests.claim_cases import Journey, picture, reported_claim
from tests.world import World


@pytest.fixture
def now() -> datetime:
    """Pages live in the present."""
    return utc_now() - timedelta(minutes=30)


INSIDE = b"<EInvoice><Amount>800.00</Amount></EInvoice>"
INVOICE = (
    b"%%PDF-1.7\n1 0 obj << /Type /Catalog /Names << /EmbeddedFiles << /Names [(i) 2 0 R] >> >> >> endobj\n"
    b"2 0 obj << /Type /Filespec /F (invoice.xml) /EF << /F 3 0 R >> >> endobj\n"
    b"3 0 obj << /Type /EmbeddedFile /Length %d >>\nstream\n%s\nendstream endobj\n"
    b"trailer << /Root 1 0 R >>\n%%%%EOF\n" % (len(INSIDE), INSIDE)
)


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    claim = reported_claim(world, now)
    Journey(world, claim, now).to(ClaimState.SURVEYED)
    return claim


def file() -> tuple[io.BytesIO, str]:
    return io.BytesIO(picture().content), "诊断证明.jpg"


def line_of(claim: Claim, code: str) -> Any:
    db.session.rollback()
    return next(row for row in papers.list_wanted(claim.id) if row.code == code)


def post_line(client: Any, claim: Claim, code: str, act: str, **values: Any) -> Any:
    data = {f"{code}-{act}-{name}": value for name, value in values.items()}
    return client.post(f"/claims/{claim.number}/documents/{code}/{act}", data=data)


class TestDocuments:
    def test_client_sends_desk_sends_back_client_sends_again(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        client, desk = sign_in("safety-gongyi"), sign_in("claims1")
        page = client.get(f"/claims/{claim.number}/documents").text
        assert "诊断证明" in page
        assert "医院出具" in page
        key = {"idempotency_key": "one"}
        for _double_click in range(2):
            assert post_line(client, claim, "diagnosis", "files", files=file(), **key).status_code == 303
        assert len(line_of(claim, "diagnosis").document_ids) == 1

        row = line_of(claim, "diagnosis")
        sent = checklists.list_files(claim.id)[row.id][0][0]
        wanting = post_line(desk, claim, "diagnosis", "reject", file_id=sent.id, line_version=row.version)
        assert wanting.status_code == 422
        seen = line_of(claim, "diagnosis").version
        refused = post_line(
            desk, claim, "diagnosis", "reject", file_id=sent.id, line_version=seen, reason="缺公章"
        )
        assert refused.status_code == 303
        assert "缺公章" in client.get(f"/claims/{claim.number}/documents").text
        late = post_line(desk, claim, "diagnosis", "accept", file_id=sent.id, line_version=seen)
        assert late.status_code == 409
        assert post_line(client, claim, "diagnosis", "files", files=file()).status_code == 303
        assert line_of(claim, "diagnosis").state is WantedState.RECEIVED

    def test_an_invoice_keeps_its_legal_original_inside_and_says_so(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        client, desk = sign_in("safety-gongyi"), sign_in("claims1")
        sent = io.BytesIO(INVOICE), "拖车发票.pdf"
        assert post_line(client, claim, "diagnosis", "files", files=sent).status_code == 303
        kept = line_of(claim, "diagnosis").document_ids[0]

        pages = [who.get(f"/claims/{claim.number}/documents").text for who in (client, desk)]
        answer = client.get(f"/documents/{kept}/inside/1")

        assert all(f'href="/documents/{kept}/inside/1">拖车发票.xml</a>' in page for page in pages)
        assert answer.data == INSIDE
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        # The signed PDF stays as it came.
        assert desk.get(f"/documents/{kept}").data == INVOICE
        assert client.get(f"/documents/{kept}/inside/2").status_code == 404
        assert sign_in(world.foreign_hq.username).get(f"/documents/{kept}/inside/1").status_code == 404

    def test_staff_tick_off_paper_do_without_and_change_the_list(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        desk = sign_in("claims1")
        assert post_line(desk, claim, "claim_form", "original").status_code == 303
        assert line_of(claim, "claim_form").original_at is not None
        assert post_line(desk, claim, "diagnosis", "waive", line_version=1).status_code == 422
        waived = post_line(desk, claim, "diagnosis", "waive", line_version=1, reason="轻微伤")
        assert waived.status_code == 303
        changed = desk.post(
            f"/claims/{claim.number}/documents/features",
            data={"features-features": ["third_party_property", "rescue"], "features-reason": "无人伤"},
        )
        assert changed.status_code == 303
        assert line_of(claim, "rescue_invoice").state is WantedState.REQUIRED
        page = desk.get(f"/claims/{claim.number}").text
        assert "单证清单已调整" in page

    def test_notice_is_sent_once_printed_and_a_second_is_shown_to_managers(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        desk, manager = sign_in("claims1"), sign_in("manager")
        address = f"/claims/{claim.number}/documents/notice"
        assert desk.post(address).status_code == 303
        assert desk.post(address).status_code == 422
        assert desk.post(address, data={"notice-reason": "漏列"}).status_code == 303
        for reader in (desk, sign_in("safety-gongyi")):
            paper = reader.get(f"{address}-1.pdf")
            assert (paper.status_code, paper.data[:5]) == (200, b"%PDF-")
        assert desk.get(f"{address}-9.pdf").status_code == 404
        assert "漏列" in manager.get("/claims/later-demands").text
        assert desk.get("/claims/later-demands").status_code == 403

    def test_a_pause_for_documents_keeps_the_notice_as_its_evidence(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        desk = sign_in("claims1")
        clock = db.session.scalars(
            select(Timer).where(Timer.matter_id == claim.id, Timer.step == ClockStep.ASSESSMENT)
        ).one()
        data = {"reason": "waiting_for_client_documents", "note": "等诊断证明"}
        refused = desk.post(f"/timers/{clock.id}/pause", data=data)
        assert refused.status_code == 422
        assert "一次性告知" in refused.text
        desk.post(f"/claims/{claim.number}/documents/notice")

        assert desk.post(f"/timers/{clock.id}/pause", data=data).status_code == 303

        entry = db.session.scalars(select(TimerEntry).where(TimerEntry.evidence_id.is_not(None))).one()
        paper = db.session.get_one(Document, entry.evidence_id)
        assert (paper.kind, paper.content_type) == (DocumentKind.PAUSE_EVIDENCE, "application/pdf")

    def test_strangers_see_nothing_and_the_client_judges_nothing(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        for name in ("documents", "parties"):
            assert sign_in("foreign-hq").get(f"/claims/{claim.number}/{name}").status_code == 404
        client = sign_in("safety-gongyi")
        assert post_line(client, claim, "diagnosis", "waive", reason="x").status_code == 403
        assert post_line(client, claim, "diagnosis", "original").status_code == 403
        assert client.post(f"/claims/{claim.number}/documents/notice").status_code == 403
        assert post_line(client, claim, "nonsense", "files").status_code == 404
        assert post_line(client, claim, "diagnosis", "nonsense").status_code == 404
        assert client.get(f"/claims/{claim.number}/documents/diagnosis/files").status_code == 302


class TestParties:
    def ids(self, claim: Claim) -> dict[PartyKind, int]:
        db.session.rollback()
        rows = db.session.scalars(select(ClaimParty).where(ClaimParty.claim_id == claim.id))
        return {row.kind: row.id for row in rows}

    def post(self, client: Any, claim: Claim, party_id: int, act: str, **values: Any) -> Any:
        data = {f"{party_id}-{act}-{name}": value for name, value in values.items()}
        return client.post(f"/claims/{claim.number}/parties/{party_id}/{act}", data=data)

    def test_minimal_first_completed_later_masked_for_those_who_do_not_handle_it(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        desk = sign_in("claims1")
        known = self.ids(claim)
        assert set(known) == {PartyKind.OWN_VEHICLE, PartyKind.OTHER_VEHICLE, PartyKind.PERSON}
        person = {
            "name": "李秀英",
            "role": "pedestrian",
            "severity": "serious",
            "age": "61",
            "phone": "13812345678",
            "id_number": "410181196503120023",
            "hospital": "巩义市人民医院",
        }
        done = self.post(desk, claim, known[PartyKind.PERSON], "change", party_version=1, **person)
        assert done.status_code == 303
        stale = self.post(desk, claim, known[PartyKind.PERSON], "change", party_version=1, name="王")
        assert stale.status_code == 409

        seen = desk.get(f"/claims/{claim.number}/parties").text
        assert all(person[name] in seen for name in ("name", "phone", "id_number", "hospital"))
        by_client = sign_in("safety-gongyi").get(f"/claims/{claim.number}/parties").text
        assert "李**" in by_client
        assert not any(person[name] in by_client for name in ("name", "phone", "id_number"))
        by_underwriter = sign_in("underwriter").get(f"/claims/{claim.number}/parties").text
        assert "李秀英" in by_underwriter
        assert not any(person[name] in by_underwriter for name in ("phone", "id_number"))
        assert "410181196503120023" not in sign_in("manager").get("/audit").text

    def test_parties_are_added_and_taken_out_with_a_reason(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        desk = sign_in("claims1")
        address = f"/claims/{claim.number}/parties/new/property"
        assert desk.post(address, data={}).status_code == 422
        wall = {"new-property-what": "护栏 12 米", "new-property-name": "公路段"}
        assert desk.post(address, data=wall).status_code == 303
        wall_id = self.ids(claim)[PartyKind.PROPERTY]
        assert self.post(desk, claim, wall_id, "remove", reason="重复").status_code == 303
        assert "护栏" not in desk.get(f"/claims/{claim.number}/parties").text
        own = self.ids(claim)[PartyKind.OWN_VEHICLE]
        assert self.post(desk, claim, own, "remove", reason="重复").status_code == 422
        assert sign_in("safety-gongyi").post(address, data=wall).status_code == 403

    def test_follow_up_moves_the_reserve_and_stands_on_the_handlers_desk(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        desk, person = sign_in("claims1"), self.ids(claim)[PartyKind.PERSON]
        today = local_date(utc_now())
        entry = {
            "on_day": (today - timedelta(days=1)).isoformat(),
            "stage": "inpatient",
            "condition": "右腿骨折，待手术",
            "cost": "3,500",
            "forecast": "1.2万",
            "next_on": today.isoformat(),
        }
        claim.loss_at = claim.loss_at - timedelta(days=3)
        refused = self.post(desk, claim, person, "follow", **(entry | {"forecast": "3,000"}))
        assert refused.status_code == 422
        assert self.post(desk, claim, person, "follow", **entry).status_code == 303

        db.session.rollback()
        assert (claim.reserve_fen, claim.large_loss_noticed_at is not None) == (12_000_00, True)
        assert f"/claims/{claim.number}/parties#party-{person}" in desk.get("/").text
        assert f"#party-{person}" not in sign_in("claims2").get("/").text
        later = entry | {"on_day": today.isoformat(), "next_on": "", "stage": "ended"}
        assert self.post(desk, claim, person, "follow", **later).status_code == 303
        assert f"#party-{person}" not in desk.get("/").text
        assert len(db.session.scalars(select(InjuryFollowUp)).all()) == 2

    def test_items_are_estimated_assessed_and_reviewed_by_another(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        first, second = sign_in("claims1"), sign_in("claims2")
        other = self.ids(claim)[PartyKind.OTHER_VEHICLE]
        item = {"label": "后保险杠", "kind": "third_party_vehicle", "amount": "4,000"}
        assert self.post(first, claim, other, "estimate", **item).status_code == 303
        wrong = self.post(first, claim, other, "estimate", **(item | {"kind": "injury"}))
        assert wrong.status_code == 422
        row = db.session.scalars(select(PartyItem)).one()
        page = first.get(f"/claims/{claim.number}").text
        assert 'value="后保险杠"' in page
        assessed = {
            "assess-items-0-item_id": row.id,
            "assess-items-0-label": "后保险杠",
            "assess-items-0-party_id": other,
            "assess-items-0-kind": "third_party_vehicle",
            "assess-items-0-amount": "3,600",
            "assess-version": claim.version,
        }
        assert first.post(f"/claims/{claim.number}/assess", data=assessed).status_code == 303
        made = db.session.scalars(select(Assessment)).one()
        assert made.items[0]["party_id"] == other
        review = {"review-assessment_id": made.id, "review-rows-0-amount": "3,200", "review-reason": "旧件"}
        address = f"/claims/{claim.number}/parties/review"
        assert first.post(address, data=review).status_code == 403
        assert second.post(address, data=review).status_code == 303
        db.session.rollback()
        assert (row.first_fen, row.assessed_fen, row.reviewed_fen) == (4_000_00, 3_600_00, 3_200_00)
        assert claim.reserve_fen == 3_200_00
        assert second.post(address, data=review).status_code == 409


class TestLedgerPage:
    def test_page_and_spreadsheet_show_what_is_held(
        self, sign_in: Any, world: World, claim: Claim, now: datetime
    ) -> None:
        Journey(world, reported_claim(world, now, vehicle=world.bus), now).to(ClaimState.PAID)
        manager = sign_in("manager")
        page = manager.get("/reserves")
        held = sum(c.reserve_fen - c.paid_fen for c in db.session.scalars(select(Claim)))
        assert f"¥{held / 100:,.2f}" in page.text
        book = load_workbook(io.BytesIO(manager.get("/reserves.xlsx").data))
        month = f"{now.astimezone(CHINA):%Y-%m}"
        months = {row[0]: row for row in book.worksheets[0].iter_rows(values_only=True)}
        assert months[month][-1] == pytest.approx(held / 100)
        of_bus = manager.get(f"/reserves?branch={world.zhongmu.id}").text
        assert world.gongyi.name not in of_bus.split("<table")[2]
        for nonsense in (
            "from=2026-99&to=x&branch=abc",
            "from=2026-12&to=2026-01",
            "from=2000-01&to=2099-12",
        ):
            assert manager.get(f"/reserves?{nonsense}").status_code == 200

    def test_is_not_for_the_client_nor_for_who_does_not_handle_claims(
        self, sign_in: Any, world: World, claim: Claim
    ) -> None:
        for name in ("hq", "safety-gongyi", "underwriter"):
            assert sign_in(name).get("/reserves").status_code == 403
            assert sign_in(name).get("/reserves.xlsx").status_code == 403
        assert 'id="reserve"' not in sign_in("safety-gongyi").get(f"/claims/{claim.number}").text
        assert 'id="reserve"' in sign_in("claims1").get(f"/claims/{claim.number}").text


def test_a_report_with_an_estimate_by_the_desk_has_its_reserve_at_once(
    sign_in: Any, world: World, claim: Claim
) -> None:
    data = {
        "plate": world.coach.plate,
        "loss_at": f"{(utc_now() - timedelta(hours=1)).astimezone(CHINA):%Y-%m-%dT%H:%M}",
        "place": "G310",
        "description": "侧翻",
        "injured": "no",
        "channel": "phone",
        "estimate": "10,000",
        "duplicate": "new",
        "reporter_name": "郭永刚",
        "callback_phone": "13937108891",
    }

    assert sign_in("claims1").post("/claims/report", data=data).status_code == 303

    made = db.session.scalars(select(Claim).order_by(Claim.id.desc()).limit(1)).one()
    assert (made.reserve_fen, made.large_loss_noticed_at is not None) == (10_000_00, True)
    assert reserves.list_movements(made.id)[0].amount_fen == 10_000_00


def test_a_second_round_is_assessed_from_the_first_ones_items(
    sign_in: Any, world: World, now: datetime
) -> None:
    claim = reported_claim(world, now, injured_count=2)
    journey = Journey(world, claim, now)
    journey.to(ClaimState.SURVEYED)
    other = db.session.scalars(select(ClaimParty).where(ClaimParty.kind == PartyKind.OTHER_VEHICLE)).one()
    estimate = party_costs.Estimate(other.id, LossKind.THIRD_PARTY_VEHICLE, "右后门", 900_00)
    party_costs.estimate_item(claim.number, estimate, actor=world.claims1, now=journey.now)
    journey.to(ClaimState.CLOSED)
    again = exits.Reopen("复诊", 9_000_00)
    exits.reopen(claim.number, again, actor=world.claims1, now=journey.now + timedelta(minutes=1))
    db.session.commit()

    page = sign_in("claims1").get(f"/claims/{claim.number}").text

    # Whose treatment it was nobody said: it belongs to no party, and is offered all the same.
    assert 'value="后保险杠总成"' in page
    assert 'value="门诊治疗"' in page
    # What came to nothing is not.
    assert 'value="右后门"' not in page
