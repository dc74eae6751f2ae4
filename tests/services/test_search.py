"""The search box: what is found, and by whom."""

import pytest
from sqlalchemy import select

from service_desk.models.enquiries import ContactKind, EnquiryChannel
from service_desk.models.knowledge import ArticleVersion
from service_desk.rules.knowledge import ArticleKind, VersionState
from service_desk.services import enquiries, knowledge, search
from service_desk.services.enquiries import ContactDetails
from service_desk.services.knowledge import ArticleTerms, Topics
from tests.opinion_cases import held_visit, recorded


@pytest.mark.parametrize("text", ["豫A·12345", "豫a12345", "12345", "豫Ａ１２３４５"])
def test_a_plate_is_found_however_it_is_typed(session, world, text):
    found = search.search(text, actor=world.hq)
    assert world.coach in found.vehicles


def test_a_vin_a_branch_and_a_phone_are_found(session, world):
    assert search.search(world.truck.vin[-8:], actor=world.manager).vehicles == [world.truck]
    assert search.search("中牟", actor=world.manager).branches == [world.zhongmu]
    world.insurance_department.phone = "13937106001"
    assert search.search("3710-6001", actor=world.manager).contacts == [world.insurance_department]


def test_too_little_text_and_wildcards_find_nothing(session, world):
    assert search.search("豫", actor=world.manager).total == 0
    assert search.search("%%", actor=world.manager).total == 0
    assert search.search("__", actor=world.manager).total == 0


def test_a_branch_finds_its_own_only_and_a_stranger_nothing(session, world):
    assert search.search("豫A", actor=world.safety_gongyi).vehicles == [world.truck, world.coach]
    assert search.search("豫A", actor=world.foreign_hq).total == 0
    assert search.search("豫C88661", actor=world.manager).total == 0


def test_meetings_and_opinions_are_found_as_far_as_one_sees_them(session, world, now):
    visit = held_visit(world, now)
    opinion = recorded(world, visit, now, is_anonymous=True)
    for user in (world.claims1, world.hq):
        assert search.search(visit.number, actor=user).events == [visit]
        assert search.search(opinion.number, actor=user).opinions == [opinion]
    assert search.search(visit.title, actor=world.claims2).events == [visit]
    assert search.search(opinion.number, actor=world.safety_gongyi).total == 0
    for user in (world.foreign_hq, world.claims1):
        assert search.search(opinion.given_by, actor=user).opinions == []
    assert search.search(visit.number, actor=world.foreign_hq).total == 0
    assert search.search("郊县查勘到场慢", actor=world.claims1).opinions == []


def test_guides_are_found_by_their_title_once_published(session, world, now):
    terms = ArticleTerms("冰面行车", "Driving on ice", "", "", "# 减速", "# Slow", topics=Topics())
    for_account = knowledge.new_article(
        world.account.id, ArticleKind.CASE, terms, for_all=False, actor=world.claims1, now=now
    )
    assert search.search("冰面", actor=world.safety_gongyi).guides == []
    version = session.scalars(select(ArticleVersion).where(ArticleVersion.article_id == for_account.id)).one()
    version.state, version.published_at = VersionState.PUBLISHED, now
    session.flush()
    for text in ("冰面", "on ICE"):
        found = search.search(text, actor=world.safety_gongyi)
        assert [one.slug for one in found.guides] == [for_account.slug]
    assert search.search("冰面", actor=world.foreign_hq).total == 0


def test_a_complaint_is_not_found_by_whom_it_is_about(session, world, now):
    details = ContactDetails(
        EnquiryChannel.CALL, "郭永刚", "", "服务态度", "", "", None, kind=ContactKind.COMPLAINT
    )
    made = enquiries.log_contact(world.account.id, details, actor=world.manager, now=now)
    made.hidden_from_id = world.claims1.id
    session.flush()
    assert search.search(made.number, actor=world.manager).enquiries == [made]
    assert search.search(made.number, actor=world.claims1).total == 0
