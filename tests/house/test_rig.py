"""The test rig itself: both databases, empty tables, the known cast."""

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session
from stdnum.cn import uscc

from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.fleet import Vehicle
from tests.factories import BranchFactory, KeyAccountFactory, PolicyFactory
from tests.standing import Standing
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


def test_a_beginning_is_put_back_but_never_over_other_rows(
    app: Flask, session: scoped_session[Session]
) -> None:
    standing: Standing = app.extensions["standing"]
    names = iter(("first", "second"))

    def begin(*, writes_first: bool = False) -> Branch:
        session.rollback()
        standing.empty()
        account: KeyAccount = standing.once("rig: account", KeyAccountFactory, is_common=True)
        if writes_first:
            BranchFactory(account=account, name="other")
        branch: Branch = standing.once(
            "rig: branch", lambda: BranchFactory(account=account, name=next(names)), is_common=True
        )
        return branch

    built = begin()
    built_as = (built.id, built.account_id, built.path, built.name)
    put_back = begin()
    assert (put_back.id, put_back.account_id, put_back.path, put_back.name) == built_as
    assert session.scalar(select(func.count()).select_from(Branch)) == 1

    assert begin(writes_first=True).name == "second"
    assert session.scalar(select(func.count()).select_from(Branch)) == 2
