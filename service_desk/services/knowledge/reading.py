"""Articles as readers find them: lists, one article, and who has read and liked what."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, func, or_, select

from service_desk.base.errors import NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, one_line
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.knowledge import (
    Article,
    ArticleFile,
    ArticleOpinion,
    ArticleRead,
    ArticleTopic,
    ArticleVersion,
)
from service_desk.models.users import User
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.knowledge import (
    ANY,
    ONCE_PUBLISHED,
    ArticleKind,
    HelpMoment,
    TopicAxis,
    VersionState,
)
from service_desk.rules.permissions import Action, Scope, scope_for
from service_desk.rules.vocabulary import UseClass
from service_desk.services import access

_TEXTS = (
    ArticleVersion.title,
    ArticleVersion.title_en,
    ArticleVersion.summary,
    ArticleVersion.summary_en,
    ArticleVersion.body,
    ArticleVersion.body_en,
)


@dataclass(frozen=True)
class Topics:
    """What a version helps with. An empty set of claim types or classes means all of them; of moments, none."""

    features: frozenset[ClaimFeature] = frozenset()
    use_classes: frozenset[UseClass] = frozenset()
    moments: frozenset[HelpMoment] = frozenset()


@dataclass(frozen=True)
class Guide:
    """An article as a page of another word shows it; its text only where it was asked for."""

    slug: str
    kind: ArticleKind
    title: str
    title_en: str
    summary: str
    summary_en: str
    use_classes: tuple[str, ...] = ()
    body: str = ""
    body_en: str = ""


@dataclass(frozen=True)
class Listed:
    """A version in a list, with how many have read it and what they said of it."""

    article: Article
    version: ArticleVersion
    topics: Topics
    readers: int
    helped: int
    not_helped: int


@dataclass(frozen=True)
class ArticleFilter:
    """What a list is narrowed to. Only who edits sees anything but what is published."""

    text: str = ""
    kind: ArticleKind | None = None
    feature: ClaimFeature | None = None
    use_class: UseClass | None = None
    moment: HelpMoment | None = None
    state: VersionState = VersionState.PUBLISHED


@dataclass(frozen=True)
class Opened:
    """One version as its page shows it. `shown` is the article's published version, `open` the one being written."""

    article: Article
    version: ArticleVersion
    topics: Topics
    files: Sequence[Document]
    people: dict[int, User]
    shown: ArticleVersion | None
    open: ArticleVersion | None
    own_opinion: ArticleOpinion | None
    listed: Listed


def in_reach(scope: Scope) -> ColumnElement[bool]:
    """Articles for all, and those of the `account_id` asked with, where who asks (`access.reach`) belongs to it."""
    return or_(
        Article.account_id.is_(None),
        Article.account_id.in_(_accounts(scope).where(KeyAccount.id == bindparam("account_id"))),
    )


def _accounts(scope: Scope) -> Select[tuple[int]]:
    return select(KeyAccount.id).where(access.visible_in(scope, KeyAccount))


def has_topic(axis: TopicAxis, *codes: Any) -> ColumnElement[bool]:
    """Whether a version helps with one of some codes of an axis, or with all of it."""
    return exists().where(
        ArticleTopic.version_id == ArticleVersion.id,
        ArticleTopic.axis == axis,
        or_(*(ArticleTopic.code == code for code in (*codes, ANY))),
    )


def list_articles(account_id: int, wanted: ArticleFilter, page: PageRequest, *, actor: User) -> Page[Listed]:
    """Versions of a state, in the order of the lists. Anything but published is for who edits: Forbidden."""
    is_public = wanted.state is VersionState.PUBLISHED
    scope = access.require(actor, Action.READ_KNOWLEDGE if is_public else Action.EDIT_KNOWLEDGE)
    statement = _joined().where(in_reach(scope), *_conditions(wanted))
    values = access.reach(actor) | {"account_id": account_id}
    total = db.session.scalar(select(func.count()).select_from(statement.subquery()), values) or 0
    rows = db.session.execute(
        statement.order_by(Article.ordinal, Article.id).limit(page.size).offset(page.offset), values
    ).tuples()
    return Page(_listed(list(rows)), total, page.number, page.size)


