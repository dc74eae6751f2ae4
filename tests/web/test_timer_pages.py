"""A clock's own page and what is done there, and the page of absences: what is shown, kept, refused, and to whom."""

import re
from datetime import datetime, timedelta
from io import BytesIO

import pytest
import time_machine
from PIL import Image
from sqlalchemy import func, select

from service_desk.base.clock import CHINA
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.sla import Absence, AbsenceKind, PauseObjection, Timer, TimerCorrection, TimerState
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.sla import EventKind
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import absences, objections
from service_desk.services.sla.absences import PlanAbsence
from tests.claim_cases import Journey, reported_claim
from tests.factories import UserFactory
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOTE = "车主说下周回场"


@pytest.fixture(autouse=True)
def _clock(world: World, now):
    sla.install_defaults(now - DAY)
    db.session.commit()
    with time_machine.travel(now, tick=False):
        yield


def local(at: datetime, pattern: str = "%Y-%m-%dT%H:%M") -> str:
    """As a form's field sends it."""
    return f"{at.astimezone(CHINA):{pattern}}"


def photo() -> tuple[BytesIO, str]:
    picture = BytesIO()
    Image.new("RGB", (40, 30), "white").save(picture, "JPEG")
    picture.seek(0)
    return picture, "照片.jpg"


