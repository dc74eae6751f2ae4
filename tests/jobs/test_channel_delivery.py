"""Bots and webhooks end to end: what happens on the desk is asked of a real endpoint, once, and every answer counts."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.jobs import notice_delivery, sla_sweep
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.notices import (
    Channel,
    DeliveryTry,
    FailReason,
    MessageChannel,
    Notice,
    NoticeState,
)
from service_desk.models.sla import Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.hooks import HookKind
from service_desk.rules.notice_subjects import NoticeSubject
from service_desk.rules.permissions import Side
from service_desk.services import notices, sla
from service_desk.services.notices import TAKEN_FOR, Matter, channels
from service_desk.services.notices.channels import ChannelDetails
from tests.hook_server import HookServer, hook_server
from tests.jobs.smtp_server import mail_server
from tests.jobs.test_notice_delivery import configured
from tests.world import World

MINUTE = timedelta(minutes=1)
SECRET = "0123456789abcdef"


@pytest.fixture
def server() -> Iterator[HookServer]:
    with hook_server() as running:
        yield running


@pytest.fixture
def add(world: World, server: HookServer, now: datetime):
    """Add a channel of the account to the endpoint."""

    def add_channel(
        kind: HookKind = HookKind.WECOM,
        *subjects: NoticeSubject,
        url: str = "",
        name: str = "理赔群",
        audience: Side = Side.INSURER,
    ) -> MessageChannel:
        details = ChannelDetails(
            kind,
            name,
            "zh",
            subjects or (NoticeSubject.CLOCKS,),
            is_active=True,
            audience=audience,
            url=url or server.url,
            secret=SECRET,
        )
        channel = channels.add_channel(world.account.id, details, actor=world.manager, now=now)
        db.session.commit()
        return channel

    return add_channel


@pytest.fixture
def breach(world: World, now: datetime):
    """Let the survey clock of claim number n break, and say so: what waits for channels then."""
    sla.install_defaults(now)
    # Only channels are looked at here.
    world.claims1.email = world.manager.email = ""

    def break_clock(*numbers: int) -> list[Notice]:
        for number in numbers:
            matter = Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id, world.gongyi.id)
            sla.start(
                matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=world.claims1, now=now
            )
        db.session.commit()
        sla_sweep.run(now + 61 * MINUTE)
        return to_channels()

    return break_clock


def to_channels() -> list[Notice]:
    db.session.rollback()
    statement = select(Notice).where(Notice.channel_id.is_not(None)).order_by(Notice.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def alarms(kind: str) -> list[Notice]:
    db.session.rollback()
    return list(db.session.scalars(select(Notice).where(Notice.kind == kind).order_by(Notice.id)))


def test_a_breach_reaches_the_groups_bot_once_and_only_where_it_is_wanted(
    add, breach, server: HookServer, world: World, now: datetime
) -> None:
    add()
    add(HookKind.WECOM, NoticeSubject.REPORTS, name="报表群")
    # The client is not told of breaches, so its group is not either.
    add(HookKind.WECOM, name="客户群", audience=Side.CLIENT)
    foreign = MessageChannel(
        account_id=world.foreign_account.id,
        kind=HookKind.WECOM,
        name="别家",
        hook_url=server.url,
        subjects=[NoticeSubject.CLOCKS],
        created_at=now,
    )
    db.session.add(foreign)

    [_notice] = breach(7)
    later = now + 62 * MINUTE
    assert notice_delivery.run(later) == Tally(done=1)
    assert notice_delivery.run(later + MINUTE) == Tally()

    [asked] = server.asked
    assert asked.json["msgtype"] == "markdown"
    text = asked.json["markdown"]["content"]
    assert text.startswith("**CLM-2026-000007 查勘已超时 · 郑州联运集团**\n\n")
    assert "\n经办人：王建军 · " in text
    assert text.endswith((f"/breaches/{_timer().id})", "/claims/CLM-2026-000007)"))
    [sent] = to_channels()
    assert (sent.state, sent.channel, sent.matter_number) == (
        NoticeState.SENT,
        Channel.WECOM,
        "CLM-2026-000007",
    )
    # Both people have it in the app all the same.
    told = select(Notice.user_id).where(Notice.kind == "clock_breach", Notice.channel == Channel.IN_APP)
    assert set(db.session.scalars(told)) == {world.claims1.id, world.manager.id}


def _timer() -> Timer:
    return db.session.scalars(select(Timer).where(Timer.step == ClockStep.SURVEY)).one()


def test_a_crowded_bot_is_asked_again_after_a_minute_and_a_vanished_one_never(
    add, breach, server: HookServer, world: World, now: datetime
) -> None:
    add()
    server.answer({"errcode": 45009, "errmsg": "api freq out of limit"})
    breach(1, 2, 3)
    at = now + 62 * MINUTE

    assert notice_delivery.run(at) == Tally(failed=1)
    assert {notice.next_try_at for notice in to_channels()} == {at + MINUTE}
    assert notice_delivery.run(at + timedelta(seconds=59)) == Tally()
    assert notice_delivery.run(at + MINUTE) == Tally(done=3)
    assert len(server.asked) == 4

    server.answer({"errcode": 93000, "errmsg": "invalid webhook url"})
    server.answer({"errcode": 93000, "errmsg": "invalid webhook url"})
    breach(4, 5)
    assert notice_delivery.run(at + 5 * MINUTE) == Tally(failed=2)
    lost = to_channels()[3:]
    assert {(one.state, one.fail_reason, one.tries) for one in lost} == {
        (NoticeState.FAILED, FailReason.REFUSED, 1)
    }
    assert (
        "93000"
        in db.session.scalars(select(DeliveryTry.detail).where(DeliveryTry.notice_id == lost[0].id)).one()
    )
    # Its manager hears of it once a day, in the app, where nothing can fail.
    [alarm] = alarms("channel_undelivered")
    assert (alarm.user_id, alarm.channel) == (world.manager.id, Channel.IN_APP)
    assert alarm.params["name"] == "理赔群"


def test_many_that_wait_for_a_bot_come_as_one_list_and_a_poisoned_one_costs_the_others_nothing(
    add, breach, server: HookServer, now: datetime
) -> None:
    add()
    waiting = breach(*range(1, 9))
    waiting[2].params = {"url": "/nowhere"}
    db.session.commit()

    server.answer({"errcode": 45009})
    assert notice_delivery.run(now + 62 * MINUTE) == Tally(failed=8)
    # The group's limit is no fault of any of them: only the first bears the try.
    assert [one.tries for one in to_channels()] == [1, 0, 1, 0, 0, 0, 0, 0]
    assert notice_delivery.run(now + 63 * MINUTE) == Tally(done=7)

    _busy, asked = server.asked
    text = asked.json["markdown"]["content"]
    assert text.startswith("**服务台消息 7 条 · 郑州联运集团**")
    assert [f"CLM-2026-{number:06d}" in text for number in range(1, 9)] == [True] * 2 + [False] + [True] * 5
    assert [one.state for one in to_channels()].count(NoticeState.SENT) == 7
    assert to_channels()[2].state is NoticeState.SET_ASIDE


def test_a_webhook_gets_each_by_itself_signed_and_a_repeat_has_the_same_id(
    add, breach, server: HookServer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(HookKind.WEBHOOK)
    breach(1)
    at = now + 62 * MINUTE

    def die(*_args: object, **_values: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(notices, "record_sent", die)
        with pytest.raises(SystemExit):
            notice_delivery.run(at)
    assert notice_delivery.run(at + TAKEN_FOR - MINUTE) == Tally()
    assert notice_delivery.run(at + TAKEN_FOR) == Tally(done=1)

    first, second = server.asked
    assert first.headers["Service-Desk-Id"] == second.headers["Service-Desk-Id"] == first.json["id"]
    stamp = second.headers["Service-Desk-Timestamp"]
    # The receiver's side, as the operations guide tells it.
    assert abs((at + TAKEN_FOR).timestamp() - int(stamp)) <= 300
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + second.body, hashlib.sha256).hexdigest()
    assert second.headers["Service-Desk-Signature"] == f"v1={expected}"
    assert json.loads(second.body)["kind"] == "clock_breach"


def test_several_workers_ask_once_for_each_message(
    app: Flask, add, breach, server: HookServer, now: datetime
) -> None:
    add(HookKind.WEBHOOK)
    breach(*range(1, 9))

    def work(_: int) -> Tally:
        with app.app_context():
            return notice_delivery.run(now + 62 * MINUTE)

    with ThreadPoolExecutor(3) as pool:
        tallies = list(pool.map(work, range(3)))

    assert sum(tallies, Tally()) == Tally(done=8)
    assert sorted(asked.json["number"] for asked in server.asked) == [
        f"CLM-2026-{number:06d}" for number in range(1, 9)
    ]


def test_a_dead_mail_server_stops_no_bot_and_a_dead_bot_no_mail_nor_another_bot(
    app: Flask, add, breach, server: HookServer, world: World, now: datetime
) -> None:
    add(HookKind.WEBHOOK, name="活")
    add(HookKind.WEBHOOK, url=f"{server.url}&dead", name="死")
    world.manager.email = "manager@desk.example"
    server.answer(b"", status=500)
    breach(1, 2)
    with mail_server() as gone:
        settings = gone.settings

    with configured(app, smtp=settings):
        # Of each, the first refusal ends what is tried there in this run.
        assert notice_delivery.run(now + 62 * MINUTE) == Tally(done=2, failed=2)

    states = [(one.recipient_name, one.state, one.tries) for one in to_channels()]
    assert sorted(states, key=str) == sorted(
        [
            ("活" if server.asked[0].path.endswith("97a0") else "死", NoticeState.QUEUED, 1),
            ("活" if server.asked[0].path.endswith("97a0") else "死", NoticeState.QUEUED, 0),
            ("死" if server.asked[0].path.endswith("97a0") else "活", NoticeState.SENT, 1),
            ("死" if server.asked[0].path.endswith("97a0") else "活", NoticeState.SENT, 1),
        ],
        key=str,
    )


def test_a_paused_channel_gets_nothing_but_a_test(
    add, breach, server: HookServer, world: World, now: datetime
) -> None:
    channel = add()
    breach(1)
    details = ChannelDetails(HookKind.WECOM, "理赔群", "zh", (NoticeSubject.CLOCKS,), is_active=False)
    channels.change_channel(channel.id, details, channel.version, actor=world.manager, now=now)
    db.session.commit()
    breach(2)

    channels.try_channel(channel.id, actor=world.manager, now=now)
    db.session.commit()
    assert notice_delivery.run(now + 62 * MINUTE) == Tally(done=1)

    [asked] = server.asked
    assert "推送渠道测试：理赔群" in asked.json["markdown"]["content"]
    states = {one.kind: (one.state, one.fail_reason) for one in to_channels()}
    assert states == {
        "clock_breach": (NoticeState.FAILED, FailReason.CHANNEL_OFF),
        "channel_test": (NoticeState.SENT, None),
    }


def test_the_clients_group_is_told_what_the_client_is_told_and_ours_the_same_once(
    add, server: HookServer, world: World, now: datetime
) -> None:
    add(HookKind.FEISHU, NoticeSubject.CLAIMS, name="客户群", audience=Side.CLIENT)
    add(HookKind.WEBHOOK, NoticeSubject.CLAIMS, name="系统")
    matter = Matter("claim", 7, "CLM-2026-000007", world.account.id, world.gongyi.id)
    basics = {
        "url": "/claims/CLM-2026-000007",
        "number": "CLM-2026-000007",
        "plate": "豫A12345",
        "loss_at": now.isoformat(),
        "place": "",
        "handler": "王建军",
        "handler_no": "1001",
        "handler_phone": "",
    }
    messages = [
        notices.Message(
            "claim_assigned", notices.user_recipient(user), basics | {"to_handler": to_handler}, "a:7", matter
        )
        for user, to_handler in ((world.claims1, True), (world.safety_gongyi, False), (world.hq, False))
    ]
    asked = notices.Message(
        "approval_asked",
        notices.user_recipient(world.manager),
        basics | {"amount_fen": 1, "asked_by": ""},
        "b:7",
        matter,
    )

    notices.queue_many([*messages, asked], now=now)
    notices.queue_many([*messages, asked], now=now)
    db.session.commit()

    told = {(one.recipient_name, one.kind): one.params.get("to_handler") for one in to_channels()}
    assert told == {
        ("客户群", "claim_assigned"): False,
        ("系统", "claim_assigned"): True,
        ("系统", "approval_asked"): None,
    }