def count_states(account_id: int, *, actor: User) -> dict[VersionState, int]:
    """How many versions there are of each state, for who edits."""
    scope = access.require(actor, Action.EDIT_KNOWLEDGE)
    statement = (
        select(ArticleVersion.state, func.count())
        .join(Article, Article.id == ArticleVersion.article_id)
        .where(in_reach(scope))
        .group_by(ArticleVersion.state)
    )
    values = access.reach(actor) | {"account_id": account_id}
    return dict(db.session.execute(statement, values).tuples().all())


def _joined() -> Select[tuple[Article, ArticleVersion]]:
    return select(Article, ArticleVersion).join(ArticleVersion, ArticleVersion.article_id == Article.id)


def _conditions(wanted: ArticleFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [ArticleVersion.state == wanted.state]
    if wanted.kind:
        found.append(Article.kind == wanted.kind)
    axes = (
        (TopicAxis.FEATURE, wanted.feature),
        (TopicAxis.USE_CLASS, wanted.use_class),
        (TopicAxis.MOMENT, wanted.moment),
    )
    found += [has_topic(axis, code) for axis, code in axes if code]
    for word in one_line(wanted.text).split()[:6]:
        pattern = like_pattern(word.lower())
        found.append(or_(*(func.lower(column).like(pattern, escape="\\") for column in _TEXTS)))
    return found


def _listed(rows: Sequence[tuple[Article, ArticleVersion]]) -> list[Listed]:
    ids = [version.id for _, version in rows]
    topics, readers, opinions = topics_of(ids), _readers(ids), _opinions(ids)
    return [
        Listed(
            article,
            version,
            topics.get(version.id, Topics()),
            readers.get(version.id, 0),
            *opinions.get(version.id, (0, 0)),
        )
        for article, version in rows
    ]


def _readers(ids: Collection[int]) -> dict[int, int]:
    statement = select(ArticleRead.version_id, func.count()).where(ArticleRead.version_id.in_(ids))
    return dict(db.session.execute(statement.group_by(ArticleRead.version_id)).tuples().all())


def _opinions(ids: Collection[int]) -> dict[int, tuple[int, int]]:
    helped = func.sum(case((ArticleOpinion.is_helpful, 1), else_=0))
    statement = select(ArticleOpinion.version_id, helped, func.count()).where(
        ArticleOpinion.version_id.in_(ids)
    )
    rows = db.session.execute(statement.group_by(ArticleOpinion.version_id)).tuples()
    return {version_id: (int(yes), int(both - yes)) for version_id, yes, both in rows}


def topics_of(ids: Collection[int]) -> dict[int, Topics]:
    """What some versions help with, by version."""
    statement = select(ArticleTopic).where(ArticleTopic.version_id.in_(ids), ArticleTopic.code != ANY)
    found: dict[int, dict[TopicAxis, set[str]]] = {}
    for row in db.session.scalars(statement):
        found.setdefault(row.version_id, {}).setdefault(row.axis, set()).add(row.code)
    return {
        version_id: Topics(
            frozenset(map(ClaimFeature, axes.get(TopicAxis.FEATURE, ()))),
            frozenset(map(UseClass, axes.get(TopicAxis.USE_CLASS, ()))),
            frozenset(map(HelpMoment, axes.get(TopicAxis.MOMENT, ()))),
        )
        for version_id, axes in found.items()
    }


def get_article(slug: str, *, actor: User) -> Article:
    """An article the actor may read, whichever of their accounts it is of: published, or any for who edits.

    NotFound otherwise.
    """
    scope = access.require(actor, Action.READ_KNOWLEDGE)
    statement = select(Article).where(
        Article.slug == slug, or_(Article.account_id.is_(None), Article.account_id.in_(_accounts(scope)))
    )
    if not access.may(actor, Action.EDIT_KNOWLEDGE):
        statement = statement.where(
            exists().where(
                ArticleVersion.article_id == Article.id, ArticleVersion.state == VersionState.PUBLISHED
            )
        )
    found = db.session.scalar(statement, access.reach(actor))
    if found is None:
        raise NotFound("not_found")
    return found


def find_by_title(text: str, *, actor: User, most: int) -> list[Guide]:
    """What is published under a title that holds a text, of any of the actor's accounts; nothing for who reads none."""
    scope = scope_for(actor.role, Action.READ_KNOWLEDGE)
    if scope is None or not actor.is_active:
        return []
    pattern = like_pattern(text)
    statement = _joined().where(
        ArticleVersion.state == VersionState.PUBLISHED,
        or_(Article.account_id.is_(None), Article.account_id.in_(_accounts(scope))),
        or_(
            *(
                column.ilike(pattern, escape="\\")
                for column in (ArticleVersion.title, ArticleVersion.title_en)
            )
        ),
    )
    rows = db.session.execute(
        statement.order_by(Article.ordinal, Article.id).limit(most), access.reach(actor)
    ).tuples()
    return [
        Guide(article.slug, article.kind, one.title, one.title_en, one.summary, one.summary_en)
        for article, one in rows
    ]


def open_article(slug: str, *, actor: User, number: int | None = None) -> Opened:
    """An article's version by its number; without one the published, for who edits else the latest."""
    article = get_article(slug, actor=actor)
    versions = list_versions(article, actor=actor)
    shown = next((one for one in versions if one.state is VersionState.PUBLISHED), None)
    wanted = next((one for one in versions if one.number == number), None)
    if number is None:
        wanted = shown or versions[0]
    if wanted is None:
        raise NotFound("not_found")
    own = select(ArticleOpinion).where(
        ArticleOpinion.version_id == wanted.id, ArticleOpinion.user_id == actor.id
    )
    listed = _listed([(article, wanted)])[0]
    return Opened(
        article=article,
        version=wanted,
        topics=listed.topics,
        files=files_of(wanted.id),
        people=_people(versions),
        shown=shown,
        open=next((one for one in versions if one.published_at is None), None),
        own_opinion=db.session.scalar(own),
        listed=listed,
    )


def list_versions(article: Article, *, actor: User) -> list[ArticleVersion]:
    """The versions of an article the actor has opened, the latest first; readers see those published and not withdrawn."""
    statement = select(ArticleVersion).where(ArticleVersion.article_id == article.id)
    if not access.may(actor, Action.EDIT_KNOWLEDGE):
        statement = statement.where(_is_readable())
    return list(db.session.scalars(statement.order_by(ArticleVersion.number.desc())))


def _is_readable() -> ColumnElement[bool]:
    """Once published, and never withdrawn: a newer version does not give readers back what was taken from them."""
    return and_(ArticleVersion.state.in_(ONCE_PUBLISHED), ArticleVersion.withdrawn_at.is_(None))


def listed_versions(slug: str, *, actor: User) -> tuple[list[Listed], dict[int, User]]:
    """All versions of an article with their counts, and the people who wrote and published them."""
    article = get_article(slug, actor=actor)
    versions = list_versions(article, actor=actor)
    return _listed([(article, version) for version in versions]), _people(versions)


def _people(versions: Sequence[ArticleVersion]) -> dict[int, User]:
    ids = {
        one
        for row in versions
        for one in (row.author_id, row.published_by_id, row.withdrawn_by_id)
        if one is not None
    }
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def files_of(version_id: int) -> list[Document]:
    """The pictures and papers of a version, in the order its text counts them."""
    statement = (
        select(Document)
        .join(ArticleFile, ArticleFile.document_id == Document.id)
        .where(ArticleFile.version_id == version_id)
    )
    return list(db.session.scalars(statement.order_by(ArticleFile.ordinal)))


def find_file(document_id: int, *, actor: User) -> Document | None:
    """A file of an article the actor may read; None when it is no article's. NotFound when it is not theirs to see."""
    statement = (
        select(Document, Article.slug, _is_readable())
        .join(ArticleFile, ArticleFile.document_id == Document.id)
        .join(ArticleVersion, ArticleVersion.id == ArticleFile.version_id)
        .join(Article, Article.id == ArticleVersion.article_id)
        .where(Document.id == document_id, Document.kind == DocumentKind.KNOWLEDGE_FILE)
    )
    rows = db.session.execute(statement).tuples().all()
    if not rows:
        return None
    document, slug, _is_public = rows[0]
    get_article(slug, actor=actor)
    is_public = any(readable for _, _, readable in rows)
    if not is_public and not access.may(actor, Action.EDIT_KNOWLEDGE):
        raise NotFound("not_found")
    return document
