"""Papers reach their branches: what waits, runs, the signature, and two clerks who plan at once."""

import io
import threading
from datetime import datetime, timedelta

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, unit_of_work
from service_desk.models.deliveries import DeliveryItem, DeliveryRun, ItemState, PaperKind, RunState
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import (
    Endorsement,
    EndorsementKind,
    IssueBatch,
    Policy,
    PolicyOrigin,
    PolicyState,
)
from service_desk.models.premiums import Receipt
from service_desk.models.users import User
from service_desk.rules import delivery as rules
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.documents import Upload
from service_desk.services.policies import cards, undoing
from service_desk.services.policies.delivery import queries, runs, waiting
from service_desk.services.policies.delivery.runs import HandOver, RunCommand
from service_desk.services.policies.delivery.waiting import WaitingFilter
from tests.endorsement_cases import LINES, endorse, issue
from tests.factories import PolicyFactory
from tests.world import World


@pytest.fixture
def files(app: Flask) -> FileStore:
    store = app.extensions["file_store"]
    assert isinstance(store, FileStore)
    return store


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, "JPEG")
    return out.getvalue()


def issued(world: World, vehicle: Vehicle, at: datetime, **values: object) -> Policy:
    made: Policy = PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        starts_at=at + timedelta(days=1),
        issued_at=at,
        **values,
    )
    return made


def endorsed(world: World, policy: Policy, at: datetime) -> Endorsement:
    made = Endorsement(
        number=f"END-{policy.number}",
        account_id=policy.account_id,
        branch_id=policy.branch_id,
        policy_id=policy.id,
        ordinal=1,
        kind=EndorsementKind.CANCELLATION,
        effective_at=at,
        created_by_id=world.underwriter.id,
        created_at=at,
    )
    db.session.add(made)
    db.session.flush()
    return made


def received(world: World, at: datetime) -> Receipt:
    made = Receipt(
        number="REC-2026-000001",
        account_id=world.account.id,
        branch_id=world.gongyi.id,
        payer="巩义",
        amount_fen=100,
        received_on=local_date(at),
        method="cash",
        recorded_by_id=world.underwriter.id,
        recorded_at=at,
    )
    db.session.add(made)
    db.session.flush()
    return made


def waits(world: World, now: datetime, **wanted: object) -> list[str]:
    found = waiting.all_waiting(
        WaitingFilter(world.account.id, **wanted),  # type: ignore[arg-type]
        actor=world.underwriter,
        now=now,
    )
    return [one.number for one in found]


def planned(world: World, now: datetime, actor: User | None = None, **values: object) -> str:
    command = RunCommand(world.gongyi.id, local_date(now), "李静", **values)  # type: ignore[arg-type]
    return runs.plan(command, actor=actor or world.underwriter, now=now)


def items_of(number: str) -> dict[PaperKind, DeliveryItem]:
    statement = select(DeliveryItem).join(DeliveryRun).where(DeliveryRun.number == number)
    return {item.kind: item for item in db.session.scalars(statement)}


def test_what_waits_is_what_was_issued_and_not_delivered(world: World, now: datetime) -> None:
    late = issued(world, world.coach, now - timedelta(hours=49))
    young = issued(world, world.truck, now - timedelta(hours=47))
    issued(world, world.coach, now, delivered_at=now)
    issued(world, world.coach, now, origin=PolicyOrigin.TAKEN_OVER)
    issued(world, world.coach, now - timedelta(days=800))
    voided = issued(world, world.coach, now, state=PolicyState.VOIDED)
    endorsed(world, voided, now)
    cancelled = issued(world, world.bus, now, state=PolicyState.CANCELLED)
    paper = endorsed(world, cancelled, now)
    receipt = received(world, now)

    assert waits(world, now) == [late.number, young.number, paper.number, receipt.number]
    assert waits(world, now, is_late=True) == [late.number]
    assert waits(world, now, branch_id=world.zhongmu.id) == [paper.number]
    row = waiting.by_branch(world.account.id, actor=world.underwriter, now=now)[0]
    assert (row.branch.id, row.count, row.late, row.age_days) == (world.gongyi.id, 3, 1, 2)


