"""Every kind of message in both languages, as mail, in the inbox and in a chat, from what the desk really says."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from service_desk.adapters.channels import request_for
from service_desk.adapters.mailer import Mail
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.presenters import bulletins, mail
from service_desk.presenters.labels import LABELS
from service_desk.presenters.languages import in_language
from service_desk.rules.hooks import HookKind
from service_desk.rules.notice_subjects import (
    CHANNEL_TEST,
    DIGEST,
    SUBJECTS,
    NoticeSubject,
    is_for_channels,
    subject_of,
)
from service_desk.rules.report_document import ReportKind
from service_desk.services import notices
from service_desk.services.reports import runs
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
# All reports share the words in one folder.
REPORTS = {runs.notice_kind(kind): kind for kind in ReportKind}
FOLDERS = {path.name for path in (ROOT / "templates" / "emails").iterdir() if path.is_dir()}
KINDS = sorted(FOLDERS - {"report"} | set(REPORTS))
SAMPLES: dict[str, dict[str, Any]] = json.loads((ROOT / "tests/data/notice_params.json").read_text("utf-8"))
BASE = "https://desk.example"
CHINESE = re.compile("[\u4e00-\u9fff]")
# Whatever stands for a fault in the words: a code nobody named, an object as Python writes it, an empty value.
FAULTS = re.compile(r"None|Undefined|<[\w.]+ object|\{\{|\}\}|%\(\w+\)s|\bnan\b")

# A cell or a line of a list; the mail itself is cells of a table, too.
CELL = re.compile(r'<(?:td|li)\b(?![^>]*class="(?:head|body|foot)")[^>]*>(.*?)</(?:td|li)>', re.DOTALL)


def test_every_kind_has_a_sample_and_a_subject() -> None:
    """Whoever adds a kind says here, in tests/data/notice_params.json, what it is told with, and sorts it."""
    assert set(SAMPLES) == set(KINDS) - set(REPORTS)
    unsorted = [kind for kind in KINDS if kind not in SUBJECTS and kind not in REPORTS]
    assert not unsorted, f"no subject in rules/notice_subjects.py for {unsorted}"
    assert {subject_of(kind) for kind in REPORTS} == {NoticeSubject.REPORTS}
    assert all(is_for_channels(kind) for kind in REPORTS)
    assert set(SUBJECTS) <= set(KINDS)
    assert set(SUBJECTS.values()) == {subject_of(kind) for kind in KINDS}
    assert {subject.value for subject in SUBJECTS.values()} == set(LABELS["notice_subject"])


@pytest.fixture
def notice_of(world: World, now: datetime):
    """A notice of a kind with its sample; a report's is of a real one."""

    def make(kind: str) -> Notice:
        if kind in REPORTS:
            return _of_report(REPORTS[kind], world, now)
        params = dict(SAMPLES[kind])
        if kind == DIGEST:
            params["notice_ids"] = [told.id for told in _told(world, now)]
        return Notice(
            kind=kind,
            channel=Channel.MAIL,
            params=params,
            recipient_name="周敏",
            address="zhou@zzly.example",
            user_id=world.hq.id,
            account_id=world.account.id,
            matter_number="CLM-2026-000203",
            dedupe_key=kind,
            state=NoticeState.QUEUED,
            created_at=now,
        )

    return make


def _of_report(kind: ReportKind, world: World, now: datetime) -> Notice:
    """The first mail of a report made by hand, of a period long over."""
    command = runs.RunNow(date(2025, 6, 2), is_sent=True, kind=kind)
    run = runs.run_now(world.account.id, command, actor=world.manager, now=now)
    sent = select(Notice).where(
        Notice.matter_kind == runs.MATTER_KIND, Notice.matter_id == run.id, Notice.channel == Channel.MAIL
    )
    notice = db.session.scalars(sent.order_by(Notice.id)).first()
    assert notice is not None, f"{kind} goes to nobody"
    return notice


