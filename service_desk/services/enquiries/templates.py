"""Answers given often: kept by the managers, offered to whoever answers, their use counted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select

from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import one_line
from service_desk.models.claims import WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.enquiries import AnswerTemplate, Enquiry
from service_desk.models.users import User
from service_desk.rules.answer_templates import unknown_places
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.enquiries.files import ContactFile

_LIMITS = (("topic", 64), ("title", 200), ("title_en", 200), ("body", 4000), ("body_en", 4000))


@dataclass(frozen=True)
class TemplateText:
    """A template as typed. `is_common`: for every account the desk serves."""

    topic: str
    title: str
    title_en: str
    body: str
    body_en: str
    is_common: bool = False
    is_active: bool = True


@dataclass(frozen=True)
class TemplateRow:
    """A line of the list: the template, who wrote it last, and how many answers were made of it."""

    template: AnswerTemplate
    editor: User
    used: int


def list_templates(account_id: int, page: PageRequest, *, actor: User) -> Page[TemplateRow]:
    """The templates of an account and those of all, by topic, with their use in this account."""
    access.require(actor, Action.ANSWER_ENQUIRIES)
    access.get_account(actor, account_id)
    used = (
        select(func.count(Enquiry.id))
        .where(Enquiry.template_id == AnswerTemplate.id, Enquiry.account_id == account_id)
        .scalar_subquery()
    )
    statement = select(AnswerTemplate, User, used).join(User, User.id == AnswerTemplate.edited_by_id)
    statement = statement.where(_of_account(account_id))
    total = db.session.scalar(select(func.count(AnswerTemplate.id)).where(_of_account(account_id))) or 0
    ordered = statement.order_by(
        AnswerTemplate.is_active.desc(), AnswerTemplate.topic, AnswerTemplate.title, AnswerTemplate.id
    )
    rows = db.session.execute(ordered.limit(page.size).offset(page.offset)).tuples()
    return Page([TemplateRow(*row) for row in rows], total, page.number, page.size)


def offered(account_id: int, *, actor: User) -> list[AnswerTemplate]:
    """The templates somebody may answer with, by topic; none for who answers nothing."""
    if not access.may(actor, Action.ANSWER_ENQUIRIES):
        return []
    statement = select(AnswerTemplate).where(_of_account(account_id), AnswerTemplate.is_active)
    order = (AnswerTemplate.topic, AnswerTemplate.title, AnswerTemplate.id)
    return list(db.session.scalars(statement.order_by(*order).limit(200)))


def get_template(template_id: int, account_id: int, *, actor: User) -> AnswerTemplate:
    """A template of the account or of all; NotFound otherwise."""
    access.require(actor, Action.ANSWER_ENQUIRIES)
    access.get_account(actor, account_id)
    found = db.session.scalar(
        select(AnswerTemplate).where(AnswerTemplate.id == template_id, _of_account(account_id))
    )
    if found is None:
        raise NotFound("not_found")
    return found


def save_template(
    template_id: int | None,
    account_id: int,
    text: TemplateText,
    version: int,
    *,
    actor: User,
    now: datetime,
) -> AnswerTemplate:
    """Write a new template (None) or change one: a manager, an administrator. Those of all: an administrator.

    Invalid: required, words_too_long, place_unknown (with the place). Conflict: stale.
    """
    access.require(actor, Action.MANAGE_CLOCKS)
    access.get_account(actor, account_id)
    row = get_template(template_id, account_id, actor=actor) if template_id else None
    if text.is_common or (row is not None and row.account_id is None):
        access.require(actor, Action.MANAGE_SETTINGS)
    _check(text)
    if row is None:
        row = AnswerTemplate(edited_by_id=actor.id, edited_at=now)
        db.session.add(row)
    elif row.version != version:
        raise Conflict("stale")
    values = {name: one_line(getattr(text, name)) for name in ("topic", "title", "title_en")}
    values |= {name: getattr(text, name).strip() for name in ("body", "body_en")}
    changes = audit.change(
        row, **values, account_id=None if text.is_common else account_id, is_active=text.is_active
    )
    if changes:
        row.edited_by_id, row.edited_at = actor.id, now
        audit.record(
            "answer_template_saved",
            row,
            actor=actor,
            now=now,
            label=row.title,
            account_id=account_id,
            changes=changes,
        )
    return row


def missing_documents(file: ContactFile) -> list[str]:
    """The codes of what the desk still waits for on a contact's claim. The caller has checked that it is visible."""
    if file.claim is None:
        return []
    wanted = select(WantedDocument.code).where(
        WantedDocument.claim_id == file.claim.id,
        WantedDocument.state.in_((WantedState.REQUIRED, WantedState.REJECTED)),
    )
    return list(db.session.scalars(wanted.order_by(WantedDocument.id)))


def _of_account(account_id: int) -> ColumnElement[bool]:
    return or_(AnswerTemplate.account_id == account_id, AnswerTemplate.account_id.is_(None))


def _check(text: TemplateText) -> None:
    problems = [Invalid("required", field=name) for name, _ in _LIMITS if not getattr(text, name).strip()]
    problems += [
        Invalid("words_too_long", field=name, length=length)
        for name, length in _LIMITS
        if len(getattr(text, name)) > length
    ]
    problems += [
        Invalid("place_unknown", field=name, place=place)
        for name in ("body", "body_en")
        for place in unknown_places(getattr(text, name))
    ]
    if problems:
        raise InvalidMany(problems)