@pytest.mark.parametrize(("hours", "is_late"), [(48, False), (48.01, True)])
def test_papers_are_late_after_forty_eight_hours(now: datetime, hours: float, is_late: bool) -> None:
    assert rules.is_late(now - timedelta(hours=hours), now) is is_late


def test_a_run_takes_everything_of_the_branch_and_the_card_of_each_vehicle(
    world: World, now: datetime
) -> None:
    policy = issued(world, world.coach, now)
    issued(world, world.bus, now)
    received(world, now)

    number = planned(world, now)

    assert number == "DEL-2026-000001"
    found = items_of(number)
    assert found.keys() == {PaperKind.POLICY, PaperKind.RECEIPT, PaperKind.CARD}
    assert found[PaperKind.POLICY].policy_id == policy.id
    assert found[PaperKind.CARD].vehicle_id == world.coach.id
    assert waits(world, now, is_on_way=False, branch_id=world.gongyi.id) == []
    with pytest.raises(Invalid, match="nothing_to_deliver"):
        planned(world, now)
    with pytest.raises(Conflict, match="paper_on_its_way"):
        planned(world, now, papers=((PaperKind.POLICY, policy.id),))


def test_a_receipt_that_was_reversed_goes_nowhere(world: World, now: datetime) -> None:
    received(world, now).reversed_on = local_date(now)
    db.session.flush()

    assert waits(world, now) == []


def test_the_policies_of_an_undone_batch_leave_their_run(
    world: World, files: FileStore, now: datetime
) -> None:
    batch = IssueBatch(
        number="BAT-1",
        account_id=world.account.id,
        issued_by_id=world.underwriter.id,
        issued_at=now,
        policy_count=1,
        premium_fen=0,
    )
    db.session.add(batch)
    db.session.flush()
    voided = issued(world, world.coach, now, batch_id=batch.id)
    kept = issued(world, world.truck, now)
    number = planned(world, now)

    undoing.undo(batch.number, "清单有误", actor=world.underwriter, now=now)
    run = runs.hand_over(
        number, HandOver("郭永刚", "安全员", now), files=files, actor=world.underwriter, now=now
    )

    items = select(DeliveryItem).where(DeliveryItem.policy_id == voided.id)
    item = db.session.scalars(items).one()
    assert (item.state, item.reason) == (ItemState.BROUGHT_BACK, "清单有误")
    assert (run.state, voided.delivered_at, kept.delivered_at) == (RunState.DELIVERED, None, now)


@pytest.mark.parametrize(("is_out", "state"), [(False, ItemState.BROUGHT_BACK), (True, ItemState.OPEN)])
def test_a_cancelled_policy_leaves_a_run_that_has_not_left(
    world: World, now: datetime, is_out: bool, state: ItemState
) -> None:
    policy = issue(world, world.coach, now, lines=LINES[1:2], start_on=local_date(now) + timedelta(days=9))
    number = planned(world, now)
    if is_out:
        runs.send_out(number, actor=world.underwriter, now=now)

    cause = CancelReason.NOT_NEEDED
    paper = endorse(world, policy[PolicyLine.COMMERCIAL], now, EndorsementKind.CANCELLATION, cause=cause)

    item = items_of(number)[PaperKind.POLICY]
    assert (item.state, item.reason) == (state, "" if is_out else paper.number)
    assert paper.number in waits(world, now)


def test_a_run_takes_only_what_was_ticked(world: World, now: datetime) -> None:
    issued(world, world.coach, now)
    truck = issued(world, world.truck, now)

    number = planned(world, now, papers=((PaperKind.POLICY, truck.id),))

    assert {item.policy_id or item.vehicle_id for item in items_of(number).values()} == {
        truck.id,
        world.truck.id,
    }


