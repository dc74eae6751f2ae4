"""Key accounts, the branch tree with its aliases, contact people, and who sees how much of them."""

import pytest

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts
from tests.factories import UserFactory, make_uscc


def account_details(**changes):
    values = {
        "code": "xxjt",
        "name": "新乡交通集团",
        "name_en": "",
        "uscc": make_uscc(10077),
        "credit_limit_fen": None,
        "reminder_days": (15, 60, 30, 15),
    }
    return accounts.AccountDetails(**(values | changes))


def branch_details(**changes):
    values = {
        "name": "新密客运分公司",
        "name_en": "",
        "parent_id": None,
        "district": "新密市",
        "is_urban": True,
        "is_active": True,
        "aliases": (),
    }
    return accounts.BranchDetails(**(values | changes))


def contact_details(**changes):
    values = {
        "name": "程庆林",
        "position": "安全科长",
        "phone": "139 0000 7001",
        "email": "",
        "branch_id": None,
        "language": "zh",
        "gets_reports": False,
        "gets_renewals": False,
        "gets_large_losses": False,
    }
    return accounts.ContactDetails(**(values | changes))


def test_an_account_is_added_with_its_code_and_ladder_in_order(session, world, now):
    account = accounts.add_account(account_details(), actor=world.admin, now=now)
    assert account.code == "XXJT"
    assert account.reminder_days == [60, 30, 15]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"uscc": "91410100MA4D00001X"}, "uscc_invalid", "uscc"),
        ({"code": "zzly"}, "code_taken", "code"),
        ({"reminder_days": (0,)}, "reminder_days_invalid", "reminder_days"),
        ({"reminder_days": ()}, "reminder_days_invalid", "reminder_days"),
        ({"reminder_days": (121, 60)}, "reminder_days_invalid", "reminder_days"),
    ],
)
def test_an_account_that_cannot_be_is_refused(session, world, now, changes, code, field):
    with pytest.raises(Invalid) as refused:
        accounts.add_account(account_details(**changes), actor=world.admin, now=now)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_branch_of_the_tree_carries_its_path_and_moves_with_its_parent(session, world, now):
    parent = accounts.add_branch(world.account.id, branch_details(), actor=world.admin, now=now)
    child = accounts.add_branch(
        world.account.id, branch_details(name="超化站", parent_id=parent.id), actor=world.admin, now=now
    )
    assert child.path == f"/{parent.id}/{child.id}/"
    moved = branch_details(parent_id=world.gongyi.id)
    accounts.change_branch(parent.id, moved, parent.version, actor=world.admin, now=now)
    session.flush()
    session.refresh(child)
    assert child.path == f"{world.gongyi.path}{parent.id}/{child.id}/"
    with pytest.raises(Invalid) as refused:
        accounts.change_branch(
            parent.id, branch_details(parent_id=child.id), parent.version, actor=world.admin, now=now
        )
    assert refused.value.code == "branch_in_itself"


def test_a_name_or_alias_leads_to_one_branch_only(session, world, now):
    accounts.add_branch(world.account.id, branch_details(aliases=("新密客运",)), actor=world.admin, now=now)
    for taken in (branch_details(name="新密客运"), branch_details(name="别的", aliases=("巩义客运 分公司",))):
        with pytest.raises(Invalid) as refused:
            accounts.add_branch(world.account.id, taken, actor=world.admin, now=now)
        assert refused.value.code == "branch_name_taken"


def test_a_safety_officer_sees_the_own_branch_and_below(session, world, now):
    below = accounts.add_branch(
        world.account.id, branch_details(name="米河站", parent_id=world.gongyi.id), actor=world.admin, now=now
    )
    seen = accounts.list_branches(world.account.id, actor=world.safety_gongyi)
    assert {branch.id for branch in seen} == {world.gongyi.id, below.id}
    with pytest.raises(NotFound):
        accounts.get_branch(world.zhongmu.id, actor=world.safety_gongyi)


def test_another_account_is_not_found(session, world, now):
    with pytest.raises(NotFound):
        access.get_account(world.manager, world.foreign_account.id)
    with pytest.raises(NotFound):
        accounts.get_branch(world.gongyi.id, actor=world.foreign_hq)
    assert accounts.list_branches(world.account.id, actor=world.foreign_hq) == []
    assert accounts.list_contacts(world.account.id, actor=world.foreign_hq) == []


def test_only_the_administrator_changes_accounts(session, world, now):
    with pytest.raises(Forbidden):
        accounts.add_branch(world.account.id, branch_details(), actor=world.manager, now=now)
    with pytest.raises(Forbidden):
        accounts.add_contact(world.account.id, contact_details(), actor=world.hq, now=now)


def test_a_contact_needs_a_way_to_be_reached(session, world, now):
    for changes, code in (
        ({"phone": ""}, "contact_unreachable"),
        ({"email": "nobody"}, "email_invalid"),
        ({"branch_id": world.gongyi.id, "gets_reports": True}, "contact_of_branch_gets_no_reports"),
    ):
        with pytest.raises(Invalid) as refused:
            accounts.add_contact(world.account.id, contact_details(**changes), actor=world.admin, now=now)
        assert refused.value.code == code
    with pytest.raises(NotFound):
        accounts.add_contact(
            world.account.id, contact_details(branch_id=world.foreign_branch.id), actor=world.admin, now=now
        )


def test_a_branch_sees_its_own_contacts_and_the_groups(session, world, now):
    own = accounts.add_contact(
        world.account.id, contact_details(branch_id=world.gongyi.id), actor=world.admin, now=now
    )
    accounts.add_contact(
        world.account.id,
        contact_details(name="许德明", branch_id=world.zhongmu.id),
        actor=world.admin,
        now=now,
    )
    seen = accounts.list_contacts(world.account.id, actor=world.safety_gongyi)
    assert {contact.id for contact in seen} == {own.id, world.insurance_department.id}


def test_a_stale_change_of_a_contact_is_a_conflict(session, world, now):
    with pytest.raises(Conflict):
        accounts.change_contact(
            world.insurance_department.id, contact_details(), 9, actor=world.admin, now=now
        )


def test_a_user_without_an_active_login_may_nothing(session, world, now):
    gone = UserFactory(username="gone", role=world.manager.role, accounts=[world.account], is_active=False)
    assert access.list_accounts(gone) == []
    with pytest.raises(Forbidden):
        access.require(gone, Action.READ_FLEET)
