"""Who has read a version, and whether it helped them."""

from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.models.knowledge import ArticleOpinion, ArticleRead, ArticleVersion
from service_desk.models.users import User
from service_desk.rules.knowledge import ONCE_PUBLISHED, VersionState
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.knowledge.reading import open_article


def is_read(version: ArticleVersion, *, actor: User) -> bool:
    """Whether the actor has opened the version before."""
    statement = select(ArticleRead.id).where(
        ArticleRead.version_id == version.id, ArticleRead.user_id == actor.id
    )
    return db.session.scalar(statement) is not None


def note_read(slug: str, number: int, *, actor: User, now: datetime) -> None:
    """Count the actor among the readers of a version that was published; once however often they come."""
    opened = open_article(slug, number=number, actor=actor)
    if opened.version.state in ONCE_PUBLISHED and not is_read(opened.version, actor=actor):
        db.session.add(ArticleRead(version_id=opened.version.id, user_id=actor.id, at=now))


def list_opinions(slug: str, number: int, *, actor: User) -> list[tuple[ArticleOpinion, User]]:
    """What readers said of a version in words, the latest first; for who edits."""
    access.require(actor, Action.EDIT_KNOWLEDGE)
    opened = open_article(slug, number=number, actor=actor)
    statement = (
        select(ArticleOpinion, User)
        .join(User, User.id == ArticleOpinion.user_id)
        .where(ArticleOpinion.version_id == opened.version.id)
        .order_by(ArticleOpinion.at.desc(), ArticleOpinion.id.desc())
    )
    return list(db.session.execute(statement.limit(100)).tuples())


def tell_opinion(
    slug: str, number: int, *, is_helpful: bool, word: str, actor: User, now: datetime
) -> ArticleOpinion:
    """Say whether a published version helped; saying it again replaces what was said. Invalid as for a long word."""
    opened = open_article(slug, number=number, actor=actor)
    if opened.version.state is not VersionState.PUBLISHED:
        raise NotFound("not_found")
    row = opened.own_opinion
    if row is None:
        row = ArticleOpinion(version_id=opened.version.id, user_id=actor.id, is_helpful=is_helpful, at=now)
        db.session.add(row)
    row.is_helpful, row.word, row.at = is_helpful, word.strip()[:1000], now
    return row
