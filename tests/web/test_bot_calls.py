"""Bots that hear: a signed call makes a contact whose owner is named in the group; all else finds no such address."""

import time
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel, EnquiryRepeat
from service_desk.models.mailboxes import ReceivedChat
from service_desk.models.notices import MessageChannel, Notice
from service_desk.models.users import User
from service_desk.rules.hooks import HookKind
from service_desk.rules.notice_subjects import NoticeSubject
from service_desk.rules.permissions import Side
from service_desk.services import sla
from service_desk.services.notices import channels
from service_desk.services.notices.channels import ChannelDetails
from service_desk.web.api import bots
from service_desk.web.throttle import Throttle
from tests import bot_vendors as vendors
from tests.bot_vendors import Sent
from tests.claim_cases import reported_claim
from tests.world import World

ADDRESS = {
    HookKind.WECOM: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7abc-4bc4-97a0-0ec2sifa5aaa",
    HookKind.DINGTALK: "https://oapi.dingtalk.com/robot/send?access_token=0123456789",
    HookKind.FEISHU: "https://open.feishu.cn/open-apis/bot/v2/hook/0123456789",
    HookKind.WEBHOOK: "https://hooks.client.example/desk",
}
KEYS = {
    HookKind.WECOM: {
        "inbound_token": vendors.TOKEN,
        "inbound_key": vendors.AES_KEY,
        "inbound_receiver": vendors.CORP,
    },
    HookKind.DINGTALK: {"inbound_key": vendors.APP_SECRET},
    HookKind.FEISHU: {"inbound_token": vendors.TOKEN, "inbound_key": vendors.ENCRYPT_KEY},
    HookKind.WEBHOOK: {"inbound_key": vendors.WEBHOOK_KEY},
}
WORDS = "豫A12345 保单号是多少"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, world: World, now) -> None:
    monkeypatch.setattr(bots, "_throttle", Throttle(limit=50, seconds=60))
    sla.install_defaults(now)


@pytest.fixture
def add(world: World, now):
    def add_channel(kind: HookKind = HookKind.WEBHOOK, *, hears: bool = True, **other) -> MessageChannel:
        values = {"audience": Side.CLIENT, "is_active": True, **(KEYS[kind] if hears else {}), **other}
        details = ChannelDetails(
            kind,
            "巩义客运群",
            "zh",
            (NoticeSubject.CLAIMS,),
            url=ADDRESS[kind],
            secret=vendors.WEBHOOK_KEY,
            hears=hears,
            **values,
        )
        channel = channels.add_channel(world.account.id, details, actor=world.manager, now=now)
        db.session.commit()
        return channel

    return add_channel


def post(client: FlaskClient, channel: MessageChannel, sent: Sent):
    path = f"/api/bots/{channel.inbound_ref}"
    return client.post(path, query_string=sent.query, headers=sent.headers, data=sent.body)


def at() -> int:
    return int(time.time())


def said(kind: HookKind) -> Sent:
    return {
        HookKind.WECOM: lambda: vendors.wecom(vendors.wecom_text(f"@服务台 {WORDS}"), at()),
        HookKind.DINGTALK: lambda: vendors.dingtalk(WORDS, at()),
        HookKind.FEISHU: lambda: vendors.feishu(vendors.feishu_words(WORDS), at()),
        HookKind.WEBHOOK: lambda: vendors.webhook(WORDS, at()),
    }[kind]()


def contacts() -> list[Enquiry]:
    return list(db.session.scalars(select(Enquiry).where(Enquiry.channel == EnquiryChannel.BOT)))


