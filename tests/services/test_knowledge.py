"""Guides and cases: two people and two languages to publish, never changed after, shown where they help, told once."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import DomainError, Forbidden, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.knowledge import Article, ArticleOpinion, ArticleRead, ArticleVersion, Bulletin
from service_desk.models.notices import Channel, DeliveryTry, Notice, NoticeState
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.knowledge import ArticleKind, HelpMoment, VersionState
from service_desk.rules.permissions import Role
from service_desk.rules.vocabulary import UseClass
from service_desk.services import documents, knowledge
from service_desk.services.documents import Upload
from service_desk.services.knowledge import (
    ArticleFilter,
    ArticleTerms,
    Topics,
    bulletins,
    reading,
    starting_set,
)
from service_desk.services.knowledge.bulletins import BulletinTerms
from tests.claim_cases import file_store, picture
from tests.factories import ContactFactory, UserFactory
from tests.standing import once
from tests.world import World

DAY = timedelta(days=1)
TERMS = ArticleTerms(
    "冰面行车",
    "Driving on ice",
    "桥面先结冰",
    "Bridges freeze first",
    "# 这样做\n1. 减速",
    "# Do this\n1. Slow down",
    topics=Topics(
        frozenset({ClaimFeature.OWN_DAMAGE}), frozenset({UseClass.COACH}), frozenset({HelpMoment.REPORTING})
    ),
)
SLUG = "driving-on-ice"
ALL = PageRequest(1, 50)


def begun(world: World, now: datetime, *, for_all: bool = False, terms: ArticleTerms = TERMS) -> Article:
    article = knowledge.new_article(
        world.account.id, ArticleKind.CASE, terms, for_all=for_all, actor=world.claims1, now=now
    )
    db.session.commit()
    return article


def published(world: World, now: datetime, *, for_all: bool = False) -> Article:
    article = begun(world, now, for_all=for_all)
    publish(world, now)
    return article


def publish(world: World, now: datetime, slug: str = SLUG) -> None:
    act(knowledge.submit, world, world.claims1, now, slug)
    act(knowledge.publish, world, world.claims2, now, slug)


def act(how, world: World, who: User, now: datetime, slug: str = SLUG, *more):
    _article, draft = knowledge.get_open(slug, actor=who)
    made = how(slug, *more, version=draft.version, actor=who, now=now)
    db.session.commit()
    return made


def states() -> list[tuple[int, VersionState]]:
    rows = db.session.execute(select(ArticleVersion.number, ArticleVersion.state)).tuples()
    return sorted(rows)


def slugs(world: World, who: User, wanted: ArticleFilter | None = None, account_id: int = 0) -> list[str]:
    page = knowledge.list_articles(account_id or world.account.id, wanted or ArticleFilter(), ALL, actor=who)
    return [row.article.slug for row in page.rows]


def refused(code: str, how, *args, **values) -> None:
    with pytest.raises(DomainError) as caught:
        how(*args, **values)
    problems = caught.value.problems if isinstance(caught.value, InvalidMany) else [caught.value]
    assert {problem.code for problem in problems} == {code}
    db.session.rollback()


def test_a_second_person_publishes_what_is_whole_in_both_languages(world: World, now: datetime) -> None:
    begun(world, now, terms=ArticleTerms("冰面行车", "Driving on ice", "桥面先结冰", body="减速"))
    refused("knowledge_language", act, knowledge.submit, world, world.claims1, now)
    act(lambda *a, **k: knowledge.change_draft(*a, TERMS, **k), world, world.claims1, now)
    refused("knowledge_not_in_review", act, knowledge.publish, world, world.claims2, now)
    act(knowledge.submit, world, world.claims1, now)
    refused("knowledge_own", act, knowledge.publish, world, world.claims1, now)
    act(knowledge.give_back, world, world.claims2, now, SLUG, "补充照片")
    # Who writes a word of it does not publish it either.
    act(lambda *a, **k: knowledge.change_draft(*a, TERMS, **k), world, world.claims2, now)
    act(knowledge.submit, world, world.claims2, now)
    refused("knowledge_own", act, knowledge.publish, world, world.claims2, now)
    act(knowledge.publish, world, world.manager, now)

    assert slugs(world, world.safety_gongyi) == [SLUG]
    refused(
        "not_found", act, lambda *a, **k: knowledge.change_draft(*a, TERMS, **k), world, world.claims1, now
    )
    told = list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert told.count("article_submitted") == 2
    assert told[-1] == "article_published"


def test_the_next_version_takes_the_place_and_a_withdrawn_one_leaves_it(world: World, now: datetime) -> None:
    published(world, now)
    draft = knowledge.start_version(SLUG, actor=world.claims1, now=now)
    assert knowledge.start_version(SLUG, actor=world.claims2, now=now).id == draft.id
    db.session.commit()
    newer = ArticleTerms("冰面", "Ice", "桥", "Bridges", "减速慢行", "Slow", topics=TERMS.topics)
    act(lambda *a, **k: knowledge.change_draft(*a, newer, **k), world, world.claims1, now)
    opened = knowledge.open_article(SLUG, actor=world.hq)
    assert (opened.version.number, opened.version.body) == (1, TERMS.body)
    publish(world, now)
    assert states() == [(1, VersionState.REPLACED), (2, VersionState.PUBLISHED)]
    assert [row.number for row in reading.list_versions(opened.article, actor=world.hq)] == [2, 1]

    shown = knowledge.open_article(SLUG, actor=world.claims1).version
    at = {"actor": world.claims1, "now": now}
    refused("required", knowledge.withdraw, SLUG, " ", version=shown.version, **at)
    knowledge.withdraw(SLUG, "条款已变", version=shown.version, **at)
    db.session.commit()
    assert slugs(world, world.hq) == []
    with pytest.raises(NotFound):
        knowledge.open_article(SLUG, actor=world.hq)
    assert slugs(world, world.claims1, ArticleFilter(state=VersionState.WITHDRAWN)) == [SLUG]
    knowledge.start_version(SLUG, **at)
    assert knowledge.drop_draft(SLUG, version=1, **at)


def test_what_was_withdrawn_is_not_read_again_under_a_newer_version(world: World, now: datetime) -> None:
    published(world, now)
    at = {"actor": world.claims1, "now": now}
    shown = knowledge.open_article(SLUG, actor=world.claims1).version
    knowledge.withdraw(SLUG, "有误", version=shown.version, **at)
    db.session.commit()
    knowledge.start_version(SLUG, **at)
    db.session.commit()
    publish(world, now)

    assert knowledge.open_article(SLUG, actor=world.hq).version.number == 2
    assert [row.version.number for row in knowledge.listed_versions(SLUG, actor=world.hq)[0]] == [2]
    with pytest.raises(NotFound):
        knowledge.open_article(SLUG, number=1, actor=world.hq)
    assert knowledge.open_article(SLUG, number=1, actor=world.claims1).version.withdrawn_reason == "有误"


def test_a_draft_written_elsewhere_meanwhile_is_stale_and_one_given_up_is_gone(world: World, now) -> None:
    begun(world, now)
    at = {"actor": world.claims2, "now": now}
    refused("stale", knowledge.change_draft, SLUG, TERMS, version=7, **at)
    assert not knowledge.drop_draft(SLUG, version=1, **at)
    db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(Article)) == 0


def test_files_are_checked_kept_by_later_versions_and_read_with_the_article(world: World, now) -> None:
    begun(world, now)
    files = file_store()

    def add(upload: Upload | None):
        draft = knowledge.get_open(SLUG, actor=world.claims1)[1]
        row = knowledge.add_file(
            world.account.id,
            SLUG,
            upload,
            version=draft.version,
            files=files,
            actor=world.claims1,
            now=now,
        )
        db.session.commit()
        return row

    refused("required", add, None)
    refused("paper_unreadable", add, Upload("x.html", b"<script>alert(1)</script>"))
    kept = add(picture()).document_id
    with pytest.raises(NotFound):
        knowledge.find_file(kept, actor=world.safety_gongyi)
    publish(world, now)
    assert knowledge.find_file(kept, actor=world.safety_gongyi) is not None
    with pytest.raises(NotFound):
        knowledge.find_file(kept, actor=world.foreign_hq)
    with pytest.raises(NotFound):
        documents.get_document(kept, actor=world.manager)
    knowledge.start_version(SLUG, actor=world.claims1, now=now)
    db.session.commit()
    draft = knowledge.get_open(SLUG, actor=world.claims1)[1]
    assert [one.id for one in reading.files_of(draft.id)] == [kept]
    knowledge.remove_file(SLUG, kept, version=draft.version, actor=world.claims1, now=now)
    assert knowledge.find_file(kept, actor=world.hq) is not None


def test_an_account_reads_its_own_and_those_for_all(world: World, now: datetime) -> None:
    published(world, now)
    foreign = world.foreign_account.id
    assert slugs(world, world.foreign_hq, account_id=foreign) == []
    assert slugs(world, world.foreign_hq) == []
    with pytest.raises(NotFound):
        knowledge.open_article(SLUG, actor=world.foreign_hq)
    article = db.session.scalars(select(Article)).one()
    article.account_id = None
    db.session.commit()
    assert slugs(world, world.foreign_hq, account_id=foreign) == [SLUG]
    assert slugs(world, world.admin) == [SLUG]


def test_clients_write_nothing_and_see_no_drafts(world: World, now: datetime) -> None:
    begun(world, now)
    at = {"actor": world.hq, "now": now}
    account_id = world.account.id
    for how, args in (
        (knowledge.new_article, (account_id, ArticleKind.CASE, TERMS)),
        (knowledge.start_version, (SLUG,)),
        (knowledge.submit, (SLUG,)),
        (bulletins.new_bulletin, (account_id, BulletinTerms(date(2026, 11, 1), "a", "b", (SLUG,)))),
        (starting_set.load_missing, ()),
    ):
        more = {"for_all": True} if how is knowledge.new_article else {}
        more |= {"version": 1} if how is knowledge.submit else {}
        with pytest.raises(Forbidden):
            how(*args, **more, **at)
    with pytest.raises(Forbidden):
        slugs(world, world.hq, ArticleFilter(state=VersionState.DRAFT))
    with pytest.raises(NotFound):
        knowledge.open_article(SLUG, actor=world.hq)


def test_lists_narrow_to_words_and_to_what_a_text_is_for(world: World, now: datetime) -> None:
    published(world, now)
    for wanted, found in (
        (ArticleFilter("bridges 减速"), True),
        (ArticleFilter("100%"), False),
        (ArticleFilter(kind=ArticleKind.GUIDE), False),
        (ArticleFilter(feature=ClaimFeature.OWN_DAMAGE, use_class=UseClass.COACH), True),
        (ArticleFilter(use_class=UseClass.GOODS), False),
        (ArticleFilter(moment=HelpMoment.PAYMENT), False),
    ):
        assert slugs(world, world.hq, wanted) == ([SLUG] if found else []), wanted


def test_readers_are_counted_once_and_have_one_opinion(world: World, now: datetime) -> None:
    published(world, now)
    for helpful in (True, False):
        knowledge.note_read(SLUG, 1, actor=world.hq, now=now)
        knowledge.tell_opinion(SLUG, 1, is_helpful=helpful, word="太短", actor=world.hq, now=now)
        db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(ArticleRead)) == 1
    assert db.session.scalars(select(ArticleOpinion)).one().word == "太短"
    (row,) = knowledge.list_articles(world.account.id, ArticleFilter(), ALL, actor=world.hq).rows
    assert (row.readers, row.helped, row.not_helped) == (1, 0, 1)
    with pytest.raises(Forbidden):
        knowledge.list_opinions(SLUG, 1, actor=world.hq)


def test_the_supplied_set_helps_where_it_is_asked_for_and_overwrites_nothing(world: World, now) -> None:
    assert starting_set.install_for_new_desk(now) == 0
    once("supplied", lambda: starting_set.install_missing(now) and None)
    db.session.commit()
    supplied = starting_set.supplied()
    assert sum(one.kind is ArticleKind.GUIDE for one in supplied) >= 8
    assert sum(one.kind is ArticleKind.CASE for one in supplied) >= 6
    for one in supplied:
        assert all((one.terms.title, one.terms.title_en, one.terms.body, one.terms.body_en)), one.slug
    shown = db.session.scalars(select(ArticleVersion)).first()
    assert shown is not None
    knowledge.withdraw(
        db.session.get_one(Article, shown.article_id).slug,
        "自有版本",
        version=shown.version,
        actor=world.claims1,
        now=now,
    )
    assert starting_set.load_missing(actor=world.claims1, now=now) == 0

    def helping(moment: HelpMoment, **more) -> list[str]:
        found = knowledge.guides_for(world.account.id, moment, actor=world.safety_gongyi, **more)
        return [guide.slug for guide in found]

    assert "bus-door-and-boarding" in helping(HelpMoment.PREVENTION, use_class=UseClass.CITY_BUS)
    assert "coach-on-ice" not in helping(HelpMoment.PREVENTION, use_class=UseClass.CITY_BUS)
    assert "documents-for-injury-claims" in helping(HelpMoment.DOCUMENTS, features=[ClaimFeature.INJURY])
    assert "vehicle-stolen" not in helping(HelpMoment.DOCUMENTS, features=[ClaimFeature.GLASS])
    full = knowledge.guides_for(
        world.account.id, HelpMoment.REPORTING, with_text=True, actor=world.safety_gongyi
    )
    passengers = next(guide for guide in full if guide.slug == "passenger-injured")
    assert passengers.body
    assert set(passengers.use_classes) == {"coach", "city_bus", "taxi_rental"}


def test_a_bulletin_goes_to_each_officer_once_and_to_those_who_come_later(world: World, now) -> None:
    published(world, now)
    terms = BulletinTerms(date(2026, 11, 23), "寒潮将至", "Cold is coming", (SLUG,))
    account_id, at = world.account.id, {"actor": world.claims1, "now": now}
    refused(
        "bulletin_articles",
        bulletins.new_bulletin,
        account_id,
        BulletinTerms(terms.dated_on, "a", "b", ("x",)),
        **at,
    )
    row = bulletins.new_bulletin(account_id, terms, **at)
    db.session.commit()
    with pytest.raises(NotFound):
        bulletins.get_bulletin(account_id, row.number, actor=world.hq)

    def send() -> int:
        version = db.session.scalars(select(Bulletin.version)).one()
        number = bulletins.send(account_id, row.number, version=version, **at)
        db.session.commit()
        return number

    assert (send(), send()) == (1, 0)
    late = UserFactory(
        username="safety-zhongmu", role=Role.BRANCH_SAFETY, accounts=[world.account], branch=world.zhongmu
    )
    db.session.commit()
    assert send() == 1
    told = db.session.execute(
        select(Notice.user_id, Notice.channel).where(Notice.kind == bulletins.KIND).order_by(Notice.id)
    )
    people = (world.safety_gongyi.id, late.id)
    assert sorted(told.tuples()) == sorted(
        (who, way) for who in people for way in (Channel.IN_APP, Channel.MAIL)
    )
    refused(
        "bulletin_sent", bulletins.change_bulletin, account_id, row.number, terms, version=row.version, **at
    )
    assert bulletins.get_bulletin(account_id, row.number, actor=world.hq)[1][0].article.slug == SLUG
    with pytest.raises(NotFound):
        bulletins.get_bulletin(account_id, row.number, actor=world.foreign_hq)
    with pytest.raises(Forbidden):
        bulletins.deliveries(account_id, row.number, actor=world.hq)
    letter = next(
        one.notice
        for one in bulletins.deliveries(account_id, row.number, actor=world.claims1)
        if one.notice.address
    )
    with pytest.raises(Forbidden):
        bulletins.send_again(account_id, row.number, letter.id, **at)
    letter.tries, letter.state = 1, NoticeState.FAILED
    db.session.add(DeliveryTry(notice_id=letter.id, at=now, succeeded=False))
    db.session.flush()
    shown = {
        one.notice.id: one.latest_try
        for one in bulletins.deliveries(account_id, row.number, actor=world.claims1)
    }
    again = {"seen": shown[letter.id], "actor": world.manager, "now": now}
    assert bulletins.send_again(account_id, row.number, letter.id, **again)
    # The second of two clicks, after the mail has gone out.
    db.session.add(DeliveryTry(notice_id=letter.id, at=now, succeeded=True))
    letter.state = NoticeState.SENT
    db.session.flush()
    assert not bulletins.send_again(account_id, row.number, letter.id, **again)


def test_a_bulletin_goes_to_the_branches_contact_people_too_once_an_address(world: World, now) -> None:
    published(world, now)
    account_id, at = world.account.id, {"actor": world.claims1, "now": now}
    people = [
        ("he@gongyi.example", world.gongyi, "en", True),
        ("HE@gongyi.example", world.zhongmu, "zh", True),
        (world.safety_gongyi.email.upper(), world.gongyi, "zh", True),
        ("left@gongyi.example", world.gongyi, "zh", False),
        ("", world.zhongmu, "zh", True),
    ]
    for email, branch, language, is_active in people:
        ContactFactory(
            account=world.account, branch=branch, email=email, language=language, is_active=is_active
        )
    terms = BulletinTerms(date(2026, 11, 23), "寒潮将至", "Cold is coming", (SLUG,))
    row = bulletins.new_bulletin(account_id, terms, **at)
    db.session.commit()
    assert bulletins.send(account_id, row.number, version=row.version, **at) == 2
    db.session.commit()
    # The contact person has a login since, at the address the mail went to: it is told in the app alone.
    login = UserFactory(
        username="safety-zhongmu",
        role=Role.BRANCH_SAFETY,
        accounts=[world.account],
        branch=world.zhongmu,
        email="he@gongyi.example",
    )
    db.session.commit()
    assert bulletins.send(account_id, row.number, version=row.version, **at) == 1
    told = [one.notice for one in bulletins.deliveries(account_id, row.number, actor=world.claims1)]
    assert sorted((one.user_id or 0, one.channel, one.address, one.language) for one in told) == [
        (0, Channel.MAIL, "he@gongyi.example", "en"),
        (world.safety_gongyi.id, Channel.IN_APP, "", "zh"),
        (world.safety_gongyi.id, Channel.MAIL, world.safety_gongyi.email, "zh"),
        (login.id, Channel.IN_APP, "", "zh"),
    ]
    letters = {one.user_id: mail.render(one, base_url="https://desk.example") for one in told if one.address}
    assert "Bridges freeze first" in letters[None].text
    assert "/knowledge" in letters[world.safety_gongyi.id].text
    # Behind a link there is a sign-in, which a contact person has not got.
    assert "/knowledge" not in letters[None].text + letters[None].html


def test_an_empty_desk_begins_with_the_supplied_set(session, now: datetime) -> None:
    assert starting_set.install_for_new_desk(now) == len(starting_set.supplied())
    assert starting_set.install_for_new_desk(now) == 0
