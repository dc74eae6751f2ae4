"""A time put right from the clock's page: shown before it is done, both values kept, refused beside the field."""

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.sla import Timer, TimerCorrection, TimerState
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.sla import EventKind
from service_desk.services import sla
from tests.claim_cases import Journey, reported_claim
from tests.factories import UserFactory
from tests.web.clock_pages import kept_token, local, photo
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _clock(world: World, now):
    sla.install_defaults(now - DAY)
    db.session.commit()
    with time_machine.travel(now, tick=False):
        yield


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
            ({"evidence": None}, "请选择“凭据”。"),
            ({"reason": " "}, "请说明原记录时间为何有误"),
            ({"at": ""}, "请填写“实际时间”。"),
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
