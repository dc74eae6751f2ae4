"""Bulletins: chosen articles with a word from the desk, told to the branches' people, to nobody twice."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, func, select

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch, Contact, KeyAccount
from service_desk.models.db import db
from service_desk.models.knowledge import Article, ArticleVersion, Bulletin, BulletinArticle
from service_desk.models.notices import Channel, DeliveryTry, Notice
from service_desk.models.users import User
from service_desk.rules.knowledge import VersionState
from service_desk.rules.permissions import Action, Role
from service_desk.services import access, audit, notices
from service_desk.services.knowledge.reading import in_reach

KIND = "knowledge_bulletin"
MOST_ARTICLES = 10


@dataclass(frozen=True)
class BulletinTerms:
    """A bulletin as typed: its articles by slug, in their order."""

    dated_on: date
    intro: str
    intro_en: str
    slugs: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """An article of a bulletin in the version that was told."""

    article: Article
    version: ArticleVersion


@dataclass(frozen=True)
class Delivery:
    """What became of a bulletin for one reader by one way. `latest_try` is 0 before the first."""

    notice: Notice
    user: User | None
    latest_try: int


def list_bulletins(account_id: int, page: PageRequest, *, actor: User) -> Page[tuple[Bulletin, int]]:
    """The account's bulletins with how many articles each tells, the latest first; readers see those that were sent."""
    _require_account(account_id, actor)
    statement = select(Bulletin).where(Bulletin.account_id == account_id)
    if not access.may(actor, Action.EDIT_KNOWLEDGE):
        statement = statement.where(Bulletin.sent_at.is_not(None))
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.scalars(
        statement.order_by(Bulletin.number.desc()).limit(page.size).offset(page.offset)
    ).all()
    counted = (
        select(BulletinArticle.bulletin_id, func.count())
        .where(BulletinArticle.bulletin_id.in_([row.id for row in rows]))
        .group_by(BulletinArticle.bulletin_id)
    )
    counts = dict(db.session.execute(counted).tuples().all())
    return Page([(row, counts.get(row.id, 0)) for row in rows], total, page.number, page.size)


def get_bulletin(account_id: int, number: int, *, actor: User) -> tuple[Bulletin, list[Told]]:
    """A bulletin with what it tells; one not yet sent is for who edits. NotFound otherwise."""
    _require_account(account_id, actor)
    found = db.session.scalar(
        select(Bulletin).where(Bulletin.account_id == account_id, Bulletin.number == number)
    )
    if found is None or (found.sent_at is None and not access.may(actor, Action.EDIT_KNOWLEDGE)):
        raise NotFound("not_found")
    return found, _told(found)


def new_bulletin(account_id: int, terms: BulletinTerms, *, actor: User, now: datetime) -> Bulletin:
    """Begin a bulletin. Invalid: required, bulletin_articles, bulletin_too_many."""
    access.require(actor, Action.EDIT_KNOWLEDGE)
    _require_account(account_id, actor)
    chosen = _chosen(account_id, terms, actor)
    last = db.session.scalar(select(func.max(Bulletin.number)).where(Bulletin.account_id == account_id))
    row = Bulletin(
        account_id=account_id,
        number=(last or 0) + 1,
        dated_on=terms.dated_on,
        intro=terms.intro.strip(),
        intro_en=terms.intro_en.strip(),
        made_by_id=actor.id,
        made_at=now,
    )
    db.session.add(row)
    db.session.flush()
    _put_articles(row, chosen)
    audit.record("bulletin_written", row, actor=actor, now=now, label=label_of(row))
    return row


