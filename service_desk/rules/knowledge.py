"""Guides and safety cases: what they are sorted by, who may do what with a version, and the small markup of their text."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache

from service_desk.rules.claim_flow import ClaimState


class ArticleKind(StrEnum):
    GUIDE = "claim_guide"
    CASE = "safety_case"
    NOTICE = "notice"


class HelpMoment(StrEnum):
    """When a text helps: it is shown on the pages of that moment."""

    REPORTING = "reporting"
    SURVEY = "survey"
    DOCUMENTS = "documents"
    PAYMENT = "payment"
    PREVENTION = "prevention"


class VersionState(StrEnum):
    """REPLACED: a later version was published. Only DRAFT may be changed, and only PUBLISHED is shown where it helps."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class TopicAxis(StrEnum):
    """What a version is sorted by. `ANY` stands for all claim types or all classes."""

    FEATURE = "feature"
    USE_CLASS = "use_class"
    MOMENT = "moment"


ANY = "*"
OPEN_STATES = (VersionState.DRAFT, VersionState.IN_REVIEW)
ONCE_PUBLISHED = (VersionState.PUBLISHED, VersionState.REPLACED)

_MOMENT_OF: dict[ClaimState, HelpMoment] = {
    ClaimState.REPORTED: HelpMoment.SURVEY,
    ClaimState.DISPATCHED: HelpMoment.SURVEY,
    ClaimState.SURVEYED: HelpMoment.DOCUMENTS,
    ClaimState.ASSESSED: HelpMoment.DOCUMENTS,
    ClaimState.DENIED: HelpMoment.PAYMENT,
}


def moment_of(state: ClaimState) -> HelpMoment | None:
    """What helps a client while a claim is in a state; nothing any more once it has ended well."""
    if state in {ClaimState.CLOSED, ClaimState.WITHDRAWN}:
        return None
    return _MOMENT_OF.get(state, HelpMoment.PAYMENT)


class BlockKind(StrEnum):
    HEADING = "heading"
    TEXT = "text"
    LIST = "list"
    STEPS = "steps"
    PICTURE = "picture"


@dataclass(frozen=True)
class Span:
    """Some words of a line, and whether they stand out."""

    text: str
    is_strong: bool = False


@dataclass(frozen=True)
class Block:
    """A part of a text. A list has a line an item; `picture` is the number of the version's file."""

    kind: BlockKind
    lines: tuple[tuple[Span, ...], ...]
    picture: int | None = None


_HEADING = re.compile(r"#{1,3}\s+(.+)")
_ITEM = re.compile(r"[-*•]\s+(.+)")
_STEP = re.compile(r"\d{1,2}[.)、．]\s*(.+)")
_PICTURE = re.compile(r"!\[([^\]]*)\]\((\d{1,3})\)")
_STRONG = re.compile(r"\*\*(.+?)\*\*")


@lru_cache(maxsize=500)
def blocks_of(text: str) -> tuple[Block, ...]:
    """The parts of a text: `# heading`, `- item`, `1. step`, `![what](2)` for the second file, `**strong**`, paragraphs."""
    return tuple(_gathered(_line(line.strip()) for line in text.splitlines()))


def _line(line: str) -> Block | None:
    """What a line is by itself; None for an empty one, which ends a paragraph or list."""
    if not line:
        return None
    if found := _HEADING.fullmatch(line):
        return Block(BlockKind.HEADING, (_spans(found[1]),))
    if found := _PICTURE.fullmatch(line):
        return Block(BlockKind.PICTURE, (_spans(found[1]),), int(found[2]))
    for pattern, kind in ((_ITEM, BlockKind.LIST), (_STEP, BlockKind.STEPS)):
        if found := pattern.fullmatch(line):
            return Block(kind, (_spans(found[1]),))
    return Block(BlockKind.TEXT, (_spans(line),))


_GROWING = frozenset({BlockKind.TEXT, BlockKind.LIST, BlockKind.STEPS})


def _gathered(lines: Iterable[Block | None]) -> Iterator[Block]:
    open_block: Block | None = None
    for one in lines:
        if (
            one is not None
            and open_block is not None
            and one.kind is open_block.kind
            and one.kind in _GROWING
        ):
            open_block = Block(one.kind, open_block.lines + one.lines)
            continue
        if open_block is not None:
            yield open_block
        open_block = one
    if open_block is not None:
        yield open_block


def _spans(line: str) -> tuple[Span, ...]:
    parts = _STRONG.split(line)
    return tuple(Span(text, number % 2 == 1) for number, text in enumerate(parts) if text)


class Change(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


def compared(before: str, after: str) -> list[tuple[Change, str]]:
    """Two texts line by line: what stayed, what went, what came."""
    old, new = before.splitlines(), after.splitlines()
    found: list[tuple[Change, str]] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [(Change.SAME, line) for line in old[a:b]]
        else:
            found += [(Change.REMOVED, line) for line in old[a:b]]
            found += [(Change.ADDED, line) for line in new[c:d]]
    return found


def slug_of(title: str, taken: Iterable[str] = ()) -> str:
    """A word for an address out of an English title, none of those that are taken."""
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:48].strip("-") or "article"
    known, slug, number = set(taken), stem, 1
    while slug in known:
        number += 1
        slug = f"{stem}-{number}"
    return slug