def kept_token(page: str) -> str:
    found = re.search(r'name="kept" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def start(world: World, at, *, account=None, branch=None, number: int = 1) -> Timer:
    account = account or world.account
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", account.id, (branch or world.gongyi).id)
    timer = sla.start(
        matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=at, actor=world.claims1, now=at
    )
    assert timer is not None
    db.session.commit()
    return timer


@pytest.fixture
def survey(world: World, now) -> Timer:
    """Promised in 60 minutes, 40 minutes ago; paused for 20 of them."""
    timer = start(world, now - 40 * MINUTE)
    sla.pause(timer.id, "vehicle_unavailable", NOTE, None, actor=world.claims1, now=now - 30 * MINUTE)
    sla.resume(timer.id, actor=world.claims1, now=now - 10 * MINUTE)
    db.session.commit()
    return timer


def pause_id(timer: Timer) -> int:
    entries = sla.entries_of([timer.id])[timer.id]
    return next(entry.id for entry in entries if entry.kind is EventKind.PAUSE)


class TestPaperOfAPause:
    @pytest.fixture
    def running(self, world, now) -> Timer:
        return start(world, now - 10 * MINUTE)

    def send(self, client, timer, **changes: object):
        typed = {"reason": "waiting_for_client_documents", "note": "等行驶证", **changes}
        return client.post(f"/timers/{timer.id}/pause", data=typed)

    def test_is_kept_when_another_field_is_refused(self, sign_in, running, now) -> None:
        client = sign_in("claims1")
        early = local(now - DAY)
        refused = self.send(client, running, at=early, evidence=photo())
        again = self.send(client, running, at=early, kept=kept_token(refused.text))

        answer = self.send(client, running, kept=kept_token(again.text))

        assert (refused.status_code, again.status_code, answer.status_code) == (422, 422, 303)
        assert "照片.jpg 已保留" in again.text
        assert db.session.scalars(select(Document.filename)).one() == "照片.jpg"

    def test_gives_way_to_one_chosen_anew(self, sign_in, running, now) -> None:
        client = sign_in("claims1")
        refused = self.send(client, running, at=local(now - DAY), evidence=photo())

        pdf = (BytesIO(b"%PDF-1.7\n%%EOF"), "告知书.pdf")
        self.send(client, running, kept=kept_token(refused.text), evidence=pdf)

        assert db.session.scalars(select(Document.filename)).one() == "告知书.pdf"

    @pytest.mark.parametrize("content", [b"", b"hello", b"PDF"])
    def test_that_cannot_be_opened_is_told_so_and_not_kept(self, sign_in, running, content) -> None:
        answer = self.send(sign_in("claims1"), running, evidence=(BytesIO(content), "证明.pdf"))

        assert answer.status_code == 422
        assert "证明.pdf 无法打开，请选择照片（JPEG、PNG 或 WebP）或 PDF。" in answer.text
        assert "等行驶证" in answer.text
        assert 'name="kept"' not in answer.text

    def test_of_somebody_else_stands_for_nothing(self, sign_in, running, now) -> None:
        refused = self.send(sign_in("manager"), running, at=local(now - DAY), evidence=photo())

        answer = self.send(sign_in("claims1"), running, kept=kept_token(refused.text))

        assert answer.status_code == 422
        assert "该原因需要凭据" in answer.text


class TestPage:
    @pytest.mark.parametrize(
        "username", ["claims2", "underwriter", "manager", "admin", "hq", "safety-gongyi"]
    )
    def test_is_for_everybody_who_may_see_the_matter(self, sign_in, survey, username) -> None:
        page = sign_in(username).get(f"/timers/{survey.id}").text
        for words in (
            "时限：查勘",
            survey.matter_number,
            "60 分钟",
            "王建军",
            "暂停记录",
            "车辆暂时无法查看",
        ):
            assert words in page

    def test_keeps_notes_from_the_client(self, sign_in, survey) -> None:
        assert NOTE in sign_in("claims2").get(f"/timers/{survey.id}").text
        assert NOTE not in sign_in("hq").get(f"/timers/{survey.id}").text

    def test_is_not_for_other_branches_and_accounts(self, sign_in, world, survey) -> None:
        UserFactory(username="s2", role=Role.BRANCH_SAFETY, accounts=[world.account], branch=world.zhongmu)
        for username in ("s2", "foreign-hq"):
            assert sign_in(username).get(f"/timers/{survey.id}").status_code == 404

    def test_the_clock_of_a_review_is_the_desks_own(self, sign_in, world, now) -> None:
        late = start(world, now - 95 * MINUTE)
        sla.check_timer(late.id, now)
        db.session.commit()
        review = sla.timers_of("breach", [late.id])[late.id][0]
        assert sign_in("manager").get(f"/timers/{review.id}").status_code == 200
        assert sign_in("hq").get(f"/timers/{review.id}").status_code == 404

    def test_says_what_comes_next(self, sign_in, world, survey, now) -> None:
        page = sign_in("claims1").get(f"/timers/{survey.id}").text
        assert "后续节点" in page
        assert local(survey.warn_at, "%H:%M") in page
        assert "升级提醒（第 2 级）" in page
        assert "升级提醒" not in sign_in("hq").get(f"/timers/{survey.id}").text
        sla.pause(survey.id, "vehicle_unavailable", "", None, actor=world.claims1, now=now)
        page = sign_in("claims1").get(f"/timers/{survey.id}").text
        assert "暂停达到该原因的最长时限" in page
        assert "恢复计时后剩" in page

    def test_says_for_whom_somebody_stands_in(self, sign_in, world, survey, now) -> None:
        command = PlanAbsence(world.claims1.id, world.claims2.id, AbsenceKind.LEAVE, now, now + DAY)
        absences.plan(command, actor=world.claims1, now=now)
        page = sign_in("hq").get(f"/timers/{survey.id}").text
        assert "赵丽" in page
        assert "代 王建军" in page

    def test_offers_pausing_to_the_holder_only(self, sign_in, survey) -> None:
        address = f"/timers/{survey.id}/pause?"
        assert address in sign_in("claims1").get(f"/timers/{survey.id}").text
        assert address not in sign_in("claims2").get(f"/timers/{survey.id}").text
        assert address not in sign_in("hq").get(f"/timers/{survey.id}").text


class TestPausing:
    @pytest.fixture
    def running(self, world, now) -> Timer:
        return start(world, now - 30 * MINUTE)

    def form(self, **changes: object) -> dict[str, object]:
        return {"reason": "vehicle_unavailable", "note": NOTE, **changes}

    def test_since_earlier_with_a_photo_and_back_to_the_clock(self, sign_in, running, now) -> None:
        data = self.form(at=local(now - 10 * MINUTE), evidence=photo())

        answer = sign_in("claims1").post(f"/timers/{running.id}/pause?next=timer", data=data)

        assert (answer.status_code, answer.location) == (303, f"/timers/{running.id}")
        assert db.session.get(Timer, running.id).paused_at == now - 10 * MINUTE

    def test_in_the_minute_that_is_now_needs_no_photo(self, sign_in, running, now) -> None:
        with time_machine.travel(now + timedelta(seconds=40), tick=False):
            answer = sign_in("claims1").post(f"/timers/{running.id}/pause", data=self.form(at=local(now)))
        assert answer.status_code == 303
        assert db.session.get(Timer, running.id).paused_at == now + timedelta(seconds=40)

    @pytest.mark.parametrize(
        ("minutes", "words"),
        [(5, "暂停时间不能晚于现在"), (-31, "才开始"), (-10, "须附凭据")],
    )
    def test_is_refused_beside_the_field(self, sign_in, running, now, minutes, words) -> None:
        data = self.form(at=local(now + minutes * MINUTE))

        answer = sign_in("claims1").post(f"/timers/{running.id}/pause", data=data)

        assert answer.status_code == 422
        assert words in answer.text
        assert NOTE in answer.text
        assert db.session.get(Timer, running.id).state is TimerState.RUNNING

    def test_who_comes_second_is_told_who_was_first(self, sign_in, running) -> None:
        assert sign_in("manager").post(f"/timers/{running.id}/pause", data=self.form()).status_code == 303

        answer = sign_in("claims1").post(f"/timers/{running.id}/pause", data=self.form())

        assert answer.status_code == 409
        assert "孙国强 已于 2026-11-23 09:00 暂停此时限" in answer.text
        assert sign_in("claims1").post(f"/timers/{running.id}/resume").status_code == 303
        again = sign_in("manager").post(f"/timers/{running.id}/resume")
        assert again.status_code == 409
        assert "王建军 已于 2026-11-23 09:00 恢复计时" in again.text


class TestObjections:
    def test_the_client_objects_once_and_sees_it(self, sign_in, survey) -> None:
        client, entry = sign_in("safety-gongyi"), pause_id(survey)
        address = f"/timers/{survey.id}/pauses/{entry}/object"
        assert address in client.get(f"/timers/{survey.id}").text
        data = {f"pause-{entry}-text": "车一直在场内", f"pause-{entry}-idempotency_key": "k"}

        assert client.post(address, data=data).status_code == 303
        assert client.post(address, data=data).status_code == 303

        page = client.get(f"/timers/{survey.id}").text
        assert "车一直在场内" in page
        assert "异议待处理" in page
        assert address not in page
        assert db.session.scalar(select(func.count()).select_from(PauseObjection)) == 1
        other = sign_in("hq").post(address, data={f"pause-{entry}-text": "我也反对"})
        assert other.status_code == 409
        assert "此次暂停已有异议" in other.text

    def test_without_words_is_refused_beside_the_field(self, sign_in, survey) -> None:
        entry = pause_id(survey)
        answer = sign_in("hq").post(
            f"/timers/{survey.id}/pauses/{entry}/object", data={f"pause-{entry}-text": "  "}
        )
        assert answer.status_code == 422
        assert db.session.scalar(select(func.count()).select_from(PauseObjection)) == 0

    def test_is_not_for_the_desk(self, sign_in, survey) -> None:
        entry = pause_id(survey)
        for username in ("claims1", "manager"):
            client = sign_in(username)
            answer = client.post(
                f"/timers/{survey.id}/pauses/{entry}/object", data={f"pause-{entry}-text": "x"}
            )
            assert answer.status_code == 403

    @pytest.fixture
    def objection(self, world, survey, now) -> PauseObjection:
        raised = objections.object_to_pause(
            survey.id, pause_id(survey), "车一直在场内", actor=world.hq, now=now
        )
        db.session.commit()
        return raised

    def decide(self, client, objection: PauseObjection, decision: str, **changes: object):
        prefix = f"objection-{objection.id}"
        data = {
            f"{prefix}-version": objection.version,
            "decision": decision,
            **{f"{prefix}-{name}": value for name, value in changes.items()},
        }
        return client.post(f"/timers/{objection.timer_id}/objections/{objection.id}/decide", data=data)

    def test_a_manager_upholds_it_and_the_pause_is_struck_off(self, sign_in, objection, now) -> None:
        assert self.decide(sign_in("manager"), objection, "uphold").status_code == 303

        timer = db.session.get(Timer, objection.timer_id)
        assert timer.due_at == now + 20 * MINUTE
        page = sign_in("hq").get(f"/timers/{timer.id}").text
        assert "异议成立" in page
        assert "已撤销" in page

    def test_a_rejection_needs_an_answer_and_keeps_what_was_typed(self, sign_in, objection) -> None:
        refused = self.decide(sign_in("manager"), objection, "reject", answer=" ")
        assert refused.status_code == 422
        assert "请向客户说明暂停成立的理由" in refused.text

        assert self.decide(sign_in("manager"), objection, "reject", answer="车在外地").status_code == 303
        page = sign_in("hq").get(f"/timers/{objection.timer_id}").text
        assert "车在外地" in page
        assert "异议未成立" in page

    def test_the_second_manager_is_told(self, sign_in, world, objection) -> None:
        UserFactory(username="m2", role=Role.MANAGER, accounts=[world.account])
        assert self.decide(sign_in("manager"), objection, "uphold").status_code == 303
        answer = self.decide(sign_in("m2"), objection, "reject", answer="x")
        assert answer.status_code == 409
        assert "其他管理人员已处理此异议" in answer.text

    def test_who_paused_sees_no_form_and_may_not_decide(self, sign_in, world, now) -> None:
        timer = start(world, now - 30 * MINUTE, number=2)
        sla.pause(timer.id, "vehicle_unavailable", "", None, actor=world.manager, now=now)
        raised = objections.object_to_pause(timer.id, pause_id(timer), "x", actor=world.hq, now=now)
        db.session.commit()
        client = sign_in("manager")
        page = client.get(f"/timers/{timer.id}").text
        assert "异议由其他管理人员处理" in page
        assert "/decide" not in page
        assert self.decide(client, raised, "uphold").status_code == 403
        assert self.decide(sign_in("claims2"), raised, "uphold").status_code == 403


class TestCorrection:
    @pytest.fixture
    def claim(self, world, now) -> Claim:
        """Reported at 6:40, dispatched a minute later, and surveyed at 8:01 as recorded."""
        journey = Journey(world, reported_claim(world, now - 2 * HOUR), now - 140 * MINUTE)
        journey.to(ClaimState.DISPATCHED)
        journey.now = now - HOUR
        return journey.to(ClaimState.SURVEYED)

    @pytest.fixture
    def timer(self, claim) -> Timer:
        found = sla.timers_of("claim", [claim.id])[claim.id]
        return next(one for one in found if one.step is ClockStep.SURVEY)

    @pytest.fixture
    def address(self, timer) -> str:
        entries = sla.entries_of([timer.id])[timer.id]
        stop = next(entry for entry in entries if entry.kind is EventKind.STOP)
        return f"/timers/{timer.id}/entries/{stop.id}/correct"

    def form(self, timer: Timer, at: datetime, **changes: object) -> dict[str, object]:
        return {
            "at": local(at, "%Y-%m-%dT%H:%M:%S"),
            "shown_at": timer.stopped_at.isoformat(),
            "reason": "照片时间为证",
            "evidence": photo(),
            **changes,
        }

    def test_page_shows_what_is_corrected_together(self, sign_in, timer, address) -> None:
        client = sign_in("manager")
        assert address in client.get(f"/timers/{timer.id}").text
        page = client.get(address).text
        for words in ("更正时间：查勘", "将一并更正", "定损", local(timer.stopped_at, "%Y-%m-%dT%H:%M:%S")):
            assert words in page

    def test_check_shows_the_outcome_and_writes_nothing(self, sign_in, claim, timer, address) -> None:
        data = self.form(timer, claim.reported_at + 50 * MINUTE, action="check")
        del data["evidence"]

        answer = sign_in("manager").post(address, data=data)

        assert answer.status_code == 200
        assert "更正后：按时，用时 50 分" in answer.text
        assert "照片时间为证" in answer.text
        assert db.session.scalar(select(func.count()).select_from(TimerCorrection)) == 0

    def test_keeps_both_times_here_and_on_the_claim(self, sign_in, claim, timer, address) -> None:
        was_at, right_at = timer.stopped_at, claim.reported_at + 50 * MINUTE
        client = sign_in("manager")

        answer = client.post(address, data=self.form(timer, right_at))

        assert (answer.status_code, answer.location) == (303, f"/timers/{timer.id}")
        row = db.session.get(Timer, timer.id)
        assert (row.state, row.stopped_at) == (TimerState.MET, right_at)
        assert db.session.get(Claim, claim.id).arrived_at == right_at
        for at in (was_at, right_at):
            assert local(at, "%m-%d %H:%M") in client.get(f"/timers/{timer.id}").text
            assert local(at, "%Y-%m-%d %H:%M") in sign_in("hq").get(f"/claims/{claim.number}").text

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"evidence": None}, "该字段是必填字段"),
            ({"reason": " "}, "请说明原记录时间为何有误"),
            ({"at": ""}, "该字段是必填字段"),
            ({"at": "2026-11-23T12:00:00"}, "尚未到来"),
            ({"at": "2026-11-22T12:00:00"}, "才报案"),
        ],
    )
    def test_is_refused_beside_the_field_and_keeps_what_was_typed(
        self, sign_in, claim, timer, address, changes, words
    ) -> None:
        typed = self.form(timer, claim.reported_at + 50 * MINUTE) | changes
        data = {name: value for name, value in typed.items() if value is not None}

        answer = sign_in("manager").post(address, data=data)

        assert answer.status_code == 422
        assert 'class="field-error"' in answer.text
        assert db.session.scalar(select(func.count()).select_from(TimerCorrection)) == 0
        assert (
            db.session.scalar(
                select(func.count()).select_from(Document).where(Document.filename == "照片.jpg")
            )
            == 0
        )

    def test_a_paper_sent_with_the_check_serves_for_the_correction(
        self, sign_in, claim, timer, address
    ) -> None:
        client = sign_in("manager")
        data = self.form(timer, claim.reported_at + 50 * MINUTE, action="check")

        checked = client.post(address, data=data)

        assert "照片.jpg 已保留" in checked.text
        data = self.form(timer, claim.reported_at + 50 * MINUTE, kept=kept_token(checked.text))
        del data["evidence"]
        assert client.post(address, data=data).status_code == 303
        papers = set(db.session.scalars(select(TimerCorrection.evidence_id)))
        assert [db.session.get(Document, paper).filename for paper in papers] == ["照片.jpg"]

    def test_an_old_page_is_told_the_new_time(self, sign_in, claim, timer, address) -> None:
        client, old = sign_in("manager"), timer.stopped_at.isoformat()
        assert client.post(address, data=self.form(timer, claim.reported_at + 50 * MINUTE)).status_code == 303

        data = self.form(timer, claim.reported_at + 40 * MINUTE, shown_at=old)
        answer = client.post(address, data=data)

        assert answer.status_code == 409
        assert "刚被他人更正" in answer.text

    def test_is_for_managers_who_never_held_it(self, sign_in, world, claim, timer, address) -> None:
        for username, status in (
            ("claims1", 403),
            ("admin", 403),
            ("hq", 403),
            ("foreign-hq", 403),
            ("manager", 200),
        ):
            assert sign_in(username).get(address).status_code == status
        UserFactory(username="m3", role=Role.MANAGER, accounts=[world.foreign_account])
        assert sign_in("m3").get(address).status_code == 404
        assert address not in sign_in("claims1").get(f"/timers/{timer.id}").text