def change_bulletin(
    account_id: int, number: int, terms: BulletinTerms, *, version: int, actor: User, now: datetime
) -> Bulletin:
    """Change a bulletin that was not sent yet. Conflict: stale, bulletin_sent."""
    row = _unsent(account_id, number, version, actor)
    chosen = _chosen(account_id, terms, actor)
    changes = audit.change(
        row, dated_on=terms.dated_on, intro=terms.intro.strip(), intro_en=terms.intro_en.strip()
    )
    db.session.execute(delete(BulletinArticle).where(BulletinArticle.bulletin_id == row.id))
    _put_articles(row, chosen)
    # So that whoever chooses other articles elsewhere is stale.
    row.made_at = now
    audit.record("bulletin_changed", row, actor=actor, now=now, label=label_of(row), changes=changes)
    return row


def send(account_id: int, number: int, *, version: int, actor: User, now: datetime) -> int:
    """Queue the bulletin for the branches' officers and contact people who have not got it; how many those are.

    Sent again it goes to who came since; nobody gets it twice, and no address either. Conflict: stale;
    Invalid: bulletin_withdrawn, bulletin_nobody.
    """
    access.require(actor, Action.EDIT_KNOWLEDGE)
    row, told = get_bulletin(account_id, number, actor=actor)
    if row.version != version:
        raise Conflict("stale")
    if any(one.version.withdrawn_at is not None for one in told):
        raise Invalid("bulletin_withdrawn")
    readers = _readers(account_id)
    if not readers:
        raise Invalid("bulletin_nobody")
    told_before = [one.notice for one in _deliveries(row)]
    had = {one.user_id or one.address.casefold() for one in told_before}
    mailed = {one.address.casefold() for one in told_before if one.address}
    fresh = [one for one in readers if (one.user_id or one.email.casefold()) not in had]
    notices.queue_many([_message(row, told, one, mailed) for one in fresh], now=now)
    changes = {"recipients": (len(had), len(had) + len(fresh))}
    if row.sent_at is None:
        changes |= audit.change(row, sent_at=now, sent_by_id=actor.id)
    audit.record("bulletin_sent", row, actor=actor, now=now, label=label_of(row), changes=changes)
    return len(fresh)


def deliveries(account_id: int, number: int, *, actor: User) -> list[Delivery]:
    """Who got a bulletin, how, and what became of it; for who edits."""
    access.require(actor, Action.EDIT_KNOWLEDGE)
    row, _ = get_bulletin(account_id, number, actor=actor)
    return _deliveries(row)


def send_again(
    account_id: int, number: int, notice_id: int, *, seen: int | None = None, actor: User, now: datetime
) -> bool:
    """Put one reader's mail of a bulletin back into the queue: see `notices.send_again`."""
    row, _ = get_bulletin(account_id, number, actor=actor)
    if notice_id not in {one.notice.id for one in _deliveries(row)}:
        raise NotFound("not_found")
    return notices.send_again(notice_id, seen=seen, actor=actor, now=now)


def label_of(row: Bulletin) -> str:
    """What people call a bulletin."""
    return f"B{row.dated_on:%Y}-{row.number:02d}"


def _deliveries(row: Bulletin) -> list[Delivery]:
    latest = select(func.max(DeliveryTry.id)).where(DeliveryTry.notice_id == Notice.id).scalar_subquery()
    statement = (
        select(Notice, User, func.coalesce(latest, 0))
        .outerjoin(User, User.id == Notice.user_id)
        .where(Notice.matter_kind == KIND, Notice.matter_id == row.id, Notice.channel_id.is_(None))
        .order_by(User.id.is_(None), User.staff_no, Notice.channel.desc(), Notice.id)
    )
    return [Delivery(*row) for row in db.session.execute(statement).tuples()]


def _readers(account_id: int) -> list[notices.Recipient]:
    """The officers, then the branches' contact people: each address once, and none that is an officer's."""
    officers = [
        notices.user_recipient(user) for user in access.account_members(account_id, Role.BRANCH_SAFETY)
    ]
    known = {one.email.casefold() for one in officers}
    contacts = db.session.scalars(
        select(Contact)
        .join(Branch, Branch.id == Contact.branch_id)
        .where(Contact.account_id == account_id, Contact.is_active, Branch.is_active, Contact.email != "")
        .order_by(Contact.id)
    )
    found: dict[str, notices.Recipient] = {}
    for contact in contacts:
        found.setdefault(contact.email.casefold(), notices.contact_recipient(contact))
    return officers + [one for address, one in found.items() if address not in known]


