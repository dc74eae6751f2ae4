"""Guides and cases in words: parts of a text, what a version is for, lists as sheets, and what differs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.documents import Document
from service_desk.models.knowledge import ArticleVersion, Bulletin
from service_desk.models.users import User
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import current_language, named
from service_desk.rules.knowledge import Block, Change, VersionState, blocks_of, compared
from service_desk.services.knowledge import Guide, Listed, Topics
from service_desk.services.knowledge.bulletins import label_of

TONES = {
    VersionState.DRAFT: "idle",
    VersionState.IN_REVIEW: "warn",
    VersionState.PUBLISHED: "ok",
    VersionState.REPLACED: "idle",
    VersionState.WITHDRAWN: "bad",
}
_JPEG = "image/jpeg"
# The texts of a version as their form names them.
_COMPARED = ("title", "summary", "body", "title_en", "summary_en", "body_en")


def title(row: ArticleVersion | Guide) -> str:
    """The title in the reader's language."""
    return named(row.title, row.title_en)


def summary(row: ArticleVersion | Guide) -> str:
    """What it is about in a sentence, in the reader's language."""
    return named(row.summary, row.summary_en)


def blocks(row: ArticleVersion | Guide) -> tuple[Block, ...]:
    """The parts of the text in the reader's language."""
    return blocks_of(named(row.body, row.body_en))


def intro(row: Bulletin) -> str:
    """A bulletin's introduction in the reader's language."""
    return named(row.intro, row.intro_en)


bulletin_label = label_of


def topic_words(topics: Topics) -> list[str]:
    """What a version is for: claim types, classes and moments, each once."""
    return [
        *(label(one, "claim_feature") for one in sorted(topics.features)),
        *(label(one, "use_class") for one in sorted(topics.use_classes)),
        *(label(one, "help_moment") for one in sorted(topics.moments)),
    ]


def pictures(files: Sequence[Document]) -> dict[int, Document]:
    """The files that are pictures, by the number the text names them with."""
    return {number: one for number, one in enumerate(files, start=1) if one.content_type == _JPEG}


def papers(row: ArticleVersion, files: Sequence[Document]) -> list[tuple[int, Document]]:
    """The files the text does not show: PDFs, and pictures it does not name."""
    shown = {block.picture for block in blocks(row)} & pictures(files).keys()
    return [(number, one) for number, one in enumerate(files, start=1) if number not in shown]


def differences(before: ArticleVersion, after: ArticleVersion) -> list[tuple[str, list[tuple[str, str]]]]:
    """What changed between two versions, the reader's language first: each text's lines with `added` or `removed`."""
    names = [name for name in _COMPARED if name.endswith("_en") == (current_language() == "en")]
    names += [name for name in _COMPARED if name not in names]
    labels = {
        "title": _("Title"),
        "title_en": _("Title, in English"),
        "summary": _("In one sentence"),
        "summary_en": _("In one sentence, in English"),
        "body": _("Text"),
        "body_en": _("Text, in English"),
    }
    found = []
    for name in names:
        lines = compared(getattr(before, name), getattr(after, name))
        changed = [
            (change.value, line) for change, line in lines if change is not Change.SAME and line.strip()
        ]
        if changed:
            found.append((labels[name], changed))
    return found


def articles_sheet(rows: Iterable[Listed], now: datetime) -> TableSheet:
    """A list of articles, each with its counts."""
    fields: list[tuple[Column, Getter[Listed]]] = [
        (Column(_("Title"), width=36), lambda row: title(row.version)),
        (Column(_("Kind")), lambda row: label(row.article.kind, "article_kind")),
        (Column(_("In one sentence"), width=60), lambda row: summary(row.version)),
        (Column(_("For"), width=40), lambda row: "; ".join(topic_words(row.topics))),
        (Column(_("For whom")), audience),
        (Column(_("Version"), "int"), lambda row: row.version.number),
        (Column(_("State")), lambda row: label(row.version.state, "article_state")),
        (Column(_("Published at"), "datetime"), lambda row: row.version.published_at),
        (Column(_("Readers"), "int"), lambda row: row.readers),
        (Column(_("Helpful"), "int"), lambda row: row.helped),
        (Column(_("Not helpful"), "int"), lambda row: row.not_helped),
    ]
    return table(_("Guides and cases"), fields, rows, now)


def audience(row: Listed) -> str:
    """Whether it is for all accounts."""
    return label("all" if row.article.account_id is None else "account", "article_audience")


def versions_sheet(rows: Iterable[Listed], people: Mapping[int, User], now: datetime) -> TableSheet:
    """The versions of an article."""
    fields: list[tuple[Column, Getter[Listed]]] = [
        (Column(_("Version"), "int"), lambda row: row.version.number),
        (Column(_("State")), lambda row: label(row.version.state, "article_state")),
        (Column(_("Title"), width=36), lambda row: title(row.version)),
        (Column(_("What is new in this version"), width=40), lambda row: row.version.change_note),
        (Column(_("Author")), lambda row: _person(people, row.version.author_id)),
        (Column(_("Published at"), "datetime"), lambda row: row.version.published_at),
        (Column(_("Reviewed and published by")), lambda row: _person(people, row.version.published_by_id)),
        (Column(_("Why it was withdrawn"), width=40), lambda row: row.version.withdrawn_reason),
        (Column(_("Readers"), "int"), lambda row: row.readers),
        (Column(_("Helpful"), "int"), lambda row: row.helped),
        (Column(_("Not helpful"), "int"), lambda row: row.not_helped),
    ]
    return table(_("Versions of an article"), fields, rows, now)


def _person(people: Mapping[int, User], user_id: int | None) -> str:
    return person(people.get(user_id)) if user_id else _("Service Desk")


def bulletins_sheet(rows: Iterable[tuple[Bulletin, int]], now: datetime) -> TableSheet:
    """An account's bulletins."""
    fields: list[tuple[Column, Getter[tuple[Bulletin, int]]]] = [
        (Column(_("Bulletin")), lambda row: label_of(row[0])),
        (Column(_("Date"), "date"), lambda row: row[0].dated_on),
        (Column(_("Introduction"), width=60), lambda row: intro(row[0])),
        (Column(_("Articles"), "int"), lambda row: row[1]),
        (Column(_("Sent at"), "datetime"), lambda row: row[0].sent_at),
    ]
    return table(_("Bulletins"), fields, rows, now)
