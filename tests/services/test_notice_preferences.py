"""What people want mailed and when: at once, in a digest or not at all, and never in their quiet hours but for what cannot wait."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Invalid
from service_desk.jobs import notice_delivery, notice_digests
from service_desk.jobs.runner import Tally
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.rules.notice_subjects import DIGEST, MailChoice, NoticeSubject
from service_desk.services import notices
from service_desk.services.notices import bounces, preferences
from service_desk.services.notices.preferences import Preferences
from service_desk.services.notices.queueing import Recipient
from tests.jobs.test_notice_delivery import configured
from tests.world import World

# Half past eleven at night in Zhengzhou.
NIGHT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
SEVEN = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def wish(
    user: User, now: datetime, *, quiet: bool = False, digest_at: time = time(8), **choices: str
) -> None:
    """Save what a person wants, as their page does."""
    kept, version = preferences.get_preferences(user)
    wanted = Preferences(
        {**kept.choices, **{NoticeSubject(name): MailChoice(one) for name, one in choices.items()}},
        time(22) if quiet else None,
        time(7) if quiet else None,
        digest_at,
    )
    preferences.save_preferences(wanted, version, actor=user, now=now)
    db.session.commit()


def tell(kind: str, user: User, now: datetime, number: int = 1) -> Notice | None:
    """Tell a person, and return the mail."""
    params = {"url": f"/claims/{number}", "number": str(number), "plate": "豫A12345", "amount_fen": 1}
    notices.queue_many(
        [notices.Message(kind, notices.user_recipient(user), params, f"{kind}:{number}", account_id=None)],
        now=now,
    )
    db.session.commit()
    return mail_of(kind, number)


def mail_of(kind: str, number: int) -> Notice | None:
    statement = select(Notice).where(
        Notice.kind == kind, Notice.channel == Channel.MAIL, Notice.dedupe_key.startswith(f"{kind}:{number}:")
    )
    return db.session.scalar(statement.execution_options(populate_existing=True))


def in_app(kind: str) -> int:
    statement = select(Notice).where(Notice.kind == kind, Notice.channel == Channel.IN_APP)
    return len(db.session.scalars(statement).all())


def test_quiet_hours_put_mails_off_to_their_end_but_never_large_losses_and_breaches(
    world: World, now: datetime
) -> None:
    wish(world.hq, now, quiet=True)

    put_off = tell("claim_paid", world.hq, NIGHT)
    assert put_off.next_try_at == SEVEN
    assert tell("claim_paid", world.hq, SEVEN, 2).next_try_at == SEVEN
    for kind in ("large_loss", "clock_breach", "clock_warning", "clock_escalation", "clock_digest"):
        assert tell(kind, world.hq, NIGHT).next_try_at == NIGHT, kind
    # The inbox waits for nothing, and who has said nothing gets everything at once.
    assert in_app("claim_paid") == 2
    assert tell("claim_paid", world.safety_gongyi, NIGHT, 3).next_try_at == NIGHT
    notices.queue("claim_paid", Recipient("周敏", world.hq.email, "zh"), {}, dedupe="contact", now=NIGHT)
    [contact] = db.session.scalars(
        select(Notice).where(Notice.dedupe_key.startswith("contact:")).order_by(Notice.id)
    )
    assert contact.next_try_at == NIGHT


def test_no_retry_and_no_end_of_an_outage_wakes_anybody(app, world: World, now: datetime, tmp_path) -> None:
    put_off = tell("claim_paid", world.hq, now)
    tell("clock_breach", world.hq, now)
    put_off.tries = 2
    wish(world.hq, now, quiet=True)

    # The desk stood still since the morning.
    with configured(app, instance_dir=tmp_path):
        notice_delivery.run(NIGHT)
        waiting = mail_of("claim_paid", 1)
        assert (waiting.state, waiting.next_try_at, waiting.tries) == (NoticeState.QUEUED, SEVEN, 2)
        assert mail_of("clock_breach", 1).tries == 1
        notice_delivery.run(SEVEN)
    assert mail_of("claim_paid", 1).tries == 3


def test_quiet_hours_go_by_the_clock_of_the_persons_account(world: World, now: datetime) -> None:
    """23:30 in Zhengzhou is 10:30 in New York, where nobody sleeps."""
    world.account.zone = "America/New_York"
    wish(world.hq, now, quiet=True)

    assert tell("claim_paid", world.hq, NIGHT).next_try_at == NIGHT


def test_only_in_the_app_means_no_mail_and_urgent_subjects_have_no_digest(
    world: World, now: datetime
) -> None:
    wish(world.hq, now, claims="in_app", large_losses="in_app")

    assert tell("claim_paid", world.hq, now) is None
    assert tell("large_loss", world.hq, now) is None
    assert (in_app("claim_paid"), in_app("large_loss")) == (1, 1)
    # What was to go by mail alone is not lost, nor shown twice; a gathering of what is shown anyhow is.
    wish(world.hq, now, reports="in_app", clocks="in_app")
    by_mail = [
        notices.Message(kind, notices.user_recipient(world.hq), {}, kind, channels=(Channel.MAIL,))
        for kind in ("report_monthly_cases", "clock_digest")
    ]
    for _ in range(2):
        notices.queue_many(by_mail, now=now)
        db.session.commit()
    assert (in_app("report_monthly_cases"), in_app("clock_digest")) == (1, 0)
    assert mail_of("report_monthly_cases", 1) is None
    for subject in ("large_losses", "clocks"):
        with pytest.raises(Invalid, match="choice_not_offered"):
            wish(world.hq, now, **{subject: "digest"})
    # The client side has nothing to choose about the desk's own matters.
    with pytest.raises(Invalid, match="choice_not_offered"):
        wish(world.hq, now, system="in_app")
    wish(world.claims1, now, system="in_app")


def test_a_digest_tells_once_a_day_what_was_held_and_marks_it_sent(
    app, world: World, now: datetime, tmp_path
) -> None:
    wish(world.hq, now, claims="digest", digest_at=time(18))
    held = [tell("claim_paid", world.hq, now + number * HOUR, number) for number in (1, 2)]
    assert {(one.state, one.next_try_at) for one in held} == {(NoticeState.HELD, None)}
    tell("enquiry_answered", world.hq, now)
    at_six = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

    assert notice_digests.run(at_six - timedelta(seconds=1)) == Tally()
    assert notice_digests.run(at_six) == Tally(done=1)
    assert notice_digests.run(at_six + HOUR) == Tally()
    # What comes after today's digest waits for tomorrow's.
    late = tell("claim_paid", world.hq, at_six + HOUR, 3)
    assert notice_digests.run(at_six + 2 * HOUR) == Tally()

    [digest] = db.session.scalars(select(Notice).where(Notice.kind == DIGEST).order_by(Notice.id))
    assert (digest.channel, digest.user_id, digest.params["count"]) == (Channel.MAIL, world.hq.id, 2)
    words = mail.render(digest, base_url="https://desk.example")
    assert words.subject == "今日消息汇总 2 条"
    for one in held:
        assert f"https://desk.example{one.params['url']}" in words.text
        assert mail_of("claim_paid", int(one.params["number"])).state is NoticeState.HELD
    with configured(app, instance_dir=tmp_path):
        notice_delivery.run(at_six + 2 * HOUR)
    for one in held:
        told = mail_of("claim_paid", int(one.params["number"]))
        assert (told.state, told.sent_at, told.digest_id) == (NoticeState.SENT, at_six + 2 * HOUR, digest.id)
    db.session.refresh(late)
    assert late.state is NoticeState.HELD
    assert notice_digests.run(at_six + 24 * HOUR) == Tally(done=1)


def test_what_a_digest_that_did_not_arrive_was_to_tell_stands_in_the_next(
    world: World, now: datetime
) -> None:
    wish(world.hq, now, claims="digest")
    held = tell("claim_paid", world.hq, now)
    day = 24 * HOUR
    assert notice_digests.run(now + day) == Tally(done=1)
    [first] = db.session.scalars(select(Notice).where(Notice.kind == DIGEST).order_by(Notice.id))
    assert notice_digests.run(now + 2 * day) == Tally()

    notices.record_failed(first, "554 refused", permanent=True, now=now + 2 * day)
    db.session.commit()
    # An address that takes no mail at all is not written to day by day.
    bounces.mark(first, "550 5.1.1 no such user", now=now + 2 * day)
    db.session.commit()
    assert notice_digests.run(now + 2 * day) == Tally()
    bounces.forget(first.address)
    db.session.commit()
    assert notice_digests.run(now + 2 * day) == Tally(done=1)

    db.session.refresh(held)
    second = db.session.get_one(Notice, held.digest_id)
    assert (held.state, second.kind, second.params["notice_ids"]) == (NoticeState.HELD, DIGEST, [held.id])
    assert second.id != first.id


def test_of_several_schedulers_one_makes_the_digest(app, world: World, now: datetime) -> None:
    wish(world.hq, now, claims="digest")
    tell("claim_paid", world.hq, now)
    at = now + 24 * HOUR

    def work(_: int) -> Tally:
        with app.app_context():
            return notice_digests.run(at)

    with ThreadPoolExecutor(3) as pool:
        tallies = sum(pool.map(work, range(3)), Tally())

    # What this session read before is an older state.
    db.session.rollback()
    assert (tallies.failed, tallies.done > 0) == (0, True)
    assert (
        len(db.session.scalars(select(Notice.id).where(Notice.kind == DIGEST).order_by(Notice.id)).all()) == 1
    )


def test_a_digest_made_late_keeps_the_quiet_hours_and_what_was_taken_back_is_not_told(
    world: World, now: datetime
) -> None:
    wish(world.hq, now, quiet=True, claims="digest", digest_at=time(18))
    matter = notices.Matter("claim", 1, "CLM-2026-000001", world.account.id)
    told = notices.Message(
        "claim_paid", notices.user_recipient(world.hq), {"number": "1", "plate": "x"}, "taken", matter
    )
    notices.queue_many([told], now=now)
    tell("claim_paid", world.hq, now)

    # The scheduler was away until half past eleven at night.
    assert notice_digests.run(NIGHT) == Tally(done=1)
    notices.take_back("taken", matter=matter, now=NIGHT)

    [digest] = db.session.scalars(select(Notice).where(Notice.kind == DIGEST).order_by(Notice.id))
    assert digest.next_try_at == SEVEN
    assert "CLM-2026-000001" not in mail.render(digest, base_url="").text
    assert mail.render(digest, base_url="").text.count("/claims/1") == 1


def test_nobody_without_a_login_or_an_address_makes_a_digest_fail(world: World, now: datetime) -> None:
    wish(world.hq, now, claims="digest")
    wish(world.manager, now, claims="digest")
    for user in (world.hq, world.manager):
        tell("claim_paid", user, now, user.id)
    world.hq.is_active = False
    world.manager.email = ""
    db.session.commit()

    assert notice_digests.run(now + 24 * HOUR) == Tally()


@pytest.mark.parametrize(
    ("quiet_from", "quiet_until", "digest_at", "code", "field"),
    [
        (time(22), None, time(8), "quiet_hours_half", "quiet_until"),
        (None, time(7), time(8), "quiet_hours_half", "quiet_from"),
        (time(7), time(7), time(8), "quiet_hours_empty", "quiet_until"),
        (time(22), time(7), time(6, 59), "digest_in_quiet_hours", "digest_at"),
    ],
)
def test_hours_that_contradict_themselves_are_refused(
    world: World, now: datetime, quiet_from, quiet_until, digest_at, code, field
) -> None:
    with pytest.raises(Invalid) as caught:
        preferences.save_preferences(
            Preferences({}, quiet_from, quiet_until, digest_at), 0, actor=world.hq, now=now
        )
    assert (caught.value.code, caught.value.field) == (code, field)


def test_settings_are_ones_own_and_a_stale_page_overwrites_nothing(world: World, now: datetime) -> None:
    wish(world.hq, now, quiet=True)

    with pytest.raises(Conflict, match="stale"):
        preferences.save_preferences(Preferences({}, None, None, time(9)), 0, actor=world.hq, now=now)
    kept, _version = preferences.get_preferences(world.hq)
    assert kept.quiet_from == time(22)
    assert preferences.get_preferences(world.manager)[0].quiet_from is None
    assert (
        "notice_preferences_changed"
        in db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    )
