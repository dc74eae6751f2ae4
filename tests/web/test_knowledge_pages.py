"""The pages of guides: who may open what, the way of a draft, what helps where, and that no markup of authors comes through."""

from datetime import date
from io import BytesIO

from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.knowledge import Article, ArticleRead, ArticleVersion
from service_desk.rules.knowledge import ArticleKind, HelpMoment, VersionState
from service_desk.services import knowledge
from service_desk.services.knowledge import ArticleTerms, Topics, bulletins
from service_desk.services.knowledge.bulletins import BulletinTerms
from tests.claim_cases import picture, reported_claim
from tests.world import World

SLUG = "scene"
FORM = {
    "kind": "claim_guide",
    "audience": "account",
    "title": "现场",
    "title_en": "Scene",
    "summary": "先保人",
    "summary_en": "People first",
    "body": "# 先做\n1. 停车<script>alert(1)</script>",
    "body_en": "# First\n1. Stop",
    "moments": ["reporting", "survey", "documents", "prevention"],
}


def published(world: World) -> None:
    now, account_id = utc_now(), world.account.id
    moments = frozenset(map(HelpMoment, FORM["moments"]))
    words = {
        name: str(FORM[name]) for name in ("title", "title_en", "summary", "summary_en", "body", "body_en")
    }
    terms = ArticleTerms(**words, topics=Topics(moments=moments))
    at = {"actor": world.claims1, "now": now}
    knowledge.new_article(account_id, ArticleKind.GUIDE, terms, for_all=False, **at)
    for how, who in ((knowledge.submit, world.claims1), (knowledge.publish, world.claims2)):
        how(SLUG, version=version_now(), actor=who, now=now)
        db.session.flush()
    row = bulletins.new_bulletin(account_id, BulletinTerms(date(2026, 11, 1), "请看", "Read", (SLUG,)), **at)
    bulletins.send(account_id, row.number, version=row.version, **at)
    db.session.commit()


def version_now() -> int:
    return db.session.scalars(select(ArticleVersion.version).order_by(ArticleVersion.id.desc())).first() or 0


READ = ("/knowledge", "/knowledge.xlsx", f"/knowledge/{SLUG}", f"/knowledge/{SLUG}/versions")
READ += (f"/knowledge/{SLUG}/versions.xlsx", "/knowledge/bulletins", "/knowledge/bulletins.xlsx")
READ += ("/knowledge/bulletins/1",)
FOUND_BY_ANYBODY = {"/knowledge", "/knowledge.xlsx", "/knowledge/bulletins", "/knowledge/bulletins.xlsx"}
WRITTEN = (
    "/knowledge/new",
    "/knowledge/supplied",
    f"/knowledge/{SLUG}/next",
    f"/knowledge/{SLUG}/files",
    f"/knowledge/{SLUG}/files/1/remove",
    *(f"/knowledge/{SLUG}/{step}" for step in ("draft", "submit", "publish", "return", "withdraw", "drop")),
    "/knowledge/bulletins/new",
    "/knowledge/bulletins/1/edit",
    "/knowledge/bulletins/1/send",
    "/knowledge/bulletins/1/again/1",
)


def test_clients_read_and_write_nothing_and_strangers_of_another_account_find_nothing(
    world: World, sign_in
) -> None:
    published(world)
    for username in ("safety-gongyi", "hq", "claims1", "manager"):
        client = sign_in(username)
        assert {url: client.get(url).status_code for url in READ} == dict.fromkeys(READ, 200)
    client = sign_in("foreign-hq")
    for url in READ:
        assert client.get(url).status_code == (200 if url in FOUND_BY_ANYBODY else 404), url
    assert "Scene" not in client.get("/knowledge").text
    for url in WRITTEN:
        data = {"version": "1", "reason": "x", **FORM}
        if "/bulletins/" in url:
            data |= {"dated_on": "2026-11-01", "intro": "a", "intro_en": "b", "articles": [SLUG]}
        assert client.post(url, data=data).status_code in {403, 404}, url
        allowed = sign_in("hq").post(url, data=data).status_code
        assert allowed in {403, 404}, url
    assert client.post(f"/knowledge/{SLUG}/opinion", data={"helped": "yes", "number": "1"}).status_code == 404
    assert db.session.scalars(select(Article.slug)).all() == [SLUG]


def test_a_draft_goes_its_way_through_the_pages(world: World, sign_in) -> None:
    writer, second = sign_in("claims1"), sign_in("claims2")
    data = {**FORM, "idempotency_key": "once", "body_en": ""}
    for _ in range(2):
        answer = writer.post("/knowledge/new", data=data)
        assert answer.location.endswith(f"/knowledge/{SLUG}/draft")

    def step(client, name: str, **more: str):
        db.session.expire_all()
        return client.post(f"/knowledge/{SLUG}/{name}", data={"version": str(version_now()), **more})

    assert step(writer, "submit").status_code == 422
    assert step(writer, "draft", **{**FORM, "body": ""}).status_code == 303
    assert step(writer, "draft", **FORM).status_code == 303
    page = BytesIO(picture().content)
    sent = {"version": str(version_now()), "file": (page, "现场.jpg")}
    assert writer.post(f"/knowledge/{SLUG}/files", data=sent).status_code == 303
    assert step(writer, "submit").status_code == 303
    assert step(writer, "publish").status_code == 409
    assert step(second, "return", reason="").status_code == 422
    assert step(second, "publish").status_code == 303
    assert db.session.scalars(select(ArticleVersion.state)).all() == [VersionState.PUBLISHED]
    reader = sign_in("safety-gongyi")
    text = reader.get(f"/knowledge/{SLUG}").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert (
        reader.post(
            f"/knowledge/{SLUG}/opinion", data={"helped": "no", "number": "1", "word": "短"}
        ).status_code
        == 303
    )
    db.session.expire_all()
    readers = set(db.session.scalars(select(ArticleRead.user_id)))
    assert world.safety_gongyi.id in readers
    assert "短" in writer.get(f"/knowledge/{SLUG}").text
    assert step(second, "withdraw", reason="过时").status_code == 303
    assert reader.get(f"/knowledge/{SLUG}").status_code == 404


def test_a_bulletin_neither_links_nor_repeats_what_was_withdrawn_since(world: World, sign_in) -> None:
    published(world)
    reader = sign_in("safety-gongyi")
    assert f'href="/knowledge/{SLUG}"' in reader.get("/knowledge/bulletins/1").text
    knowledge.withdraw(SLUG, "有误", version=version_now(), actor=world.claims1, now=utc_now())
    db.session.commit()
    page = reader.get("/knowledge/bulletins/1").text
    assert "现场" in page
    assert "先保人" not in page
    assert f'href="/knowledge/{SLUG}"' not in page


def test_guides_stand_where_they_help(world: World, sign_in) -> None:
    claim = reported_claim(world, utc_now())
    published(world)
    client = sign_in("safety-gongyi")
    form = client.get("/claims/report").text
    assert "data-guides" in form
    assert "停车" in form
    for url in (
        f"/claims/{claim.number}",
        f"/claims/{claim.number}/documents",
        f"/vehicles/{world.coach.id}",
    ):
        assert f"/knowledge/{SLUG}" in client.get(url).text, url
