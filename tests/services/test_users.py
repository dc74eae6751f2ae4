"""Signing in with its lockout, and the administrator's care of logins."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany
from service_desk.models.audit import AuditEntry
from service_desk.models.users import SignInAttempt
from service_desk.rules.permissions import Role
from service_desk.services import users
from tests.factories import PASSWORD


def details(world, **changes):
    values = {
        "username": "NewPerson",
        "name": "林　春雷",
        "staff_no": "1040",
        "phone": "137 0000 1040",
        "email": "",
        "role": Role.CLAIMS,
        "account_ids": (world.account.id,),
        "branch_id": None,
    }
    return users.UserDetails(**(values | changes))


def test_the_right_password_signs_in_and_is_audited(session, world, now):
    user = users.authenticate(" Claims1 ", PASSWORD, ip="127.0.0.1", now=now)
    assert user is not None
    assert user.id == world.claims1.id
    assert user.last_signed_in_at == now
    assert session.scalar(select(AuditEntry.action).where(AuditEntry.actor_id == user.id)) == "signed_in"


@pytest.mark.parametrize("name", ["claims1", "nobody-of-that-name"])
def test_five_failures_lock_a_name_out_whether_it_exists_or_not(session, world, now, name):
    for _attempt in range(users.MAX_FAILURES):
        assert users.authenticate(name, "wrong", ip="", now=now) is None
    with pytest.raises(Invalid) as refused:
        users.authenticate(name, PASSWORD, ip="", now=now + timedelta(minutes=1))
    assert refused.value.code == "locked_out"
    assert refused.value.params == {"minutes": 14}
    later = users.authenticate(name, PASSWORD, ip="", now=now + users.LOCKED_FOR + timedelta(seconds=1))
    assert (later is not None) == (name == "claims1")


def test_a_success_forgets_earlier_failures(session, world, now):
    for minute in range(4):
        users.authenticate("claims1", "wrong", ip="", now=now + timedelta(minutes=minute))
    assert users.authenticate("claims1", PASSWORD, ip="", now=now + timedelta(minutes=5))
    assert users.authenticate("claims1", "wrong", ip="", now=now + timedelta(minutes=6)) is None
    assert users.authenticate("claims1", PASSWORD, ip="", now=now + timedelta(minutes=7))
    assert session.scalar(select(func.count()).select_from(SignInAttempt)) == 7


def test_an_inactive_login_is_refused_like_a_wrong_password(session, world, now):
    world.claims1.is_active = False
    assert users.authenticate("claims1", PASSWORD, ip="", now=now) is None


def test_a_new_password_ends_old_sessions(session, world, now):
    token = world.claims1.get_id()
    assert users.load_user(token) is world.claims1
    users.set_password(world.claims1.id, "another-password", actor=world.admin, now=now)
    assert users.load_user(token) is None
    assert users.load_user("1") is None
    assert users.load_user("x:y") is None


def test_the_administrator_adds_a_login(session, world, now):
    user = users.add_user(details(world), "a-long-password", actor=world.admin, now=now)
    assert (user.username, user.name) == ("newperson", "林 春雷")
    assert users.account_ids_of(user) == [world.account.id]
    assert users.authenticate("newperson", "a-long-password", ip="", now=now) is user


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"username": "claims1"}, "username_taken"),
        ({"account_ids": ()}, "account_missing"),
        ({"role": Role.BRANCH_SAFETY, "branch_id": None}, "branch_of_account"),
    ],
)
def test_a_login_that_cannot_be_is_refused(session, world, now, changes, code):
    with pytest.raises(InvalidMany) as refused:
        users.add_user(details(world, **changes), "a-long-password", actor=world.admin, now=now)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_a_safety_officer_needs_a_branch_of_the_own_account(session, world, now):
    foreign = details(world, role=Role.BRANCH_SAFETY, branch_id=world.foreign_branch.id)
    with pytest.raises(InvalidMany):
        users.add_user(foreign, "a-long-password", actor=world.admin, now=now)
    own = details(world, role=Role.BRANCH_SAFETY, branch_id=world.gongyi.id)
    assert users.add_user(own, "a-long-password", actor=world.admin, now=now).branch_id == world.gongyi.id


def test_only_the_administrator_keeps_logins(session, world, now):
    for actor in (world.manager, world.hq, world.safety_gongyi):
        with pytest.raises(Forbidden):
            users.add_user(details(world), "a-long-password", actor=actor, now=now)
        with pytest.raises(Forbidden):
            users.list_users(actor=actor)


def test_changing_rights_ends_sessions_and_is_audited(session, world, now):
    token = world.claims2.get_id()
    change = details(world, username="claims2", name=world.claims2.name, role=Role.UNDERWRITER)
    users.change_user(world.claims2.id, change, world.claims2.version, actor=world.admin, now=now)
    assert users.load_user(token) is None
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "user_changed")).one()
    assert entry.changes["role"] == ["claims", "underwriter"]


def test_a_stale_change_is_a_conflict_and_nobody_takes_their_own_rights(session, world, now):
    with pytest.raises(Conflict):
        users.change_user(world.claims2.id, details(world), 99, actor=world.admin, now=now)
    own = details(world, username="admin", role=Role.MANAGER)
    with pytest.raises(Invalid) as refused:
        users.change_user(world.admin.id, own, world.admin.version, actor=world.admin, now=now)
    assert refused.value.code == "own_rights"


def test_the_own_password_needs_the_present_one(session, world, now):
    with pytest.raises(Invalid):
        users.change_own_password("wrong", "a-long-password", actor=world.claims1, now=now)
    with pytest.raises(Invalid) as short:
        users.change_own_password(PASSWORD, "short", actor=world.claims1, now=now)
    assert short.value.params == {"length": users.MIN_PASSWORD}
    users.change_own_password(PASSWORD, "a-long-password", actor=world.claims1, now=now)
    assert users.authenticate("claims1", "a-long-password", ip="", now=now)


def test_many_names_tried_from_one_address_lock_the_address_out(session, world, now):
    for number in range(users.MAX_FAILURES_OF_ADDRESS):
        users.authenticate(f"name-{number}", "wrong", ip="203.0.113.9", now=now)
    with pytest.raises(Invalid):
        users.authenticate("claims1", PASSWORD, ip="203.0.113.9", now=now)
    assert users.authenticate("claims1", PASSWORD, ip="203.0.113.10", now=now)
