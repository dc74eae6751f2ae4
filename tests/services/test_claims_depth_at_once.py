"""Two clerks at the same claim in the same moment: the second sees what the first did, and no money is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.errors import DomainError
from service_desk.models.claim_papers import FileState, WantedFile
from service_desk.models.claim_parties import ClaimParty
from service_desk.models.claims import Claim, WantedDocument
from service_desk.models.db import db, unit_of_work
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.claim_losses import LossKind
from service_desk.rules.claim_parties import PartyKind
from service_desk.services.claims import papers, party_costs, reserves
from service_desk.services.claims.papers import JudgeFile, ReceiveDocument
from service_desk.services.claims.party_costs import Estimate
from tests.claim_cases import Journey, file_store, picture, reported_claim
from tests.world import World

Act = Callable[[User], object]


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    claim = reported_claim(world, now)
    Journey(world, claim, now).to(ClaimState.SURVEYED)
    return claim


def together(app: Flask, acts: dict[int, Act]) -> list[str]:
    """What became of two acts by two users (by their ids) that begin at once; refusals by their codes."""
    start = Barrier(len(acts))
    db.session.commit()

    def one(given: tuple[int, Act]) -> str:
        user_id, act = given
        with app.app_context():
            try:
                start.wait()
                with unit_of_work():
                    act(db.session.get_one(User, user_id))
            except DomainError as refused:
                return refused.code
            finally:
                db.session.remove()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(one, acts.items()))


def test_two_judge_the_same_file(app: Flask, world: World, claim: Claim, now: datetime) -> None:
    at, number = now + timedelta(minutes=9), claim.number
    command = ReceiveDocument(("diagnosis",), (picture(),))
    papers.receive(number, command, actor=world.safety_gongyi, now=at, files=file_store())
    line = db.session.scalars(select(WantedDocument).where(WantedDocument.code == "diagnosis")).one()
    file_id, seen = db.session.scalars(select(WantedFile.id)).one(), line.version

    def judge(is_accepted: bool) -> Act:
        command = JudgeFile(file_id, is_accepted, "" if is_accepted else "模糊", seen)
        return lambda user: papers.judge_file(number, command, actor=user, now=at)

    answers = together(app, {world.claims1.id: judge(True), world.claims2.id: judge(False)})

    assert answers == ["done", "stale"]
    db.session.rollback()
    assert db.session.scalars(select(WantedFile.state)).one() is not FileState.RECEIVED


def test_two_estimate_at_once_and_both_are_held(
    app: Flask, world: World, claim: Claim, now: datetime
) -> None:
    at, number = now + timedelta(minutes=9), claim.number
    kinds = {
        PartyKind.OWN_VEHICLE: LossKind.OWN_VEHICLE,
        PartyKind.OTHER_VEHICLE: LossKind.THIRD_PARTY_VEHICLE,
    }
    ids = {row.kind: row.id for row in db.session.scalars(select(ClaimParty))}

    def estimate(kind: PartyKind) -> Act:
        command = Estimate(ids[kind], kinds[kind], "前脸", 6_000_00)
        return lambda user: party_costs.estimate_item(number, command, actor=user, now=at)

    users = (world.claims1.id, world.claims2.id)
    answers = together(app, {user: estimate(kind) for user, kind in zip(users, kinds, strict=True)})

    assert answers == ["done", "done"]
    db.session.rollback()
    assert claim.reserve_fen == sum(reserves.outstanding_of(claim.id).values()) == 12_000_00
