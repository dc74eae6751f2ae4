"""A form of the clock's pages sent twice is one act, and the second answer equals the first."""

from datetime import datetime

import pytest
import time_machine
from sqlalchemy import func, select

from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import BreachCause, PauseObjection, ServiceLevel, Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import sla
from service_desk.services.sla import objections
from tests.breach_cases import MINUTE, matter_of
from tests.world import World

KEY = {"idempotency_key": "once"}


@pytest.fixture(autouse=True)
def _clock(world: World, now: datetime):
    sla.install_defaults(now)
    db.session.commit()
    with time_machine.travel(now, tick=False):
        yield


def written(action: str) -> int | None:
    """How often the audit trail says it."""
    return db.session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.action == action))


def test_the_end_of_a_level(sign_in) -> None:
    level = db.session.scalars(select(ServiceLevel).where(ServiceLevel.step == ClockStep.DISPATCH)).one()
    client, sent = sign_in("admin"), {"ends_on": "2027-01-01", "version": level.version, **KEY}

    answers = [client.post(f"/settings/levels/{level.id}/end", data=sent) for _ in range(2)]

    assert [(answer.status_code, answer.location) for answer in answers] == [(303, "/settings/levels")] * 2
    assert written("level_ended") == 1


def test_another_name_of_a_cause(sign_in) -> None:
    cause = db.session.get_one(BreachCause, "workload")
    client, sent = sign_in("manager"), {"name": "在办案件过多", "version": cause.version, **KEY}

    answers = [client.post("/settings/causes/workload", data=sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert written("cause_renamed") == 1


def test_of_two_decisions_on_an_objection_the_first_counts(sign_in, world: World, now: datetime) -> None:
    objection = _objection(world, now)
    prefix, client = f"objection-{objection.id}", sign_in("manager")
    address = f"/timers/{objection.timer_id}/objections/{objection.id}/decide"
    sent = {
        f"{prefix}-answer": "车辆确在场内",
        f"{prefix}-version": objection.version,
        f"{prefix}-idempotency_key": "once",
    }

    for decision in ("uphold", "reject"):
        assert client.post(address, data={**sent, "decision": decision}).status_code == 303
    page = client.get(f"/timers/{objection.timer_id}").text

    assert (written("objection_upheld"), written("objection_rejected")) == (1, 0)
    assert page.count("暂停已撤销，已通知客户。") == 2
    db.session.refresh(objection)
    assert objection.is_upheld


def _objection(world: World, now: datetime) -> PauseObjection:
    """Against a pause of claims1, not yet decided."""
    at = now - 40 * MINUTE
    timer: Timer | None = sla.start(
        matter_of(world), ClockStep.SURVEY, holder_id=world.claims1.id, at=at, actor=None, now=at
    )
    assert timer is not None
    sla.pause(timer.id, "vehicle_unavailable", "", None, actor=world.claims1, now=now - 30 * MINUTE)
    sla.resume(timer.id, actor=world.claims1, now=now - 10 * MINUTE)
    pause = next(entry for entry in sla.entries_of([timer.id])[timer.id] if entry.kind == "pause")
    objection = objections.object_to_pause(timer.id, pause.id, "车一直在场内", actor=world.hq, now=now)
    db.session.commit()
    return objection
