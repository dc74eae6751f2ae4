"""What helps on a page of another word: the few published articles that fit its moment, claim types and class."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, select
from sqlalchemy.orm import aliased

from service_desk.models.db import db
from service_desk.models.knowledge import Article, ArticleTopic, ArticleVersion
from service_desk.models.users import User
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.knowledge import ANY, HelpMoment, TopicAxis, VersionState
from service_desk.rules.permissions import Action, Scope
from service_desk.rules.vocabulary import UseClass
from service_desk.services import access
from service_desk.services.knowledge.reading import Guide, has_topic, in_reach

MOST_SHOWN = 6
# With their whole text, on the accident form: of all classes, for it is kept on phones before the vehicle is known.
_MOST_WITH_TEXT = 20
# Beside the topics that are only looked for.
_OF_CLASS = aliased(ArticleTopic)


def guides_for(
    account_id: int,
    moment: HelpMoment,
    *,
    use_class: UseClass | None = None,
    features: Collection[ClaimFeature] = (),
    with_text: bool = False,
    actor: User,
) -> list[Guide]:
    """What helps at a moment, in one query: the few that fit the class and claim types best known.

    Nothing for who may not read. `with_text`: with the whole text, and with the classes each is for.
    """
    if not access.may(actor, Action.READ_KNOWLEDGE):
        return []
    scope = access.require(actor, Action.READ_KNOWLEDGE)
    statement = _guides(scope, use_class is not None, len(set(features)), with_text)
    values = access.reach(actor) | {"account_id": account_id, "moment": moment.value}
    values |= {"use_class": use_class.value} if use_class else {}
    values |= {f"feature_{place}": one.value for place, one in enumerate(sorted(set(features)))}
    return _as_guides(db.session.execute(statement, values).all(), with_text=with_text)


def _as_guides(rows: Sequence[Any], *, with_text: bool) -> list[Guide]:
    """Rows of guides; with text there is one for each class of a guide."""
    found: dict[str, Guide] = {}
    classes: dict[str, list[str]] = {}
    for row in rows:
        classes.setdefault(row.slug, []).extend([row.code] if with_text and row.code != ANY else [])
    for row in rows:
        texts = {"body": row.body, "body_en": row.body_en} if with_text else {}
        found[row.slug] = Guide(
            row.slug,
            row.kind,
            row.title,
            row.title_en,
            row.summary,
            row.summary_en,
            tuple(classes[row.slug]),
            **texts,
        )
    return list(found.values())[: _MOST_WITH_TEXT if with_text else MOST_SHOWN]


@cache
def _guides(scope: Scope, has_class: bool, features: int, with_text: bool) -> Select[Any]:
    """Made once for each shape: the accident form and the client's claim ask each time they are shown."""
    version = ArticleVersion
    columns: list[Any] = [
        Article.slug,
        Article.kind,
        version.title,
        version.title_en,
        version.summary,
        version.summary_en,
    ]
    statement = select(*columns, *((version.body, version.body_en, _OF_CLASS.code) if with_text else ()))
    statement = statement.join(version, version.article_id == Article.id)
    if with_text:
        of_class = and_(_OF_CLASS.version_id == version.id, _OF_CLASS.axis == TopicAxis.USE_CLASS)
        statement = statement.join(_OF_CLASS, of_class)
    statement = statement.where(
        version.state == VersionState.PUBLISHED,
        in_reach(scope),
        has_topic(TopicAxis.MOMENT, bindparam("moment")),
    )
    if has_class:
        statement = statement.where(has_topic(TopicAxis.USE_CLASS, bindparam("use_class")))
    if features:
        places: list[Any] = [bindparam(f"feature_{place}") for place in range(features)]
        statement = statement.where(has_topic(TopicAxis.FEATURE, *places))
    return statement.order_by(Article.ordinal, Article.id).limit(
        _MOST_WITH_TEXT * len(UseClass) if with_text else MOST_SHOWN
    )