def test_the_same_key_twice_is_one_run_and_one_hand_over(
    world: World, files: FileStore, now: datetime
) -> None:
    issued(world, world.coach, now)
    command = RunCommand(world.gongyi.id, local_date(now), "李静")

    numbers = {runs.plan(command, key="k", actor=world.underwriter, now=now) for _ in range(2)}

    assert numbers == {"DEL-2026-000001"}
    for _ in range(2):
        run = runs.hand_over(
            numbers.copy().pop(),
            HandOver("郭永刚", "安全科长", now),
            files=files,
            key="h",
            actor=world.underwriter,
            now=now,
        )
        assert run.state is RunState.DELIVERED
    with pytest.raises(Conflict, match="run_closed"):
        runs.hand_over(run.number, HandOver("周敏", "", now), files=files, actor=world.underwriter, now=now)


def test_what_stays_is_delivered_and_what_came_back_waits_again(
    world: World, files: FileStore, now: datetime
) -> None:
    batch = IssueBatch(
        number="BAT-2026-000001",
        account_id=world.account.id,
        issued_by_id=world.underwriter.id,
        issued_at=now,
        policy_count=1,
        premium_fen=1,
    )
    db.session.add(batch)
    db.session.flush()
    stays = issued(world, world.coach, now, batch_id=batch.id)
    back = issued(world, world.truck, now)
    paper = endorsed(world, stays, now)
    number = planned(world, now)
    runs.send_out(number, actor=world.underwriter, now=now)
    item = db.session.scalars(select(DeliveryItem).where(DeliveryItem.policy_id == back.id)).one()
    signed_at = now + timedelta(hours=3)

    runs.hand_over(
        number,
        HandOver("郭永刚", "安全科长", signed_at, brought_back={item.id: "车牌有误"}),
        Upload("签收.jpg", picture()),
        files=files,
        actor=world.underwriter,
        now=signed_at,
    )

    assert (stays.delivered_at, paper.delivered_at, back.delivered_at) == (signed_at, signed_at, None)
    assert (item.state, item.reason) == (ItemState.BROUGHT_BACK, "车牌有误")
    assert batch.delivered_at == signed_at
    view = queries.get_run(number, actor=world.underwriter)
    assert (view.run.state, view.run.signed_by, view.run.document_id is None) == (
        RunState.DELIVERED,
        "郭永刚",
        False,
    )
    assert waits(world, signed_at) == [back.number]
    where = queries.whereabouts(stays)
    assert where is not None
    assert where.state == "delivered"
    assert planned(world, signed_at) == "DEL-2026-000002"
    actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["delivery_planned", "delivery_out", "delivery_recorded", "delivery_planned"]


def test_a_run_of_which_everything_comes_back_needs_no_signature(
    world: World, files: FileStore, now: datetime
) -> None:
    policy = issued(world, world.coach, now)
    number = planned(world, now)
    ids = [item.id for item in items_of(number).values()]

    run = runs.hand_over(
        number,
        HandOver("", "", now, brought_back=dict.fromkeys(ids, "无人签收")),
        files=files,
        actor=world.underwriter,
        now=now,
    )

    assert (run.state, run.signed_at, policy.delivered_at) == (RunState.RETURNED, None, None)
    assert waits(world, now) == [policy.number]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signed_by": " "}, "required"),
        ({"signed_at": timedelta(minutes=1)}, "signed_in_future"),
        ({"signed_at": timedelta(days=-1)}, "signed_before_plan"),
        ({"reason": " "}, "brought_back_without_reason"),
    ],
)
def test_a_hand_over_that_cannot_be_is_refused_and_writes_nothing(
    world: World, files: FileStore, now: datetime, change: dict, code: str
) -> None:
    policy = issued(world, world.coach, now)
    number = planned(world, now)
    card = items_of(number)[PaperKind.CARD]
    command = HandOver(
        change.get("signed_by", "郭永刚"),
        "",
        now + change.get("signed_at", timedelta()),
        brought_back={card.id: change["reason"]} if "reason" in change else {},
    )

    with pytest.raises(Invalid, match=code):
        runs.hand_over(number, command, files=files, actor=world.underwriter, now=now)

    assert queries.get_run(number, actor=world.underwriter).is_open
    assert policy.delivered_at is None