class TestAbsences:
    def form(self, world: World, now: datetime, **changes: object) -> dict[str, object]:
        return {
            "user_id": world.claims1.id,
            "substitute_id": world.claims2.id,
            "kind": "sickness",
            "from_at": local(now),
            "to_at": local(now + DAY),
            "note": "发烧",
            **changes,
        }

    def test_are_planned_shown_and_ended_early(self, sign_in, world, now) -> None:
        client = sign_in("claims1")
        data = self.form(world, now, idempotency_key="k")

        assert client.post("/absences", data=data).status_code == 303
        assert client.post("/absences", data=data).status_code == 303

        absence = db.session.scalars(select(Absence)).one()
        page = client.get("/absences").text
        for words in ("病假", "发烧", "赵丽", "离岗中", "现已返岗"):
            assert words in page
        answer = client.post(f"/absences/{absence.id}/cancel", data={"version": absence.version})
        assert answer.status_code == 303
        assert "提前返岗" in client.get("/absences").text

    def test_that_is_called_off_before_it_begins_is_not_called_ended_early(self, sign_in, world, now) -> None:
        client = sign_in("claims1")
        client.post(
            "/absences", data=self.form(world, now, from_at=local(now + DAY), to_at=local(now + 2 * DAY))
        )
        absence = db.session.scalars(select(Absence)).one()

        client.post(f"/absences/{absence.id}/cancel", data={"version": absence.version})

        page = client.get("/absences").text
        assert "已取消" in page
        assert "提前返岗" not in page

    def test_why_somebody_is_away_is_for_them_and_their_managers(self, sign_in, world, now) -> None:
        sign_in("claims1").post("/absences", data=self.form(world, now))

        covered = sign_in("claims2").get("/absences").text
        assert "王建军" in covered
        assert "发烧" not in covered
        managers = sign_in("manager").get("/absences").text
        assert "王建军" in managers
        assert "发烧" in managers

    def test_both_sides_of_a_claim_see_who_answers_meanwhile(self, sign_in, world, now) -> None:
        claim = reported_claim(world, now)
        sign_in("claims1").post("/absences", data=self.form(world, now))

        for username in ("hq", "safety-gongyi", "claims2"):
            page = sign_in(username).get(f"/claims/{claim.number}").text
            assert "离岗至 明天 09:00，期间请联系" in page
            assert world.claims2.phone in page
            assert "病假" not in page

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"to_at": "2026-11-23T08:00"}, "结束时间必须晚于开始时间"),
            ({"from_at": "2026-11-23T07:59"}, "一小时内登记"),
            ({"substitute_id": ""}, "field-error"),
            ({"repeats_until_on": "2026-11-22"}, "最后一天不能早于第一天"),
            ({"kind": "holiday"}, "field-error"),
        ],
    )
    def test_are_refused_beside_the_field(self, sign_in, world, now, changes, words) -> None:
        answer = sign_in("claims1").post("/absences", data=self.form(world, now, **changes))

        assert answer.status_code == 422
        assert words in answer.text
        assert "发烧" in answer.text
        assert db.session.scalar(select(func.count()).select_from(Absence)) == 0

    def test_change_their_end_and_stand_in_on_a_fresh_page_only(self, sign_in, world, now) -> None:
        client = sign_in("claims1")
        client.post("/absences", data=self.form(world, now))
        absence = db.session.scalars(select(Absence)).one()
        prefix, version = f"absence-{absence.id}", absence.version
        later = {f"{prefix}-to_at": local(now + 2 * DAY), f"{prefix}-version": version}

        assert client.post(f"/absences/{absence.id}/end", data=later).status_code == 303
        stale = client.post(f"/absences/{absence.id}/end", data=later)
        assert stale.status_code == 409
        fresh = db.session.get(Absence, absence.id)
        assert fresh.to_at == now + 2 * DAY
        other = {f"{prefix}-substitute_id": world.manager.id, f"{prefix}-version": fresh.version}
        assert client.post(f"/absences/{absence.id}/stand-in", data=other).status_code == 303
        assert db.session.get(Absence, absence.id).substitute_id == world.manager.id
        empty = client.post(f"/absences/{absence.id}/end", data={f"{prefix}-version": 9})
        assert empty.status_code == 422

    def test_are_for_the_insurers_staff_about_themselves_and_their_people(self, sign_in, world, now) -> None:
        for username in ("hq", "safety-gongyi"):
            client = sign_in(username)
            assert client.get("/absences").status_code == 403
            assert client.post("/absences", data=self.form(world, now)).status_code == 403
        assert sign_in("claims2").post("/absences", data=self.form(world, now)).status_code == 422
        assert sign_in("manager").post("/absences", data=self.form(world, now)).status_code == 303
        absence = db.session.scalars(select(Absence)).one()
        answer = sign_in("claims2").post(f"/absences/{absence.id}/cancel", data={"version": absence.version})
        assert answer.status_code == 404

    def test_a_stand_in_may_answer_the_contacts_of_who_is_away(self, sign_in, world, now) -> None:
        sign_in("claims1").post(
            "/enquiries/new",
            data={
                "channel": "call",
                "caller_name": "张",
                "caller_phone": "1",
                "subject": "保单",
                "body": "x",
            },
        )
        address = "/enquiries/ENQ-2026-000001"
        page = sign_in("claims1").get(address)
        assert page.status_code == 200
        version = page.text.split('name="version"')[1].split('value="')[1].split('"')[0]
        data = {"answer": "已寄出", "version": version}
        assert sign_in("claims2").post(f"{address}/answer", data=data).status_code == 403
        sign_in("claims1").post("/absences", data=self.form(world, now))
        assert sign_in("claims2").post(f"{address}/answer", data=data).status_code == 303
