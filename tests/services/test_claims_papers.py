"""The checklist line by line: files judged one by one, features changed, notices counted, clocks that wait for it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.claim_papers import FileState
from service_desk.models.claims import Claim, ClaimEvent, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.sla import Timer, TimerState
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.claim_losses import LossItem, LossKind
from service_desk.rules.sla import PauseReason
from service_desk.services import documents, sla
from service_desk.services.claims import checklists, exits, handling, papers, reserves
from service_desk.services.claims.common import matter_of
from service_desk.services.claims.papers import JudgeDocument, JudgeFile, ReceiveDocument
from service_desk.services.documents import Upload
from tests.claim_cases import DENIAL, Journey, file_store, picture, reported_claim
from tests.world import World

F = ClaimFeature
DOCUMENTS = PauseReason.WAITING_FOR_CLIENT_DOCUMENTS


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    """Assessed: the checklist stands, no paper has come."""
    claim = reported_claim(world, now)
    Journey(world, claim, now).to(ClaimState.ASSESSED)
    return claim


@pytest.fixture
def now(now: datetime) -> datetime:
    return now + timedelta(hours=1)


def line(claim: Claim, code: str) -> WantedDocument:
    return next(row for row in papers.list_wanted(claim.id) if row.code == code)


def send(world: World, claim: Claim, code: str, now: datetime, count: int = 1) -> None:
    uploads = tuple(picture(f"{code}-{number}.jpg") for number in range(count))
    papers.receive(
        claim.number,
        ReceiveDocument((code,), uploads),
        actor=world.safety_gongyi,
        now=now,
        files=file_store(),
    )


def judge(world: World, claim: Claim, code: str, place: int, now: datetime, reason: str = "") -> None:
    file = checklists.list_files(claim.id)[line(claim, code).id][place][0]
    command = JudgeFile(file.id, not reason, reason, line(claim, code).version)
    papers.judge_file(claim.number, command, actor=world.claims1, now=now)


class TestFiles:
    def test_a_line_holds_several_files_and_stands_as_long_as_one_is_good(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        send(world, claim, "diagnosis", now, count=2)
        judge(world, claim, "diagnosis", 0, now, "缺医院公章")
        assert line(claim, "diagnosis").state is WantedState.RECEIVED

        judge(world, claim, "diagnosis", 1, now, "照片模糊")

        assert (line(claim, "diagnosis").state, line(claim, "diagnosis").reason) == (
            WantedState.REJECTED,
            "照片模糊",
        )
        files = checklists.list_files(claim.id)[line(claim, "diagnosis").id]
        assert [(f.state, f.reason, d.kind) for f, d in files] == [
            (FileState.REJECTED, "缺医院公章", DocumentKind.CLAIM_DOCUMENT),
            (FileState.REJECTED, "照片模糊", DocumentKind.CLAIM_DOCUMENT),
        ]
        send(world, claim, "diagnosis", now)
        judge(world, claim, "diagnosis", 2, now)
        assert line(claim, "diagnosis").state is WantedState.RECEIVED
        with pytest.raises(Invalid, match="document_not_received"):
            judge(world, claim, "diagnosis", 0, now)

    def test_of_two_clerks_who_judge_a_line_at_once_the_second_sees_the_first(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        send(world, claim, "diagnosis", now)
        seen = line(claim, "diagnosis").version
        file = checklists.list_files(claim.id)[line(claim, "diagnosis").id][0][0]
        papers.judge_file(claim.number, JudgeFile(file.id, True, "", seen), actor=world.claims1, now=now)
        db.session.flush()

        with pytest.raises(Conflict, match="stale"):
            papers.judge_file(
                claim.number, JudgeFile(file.id, False, "模糊", seen), actor=world.claims2, now=now
            )
        with pytest.raises(Conflict, match="stale"):
            papers.reject(
                claim.number, JudgeDocument("diagnosis", "模糊", seen), actor=world.claims2, now=now
            )
        assert file.state is FileState.ACCEPTED

    def test_the_paper_itself_is_ticked_off_by_the_desk_only_and_once(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        with pytest.raises(Forbidden):
            papers.see_original(claim.number, "claim_form", actor=world.safety_gongyi, now=now)
        papers.see_original(claim.number, "claim_form", actor=world.claims1, now=now)
        form = line(claim, "claim_form")
        assert (form.state, form.original_at) == (WantedState.RECEIVED, now)
        with pytest.raises(Conflict):
            papers.see_original(claim.number, "claim_form", actor=world.claims2, now=now)
        send(world, claim, "bank_account", now)
        papers.see_original(claim.number, "bank_account", actor=world.claims1, now=now)
        judge(world, claim, "bank_account", 0, now, "复印件模糊")
        assert line(claim, "bank_account").state is WantedState.RECEIVED

    def test_the_first_paper_starts_the_clock_of_the_notice_also_where_it_is_ticked_off(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        papers.see_original(claim.number, "claim_form", actor=world.claims1, now=now)

        steps = select(Timer.step).where(Timer.matter_id == claim.id, Timer.state == TimerState.RUNNING)
        assert {ClockStep.DEFICIENCY_NOTICE, ClockStep.CTPL_DOCUMENT_LIST} <= set(db.session.scalars(steps))

    def test_the_client_neither_judges_nor_waives_and_strangers_see_nothing(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        send(world, claim, "diagnosis", now)
        file = checklists.list_files(claim.id)[line(claim, "diagnosis").id][0][0]
        for call in (
            lambda who: papers.judge_file(claim.number, JudgeFile(file.id, True, "", 1), actor=who, now=now),
            lambda who: papers.waive(claim.number, JudgeDocument("keys", "丢失"), actor=who, now=now),
            lambda who: checklists.change_features(claim.number, {F.DEATH}, "x", actor=who, now=now),
        ):
            with pytest.raises(Forbidden):
                call(world.safety_gongyi)
            with pytest.raises(NotFound):
                call(world.foreign_hq)
        other = reported_claim(world, now, vehicle=world.bus)
        with pytest.raises(NotFound):
            send(world, other, "diagnosis", now)

    def test_a_renamed_program_is_refused_and_nothing_kept(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        command = ReceiveDocument(("diagnosis",), (Upload("诊断证明.pdf", b"MZ\x90\x00" + bytes(200)),))

        with pytest.raises(Invalid, match="paper_unreadable"):
            papers.receive(claim.number, command, actor=world.safety_gongyi, now=now, files=file_store())

        assert line(claim, "diagnosis").document_ids == []

    def test_a_line_takes_no_end_of_files_not(self, world: World, claim: Claim, now: datetime) -> None:
        line(claim, "diagnosis").document_ids = [1] * papers.MAX_LINE_FILES

        with pytest.raises(Invalid, match="line_full"):
            send(world, claim, "diagnosis", now)


class TestFeatures:
    def test_lines_come_and_go_with_what_the_claim_is_about_and_the_trace_stays(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        send(world, claim, "diagnosis", now)
        send(world, claim, "medical_records", now)
        judge(world, claim, "medical_records", 0, now, "缺首页")
        features = {F.THIRD_PARTY_PROPERTY, F.DISABILITY}

        checklists.change_features(claim.number, features, "无住院，评残", actor=world.claims1, now=now)

        codes = {row.code for row in papers.list_wanted(claim.id)}
        assert {"disability_report", "dependants_proof"} <= codes
        assert "lost_income_proof" not in codes
        assert line(claim, "diagnosis").state is WantedState.RECEIVED
        waived = line(claim, "medical_records")
        assert (waived.state, waived.reason) == (WantedState.WAIVED, "无住院，评残")
        event = db.session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "checklist_changed")).one()
        assert "lost_income_proof" in event.params["removed"]
        assert event.params["added"] == ["disability_report", "dependants_proof"]
        assert checklists.features_of_claim(claim.id) == features
        with pytest.raises(Invalid, match="features_unchanged"):
            checklists.change_features(claim.number, features, "同上", actor=world.claims1, now=now)

    def test_a_checklist_of_before_tells_its_features_by_its_lines(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        kept = checklists.features_of_claim(claim.id)
        db.session.execute(checklists.ClaimChecklist.__table__.delete())

        assert checklists.features_of_claim(claim.id) == kept == {F.THIRD_PARTY_PROPERTY, F.INJURY}

    def test_a_paper_wanted_above_an_amount_is_wanted_once_the_assessment_is_there(
        self, world: World, now: datetime
    ) -> None:
        claim = reported_claim(world, now)
        Journey(world, claim, now).to(ClaimState.SURVEYED)
        dear = (LossItem("后保险杠总成", LossKind.THIRD_PARTY_VEHICLE, 10_000_01),)

        handling.record_assessment(
            claim.number,
            handling.AssessmentRecord("更换", dear),
            actor=world.claims1,
            now=now + timedelta(minutes=5),
            files=file_store(),
        )

        assert line(claim, "business_licence").state is WantedState.REQUIRED

    def test_a_reserve_above_the_amount_wants_its_papers_however_it_came_there(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        number, actor = claim.number, world.claims1
        assert "business_licence" not in {row.code for row in papers.list_wanted(claim.id)}

        reserves.set_reserve(number, reserves.SetReserve(10_000_01, "injury", "住院"), actor=actor, now=now)

        assert line(claim, "business_licence").state is WantedState.REQUIRED

    def test_a_reopened_claim_wants_the_papers_of_its_new_reserve(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        exits.deny(claim.number, DENIAL, actor=world.claims2, now=now)

        reopening = exits.Reopen("法院判决赔付", 50_000_00)
        exits.reopen(claim.number, reopening, actor=world.claims1, now=now + timedelta(minutes=1))

        assert line(claim, "business_licence").state is WantedState.REQUIRED


class TestNotice:
    def test_a_later_demand_needs_a_reason_and_is_counted(
        self, world: World, claim: Claim, now: datetime
    ) -> None:
        papers.request_documents(claim.number, "", actor=world.claims1, now=now)
        checklists.change_features(
            claim.number,
            {F.THIRD_PARTY_PROPERTY, F.INJURY, F.RESCUE},
            "有施救费",
            actor=world.claims1,
            now=now,
        )
        with pytest.raises(Invalid, match="second_notice"):
            papers.request_documents(claim.number, " ", actor=world.claims1, now=now)

        papers.request_documents(claim.number, "事后提交施救费", actor=world.claims1, now=now)

        first, second = papers.list_notices(claim.id)
        assert (first.number, first.is_later_demand, "rescue_invoice" in first.codes) == (1, False, False)
        assert (second.number, second.is_later_demand, second.reason) == (2, True, "事后提交施救费")
        assert "rescue_invoice" in second.codes

    def test_managers_see_who_asked_a_second_time(self, world: World, claim: Claim, now: datetime) -> None:
        for reason in ("", "漏要发票"):
            papers.request_documents(claim.number, reason, actor=world.claims1, now=now)

        page = papers.list_later_demands(world.account.id, PageRequest(), actor=world.manager)

        assert page.total == 1
        assert [(row.claim.id, row.by.id, row.notice.reason) for row in page.rows] == [
            (claim.id, world.claims1.id, "漏要发票")
        ]
        for user in (world.claims1, world.hq):
            with pytest.raises(Forbidden):
                papers.list_later_demands(world.account.id, PageRequest(), actor=user)


class TestPause:
    def clock(self, claim: Claim, step: ClockStep) -> Timer:
        statement = select(Timer).where(Timer.matter_id == claim.id, Timer.step == step)
        return db.session.scalars(statement.order_by(Timer.cycle.desc())).one()

    def evidence(self, world: World, claim: Claim, now: datetime) -> int:
        return documents.store_paper(
            file_store(),
            picture(),
            DocumentKind.PAUSE_EVIDENCE,
            matter_of(claim),
            field="evidence",
            actor=world.claims1,
            now=now,
        ).id

    @pytest.fixture
    def waiting(self, world: World, now: datetime) -> Claim:
        """Surveyed, so that the clock of the assessment runs."""
        claim = reported_claim(world, now)
        Journey(world, claim, now).to(ClaimState.SURVEYED)
        return claim

    def test_stands_on_the_notice_and_ends_with_the_last_paper(
        self, world: World, waiting: Claim, now: datetime
    ) -> None:
        at = now + timedelta(minutes=20)
        clock, paper = self.clock(waiting, ClockStep.ASSESSMENT), self.evidence(world, waiting, at)
        with pytest.raises(Invalid, match="pause_without_notice"):
            sla.pause(clock.id, DOCUMENTS, "", paper, actor=world.claims1, now=at)
        papers.request_documents(waiting.number, "", actor=world.claims1, now=at)
        with pytest.raises(Invalid, match="pause_before_notice"):
            sla.pause(
                clock.id,
                DOCUMENTS,
                "",
                paper,
                actor=world.claims1,
                now=at,
                at=at - timedelta(minutes=1),
            )
        sla.pause(clock.id, DOCUMENTS, "", paper, actor=world.claims1, now=at)
        codes = [row.code for row in papers.list_wanted(waiting.id)]

        for number, code in enumerate(codes):
            assert clock.state is TimerState.PAUSED
            send(world, waiting, code, at + timedelta(minutes=number))

        assert clock.state is TimerState.RUNNING
        assert sla.entries_of([clock.id])[clock.id][-1].actor_id == world.safety_gongyi.id

    def test_is_refused_while_nothing_is_missing_and_ends_when_the_rest_is_waived(
        self, world: World, waiting: Claim, now: datetime
    ) -> None:
        at = now + timedelta(minutes=20)
        clock, paper = self.clock(waiting, ClockStep.ASSESSMENT), self.evidence(world, waiting, at)
        papers.request_documents(waiting.number, "", actor=world.claims1, now=at)
        sla.pause(clock.id, DOCUMENTS, "", paper, actor=world.claims1, now=at)
        for row in papers.list_wanted(waiting.id):
            papers.waive(waiting.number, JudgeDocument(row.code, "小额免收"), actor=world.claims1, now=at)
        assert clock.state is TimerState.RUNNING

        with pytest.raises(Invalid, match="pause_nothing_missing"):
            sla.pause(clock.id, DOCUMENTS, "", paper, actor=world.claims1, now=at)

    def test_a_pause_for_another_reason_goes_on(self, world: World, waiting: Claim, now: datetime) -> None:
        at = now + timedelta(minutes=20)
        clock = self.clock(waiting, ClockStep.ASSESSMENT)
        sla.pause(clock.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=at)
        codes = tuple(row.code for row in papers.list_wanted(waiting.id))

        papers.receive(
            waiting.number, ReceiveDocument(codes), actor=world.claims1, now=at, files=file_store()
        )

        assert clock.state is TimerState.PAUSED
