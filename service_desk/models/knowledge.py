"""Guides, safety cases and notices: articles in versions, who read them and what they said, and bulletins of them."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.knowledge import ArticleKind, TopicAxis, VersionState


class Article(Base):
    """A text people find by its `slug`. Without an account it is for all of them.

    `is_supplied`: it came with the desk, written by nobody here. `ordinal` is its place in lists.
    """

    __tablename__ = "articles"
    __table_args__ = (Index(None, "account_id"),)

    id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"))
    kind: Mapped[ArticleKind] = mapped_column(enum_type(ArticleKind))
    slug: Mapped[Short] = mapped_column(unique=True)
    ordinal: Mapped[int] = mapped_column(default=100)
    is_supplied: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[Instant]


_OPEN = "state IN ('draft', 'in_review')"
_SHOWN = "state = 'published'"


class ArticleVersion(Versioned, Base):
    """A version in both languages. Once published nothing in it changes but its state.

    `editors` are the ids of all who wrote on it: none of them publishes it. One version is open at a time, and one shown.
    """

    __tablename__ = "article_versions"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("article_id", "number"),
        CheckConstraint(
            "(published_at IS NULL) = (state IN ('draft', 'in_review'))",
            name="published",
        ),
        CheckConstraint("published_by_id IS NULL OR published_by_id <> author_id", name="second_person"),
        Index(
            "uq_article_versions_open",
            "article_id",
            unique=True,
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
        Index(
            "uq_article_versions_shown",
            "article_id",
            unique=True,
            sqlite_where=text(_SHOWN),
            postgresql_where=text(_SHOWN),
        ),
        Index(None, "state"),
    )

    id: Mapped[Id]
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"))
    number: Mapped[int]
    state: Mapped[VersionState] = mapped_column(enum_type(VersionState))
    title: Mapped[Line] = mapped_column(default="")
    title_en: Mapped[Line] = mapped_column(default="")
    summary: Mapped[Prose] = mapped_column(default="")
    summary_en: Mapped[Prose] = mapped_column(default="")
    body: Mapped[Prose] = mapped_column(default="")
    body_en: Mapped[Prose] = mapped_column(default="")
    change_note: Mapped[Line] = mapped_column(default="")
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    editors: Mapped[list[Any]] = mapped_column(Json)
    written_at: Mapped[Instant]
    submitted_at: Mapped[Instant | None]
    returned_reason: Mapped[Prose] = mapped_column(default="")
    published_at: Mapped[Instant | None]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    withdrawn_at: Mapped[Instant | None]
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    withdrawn_reason: Mapped[Prose] = mapped_column(default="")


class ArticleTopic(Base):
    """What a version helps with: a claim feature, a use class or a moment, or `*` for all of an axis."""

    __tablename__ = "article_topics"
    __table_args__ = (UniqueConstraint("version_id", "axis", "code"),)

    id: Mapped[Id]
    version_id: Mapped[int] = mapped_column(ForeignKey("article_versions.id"))
    axis: Mapped[TopicAxis] = mapped_column(enum_type(TopicAxis))
    code: Mapped[Short]


class ArticleFile(Base):
    """A picture or PDF of a version; its text names it by `ordinal`."""

    __tablename__ = "article_files"
    __table_args__ = (UniqueConstraint("version_id", "ordinal"), Index(None, "document_id"))

    id: Mapped[Id]
    version_id: Mapped[int] = mapped_column(ForeignKey("article_versions.id"))
    ordinal: Mapped[int]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))


class ArticleRead(Base):
    """A person has opened a version; counted once."""

    __tablename__ = "article_reads"
    __table_args__ = (UniqueConstraint("version_id", "user_id"),)

    id: Mapped[Id]
    version_id: Mapped[int] = mapped_column(ForeignKey("article_versions.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[Instant]


class ArticleOpinion(Base):
    """Whether a version helped a person, with a word; saying it again replaces it."""

    __tablename__ = "article_opinions"
    __table_args__ = (UniqueConstraint("version_id", "user_id"),)

    id: Mapped[Id]
    version_id: Mapped[int] = mapped_column(ForeignKey("article_versions.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    is_helpful: Mapped[bool]
    word: Mapped[Prose] = mapped_column(default="")
    at: Mapped[Instant]


class Bulletin(Versioned, Base):
    """Chosen articles, told to an account's branches. A draft until it was sent first."""

    __tablename__ = "knowledge_bulletins"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("account_id", "number"),
        CheckConstraint("(sent_at IS NULL) = (sent_by_id IS NULL)", name="sent"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    number: Mapped[int]
    dated_on: Mapped[date]
    intro: Mapped[Prose]
    intro_en: Mapped[Prose]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class BulletinArticle(Base):
    """An article of a bulletin, in the version that was told."""

    __tablename__ = "knowledge_bulletin_articles"
    __table_args__ = (
        UniqueConstraint("bulletin_id", "ordinal"),
        UniqueConstraint("bulletin_id", "version_id"),
    )

    id: Mapped[Id]
    bulletin_id: Mapped[int] = mapped_column(ForeignKey("knowledge_bulletins.id"))
    ordinal: Mapped[int]
    version_id: Mapped[int] = mapped_column(ForeignKey("article_versions.id"))
