"""The markup of guides, what differs between two texts, addresses, and what helps at which step."""

import pytest

from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.knowledge import (
    BlockKind,
    Change,
    HelpMoment,
    blocks_of,
    compared,
    moment_of,
    slug_of,
)


def shape(text: str) -> list[tuple[str, int, int | None]]:
    return [(block.kind.value, len(block.lines), block.picture) for block in blocks_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("一段\n两行\n\n另一段", [("text", 2, None), ("text", 1, None)]),
        ("# 标题\n1. 停车\n2、报警\n- 拍照", [("heading", 1, None), ("steps", 2, None), ("list", 1, None)]),
        ("![现场](2)\n![x](9999)", [("picture", 1, 2), ("text", 1, None)]),
        ("#标题\n-不是列表", [("text", 2, None)]),
    ],
)
def test_a_text_falls_into_its_parts(text: str, expected: list[tuple[str, int, int | None]]) -> None:
    assert shape(text) == expected


def test_nothing_but_strong_words_is_markup_within_a_line() -> None:
    (block,) = blocks_of("先**停车**再<b>走</b> [链接](http://x)")
    assert [(span.text, span.is_strong) for span in block.lines[0]] == [
        ("先", False),
        ("停车", True),
        ("再<b>走</b> [链接](http://x)", False),
    ]
    assert block.kind is BlockKind.TEXT


def test_texts_are_compared_line_by_line() -> None:
    assert compared("甲\n乙\n丙", "甲\n丁\n丙") == [
        (Change.SAME, "甲"),
        (Change.REMOVED, "乙"),
        (Change.ADDED, "丁"),
        (Change.SAME, "丙"),
    ]


@pytest.mark.parametrize(
    ("title", "taken", "slug"),
    [
        ("Coach on ice!", (), "coach-on-ice"),
        ("Coach on ice", ("coach-on-ice", "coach-on-ice-2"), "coach-on-ice-3"),
        ("冰雪", (), "article"),
    ],
)
def test_an_address_is_made_of_the_title(title: str, taken: tuple[str, ...], slug: str) -> None:
    assert slug_of(title, taken) == slug


def test_each_state_has_what_helps_or_has_ended() -> None:
    ended = {ClaimState.CLOSED, ClaimState.WITHDRAWN}
    assert {state for state in ClaimState if moment_of(state) is None} == ended
    assert moment_of(ClaimState.REPORTED) is HelpMoment.SURVEY
    assert moment_of(ClaimState.ASSESSED) is HelpMoment.DOCUMENTS
    assert moment_of(ClaimState.APPROVED) is HelpMoment.PAYMENT