def _told(world: World, now: datetime) -> list[Notice]:
    made = notices.queue(
        "claim_received",
        notices.user_recipient(world.hq),
        SAMPLES["claim_received"],
        dedupe="told",
        now=now,
        account_id=world.account.id,
    )
    db.session.flush()
    return made


def test_every_kind_reads_well_in_both_languages_everywhere(notice_of, now: datetime) -> None:
    """One test for all: a world for each of them would cost more than all the words."""
    problems = [
        f"{kind} {language}: {problem}"
        for kind in KINDS
        for notice in [notice_of(kind)]
        for language in ("zh", "en")
        for problem in _problems(notice, language, now)
    ]
    assert not problems, "\n".join(problems)


def _problems(notice: Notice, language: str, now: datetime) -> Iterator[str]:
    notice.language = language
    words = mail.render(notice, base_url=BASE)
    bare = re.sub(r"<style.*?</style>|<[^>]+>", " ", words.html, flags=re.DOTALL)
    for text in (words.subject, words.text, bare):
        if not text.strip() or FAULTS.search(text):
            yield f"faulty words: {FAULTS.search(text)}"
    if bool(CHINESE.search(words.subject)) is (language == "en") and not _names_something(
        notice, words.subject
    ):
        yield f"not in the language: {words.subject}"
    if "\n" in words.subject:
        yield "a subject of several lines"
    if f"{BASE}/" not in words.text or f"{BASE}/" not in words.html:
        yield "no link"
    yield from (f"in the page alone: {said}" for said in _said_by_the_page_alone(words))
    if words.preferences_url != (f"{BASE}/notices/settings" if notice.user_id else ""):
        yield "no way to the settings"
    with in_language(language):
        if mail.inbox_line(notice) != words.subject:
            yield "the inbox says something else"
    if is_for_channels(notice.kind) or notice.kind == CHANNEL_TEST:
        yield from _problems_in_a_chat(notice, now)


# What goes to contact people, too, who have no login.
TO_CONTACTS = sorted(
    set(REPORTS)
    | {"large_loss", "premium_dunning", "premium_dunning_group", "renewal_reminder", "uninsured_vehicles"}
)


def test_who_has_no_login_is_led_to_no_page_that_asks_for_one(notice_of) -> None:
    for kind in TO_CONTACTS:
        notice = notice_of(kind)
        notice.language, notice.user_id = "zh", None
        words = mail.render(notice, base_url=BASE)
        assert BASE not in words.text, kind
        assert BASE not in words.html, kind
        assert "打开页面" not in words.html, kind


def _said_by_the_page_alone(words: Mail) -> Iterator[str]:
    """What stands in a cell or a line of a list of the page, and neither in the text nor in the subject."""
    text = " ".join(f"{words.subject} {words.text}".split())
    for found in CELL.findall(words.html):
        cell = " ".join(unescape(re.sub(r"<br[^>]*>|<[^>]+>", " ", found)).split())
        if cell not in ("", "—") and not all(part in text for part in cell.split()):
            yield cell


def _names_something(notice: Notice, subject: str) -> bool:
    """Names of people and places stay Chinese in an English subject; a Chinese one has Chinese words anyhow."""
    rest = subject
    values = list(notice.params.values())
    values += [inner for value in values if isinstance(value, dict) for inner in value.values()]
    for value in sorted((str(value) for value in values if value), key=len, reverse=True):
        rest = rest.replace(value, "")
    return notice.language == "en" and not CHINESE.search(rest)


def _problems_in_a_chat(notice: Notice, now: datetime) -> Iterator[str]:
    said = bulletins.bulletin(notice, base_url=BASE)
    if not said.url.startswith(f"{BASE}/") or not said.lines or not said.lines[0]:
        yield "nothing said in a chat"
    if any(line.strip() == said.url for line in said.lines):
        yield "the link twice in a chat"
    for kind in HookKind:
        if said.url.encode() not in request_for(kind, said, "0123456789abcdef", now).body:
            yield f"no link for {kind}"
