"""The clock's pages: pausing, levels; who may not."""

from datetime import date, timedelta
from io import BytesIO

import pytest
import time_machine
from PIL import Image
from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel, Timer, TimerState
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests.world import World

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _levels(world: World, now):
    sla.install_defaults(now - timedelta(days=1))
    db.session.commit()
    with time_machine.travel(now, tick=False):
        yield


def start(world: World, at, *, account=None, branch=None, number: int = 1) -> Timer:
    account = account or world.account
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", account.id, (branch or world.gongyi).id)
    timer = sla.start(
        matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=at, actor=world.claims1, now=at
    )
    assert timer is not None
    db.session.commit()
    return timer


class TestPause:
    @pytest.fixture
    def running(self, world, now) -> Timer:
        return start(world, now - 10 * MINUTE)

    def test_with_a_photo_and_back_to_the_claim(self, sign_in, world, running, now) -> None:
        picture = BytesIO()
        Image.new("RGB", (40, 30), "white").save(picture, "JPEG")
        picture.seek(0)
        client = sign_in("claims1")

        answer = client.post(
            f"/timers/{running.id}/pause",
            data={
                "reason": "waiting_for_client_documents",
                "note": "等客户补照片",
                "evidence": (picture, "notice.jpg"),
            },
        )

        assert (answer.status_code, answer.location) == (303, f"/claims/{running.matter_number}")
        row = db.session.get(Timer, running.id)
        assert (row.state, row.paused_at) == (TimerState.PAUSED, now)
        assert client.post(f"/timers/{running.id}/resume").status_code == 303
        assert db.session.get(Timer, running.id).state is TimerState.RUNNING

    def test_without_evidence_keeps_what_was_typed(self, sign_in, running) -> None:
        answer = sign_in("claims1").post(
            f"/timers/{running.id}/pause", data={"reason": "force_majeure", "note": "道路塌方"}
        )
        assert answer.status_code == 422
        assert "该原因需要凭据" in answer.text
        assert "道路塌方" in answer.text

    @pytest.mark.parametrize(
        ("username", "status"),
        [("claims2", 403), ("underwriter", 403), ("hq", 403), ("foreign-hq", 404), ("manager", 200)],
    )
    def test_is_for_the_holder_and_managers(self, sign_in, running, username, status) -> None:
        assert sign_in(username).get(f"/timers/{running.id}/pause").status_code == status

    def test_resuming_a_running_clock_is_refused(self, sign_in, running) -> None:
        assert sign_in("claims1").post(f"/timers/{running.id}/resume").status_code == 422


class TestLevels:
    def level(self, step: ClockStep) -> ServiceLevel:
        return db.session.scalars(
            select(ServiceLevel).where(ServiceLevel.step == step).order_by(ServiceLevel.id)
        ).all()[-1]

    def terms(self, **changes: object) -> dict[str, object]:
        return {
            "target_value": 2,
            "target_unit": "working_days",
            "calendar_code": "office",
            "warn_percent": 75,
            "effective_on": "2026-12-01",
            **changes,
        }

    def test_lists_the_starting_set(self, sign_in) -> None:
        page = sign_in("admin").get("/settings/levels").text
        for words in ("市区或县城", "30 分钟", "¥2,000 及以下", "3 个工作日", "当日", "《保险法》第二十三条"):
            assert words in page

    def test_a_change_is_a_new_row_from_a_day_on(self, sign_in, world, now) -> None:
        old = self.level(ClockStep.FOLLOWUP)

        answer = sign_in("admin").post(f"/settings/levels/{old.id}", data=self.terms(version=old.version))

        assert answer.status_code == 303
        new = self.level(ClockStep.FOLLOWUP)
        db.session.refresh(old)
        assert (old.ended_on, new.effective_on) == (date(2026, 12, 1), date(2026, 12, 1))
        assert (old.target_value, new.target_value) == (3, 2)

    def test_a_stale_or_backdated_change_is_refused(self, sign_in) -> None:
        old = self.level(ClockStep.FOLLOWUP)
        client = sign_in("admin")
        stale = client.post(f"/settings/levels/{old.id}", data=self.terms(version=99))
        past = client.post(
            f"/settings/levels/{old.id}", data=self.terms(version=old.version, effective_on="2026-11-22")
        )
        assert (stale.status_code, past.status_code) == (409, 422)
        assert "不能更改过去的承诺" in past.text

    def test_a_tie_is_refused_naming_both(self, sign_in) -> None:
        data = self.terms(step="assessment", amount_to="5,000", account_id="", where="")
        answer = sign_in("admin").post("/settings/levels/new", data=data)
        assert answer.status_code == 422
        assert "¥5,000 及以下" in answer.text
        assert "¥2,000 及以下" in answer.text
        assert "会同时适用于同一案件" in answer.text

    def test_a_manager_adds_for_the_own_account_only(self, sign_in, world) -> None:
        client = sign_in("manager")
        followup = self.level(ClockStep.FOLLOWUP)
        own = self.terms(step="followup", account_id=world.account.id, where="")
        foreign = self.terms(step="followup", account_id=world.foreign_account.id, where="")

        assert client.post("/settings/levels/new", data=own).status_code == 303
        assert client.post("/settings/levels/new", data=foreign).status_code == 422
        answer = client.post(f"/settings/levels/{followup.id}", data=self.terms(version=followup.version))
        assert answer.status_code == 403
        assert self.level(ClockStep.FOLLOWUP).account_id == world.account.id

    def test_an_ended_promise_starts_no_clock(self, sign_in, world, now) -> None:
        row = self.level(ClockStep.FOLLOWUP)
        answer = sign_in("admin").post(
            f"/settings/levels/{row.id}/end", data={"ends_on": "2026-11-23", "version": row.version}
        )
        assert answer.status_code == 303
        matter = Matter("claim", 1, "CLM-2026-000001", world.account.id)
        timer = sla.start(matter, ClockStep.FOLLOWUP, holder_id=world.claims1.id, at=now, actor=None, now=now)
        assert timer is None

    @pytest.mark.parametrize("username", ["claims1", "hq"])
    @pytest.mark.parametrize("path", ["/settings/levels", "/settings/levels/new"])
    def test_is_not_for_others(self, sign_in, username, path) -> None:
        assert sign_in(username).get(path).status_code == 403
