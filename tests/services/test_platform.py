"""Numbers, idempotency, the outbox, the scheduler's lease: what every use case stands on."""

from datetime import timedelta

from sqlalchemy import func, select

from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.services import leases, notices, numbers, submissions


def test_numbers_are_gap_free_by_kind_and_year(session, now):
    assert numbers.next_number("CLM", 2026) == "CLM-2026-000001"
    assert list(numbers.take("CLM-2026", 3)) == [2, 3, 4]
    assert numbers.next_number("CLM", 2027) == "CLM-2027-000001"
    assert numbers.next_number("CLM", 2026) == "CLM-2026-000005"


def test_a_rollback_gives_numbers_back(session, now):
    numbers.next_number("ENQ", 2026)
    session.commit()
    numbers.next_number("ENQ", 2026)
    session.rollback()
    assert numbers.next_number("ENQ", 2026) == "ENQ-2026-000002"


def test_the_same_key_makes_one_record_and_gets_the_first_answer(session, world, now):
    made = []

    def make():
        made.append(1)
        return f"no. {len(made)}"

    first = submissions.once("claim", "key-1", make, actor=world.claims1, now=now)
    again = submissions.once("claim", "key-1", make, actor=world.claims1, now=now)
    other = submissions.once("claim", "key-1", make, actor=world.claims2, now=now)
    assert (first, again, other) == ("no. 1", "no. 1", "no. 2")


def test_an_empty_key_is_not_remembered(session, world, now):
    made = iter("ab")
    results = [submissions.once("x", "", lambda: next(made), actor=world.claims1, now=now) for _ in range(2)]
    assert results == ["a", "b"]


def queue(world, now, dedupe="k"):
    recipient = notices.user_recipient(world.claims1)
    return notices.queue("claim_assigned", recipient, {"number": "1"}, dedupe=dedupe, now=now)


def test_a_notice_goes_to_the_inbox_and_by_mail_and_only_once(session, world, now):
    world.claims1.email = "claims1@desk.example"
    assert {notice.channel for notice in queue(world, now)} == {Channel.IN_APP, Channel.MAIL}
    session.flush()
    assert queue(world, now) == []
    assert session.scalar(select(func.count()).select_from(Notice)) == 2
    assert notices.unread_count(world.claims1) == 1
    notices.mark_read(world.claims1, None, now=now)
    assert notices.unread_count(world.claims1) == 0


def test_a_due_mail_is_taken_by_one_worker(session, world, now):
    world.claims1.email = "claims1@desk.example"
    queue(world, now)
    session.flush()
    taken = notices.claim_due_notice(now)
    assert taken is not None
    assert notices.claim_due_notice(now) is None
    assert notices.claim_due_notice(now + notices.TAKEN_FOR).id == taken.id


def test_failures_are_tried_again_later_and_given_up_loudly(session, world, now):
    world.claims1.email = "claims1@desk.example"
    queue(world, now)
    session.flush()
    notice = notices.claim_due_notice(now)
    delays = []
    while notice.state is NoticeState.QUEUED:
        notices.record_failed(notice, "451 later", permanent=False, now=now)
        delays.append(notice.next_try_at and (notice.next_try_at - now) // timedelta(minutes=1))
    assert delays == [*notices.RETRY_MINUTES, None]
    assert notice.state is NoticeState.FAILED


def test_one_process_holds_the_lease_until_it_stops_renewing(session, now):
    assert leases.take_or_renew("a", now=now)
    assert not leases.take_or_renew("b", now=now)
    assert leases.take_or_renew("a", now=now + leases.LASTS)
    assert not leases.take_or_renew("b", now=now + leases.LASTS)
    assert leases.take_or_renew("b", now=now + 2 * leases.LASTS + timedelta(seconds=1))
    leases.give_up("b", now=now)
    assert leases.take_or_renew("c", now=now)
