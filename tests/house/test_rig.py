"""The test rig itself: both databases, empty tables, the known cast."""

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session
from stdnum.cn import uscc

from service_desk.models.accounts import Branch
from service_desk.models.fleet import Vehicle
from tests.factories import BranchFactory, PolicyFactory
from tests.world import World


def test_world_is_complete_and_its_codes_are_valid(world: World, session: scoped_session[Session]) -> None:
    assert uscc.is_valid(world.account.uscc)
    assert world.gongyi.path == f"/{world.gongyi.id}/"
    assert session.scalar(select(func.count()).select_from(Vehicle)) == 4


def test_each_test_starts_with_empty_tables(app: Flask, session: scoped_session[Session]) -> None:
    assert session.scalar(select(func.count()).select_from(Vehicle)) == 0


def test_factories_build_a_subtree_and_a_policy(world: World) -> None:
    child: Branch = BranchFactory(account=world.account, parent=world.gongyi)
    policy = PolicyFactory(vehicle=world.coach, issued_by=world.underwriter)
    assert child.path == f"{world.gongyi.path}{child.id}/"
    assert policy.plate == world.coach.plate
