"""Drafts of articles: written in both languages, reviewed and published by a second person, withdrawn with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, func, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import one_line
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.knowledge import (
    Article,
    ArticleFile,
    ArticleTopic,
    ArticleVersion,
)
from service_desk.models.users import User
from service_desk.rules.knowledge import (
    ANY,
    OPEN_STATES,
    ArticleKind,
    TopicAxis,
    VersionState,
    slug_of,
)
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, documents
from service_desk.services.documents import Upload
from service_desk.services.knowledge.reading import Topics, get_article, topics_of
from service_desk.services.notices import Matter

MATTER_KIND = "article"
MOST_FILES = 20
MOST_TEXT = 20_000
# Addresses beside the articles' own.
_RESERVED = ("bulletins", "new", "supplied")
_WORDS = ("title", "title_en", "summary", "summary_en", "body", "body_en")


@dataclass(frozen=True)
class ArticleTerms:
    """A version as typed. `topics`: see `Topics`."""

    title: str = ""
    title_en: str = ""
    summary: str = ""
    summary_en: str = ""
    body: str = ""
    body_en: str = ""
    change_note: str = ""
    topics: Topics = field(default_factory=Topics)


def new_article(
    account_id: int,
    kind: ArticleKind,
    terms: ArticleTerms,
    *,
    for_all: bool,
    actor: User,
    now: datetime,
) -> Article:
    """Begin an article as a draft, for the account or for all accounts. Invalid as for a change."""
    access.require(actor, Action.EDIT_KNOWLEDGE)
    access.get_visible(actor, Action.EDIT_KNOWLEDGE, KeyAccount, KeyAccount.id == account_id)
    values = _checked(terms)
    slug = slug_of(terms.title_en, [*_RESERVED, *db.session.scalars(select(Article.slug))])
    article = Article(account_id=None if for_all else account_id, kind=kind, slug=slug, made_at=now)
    db.session.add(article)
    db.session.flush()
    version = _begin(article, 1, values, actor, now)
    put_topics(version, terms.topics)
    audit.record("article_begun", article, actor=actor, now=now, label=_label(article, version))
    return article


def start_version(slug: str, *, actor: User, now: datetime) -> ArticleVersion:
    """Begin the next version as a copy of the latest; the open one when there is one already."""
    article = _editable(slug, actor)
    versions = _versions(article)
    if versions[0].state in OPEN_STATES:
        return versions[0]
    latest = versions[0]
    version = _begin(article, latest.number + 1, {name: getattr(latest, name) for name in _WORDS}, actor, now)
    put_topics(version, topics_of([latest.id]).get(latest.id, Topics()))
    kept = select(ArticleFile).where(ArticleFile.version_id == latest.id).order_by(ArticleFile.ordinal)
    db.session.add_all(
        ArticleFile(version_id=version.id, ordinal=row.ordinal, document_id=row.document_id)
        for row in db.session.scalars(kept).all()
    )
    audit.record("article_version_begun", article, actor=actor, now=now, label=_label(article, version))
    return version


def get_open(slug: str, *, actor: User) -> tuple[Article, ArticleVersion]:
    """The version being written or in review, for who edits; NotFound without one."""
    article = _editable(slug, actor)
    version = _versions(article)[0]
    if version.state not in OPEN_STATES:
        raise NotFound("not_found")
    return article, version


def change_draft(
    slug: str, terms: ArticleTerms, *, version: int, actor: User, now: datetime
) -> ArticleVersion:
    """Change the draft. Invalid: required, knowledge_too_long. Conflict: stale, knowledge_in_review."""
    article, draft = _current(slug, version, actor)
    _require_state(draft, VersionState.DRAFT, "knowledge_in_review")
    values = _checked(terms)
    changes = audit.change(draft, **values)
    draft.change_note = one_line(terms.change_note)[:200]
    before = topics_of([draft.id]).get(draft.id, Topics())
    if before != terms.topics:
        db.session.execute(delete(ArticleTopic).where(ArticleTopic.version_id == draft.id))
        put_topics(draft, terms.topics)
    _touch(draft, actor, now)
    # The texts themselves are in the versions; the trail says which were touched.
    touched = {name: ("", "…") if name.startswith("body") else pair for name, pair in changes.items()}
    audit.record(
        "article_changed", article, actor=actor, now=now, label=_label(article, draft), changes=touched
    )
    return draft


def add_file(
    account_id: int,
    slug: str,
    upload: Upload | None,
    *,
    version: int,
    files: FileStore,
    actor: User,
    now: datetime,
) -> ArticleFile:
    """Add a picture or PDF to the draft. Invalid: required, knowledge_files_full, and as for any paper."""
    article, draft = _current(slug, version, actor)
    _require_state(draft, VersionState.DRAFT, "knowledge_in_review")
    if upload is None:
        raise Invalid("required", field="file")
    last = db.session.scalar(select(func.max(ArticleFile.ordinal)).where(ArticleFile.version_id == draft.id))
    number = (last or 0) + 1
    if number > MOST_FILES:
        raise Invalid("knowledge_files_full", field="file", most=MOST_FILES)
    matter = Matter(MATTER_KIND, article.id, article.slug, article.account_id or account_id)
    kept = documents.store_paper(
        files, upload, DocumentKind.KNOWLEDGE_FILE, matter, field="file", actor=actor, now=now
    )
    row = ArticleFile(version_id=draft.id, ordinal=number, document_id=kept.id)
    db.session.add(row)
    _touch(draft, actor, now)
    changes = {"file": (None, kept.filename)}
    audit.record(
        "article_changed", article, actor=actor, now=now, label=_label(article, draft), changes=changes
    )
    return row


def remove_file(slug: str, document_id: int, *, version: int, actor: User, now: datetime) -> None:
    """Take a file out of the draft; versions that were published keep theirs, and the others their numbers."""
    article, draft = _current(slug, version, actor)
    _require_state(draft, VersionState.DRAFT, "knowledge_in_review")
    row = db.session.scalar(
        select(ArticleFile).where(ArticleFile.version_id == draft.id, ArticleFile.document_id == document_id)
    )
    if row is None:
        raise NotFound("not_found")
    name = db.session.get_one(Document, document_id).filename
    db.session.delete(row)
    _touch(draft, actor, now)
    changes = {"file": (name, None)}
    audit.record(
        "article_changed", article, actor=actor, now=now, label=_label(article, draft), changes=changes
    )


def submit(slug: str, *, version: int, actor: User, now: datetime) -> ArticleVersion:
    """Ask somebody else to review the draft. Both languages must be whole: Invalid knowledge_language, field by field."""
    article, draft = _current(slug, version, actor)
    _require_state(draft, VersionState.DRAFT, "knowledge_in_review")
    missing = [name for name in _WORDS if not getattr(draft, name).strip()]
    if missing:
        raise InvalidMany([Invalid("knowledge_language", field=name) for name in missing])
    changes = audit.change(draft, state=VersionState.IN_REVIEW, submitted_at=now, returned_reason="")
    audit.record(
        "article_submitted", article, actor=actor, now=now, label=_label(article, draft), changes=changes
    )
    return draft


def give_back(slug: str, reason: str, *, version: int, actor: User, now: datetime) -> ArticleVersion:
    """Return what is in review to be written again, with the reason its author reads. Invalid: required."""
    article, draft = _current(slug, version, actor)
    _require_state(draft, VersionState.IN_REVIEW, "knowledge_not_in_review")
    if not reason.strip():
        raise Invalid("required", field="reason")
    changes = audit.change(draft, state=VersionState.DRAFT, returned_reason=reason.strip()[:1000])
    audit.record(
        "article_returned", article, actor=actor, now=now, label=_label(article, draft), changes=changes
    )
    return draft


def publish(slug: str, *, version: int, actor: User, now: datetime) -> ArticleVersion:
    """Publish what is in review: never changed from now on, and in the place of the version before.

    Conflict: knowledge_own when the actor wrote on it.
    """
    article, draft = _current(slug, version, actor)
    _require_state(draft, VersionState.IN_REVIEW, "knowledge_not_in_review")
    if actor.id in draft.editors:
        raise Conflict("knowledge_own")
    for one in _versions(article):
        if one.state in {VersionState.PUBLISHED, VersionState.WITHDRAWN}:
            one.state = VersionState.REPLACED
    # Before the new one takes the place: one version of an article is shown at a time.
    db.session.flush()
    changes = audit.change(draft, state=VersionState.PUBLISHED, published_at=now, published_by_id=actor.id)
    audit.record(
        "article_published", article, actor=actor, now=now, label=_label(article, draft), changes=changes
    )
    return draft


def withdraw(slug: str, reason: str, *, version: int, actor: User, now: datetime) -> ArticleVersion:
    """Take the published version from its readers, with a reason that stays on record. Invalid: required."""
    article = _editable(slug, actor)
    shown = next((one for one in _versions(article) if one.state is VersionState.PUBLISHED), None)
    if shown is None or shown.version != version:
        raise Conflict("stale")
    if not reason.strip():
        raise Invalid("required", field="reason")
    changes = audit.change(
        shown,
        state=VersionState.WITHDRAWN,
        withdrawn_at=now,
        withdrawn_by_id=actor.id,
        withdrawn_reason=reason.strip()[:1000],
    )
    audit.record(
        "article_withdrawn", article, actor=actor, now=now, label=_label(article, shown), changes=changes
    )
    return shown


def drop_draft(slug: str, *, version: int, actor: User, now: datetime) -> bool:
    """Give the open version up; whether the article is still there, for one that was never published goes with it."""
    article, draft = _current(slug, version, actor)
    audit.record("article_dropped", article, actor=actor, now=now, label=_label(article, draft))
    for table in (ArticleTopic, ArticleFile):
        db.session.execute(delete(table).where(table.version_id == draft.id))
    is_left = draft.number > 1
    db.session.delete(draft)
    db.session.flush()
    if not is_left:
        db.session.delete(article)
    return is_left


def _editable(slug: str, actor: User) -> Article:
    access.require(actor, Action.EDIT_KNOWLEDGE)
    return get_article(slug, actor=actor)


def _versions(article: Article) -> Sequence[ArticleVersion]:
    statement = select(ArticleVersion).where(ArticleVersion.article_id == article.id)
    return db.session.scalars(statement.order_by(ArticleVersion.number.desc())).all()


def _current(slug: str, version: int, actor: User) -> tuple[Article, ArticleVersion]:
    article, draft = get_open(slug, actor=actor)
    if draft.version != version:
        raise Conflict("stale")
    return article, draft


def _require_state(draft: ArticleVersion, state: VersionState, refusal: str) -> None:
    if draft.state is not state:
        raise Conflict(refusal)


def _begin(
    article: Article, number: int, values: dict[str, str], actor: User, now: datetime
) -> ArticleVersion:
    version = ArticleVersion(
        article_id=article.id,
        number=number,
        state=VersionState.DRAFT,
        author_id=actor.id,
        editors=[actor.id],
        written_at=now,
        **values,
    )
    db.session.add(version)
    db.session.flush()
    return version


def _touch(draft: ArticleVersion, actor: User, now: datetime) -> None:
    """Every change is one of the version, so that whoever edits it elsewhere is stale."""
    draft.written_at = now
    if actor.id not in draft.editors:
        draft.editors = [*draft.editors, actor.id]


def put_topics(version: ArticleVersion, topics: Topics) -> None:
    """Write what a version helps with."""
    chosen: dict[TopicAxis, list[str]] = {
        TopicAxis.FEATURE: [one.value for one in sorted(topics.features)] or [ANY],
        TopicAxis.USE_CLASS: [one.value for one in sorted(topics.use_classes)] or [ANY],
        TopicAxis.MOMENT: [one.value for one in sorted(topics.moments)],
    }
    db.session.add_all(
        ArticleTopic(version_id=version.id, axis=axis, code=code)
        for axis, codes in chosen.items()
        for code in codes
    )
    db.session.flush()


def _checked(terms: ArticleTerms) -> dict[str, str]:
    if not one_line(terms.title):
        raise Invalid("required", field="title")
    for name in ("body", "body_en", "summary", "summary_en"):
        if len(getattr(terms, name)) > MOST_TEXT:
            raise Invalid("knowledge_too_long", field=name, most=MOST_TEXT)
    return {
        "title": one_line(terms.title)[:200],
        "title_en": one_line(terms.title_en)[:200],
        **{name: _text(getattr(terms, name)) for name in _WORDS[2:]},
    }


def _text(typed: str) -> str:
    return typed.replace("\r\n", "\n").strip()


def _label(article: Article, version: ArticleVersion) -> str:
    return f"{article.slug} v{version.number}"
