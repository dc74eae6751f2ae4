"""A clock's own page, pauses and objections: what is shown, kept, refused, and to whom."""

from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.sla import AbsenceKind, PauseObjection, Timer, TimerState
from service_desk.rules.permissions import Role
from service_desk.rules.sla import EventKind
from service_desk.services import sla
from service_desk.services.sla import absences, objections
from service_desk.services.sla.absences import PlanAbsence
from tests.factories import UserFactory
from tests.web.clock_pages import kept_token, local, photo, start
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOTE = "车主说下周回场"


@pytest.fixture(autouse=True)
def _clock(world: World, now):
    sla.install_defaults(now - DAY)
    db.session.commit()
    with time_machine.travel(now, tick=False):
        yield


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
