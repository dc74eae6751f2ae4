"""A notice as a group reads it in a chat, or a machine by a webhook: the mail's own words, without its dress."""

from collections.abc import Iterable, Sequence

from flask_babel import gettext as _

from service_desk.adapters.channels import Bulletin
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.presenters import mail
from service_desk.presenters.languages import in_language, named
from service_desk.rules.notice_subjects import subject_of

MOST_GATHERED = 50


def bulletin(notice: Notice, *, base_url: str) -> Bulletin:
    """One message. Its title is the mail's subject; its link stands once, at the end."""
    words = mail.words(notice, base_url=base_url)
    url = f"{base_url}{notice.params.get('url', '/notices')}"
    return _bulletin(notice, words.subject, tuple(_lines(words.text, words.subject, url)), url)


def gathered(told: Sequence[Notice], *, base_url: str) -> Bulletin:
    """Several messages of one channel as one, a line each. All of them can be put into words."""
    first = told[0]
    with in_language(first.language):
        title = _("%(count)s messages from the service desk", count=len(told))
        lines = [f"· {mail.subject_line(notice)}" for notice in told[:MOST_GATHERED]]
        if len(told) > MOST_GATHERED:
            lines.append(_("and %(count)s more on the desk", count=len(told) - MOST_GATHERED))
    return _bulletin(first, title, tuple(lines), f"{base_url}/notices")


def _bulletin(notice: Notice, title: str, lines: tuple[str, ...], url: str) -> Bulletin:
    account = db.session.get(KeyAccount, notice.account_id) if notice.account_id else None
    with in_language(notice.language):
        return Bulletin(
            message_id=mail.message_key(notice),
            kind=notice.kind,
            subject=subject_of(notice.kind).value,
            language=notice.language,
            title=f"{title} · {named(account.name, account.name_en)}" if account else title,
            lines=lines,
            url=url,
            open_words=_("Open on the desk"),
            more_words=_("The rest is on the desk"),
            account=account.code if account else "",
            number=notice.matter_number,
            created_at=notice.created_at,
        )


def _lines(text: str, subject: str, url: str) -> Iterable[str]:
    """The mail's text without what stands elsewhere in a chat: its title, the bare link, runs of empty lines."""
    is_wanted = is_begun = False
    for line in (line.rstrip() for line in text.splitlines()):
        is_link = url in line and not line.replace(url, "").strip(":： ")
        if line == subject or is_link:
            continue
        if not line:
            is_wanted = is_begun
            continue
        if is_wanted:
            yield ""
        is_wanted, is_begun = False, True
        yield line
