"""The guides and cases that come with the desk: read from files, added where they are missing, never over anything."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.knowledge import Article, ArticleVersion
from service_desk.models.users import User
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.knowledge import ArticleKind, HelpMoment, VersionState
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import UseClass
from service_desk.services import access, audit
from service_desk.services.knowledge.reading import Topics
from service_desk.services.knowledge.writing import ArticleTerms, put_topics

FOLDER = Path(__file__).parent / "supplied"


@dataclass(frozen=True)
class Supplied:
    """A text that comes with the desk."""

    slug: str
    kind: ArticleKind
    ordinal: int
    terms: ArticleTerms


@cache
def supplied() -> tuple[Supplied, ...]:
    """All of them in their order."""
    return tuple(sorted(map(_read, FOLDER.glob("*.txt")), key=lambda one: (one.ordinal, one.slug)))


def _read(path: Path) -> Supplied:
    """A file: `name: value` lines, then the Chinese text after `=== zh`, then the English after `=== en`."""
    head, _, texts = path.read_text(encoding="utf-8").partition("\n=== zh\n")
    body, _, body_en = texts.partition("\n=== en\n")
    values = {name: value.strip() for name, _, value in (line.partition(":") for line in head.splitlines())}
    topics = Topics(
        frozenset(map(ClaimFeature, values["features"].split())),
        frozenset(map(UseClass, values["use_classes"].split())),
        frozenset(map(HelpMoment, values["moments"].split())),
    )
    terms = ArticleTerms(
        values["title"],
        values["title_en"],
        values["summary"],
        values["summary_en"],
        body.strip(),
        body_en.strip(),
        topics=topics,
    )
    return Supplied(path.stem, ArticleKind(values["kind"]), int(values["ordinal"]), terms)


def install_for_new_desk(now: datetime) -> int:
    """Add them to a desk that nobody uses yet; how many."""
    has_people = db.session.scalar(select(func.count()).select_from(User))
    return 0 if has_people else install_missing(now)


def count_missing(*, actor: User) -> int:
    """How many of them this desk does not have, for who edits; a withdrawn one it has."""
    access.require(actor, Action.EDIT_KNOWLEDGE)
    return len(_missing())


def load_missing(*, actor: User, now: datetime) -> int:
    """Add those the desk does not have, as somebody asked for; how many."""
    access.require(actor, Action.EDIT_KNOWLEDGE)
    return install_missing(now, actor=actor)


def install_missing(now: datetime, *, actor: User | None = None) -> int:
    """Add those the desk does not have, published for all accounts; how many. For no actor: the desk itself does."""
    missing = _missing()
    for one in missing:
        article = Article(kind=one.kind, slug=one.slug, ordinal=one.ordinal, is_supplied=True, made_at=now)
        db.session.add(article)
        db.session.flush()
        _publish(article, one.terms, now)
        audit.record("article_supplied", article, actor=actor, now=now, label=one.slug)
    return len(missing)


def _missing() -> list[Supplied]:
    known = set(db.session.scalars(select(Article.slug)))
    return [one for one in supplied() if one.slug not in known]


def _publish(article: Article, terms: ArticleTerms, now: datetime) -> None:
    version = ArticleVersion(
        article_id=article.id,
        number=1,
        state=VersionState.PUBLISHED,
        title=terms.title,
        title_en=terms.title_en,
        summary=terms.summary,
        summary_en=terms.summary_en,
        body=terms.body,
        body_en=terms.body_en,
        editors=[],
        written_at=now,
        published_at=now,
    )
    db.session.add(version)
    db.session.flush()
    put_topics(version, terms.topics)