def test_a_planned_run_can_be_given_up_and_one_that_left_cannot(world: World, now: datetime) -> None:
    issued(world, world.coach, now)
    number = planned(world, now)

    runs.drop(number, "改日再送", actor=world.underwriter, now=now)

    second = planned(world, now)
    runs.send_out(second, actor=world.underwriter, now=now)
    with pytest.raises(Conflict, match="run_is_out"):
        runs.drop(second, "改日再送", actor=world.underwriter, now=now)


def test_two_clerks_never_bring_the_same_paper(app: Flask, world: World, now: datetime) -> None:
    issued(world, world.coach, now)
    db.session.commit()
    command = RunCommand(world.gongyi.id, local_date(now), "李静")
    answers: list[str] = []
    both = threading.Barrier(2)

    def work(username: str) -> None:
        with app.app_context():
            actor = db.session.scalars(select(User).where(User.username == username)).one()
            both.wait()
            try:
                with unit_of_work():
                    answers.append(runs.plan(command, actor=actor, now=now))
            except DomainError as refusal:
                answers.append(refusal.code)
            db.session.remove()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("underwriter", "manager")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    db.session.rollback()
    assert sorted(answers) == ["DEL-2026-000001", "nothing_to_deliver"]
    assert (
        len(db.session.scalars(select(DeliveryItem).where(DeliveryItem.kind == PaperKind.POLICY)).all()) == 1
    )


@pytest.mark.parametrize("name", ["claims1", "hq", "safety_gongyi", "admin"])
def test_who_does_not_issue_plans_no_run(world: World, now: datetime, name: str) -> None:
    issued(world, world.coach, now)

    with pytest.raises(Forbidden):
        planned(world, now, getattr(world, name))
    with pytest.raises(Forbidden):
        waiting.list_waiting(
            WaitingFilter(world.account.id), PageRequest(), actor=getattr(world, name), now=now
        )
    assert waiting.by_branch(world.account.id, actor=getattr(world, name), now=now) == []


def test_another_accounts_papers_and_runs_are_not_there(
    world: World, files: FileStore, now: datetime
) -> None:
    foreign = issued(world, world.foreign_vehicle, now)

    with pytest.raises(NotFound):
        runs.plan(
            RunCommand(world.foreign_branch.id, local_date(now), "李静"), actor=world.underwriter, now=now
        )
    assert waiting.by_branch(world.foreign_account.id, actor=world.underwriter, now=now) == []
    with pytest.raises(NotFound):
        cards.for_vehicle(foreign.vehicle_id, actor=world.underwriter, now=now)


def test_a_card_has_the_policies_of_its_vehicle_and_no_others(world: World, now: datetime) -> None:
    current = issued(world, world.coach, now - timedelta(days=30))
    following = issued(world, world.coach, now + timedelta(days=330))
    issued(world, world.coach, now - timedelta(days=800))
    issued(world, world.truck, now)

    card = cards.for_vehicle(world.coach.id, actor=world.safety_gongyi, now=now)[0]

    assert [one.number for one in card.policies] == [current.number, following.number]
    assert len(cards.for_branch(world.gongyi.id, actor=world.underwriter, now=now)) == 2
    with pytest.raises(NotFound):
        cards.for_vehicle(world.bus.id, actor=world.safety_gongyi, now=now)
    with pytest.raises(Invalid, match="no_card"):
        cards.for_branch(world.zhongmu.id, actor=world.underwriter, now=now)
