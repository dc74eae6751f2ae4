"""Sign-in, users, accounts, audit and search as pages."""

import pytest
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.accounts import Branch, Contact
from service_desk.models.users import SignInAttempt, User
from service_desk.rules.permissions import Role
from service_desk.services import settings, users
from service_desk.services.users import UserDetails
from tests.factories import PASSWORD, make_uscc


def form_of(client, path):
    page = client.get(path)
    assert page.status_code == 200
    return page


def test_signing_in_leads_where_one_wanted_to_go_but_never_elsewhere(client, world):
    data = {"username": "claims1", "password": PASSWORD}
    assert client.post("/sign-in?next=/me", data=data).location == "/me"
    client.post("/sign-out")
    assert client.post("/sign-in?next=https://evil.example/", data=data).location == "/"
    client.post("/sign-out")
    assert client.post("/sign-in?next=//evil.example/", data=data).location == "/"


def test_a_wrong_password_is_said_and_kept_as_an_attempt(client, session, world):
    answer = client.post("/sign-in", data={"username": "claims1", "password": "wrong"})
    assert answer.status_code == 422
    assert session.scalars(select(SignInAttempt.succeeded)).all() == [False]


def test_demo_sign_ins_are_shown_only_while_the_database_holds_demo_data(client, session, world):
    assert "demo-desk-2026" not in client.get("/sign-in").text
    settings.write(settings.HOLDS_DEMO_DATA, True)
    settings.write(
        settings.DEMO_SIGN_INS,
        {"password": "demo-desk-2026", "users": [{"username": "hq", "role": "group_insurance"}]},
    )
    assert "demo-desk-2026" in client.get("/sign-in").text


@pytest.mark.parametrize("path", ["/users", "/users/new", "/audit"])
def test_pages_of_the_administrator_are_closed_to_the_client(sign_in, world, path):
    assert sign_in("admin").get(path).status_code == 200
    assert sign_in("hq").get(path).status_code == 403


def test_the_administrator_adds_and_changes_a_login(sign_in, session, world):
    browser = sign_in("admin")
    data = {
        "username": "newone",
        "name": "林春雷",
        "staff_no": "1040",
        "role": "claims",
        "account_ids": world.account.id,
        "language": "zh",
        "is_active": "y",
        "password": "a-long-password",
    }
    short = browser.post("/users/new", data=data | {"password": "short"})
    assert short.status_code == 422
    assert "林春雷" in short.text
    assert browser.post("/users/new", data=data).status_code == 303
    user = session.scalars(select(User).where(User.username == "newone")).one()
    stale = browser.post(f"/users/{user.id}", data=data | {"version": 7, "name": "林雷"})
    assert stale.status_code == 409
    assert "林雷" in stale.text
    assert (
        browser.post(f"/users/{user.id}", data=data | {"version": user.version, "name": "林雷"}).status_code
        == 303
    )
    session.rollback()
    assert session.get(User, user.id).name == "林雷"


def test_the_account_page_shows_a_branch_only_to_those_who_may_see_it(sign_in, world):
    assert "中牟公交分公司" in sign_in("hq").get("/account").text
    assert "中牟公交分公司" not in sign_in("safety-gongyi").get("/account").text


def test_branches_and_contacts_are_added_by_form(sign_in, session, world):
    browser = sign_in("admin")
    with browser.session_transaction() as cookie:
        cookie["account_id"] = world.account.id
    answer = browser.post(
        "/branches/new", data={"name": "新密客运分公司", "aliases": "新密客运\n新密公司", "is_active": "y"}
    )
    assert answer.status_code == 303
    assert (
        session.scalars(select(Branch).where(Branch.name == "新密客运分公司")).one().account_id
        == world.account.id
    )
    refused = browser.post("/contacts/new", data={"name": "程庆林", "language": "zh"})
    assert refused.status_code == 422
    assert "程庆林" in refused.text
    assert (
        browser.post(
            "/contacts/new", data={"name": "程庆林", "phone": "1390000", "language": "zh"}
        ).status_code
        == 303
    )
    assert session.scalars(select(Contact).where(Contact.name == "程庆林")).one()


def test_a_wrong_credit_code_is_refused_beside_its_field(sign_in, world):
    data = {"code": "XX", "name": "新乡", "uscc": "123", "reminder_days": "60, 30"}
    answer = sign_in("admin").post("/accounts/new", data=data)
    assert answer.status_code == 422
    assert "uscc" in answer.text
    assert sign_in("admin").post("/accounts/new", data=data | {"uscc": make_uscc(10088)}).status_code == 303


def test_switching_to_an_account_of_others_changes_nothing(sign_in, world):
    browser = sign_in("manager")
    browser.post("/account", data={"account": world.foreign_account.code})
    assert world.foreign_account.name not in browser.get("/account").text


def test_the_language_is_remembered_for_the_user(sign_in, session, world):
    browser = sign_in("claims1")
    browser.post("/language", data={"language": "en", "next": "/me"})
    session.rollback()
    assert session.get(User, world.claims1.id).language == "en"
    assert "Change password" in browser.get("/me").text


def test_the_trail_tells_who_did_what(sign_in, world):
    sign_in("admin").post("/branches/new", data={"name": "登封客运分公司", "is_active": "y"})
    page = sign_in("admin").get("/audit?action=branch_added").text
    assert "登封客运分公司" in page


def test_several_hits_are_listed_by_group_with_the_last_covered_day(sign_in, world):
    page = sign_in("underwriter").get("/search?q=豫A").text
    assert f'href="/vehicles/{world.coach.id}"' in page
    assert "命中" in page or "条" in page


def test_a_phone_without_a_search_box_in_its_top_bar_finds_one_on_the_page(sign_in, world):
    browser = sign_in("underwriter")
    nothing_asked = browser.get("/search").text.partition("<main")[2]
    assert 'name="q"' in nothing_asked
    assert "共 0 条" not in nothing_asked
    assert (
        'name="q" type="search" autocomplete="off" value="豫A"'
        in browser.get("/search?q=豫A").text.partition("<main")[2]
    )


def test_the_trail_says_fields_people_and_codes_in_words(sign_in, world):
    browser = sign_in("underwriter")
    state = {"state": "suspended", "reason": "停驶检修"}
    assert browser.post(f"/vehicles/{world.coach.id}/state", data=state).status_code == 303
    page = sign_in("admin").get("/audit").text
    assert "停运" in page or "停驶" in page
    assert ">state<" not in page
    assert "suspended" not in page


def test_the_account_form_shows_the_reminder_days_as_they_are_typed(sign_in, world):
    page = form_of(sign_in("admin"), "/account/edit").text
    assert 'value="60, 30, 15, 7"' in page
    assert "[60" not in page


def test_the_first_administrator_is_led_to_the_first_key_account_not_to_themselves(client, session):
    first = UserDetails("first-admin", "王主任", "0001", "", "", Role.ADMIN, (), None)
    users.add_user(first, PASSWORD, actor=None, now=utc_now())
    session.commit()
    client.post("/sign-in", data={"username": "first-admin", "password": PASSWORD})

    assert 'href="/accounts/new"' in client.get("/").text
    for path in ("/account", "/vehicles", "/settings/levels"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "还没有大客户" in answer.text
        assert 'href="/accounts/new"' in answer.text
        assert "请联系管理员" not in answer.text
