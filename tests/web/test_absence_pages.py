"""The page of absences and who answers meanwhile: what is shown, kept, refused, and to whom."""

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.sla import Absence
from service_desk.services import sla
from tests.claim_cases import reported_claim
from tests.web.clock_pages import local
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _clock(world: World, now):
    sla.install_defaults(now - DAY)
    db.session.commit()
    with time_machine.travel(now, tick=False):
        yield


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