def _message(
    row: Bulletin, told: Sequence[Told], reader: notices.Recipient, mailed: Collection[str]
) -> notices.Message:
    """What a reader is told; a login made since for an address that has the mail is told in the app alone."""
    account_id, label = row.account_id, label_of(row)
    params = {
        "number": label,
        "dated_on": row.dated_on.isoformat(),
        "intro": row.intro,
        "intro_en": row.intro_en,
        "articles": [
            {
                "title": one.version.title,
                "title_en": one.version.title_en,
                "summary": one.version.summary,
                "summary_en": one.version.summary_en,
                "url": f"/knowledge/{one.article.slug}",
            }
            for one in told
        ],
        "url": f"/knowledge/bulletins/{row.number}",
    }
    return notices.Message(
        KIND,
        reader,
        params,
        dedupe=f"{KIND}:{row.id}",
        matter=notices.Matter(KIND, row.id, label, account_id),
        channels=(Channel.IN_APP,) if reader.email.casefold() in mailed else (Channel.IN_APP, Channel.MAIL),
    )


def _require_account(account_id: int, actor: User) -> None:
    access.get_visible(actor, Action.READ_KNOWLEDGE, KeyAccount, KeyAccount.id == account_id)


def _unsent(account_id: int, number: int, version: int, actor: User) -> Bulletin:
    access.require(actor, Action.EDIT_KNOWLEDGE)
    row, _ = get_bulletin(account_id, number, actor=actor)
    if row.sent_at is not None:
        raise Conflict("bulletin_sent")
    if row.version != version:
        raise Conflict("stale")
    return row


def _told(row: Bulletin) -> list[Told]:
    statement = (
        select(Article, ArticleVersion)
        .join(ArticleVersion, ArticleVersion.article_id == Article.id)
        .join(BulletinArticle, BulletinArticle.version_id == ArticleVersion.id)
        .where(BulletinArticle.bulletin_id == row.id)
        .order_by(BulletinArticle.ordinal)
    )
    return [Told(article, version) for article, version in db.session.execute(statement).tuples()]


def _chosen(account_id: int, terms: BulletinTerms, actor: User) -> list[ArticleVersion]:
    """The published versions of the chosen articles, in their order."""
    for name in ("intro", "intro_en"):
        if not getattr(terms, name).strip():
            raise Invalid("required", field=name)
    if not terms.slugs:
        raise Invalid("bulletin_articles", field="articles")
    if len(set(terms.slugs)) > MOST_ARTICLES:
        raise Invalid("bulletin_too_many", field="articles", most=MOST_ARTICLES)
    scope = access.require(actor, Action.EDIT_KNOWLEDGE)
    statement = (
        select(Article.slug, ArticleVersion)
        .join(ArticleVersion, ArticleVersion.article_id == Article.id)
        .where(Article.slug.in_(terms.slugs), ArticleVersion.state == VersionState.PUBLISHED, in_reach(scope))
    )
    values = access.reach(actor) | {"account_id": account_id}
    found = dict(db.session.execute(statement, values).tuples().all())
    if set(terms.slugs) - found.keys():
        raise Invalid("bulletin_articles", field="articles")
    return [found[slug] for slug in dict.fromkeys(terms.slugs)]


def _put_articles(row: Bulletin, chosen: Sequence[ArticleVersion]) -> None:
    db.session.add_all(
        BulletinArticle(bulletin_id=row.id, ordinal=number, version_id=version.id)
        for number, version in enumerate(chosen, start=1)
    )
    db.session.flush()