@pytest.mark.parametrize("kind", list(HookKind))
def test_what_is_said_becomes_a_contact_and_the_group_is_told_its_owner(
    add, client: FlaskClient, world: World, app, kind: HookKind
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    channel = add(kind)

    assert post(client, channel, said(kind)).status_code == 200

    enquiry = contacts()[0]
    assert (enquiry.account_id, enquiry.subject) == (world.account.id, WORDS)
    owner = db.session.get_one(User, enquiry.owner_id)
    told = db.session.scalars(select(Notice).where(Notice.channel_id == channel.id)).one()
    assert (told.kind, told.params["number"]) == ("chat_taken", enquiry.number)
    assert told.params["owner"] == {"name": owner.name, "staff_no": owner.staff_no, "phone": owner.phone}
    assigned = db.session.scalars(
        select(Notice).where(Notice.kind == "enquiry_assigned").order_by(Notice.id)
    ).all()
    assert {notice.user_id for notice in assigned} == {owner.id}


def test_what_is_said_while_nobody_is_at_the_desk_is_kept_for_a_manager(
    add, client: FlaskClient, world: World
) -> None:
    channel = add()
    for user in (world.underwriter, world.claims1, world.claims2):
        user.is_active = False
    db.session.commit()
    assert post(client, channel, vendors.webhook(WORDS, at())).status_code == 200
    assert [one.owner_id for one in contacts()] == [world.manager.id]


def test_the_same_event_makes_one_contact(add, client: FlaskClient) -> None:
    channel = add()
    sent = vendors.webhook(WORDS, at())
    assert [post(client, channel, sent).status_code for _ in range(2)] == [200, 200]
    # Signed anew, and still the same event.
    assert post(client, channel, vendors.webhook("别的", at() - 1)).status_code == 200
    assert len(contacts()) == 1
    assert (
        len(db.session.scalars(select(Notice).where(Notice.kind == "chat_taken").order_by(Notice.id)).all())
        == 1
    )


def test_all_that_is_not_the_vendors_finds_no_such_address(
    add, client: FlaskClient, world: World, now
) -> None:
    channel = add()
    unknown = client.post("/api/bots/unknown", data=b"{}")
    wrong = vendors.webhook(WORDS, at())
    wrong.headers["Service-Desk-Signature"] = "v1=00"
    old = vendors.webhook(WORDS, at() - 400)
    answers = [post(client, channel, one) for one in (wrong, old, Sent(b"", {}, {}), Sent(b"\xff", {}, {}))]
    answers += [client.get(f"/api/bots/{channel.inbound_ref}"), client.get("/api/bots/unknown")]
    channel.is_active = False
    db.session.commit()
    answers.append(post(client, channel, vendors.webhook(WORDS, at())))

    assert unknown.status_code == 404
    known = {(unknown.status_code, unknown.json["error"]["message"])}
    assert {(one.status_code, one.json["error"]["message"]) for one in answers} == known
    assert contacts() == []


def test_a_channel_that_does_not_hear_has_no_address(add) -> None:
    assert add(hears=False).inbound_ref is None


def test_wecom_is_answered_what_it_asked(add, client: FlaskClient) -> None:
    sent = vendors.wecom("1616140317555161061", at(), is_question=True)
    answer = client.get(f"/api/bots/{add(HookKind.WECOM).inbound_ref}", query_string=sent.query)
    assert (answer.status_code, answer.text) == (200, "1616140317555161061")


def test_feishu_is_answered_what_it_asked(add, client: FlaskClient) -> None:
    answer = post(client, add(HookKind.FEISHU), vendors.feishu(vendors.feishu_question(), at()))
    assert answer.json == {"challenge": "ajls384kdjx98XX"}


def test_what_is_too_large_or_too_often_is_not_read(add, client: FlaskClient, monkeypatch) -> None:
    channel = add()
    assert post(client, channel, vendors.webhook("长" * 300_000, at())).status_code == 413
    monkeypatch.setattr(bots, "_throttle", Throttle(limit=1, seconds=60))
    assert [client.post("/api/bots/x").status_code for _ in range(2)] == [404, 429]
    assert contacts() == []


def test_a_picture_is_taken_and_makes_nothing(add, client: FlaskClient) -> None:
    sent = vendors.dingtalk("x", at(), msgtype="picture")
    assert post(client, add(HookKind.DINGTALK), sent).status_code == 200
    assert contacts() == []


def test_one_conversation_is_one_contact_with_one_owner(add, client: FlaskClient) -> None:
    channel = add()
    post(client, channel, vendors.webhook(WORDS, at()))
    post(client, channel, vendors.webhook("下午还要用", at(), number="evt-2"))
    assert len(contacts()) == 1
    assert db.session.scalars(select(EnquiryRepeat.words)).all() == ["下午还要用"]
    chat = db.session.scalars(select(ReceivedChat).order_by(ReceivedChat.id)).all()
    assert [one.matter_number for one in chat] == [contacts()[0].number] * 2
    # An hour later it is another.
    chat[0].at = chat[1].at = chat[1].at - timedelta(hours=2)
    db.session.commit()
    post(client, channel, vendors.webhook("还有一件事", at(), number="evt-3"))
    assert len(contacts()) == 2


def test_a_claim_named_in_the_clients_group_has_the_contact_beside_it(
    add, client: FlaskClient, world: World, now
) -> None:
    claim = reported_claim(world, now)
    post(client, add(), vendors.webhook(f"{claim.number} 何时赔付", at()))
    assert (contacts()[0].claim_id, contacts()[0].owner_id) == (claim.id, claim.owner_id)


def test_a_group_of_our_own_joins_nothing_by_a_number(add, client: FlaskClient, world: World, now) -> None:
    claim = reported_claim(world, now)
    post(client, add(audience=Side.INSURER), vendors.webhook(f"{claim.number} 何时赔付", at()))
    assert contacts()[0].claim_id is None


def test_another_accounts_matter_is_not_named(add, client: FlaskClient, world: World, now) -> None:
    claim = reported_claim(world, now)
    channel = add()
    channel.account_id = world.foreign_account.id
    db.session.commit()
    # Nobody works at that desk: kept for who answers for it, and nothing is known of the claim.
    answer = post(client, channel, vendors.webhook(f"{claim.number} 何时赔付", at()))
    assert answer.status_code == 200
    assert claim.number not in answer.text
    [contact] = contacts()
    assert (contact.account_id, contact.claim_id) == (world.foreign_account.id, None)


def test_a_manager_lets_a_bot_hear_and_its_keys_are_never_shown(add, sign_in, world: World) -> None:
    manager = sign_in("manager")
    typed = {
        "kind": "dingtalk",
        "name": "安全群",
        "url": ADDRESS[HookKind.DINGTALK],
        "language": "zh",
        "audience": "client",
        "subjects": ["claims"],
        "is_active": "y",
        "hears": "y",
    }
    assert manager.post("/channels/new", data=typed).status_code == 422
    assert manager.post("/channels/new", data={**typed, "inbound_key": vendors.APP_SECRET}).status_code == 303
    channel = db.session.scalars(select(MessageChannel)).one()
    path = f"/channels/{channel.id}"
    page = manager.get(path).text
    assert f"/api/bots/{channel.inbound_ref}" in page
    assert vendors.APP_SECRET not in page
    # The key stays when its field is left empty; the address goes when the bot hears no more.
    again = {**typed, "url": "", "version": str(channel.version)}
    assert manager.post(path, data={**again, "name": "安全生产群"}).status_code == 303
    db.session.refresh(channel)
    assert channel.inbound_key == vendors.APP_SECRET
    deaf = {name: value for name, value in again.items() if name != "hears"}
    assert manager.post(path, data={**deaf, "version": str(channel.version)}).status_code == 303
    db.session.refresh(channel)
    assert (channel.inbound_ref, channel.inbound_key) == (None, "")
