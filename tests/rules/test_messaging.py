"""Until when one may write about a matter, and which messages are mailed."""

from datetime import UTC, date, datetime, timedelta

import pytest

from service_desk.rules.messaging import MessageKind, ThreadKind, is_mailed, last_day, may_write

CLOSED = datetime(2026, 11, 1, 15, 59, tzinfo=UTC)  # 23:59 of the first in China
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def test_a_closed_claim_is_talked_about_for_thirty_days() -> None:
    assert last_day(ThreadKind.CLAIM, CLOSED) == date(2026, 12, 1)
    assert last_day(ThreadKind.CLAIM, None) is None
    assert last_day(ThreadKind.ENQUIRY, CLOSED) is None


@pytest.mark.parametrize(
    ("kind", "closed_at", "now", "expected"),
    [
        (ThreadKind.CLAIM, None, NOW, True),
        (ThreadKind.ENQUIRY, None, NOW, True),
        (ThreadKind.CLAIM, CLOSED, datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC), True),
        (ThreadKind.CLAIM, CLOSED, datetime(2026, 12, 1, 16, 0, tzinfo=UTC), False),
        (ThreadKind.ENQUIRY, CLOSED, CLOSED, False),
    ],
)
def test_the_last_day_is_a_whole_day(
    kind: ThreadKind, closed_at: datetime | None, now: datetime, expected: bool
) -> None:
    assert may_write(kind, closed_at, now) is expected


@pytest.mark.parametrize(
    ("kind", "told_before", "read_up_to", "expected"),
    [
        (MessageKind.WORD, None, 0, True),
        (MessageKind.WORD, timedelta(minutes=5), 2, False),
        (MessageKind.WORD, timedelta(minutes=5), 3, True),
        (MessageKind.WORD, timedelta(minutes=60), 0, False),
        (MessageKind.WORD, timedelta(minutes=60, seconds=1), 0, True),
        (MessageKind.ANSWER, timedelta(minutes=5), 0, True),
        (MessageKind.NO_ANSWER, timedelta(minutes=5), 0, True),
    ],
)
def test_words_of_one_conversation_are_one_mail(
    kind: MessageKind, told_before: timedelta | None, read_up_to: int, expected: bool
) -> None:
    told = None if told_before is None else (3, NOW - told_before)
    assert is_mailed(kind, told=told, read_up_to=read_up_to, now=NOW) is expected
