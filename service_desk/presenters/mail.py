"""A notice into words: the mail in its recipient's language, and the line an inbox shows."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import css_inline
from flask import current_app
from flask_babel import gettext as _
from jinja2 import TemplateError

from service_desk.adapters.mailer import Mail
from service_desk.base.errors import NotFound
from service_desk.models.notices import Notice
from service_desk.presenters import report_documents
from service_desk.presenters.follow_ups import form_path
from service_desk.presenters.languages import in_language, named
from service_desk.presenters.mail_parts import MailParts
from service_desk.presenters.opinions import form_path as opinion_form_path
from service_desk.presenters.premiums import level_words
from service_desk.presenters.relations_mail import invitation_parts
from service_desk.rules.report_document import ReportKind
from service_desk.services.notices import digests
from service_desk.services.reports import runs

# What comes of words that are not there: a list of messages shows all the others all the same.
_NO_WORDS = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
PREFERENCES_PATH = "/notices/settings"

_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)

_REPORTS = frozenset(runs.notice_kind(kind) for kind in ReportKind)


def _report(params: dict[str, Any], *, is_mail: bool) -> MailParts:
    """The report as its run keeps it; a chat shows neither files nor pictures, so they are not made for it."""
    report = runs.find_document(params["run_id"])
    if report is None:
        raise NotFound("not_found")
    return report_documents.mail_parts(report) if is_mail else report_documents.chat_parts(report)


def _clock_digest(params: dict[str, Any]) -> MailParts:
    """Each line says what the subject of its own mail would say."""
    told = [{**one, "words": _line(one["kind"], one)} for one in params["lines"]]
    return MailParts({"told": told, "more": params["count"] - len(told)})


def _notice_digest(params: dict[str, Any]) -> MailParts:
    """Each line is what the inbox shows of it; what was taken back since is left out."""
    told = [
        {"at": notice.created_at, "words": inbox_line(notice), "url": notice.params.get("url", "/notices")}
        for notice in digests.list_told(params["notice_ids"])
    ]
    return MailParts({"told": told, "more": max(0, params["count"] - len(params["notice_ids"]))})


def _follow_up_form(params: dict[str, Any]) -> MailParts:
    """The address is made when the mail is: the outbox does not keep it."""
    return MailParts({"form_path": form_path(params["nonce"])})


def _opinion_form(params: dict[str, Any]) -> MailParts:
    """Who has a login answers in the portal, others behind a link of their own."""
    nonce = params["nonce"]
    return MailParts({"form_path": opinion_form_path(nonce) if nonce else params["url"]})


# Kinds whose mail shows more than its parameters hold. Called in the recipient's language.
_PARTS: dict[str, Callable[[dict[str, Any]], MailParts]] = {
    "clock_digest": _clock_digest,
    "follow_up_form": _follow_up_form,
    "notice_digest": _notice_digest,
    "opinion_asked": _opinion_form,
    "opinion_reminded": _opinion_form,
    "relation_cancelled": invitation_parts,
    "relation_changed": invitation_parts,
    "relation_invited": invitation_parts,
}

# What every mail template may call besides the filters.
_WORDS: dict[str, Any] = {
    "named": named,
    "dunning_level": level_words,
    "report_title": report_documents.title,
    "report_period": lambda first, last: report_documents.period_words(
        date.fromisoformat(first), date.fromisoformat(last)
    ),
}


@dataclass(frozen=True)
class Words:
    """A notice in plain words: what a mail's text part and a chat say."""

    subject: str
    text: str


def render(notice: Notice, *, base_url: str) -> Mail:
    """The whole mail. `params` are the templates' variables; `link(path)` is an absolute address."""
    with in_language(notice.language):
        parts = _parts(notice, is_mail=True)
        context = _context(notice, parts, base_url)
        text = _text(notice, context)
        html = _INLINER.inline(_template(notice.kind, "body.html").render(context))
    return Mail(
        to_name=notice.recipient_name,
        to_address=notice.address,
        subject=context["subject"],
        text=text,
        html=html,
        reference=_reference(notice),
        language=notice.language,
        attachments=parts.attachments,
        pictures=parts.pictures,
        # A contact person without a login has no page to choose on.
        preferences_url=f"{base_url}{PREFERENCES_PATH}" if notice.user_id else "",
    )


def words(notice: Notice, *, base_url: str) -> Words:
    """The notice's subject and text, in its own language."""
    with in_language(notice.language):
        context = _context(notice, _parts(notice, is_mail=False), base_url)
        return Words(context["subject"], _text(notice, context))


def _parts(notice: Notice, *, is_mail: bool) -> MailParts:
    if notice.kind in _REPORTS:
        return _report(notice.params, is_mail=is_mail)
    parts_of = _PARTS.get(notice.kind)
    return parts_of(notice.params) if parts_of else MailParts({})


def _context(notice: Notice, parts: MailParts, base_url: str) -> dict[str, Any]:
    return {
        **_WORDS,
        **notice.params,
        **parts.context,
        "subject": _line(notice.kind, notice.params),
        "language": notice.language,
        "recipient_name": notice.recipient_name,
        # A contact person without a login would be led to a sign-in.
        "may_sign_in": notice.user_id is not None or notice.channel_id is not None,
        "link": lambda path: f"{base_url}{path}",
    }


def _text(notice: Notice, context: dict[str, Any]) -> str:
    return str(_template(notice.kind, "body.txt").render(context)).strip() + "\n"


def subject_line(notice: Notice) -> str:
    """The subject in the notice's own language; raises where it cannot be rendered."""
    with in_language(notice.language):
        return _line(notice.kind, notice.params)


def message_key(notice: Notice) -> str:
    """What tells a repeat of a message from another one: the same over all tries, and no secret."""
    return hashlib.sha256(_reference(notice).encode()).hexdigest()[:32]


def inbox_line(notice: Notice) -> str:
    """The subject in the reader's own language; a plain word where the notice cannot be rendered."""
    try:
        return _line(notice.kind, notice.params)
    except _NO_WORDS:
        return _("A message from the service desk")


def _line(kind: str, params: dict[str, Any]) -> str:
    return " ".join(_template(kind, "subject.txt").render({**_WORDS, **params}).split())


def _template(kind: str, part: str) -> Any:
    # Rendered by the environment itself: the pages' context knows a request and a signed-in reader.
    folder = "report" if kind in _REPORTS else kind
    return current_app.jinja_env.get_template(f"emails/{folder}/{part}")


def _reference(notice: Notice) -> str:
    """The same over all tries of one sending; another when a sent mail is sent again, or it would be dropped."""
    sent_before = notice.sent_at.isoformat() if notice.sent_at else ""
    return f"{notice.dedupe_key}|{sent_before}"
